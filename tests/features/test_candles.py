"""Candle features: warm, dated, the same for the same input, and never invented."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.series import flat, random_series, walk
from tui_trader.features.candles import SimpleCandleFeatureComputer, input_hash
from tui_trader.features.indicators import DEFAULT_INDICATORS
from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.market_data.series import CandleSeries

COMPUTER = SimpleCandleFeatureComputer()
NEEDED = {
    "close": 1,
    "ema_20": 20,
    "ema_50": 50,
    "rsi_14": 15,
    "macd": 26,
    "macd_signal": 34,
    "macd_histogram": 34,
    "bb_upper": 20,
    "bb_middle": 20,
    "bb_lower": 20,
    "atr_14": 15,
    "adx_14": 28,
    "volume_ratio": 21,
}


@pytest.mark.parametrize(("name", "candles"), NEEDED.items())
def test_a_feature_is_absent_until_it_has_its_candles(name: str, candles: int) -> None:
    series = walk(1, 60)
    assert name in COMPUTER.compute_series(series.slice(0, candles)).values
    if candles > 1:
        cold = COMPUTER.compute_series(series.slice(0, candles - 1))
        assert name not in cold.values
        assert cold.meta is not None
        assert name in cold.meta["missing"]


def test_nothing_is_missing_once_the_computer_is_warm() -> None:
    vector = COMPUTER.compute_series(walk(1, COMPUTER.warmup))
    assert COMPUTER.warmup == 50
    assert set(vector.values) == set(NEEDED)
    assert vector.meta is not None
    assert vector.meta["missing"] == []


def test_a_vector_says_what_it_was_computed_from() -> None:
    series = walk(1, 60)
    vector = COMPUTER.compute_series(series)
    assert vector.ts == int(series.ts[-1]) + 60_000
    assert vector.meta == {
        "interval": "1m",
        "group_by_key": "candles",
        "input_hash": input_hash(series),
        "missing": [],
        "candles": 60,
    }


@given(random_series(min_size=60, max_size=120), st.integers(1, 50))
@settings(max_examples=50, deadline=None)
def test_the_future_changes_no_feature(series: CandleSeries, cut: int) -> None:
    known = series.slice(0, len(series) - cut)
    doubled = series.close.copy()
    doubled[len(known) :] *= 2
    changed = replace(series, close=doubled).slice(0, len(known))
    assert COMPUTER.compute_series(known) == COMPUTER.compute_series(changed)


@given(random_series(max_size=80), st.sampled_from([1e-12, 1e-6, 1.0, 1e9, 1e300]))
@settings(max_examples=50, deadline=None)
def test_every_value_is_a_number_at_any_price(series: CandleSeries, unit: float) -> None:
    prices = (series.open, series.high, series.low, series.close)
    opens, high, low, close = (price * unit for price in prices)
    scaled = replace(series, open=opens, high=high, low=low, close=close)
    assert all(map(math.isfinite, COMPUTER.compute_series(scaled).values.values()))


def test_a_market_that_stands_still_has_no_rsi_instead_of_an_oversold_one() -> None:
    vector = COMPUTER.compute_series(flat(60, volume=0))
    assert vector.values["ema_20"] == vector.values["bb_upper"] == 5.0
    assert vector.meta is not None
    assert vector.meta["missing"] == ["rsi_14", "adx_14", "volume_ratio"]


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_candle_that_is_no_number_gives_no_features(column: str, value: float) -> None:
    series = walk(1, 60)
    values = getattr(series, column).copy()
    values[7] = value
    with pytest.raises(MarketDataError, match=f"X/Y 1m: the candle at {series.ts[7]} ms"):
        COMPUTER.compute_series(replace(series, **{column: values}))


def test_no_candles_are_no_features() -> None:
    with pytest.raises(MarketDataError, match="X/Y 1m: there is no closed candle"):
        COMPUTER.compute_series(walk(1, 60).slice(0, 0))


def test_the_hash_changes_with_any_input() -> None:
    series = walk(1, 60)
    hashes = {input_hash(series), input_hash(series.slice(1, 60)), input_hash(walk(2, 60))}
    hashes.add(input_hash(replace(series, interval="5m")))
    hashes.add(input_hash(replace(series, symbol="Y/X")))
    hashes.add(input_hash(replace(series, ts=series.ts + 1)))
    for column in ("open", "high", "low", "close", "volume"):
        values = getattr(series, column).copy()
        values[30] = np.nextafter(values[30], np.inf)
        hashes.add(input_hash(replace(series, **{column: values})))
    assert len(hashes) == 11


def test_the_hash_is_the_same_on_every_machine_and_for_a_copy() -> None:
    series = flat(3)
    big_endian = replace(series, ts=series.ts.astype(">i8"), close=series.close.astype(">f8"))
    assert input_hash(big_endian) == input_hash(series) == input_hash(flat(5).slice(0, 3))
    assert input_hash(series) == "d828f99f8121c0247b66d09cfff13771303b4ab33fd052e9598d7a5bee9ac44f"


def test_a_configured_indicator_joins_the_others_once() -> None:
    computer = SimpleCandleFeatureComputer([*DEFAULT_INDICATORS, "sma_100", "ema_20", "supertrend"])
    vector = computer.compute_series(walk(1, 100))
    assert computer.warmup == 100
    assert {"sma_100", "supert_7_3.0"} < set(vector.values)
    assert vector.meta is not None
    # The trailing stop stands on one side of the price at a time.
    assert len({"supertl_7_3.0", "superts_7_3.0"} & set(vector.meta["missing"])) == 1


def test_candles_of_several_symbols_give_a_vector_each() -> None:
    one, other = walk(1, 60), replace(walk(2, 30), symbol="A/B")
    first, second = COMPUTER.compute_features([*one.candles(), *other.candles()])
    assert first == COMPUTER.compute_series(one)
    assert second == COMPUTER.compute_series(other)
