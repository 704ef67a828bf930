"""Indicators against reference values from outside, and against a second library."""

import csv
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pandas_ta_classic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.series import flat, random_series, walk
from tui_trader.features import indicators
from tui_trader.features.indicators import DEFAULT_INDICATORS, indicator
from tui_trader.market_data.series import CandleSeries, FloatArray

CASES = Path(__file__).parents[3] / "shared" / "cases" / "04_indicators" / "stockindicators"
needs_cases = pytest.mark.skipif(not CASES.exists(), reason="the case files are not here")


def columns(name: str) -> Mapping[str, FloatArray]:
    with (CASES / name).open() as file:
        rows = list(csv.DictReader(file))
    return {
        column: np.array([float(row[column]) if row[column] else np.nan for row in rows])
        for column in rows[0]
        if column != "date"
    }


@pytest.fixture(scope="module")
def quotes() -> CandleSeries:
    table = columns("quotes_default.csv")
    ts = np.arange(len(table["close"]), dtype=np.int64) * 86_400_000
    return CandleSeries(
        "X/Y", "1d", ts, table["open"], table["high"], table["low"], table["close"], table["volume"]
    )


@needs_cases
@pytest.mark.parametrize(
    ("spec", "feature", "file", "column"),
    [
        ("ema_20", "ema_20", "ema.csv", "ema"),
        ("rsi_14", "rsi_14", "rsi.csv", "rsi"),
        ("atr_14", "atr_14", "atr.csv", "atr"),
        ("sma_20", "sma_20", "sma.csv", "sma"),
        ("stoch", "stoch_k", "stoch.csv", "oscillator"),
        ("stoch", "stoch_d", "stoch.csv", "signal"),
        ("obv", "obv", "obv.csv", "obv"),
        ("macd", "macd", "macd.csv", "macd"),
        ("macd", "macd_signal", "macd.csv", "signal"),
        ("macd", "macd_histogram", "macd.csv", "histogram"),
        ("bb", "bb_upper", "bb.csv", "upperBand"),
        ("bb", "bb_middle", "bb.csv", "sma"),
        ("bb", "bb_lower", "bb.csv", "lowerBand"),
    ],
)
def test_an_indicator_equals_the_reference_from_its_first_value_on(
    quotes: CandleSeries, spec: str, feature: str, file: str, column: str
) -> None:
    ours = values(spec, quotes)[feature]
    reference = columns(file)[column]
    assert np.array_equal(np.isnan(ours), np.isnan(reference))
    np.testing.assert_allclose(ours, reference, rtol=1e-9, atol=1e-9)


def values(spec: str | Mapping[str, object], series: CandleSeries) -> dict[str, FloatArray]:
    built = indicator(spec)
    return dict(zip(built.outputs, built.compute(series), strict=True))


@given(random_series(min_size=400, max_size=450))
@settings(max_examples=25, deadline=None)
def test_two_libraries_agree_once_warmed_up(series: CandleSeries) -> None:
    high, low, close = (pd.Series(each) for each in (series.high, series.low, series.close))
    bands = pandas_ta_classic.bbands(close, length=20, std=2)
    lines = pandas_ta_classic.macd(close)
    others = {
        "ema_50": pandas_ta_classic.ema(close, length=50),
        "rsi_14": pandas_ta_classic.rsi(close, length=14),
        "atr_14": pandas_ta_classic.atr(high, low, close, length=14),
        "adx_14": pandas_ta_classic.adx(high, low, close, length=14)["ADX_14"],
        "bb_upper": bands["BBU_20_2.0"],
        "bb_lower": bands["BBL_20_2.0"],
        "macd": lines["MACD_12_26_9"],
        "macd_signal": lines["MACDs_12_26_9"],
    }
    ours = {
        name: array for spec in DEFAULT_INDICATORS for name, array in values(spec, series).items()
    }
    for name, other in others.items():
        np.testing.assert_allclose(
            ours[name][200:], other.to_numpy()[200:], rtol=1e-4, atol=1e-5, err_msg=name
        )


@pytest.mark.parametrize(
    "spec", [*DEFAULT_INDICATORS, "sma_7", "stoch", "obv", {"kind": "macd", "fast": 30, "slow": 8}]
)
def test_warm_up_is_exactly_what_it_says(spec: str | Mapping[str, object]) -> None:
    series = walk(1, 120)
    outputs = indicator(spec).outputs
    for name, array in values(spec, series).items():
        known = np.isfinite(array)
        assert int(known.argmax()) == outputs[name] - 1, name
        assert known[outputs[name] - 1 :].all(), name
        assert len(array) == len(series)


@given(random_series(min_size=120, max_size=200), st.sampled_from(DEFAULT_INDICATORS))
@settings(max_examples=100, deadline=None)
def test_a_value_does_not_change_when_time_goes_on(series: CandleSeries, spec: str) -> None:
    then = values(spec, series.slice(0, 100))
    now = values(spec, series)
    for name, array in then.items():
        np.testing.assert_allclose(now[name][:100], array, rtol=1e-12)


def test_what_a_market_that_stands_still_can_not_tell_is_unknown() -> None:
    specs = (*DEFAULT_INDICATORS, "stoch", "obv")
    newest = {
        name: array[-1]
        for spec in specs
        for name, array in values(spec, flat(100, volume=0)).items()
    }
    known = {name: value for name, value in newest.items() if np.isfinite(value)}
    averages = ("ema_20", "ema_50", "bb_upper", "bb_middle", "bb_lower")
    still = ("macd", "macd_signal", "macd_histogram", "atr_14", "obv")
    assert known == dict.fromkeys(averages, 5.0) | dict.fromkeys(still, 0.0)
    assert set(newest) - set(known) == {"rsi_14", "adx_14", "stoch_k", "stoch_d", "volume_ratio"}


def test_a_price_that_only_falls_has_an_rsi_of_zero() -> None:
    falling = np.linspace(100, 50, 60)
    assert indicators.rsi(falling, 14)[-1] == 0.0
    assert indicators.rsi(np.concatenate((np.full(30, 100.0), falling)), 14)[-1] == 0.0


def test_volume_ratio_is_unknown_where_nothing_was_traded_before() -> None:
    volume = np.concatenate([np.full(30, 1e9), np.full(30, 0.1), np.zeros(20), [3.0]])
    ratio = indicators.volume_ratio(volume, 20)
    assert np.isnan(ratio[-1])
    assert ratio[59] == pytest.approx(1.0, rel=1e-12)


@given(random_series(min_size=60, max_size=80), st.sampled_from([1e-9, 1e-4, 1e6]))
@settings(max_examples=30, deadline=None)
def test_cheap_coins_have_the_same_rsi_as_dear_ones(series: CandleSeries, unit: float) -> None:
    np.testing.assert_allclose(
        indicators.rsi(series.close * unit, 14), indicators.rsi(series.close, 14), rtol=1e-9
    )


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("supertrnd", "did you mean supertrend"),
        ("volum_ratio_10", "did you mean volume_ratio"),
        ({"kind": "smaa"}, "sma"),
        ("sma_1", "length of sma must be a whole number of at least 2: 1"),
        ({"kind": "sma", "length": 3.5}, "whole number"),
        ({"kind": "bb", "std": 0}, "std of bb must be a number above 0"),
        ({"kind": "ema", "lenght": 9}, "'lenght' is no parameter of ema: did you mean length"),
        ({"kind": "supertrend", "lenght": 9}, "did you mean length"),
        ({"kind": "supertrend", "fillna": 0}, "'fillna' is no parameter of supertrend"),
        ({"kind": "supertrend", "length": "x"}, "can't compute supertrend"),
        ("supertrend_2000", "gives nothing in 1000 candles"),
        ("vp", "one value a candle"),
        ({"length": 3}, "names no indicator"),
        ("", "needs a name"),
    ],
)
def test_what_the_config_gets_wrong_is_said_with_what_is_near(
    spec: str | dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        indicator(spec)
    assert said in str(caught.value)


def test_parameters_that_are_not_the_usual_ones_stand_in_the_name() -> None:
    assert set(indicator({"kind": "macd", "fast": 5}).outputs) == {
        "macd_5_26_9",
        "macd_5_26_9_signal",
        "macd_5_26_9_histogram",
    }
    assert "bb_20_2.5_upper" in indicator({"kind": "bb", "std": 2.5}).outputs
    assert set(indicator("volume_ratio_10").outputs) == {"volume_ratio_10"}
    assert set(indicator("RSI_14").outputs) == {"rsi_14"}


@pytest.mark.parametrize(
    ("spec", "outputs"),
    [
        ("supertrend_7", ["supert_7_3.0", "supertd_7_3.0", "supertl_7_3.0", "superts_7_3.0"]),
        ({"kind": "cci", "length": 20}, ["cci_20_0.015"]),
        ("vwma_10", ["vwma_10"]),
        ("ichimoku", ["isa_9", "isb_26", "its_9", "iks_26", "ics_26"]),
    ],
)
def test_any_other_indicator_comes_by_its_pandas_ta_name(
    spec: str | dict[str, object], outputs: list[str]
) -> None:
    series = walk(1, 100)
    found = values(spec, series)
    assert list(found) == outputs
    assert np.isfinite(found[outputs[0]][-1])
    assert all(np.isnan(array).all() for array in values(spec, series.slice(0, 3)).values())


def test_pandas_ta_computes_what_its_own_functions_compute() -> None:
    series = walk(1, 100)
    high, low, close = (pd.Series(each) for each in (series.high, series.low, series.close))
    theirs = pandas_ta_classic.cci(high, low, close, length=20).to_numpy()
    np.testing.assert_allclose(values("cci_20", series)["cci_20_0.015"], theirs, rtol=1e-12)


def test_the_indicators_of_every_cycle_need_no_pandas() -> None:
    script = """
import sys, threading
import numpy as np
failed = []
def use():
    try:
        from tui_trader.features.candles import SimpleCandleFeatureComputer
        SimpleCandleFeatureComputer()
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=use) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not failed, failed
assert not {"pandas", "polars", "talib"} & sys.modules.keys()
import pandas, talib
close = np.arange(30.0)
assert talib.EMA(pandas.Series(close), 20).iloc[-1] == talib.EMA(close, 20)[-1] == 19.5
from tui_trader.features.indicators import ema
assert ema(close, 20)[-1] == 19.5
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_it_does_not_matter_that_a_strategy_imported_talib_before() -> None:
    script = """
import talib
from tui_trader.features.indicators import ema
import numpy as np
assert ema(np.arange(30.0), 20)[-1] == 19.5
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
