"""Indicators against reference values from outside, and against a second library."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas_ta_classic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.series import random_series
from tui_trader.features import indicators
from tui_trader.features.indicators import Indicator, named
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
        ("stoch_14", "stoch_k", "stoch.csv", "oscillator"),
        ("stoch_14", "stoch_d", "stoch.csv", "signal"),
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
    ours = one_of(spec).compute(quotes)[feature]
    reference = columns(file)[column]
    assert np.array_equal(np.isnan(ours), np.isnan(reference))
    np.testing.assert_allclose(ours, reference, rtol=1e-9, atol=1e-9)


def one_of(spec: str) -> Indicator:
    """A default indicator by its name, else one that a configuration would name."""
    by_name = {indicator.name: indicator for indicator in indicators.DEFAULT}
    return by_name.get(spec) or named(spec)


@given(random_series(min_size=260, max_size=320))
@settings(max_examples=25, deadline=None)
def test_two_libraries_agree_once_warmed_up(series: CandleSeries) -> None:
    import pandas as pd

    high, low, close = (pd.Series(values) for values in (series.high, series.low, series.close))
    others = {
        "ema_50": pandas_ta_classic.ema(close, length=50),
        "rsi_14": pandas_ta_classic.rsi(close, length=14),
        "atr_14": pandas_ta_classic.atr(high, low, close, length=14),
    }
    for name, other in others.items():
        (ours,) = one_of(name).compute(series).values()
        assert ours[-1] == pytest.approx(float(other.iloc[-1]), rel=1e-4), name


@given(random_series(min_size=1, max_size=120), st.sampled_from(indicators.DEFAULT))
@settings(max_examples=100, deadline=None)
def test_warm_up_is_exactly_what_it_says(series: CandleSeries, indicator: Indicator) -> None:
    warm = len(series) >= indicator.warmup
    arrays = indicator.compute(series)
    assert all(len(array) == len(series) for array in arrays.values())
    assert all(np.isfinite(array[-1]) for array in arrays.values()) == warm


@pytest.mark.parametrize("indicator", indicators.DEFAULT, ids=lambda indicator: indicator.name)
def test_a_market_that_stands_still_gives_no_infinite_value(indicator: Indicator) -> None:
    flat = np.full(100, 5.0)
    series = CandleSeries(
        "X/Y", "1m", np.arange(100) * 60_000, flat, flat, flat, flat, np.zeros(100)
    )
    assert not any(np.isinf(array).any() for array in indicator.compute(series).values())


def test_volume_ratio_is_unknown_where_nothing_was_traded_before() -> None:
    volume = np.concatenate([np.full(30, 0.1), np.zeros(20), [3.0]])
    flat = np.ones(len(volume))
    series = CandleSeries(
        "X/Y", "1m", np.arange(len(volume)) * 60_000, flat, flat, flat, flat, volume
    )
    assert np.isnan(indicators.volume_ratio(series)[-1])


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("supertrnd", "supertrend"),
        ("sma_0", "whole number"),
        ({"length": 3}, "no kind"),
        ({"kind": "smaa"}, "sma"),
        ("!", "not a name"),
    ],
)
def test_an_unknown_indicator_names_its_nearest(spec: str | dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=r"features\.indicators") as caught:
        named(spec)
    assert said in str(caught.value)


@given(random_series(min_size=150, max_size=160))
@settings(max_examples=5, deadline=None)
def test_any_other_indicator_comes_by_its_pandas_ta_name(series: CandleSeries) -> None:
    for spec in ("supertrend_7", {"kind": "cci", "length": 20}, "vwma_10"):
        features = named(spec).compute(series)
        assert any(np.isfinite(array[-1]) for array in features.values())
