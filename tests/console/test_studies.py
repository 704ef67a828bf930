"""The console's own indicators are the agent's."""

import numpy as np
import pytest
import talib

from tests.console import market
from tui_trader.console.charts import studies

CLOSES = [candle.close for candle in market.candles("BTC/USDT")]


def assert_equal(
    ours: studies.Series, theirs: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> None:
    for mine, reference in zip(ours, theirs, strict=True):
        if mine is None:
            assert np.isnan(reference)
        else:
            assert mine == pytest.approx(float(reference), rel=1e-9)


@pytest.mark.parametrize("period", [5, 20, 50])
def test_ema_is_talibs(period: int) -> None:
    assert_equal(studies.ema(CLOSES, period), talib.EMA(np.array(CLOSES), period))


def test_rsi_is_talibs() -> None:
    assert_equal(studies.rsi(CLOSES), talib.RSI(np.array(CLOSES), 14))


def test_macd_is_talibs_once_both_have_settled() -> None:
    line, signal = studies.macd(CLOSES)
    reference, reference_signal, _ = talib.MACD(np.array(CLOSES))
    assert line[-1] == pytest.approx(float(reference[-1]), rel=1e-4)
    assert signal[-1] == pytest.approx(float(reference_signal[-1]), rel=1e-3)


def test_too_little_history_is_unknown_and_a_still_market_is_neither_strong_nor_weak() -> None:
    assert studies.ema([1.0, 2.0], 3) == [None, None]
    assert studies.rsi([1.0] * 14) == [None] * 14
    assert studies.rsi([1.0] * 16)[-1] == 50.0
    assert studies.macd([1.0] * 10) == ([None] * 10, [None] * 10)
