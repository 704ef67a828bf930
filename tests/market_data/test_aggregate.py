"""Candles of a higher timeframe are those that the exchange itself would show."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market_data.candles import (
    CASES,
    MONDAY_MS,
    needs_cases,
    same,
    walk,
    walk_at,
)
from tui_trader.market_data.aggregate import aggregate, forming
from tui_trader.market_data.candle_files import load_candles
from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.market_data.series import CandleSeries
from tui_trader.timeframes import timeframe_ms


@st.composite
def series_with_gaps(draw: st.DrawFn) -> CandleSeries:
    """1m candles anywhere, with gaps, and minutes in which nothing was traded."""
    start = draw(st.integers(0, 3_000))
    minutes = draw(st.lists(st.integers(0, 400), min_size=1, max_size=120, unique=True))
    ts = MONDAY_MS + (start + np.array(sorted(minutes), dtype=np.int64)) * 60_000
    series = walk_at(ts, seed=draw(st.integers(0, 2**32)))
    for row in sorted(draw(st.lists(st.integers(0, len(ts) - 1), max_size=20))):
        last = series.close[max(0, row - 1)]
        series.open[row] = series.high[row] = series.low[row] = series.close[row] = last
        series.volume[row] = 0.0
    return series


@given(series_with_gaps(), st.sampled_from([("3m", "15m"), ("5m", "1h"), ("15m", "2h")]))
def test_two_steps_lead_where_one_leads(series: CandleSeries, steps: tuple[str, str]) -> None:
    middle, high = steps
    in_two, in_one = aggregate(aggregate(series, middle), high), aggregate(series, high)
    # What the first step leaves out at either end, as partial or unclosed, the second can't know.
    skipped = int(np.searchsorted(in_one.ts, in_two.ts[0])) if len(in_two) else 0
    assert skipped <= 1
    assert len(in_one) - len(in_two) <= 2
    assert same(in_two, in_one.slice(skipped, skipped + len(in_two)))


@given(series_with_gaps(), st.sampled_from(["3m", "7m", "15m", "1h"]))
def test_each_candle_says_what_its_rows_say(series: CandleSeries, timeframe: str) -> None:
    length = timeframe_ms(timeframe)
    for candle in aggregate(series, timeframe).candles():
        rows = [row for row in series.candles() if candle.ts <= row.ts < candle.ts + length]
        traded = [row for row in rows if row.volume > 0] or rows
        assert candle.open == traded[0].open
        assert candle.high == max(row.high for row in traded)
        assert candle.low == min(row.low for row in traded)
        assert candle.close == traded[-1].close
        assert candle.volume == sum(row.volume for row in rows)


@given(series_with_gaps(), st.integers(1, 120))
def test_what_has_closed_stays_as_it_is_when_more_comes(series: CandleSeries, count: int) -> None:
    before = aggregate(series.slice(0, count), "5m")
    after = aggregate(series, "5m")
    assert same(before, after.slice(0, len(before)))


@given(st.integers(1, 100), st.integers(0, 30))
def test_closed_candles_and_the_forming_one_cover_the_series(count: int, offset: int) -> None:
    series = walk(count, start=MONDAY_MS + offset * 60_000)
    closed, last = aggregate(series, "15m"), forming(series, "15m")
    partial = -offset % 15
    rows = len(closed) * 15 + ((count - partial) % 15 if count >= partial else 0)
    covered = closed.volume.sum() + (last.volume if last else 0.0)
    assert rows == max(0, count - partial)
    assert covered == pytest.approx(series.volume[min(count, partial) :].sum())
    assert (last is None) == ((count - partial) % 15 == 0 or count < partial)


def test_a_candle_is_closed_when_the_last_row_ends_with_it() -> None:
    series = walk(10)
    assert aggregate(series, "5m").ts.tolist() == [MONDAY_MS, MONDAY_MS + 300_000]
    assert forming(series, "5m") is None
    one_less = series.slice(0, 9)
    assert aggregate(one_less, "5m").ts.tolist() == [MONDAY_MS]
    candle = forming(one_less, "5m")
    assert candle is not None
    assert (candle.ts, candle.interval) == (MONDAY_MS + 300_000, "5m")
    assert candle.open == series.open[5]
    assert candle.close == series.close[8]


def test_a_candle_whose_beginning_is_missing_is_left_out() -> None:
    series = walk(9, start=MONDAY_MS + 60_000)
    assert aggregate(series, "5m").ts.tolist() == [MONDAY_MS + 300_000]
    assert forming(series.slice(0, 3), "5m") is None


def test_a_price_at_which_nothing_was_traded_is_no_open() -> None:
    series = walk(3)
    for array in (series.open, series.high, series.low, series.close):
        array[0] = 500.0
    series.volume[0] = 0.0
    candle = aggregate(series, "3m").candle(0)
    assert candle.ts == MONDAY_MS
    assert candle.open == series.open[1]
    assert candle.high == max(series.high[1:])


def test_a_price_that_moves_without_volume_is_a_price() -> None:
    series = walk(3)
    for array in (series.open, series.high, series.low, series.close):
        array[2] = 500.0
    series.volume[2] = 0.0
    candle = aggregate(series, "3m").candle(0)
    assert candle.close == candle.high == 500.0


def test_a_gap_as_long_as_a_candle_stays_a_gap() -> None:
    minutes = np.array([0, 1, 2, 3, 4, 10, 11, 12, 13, 14], dtype=np.int64)
    series = walk_at(MONDAY_MS + minutes * 60_000)
    assert ((aggregate(series, "5m").ts - MONDAY_MS) // 60_000).tolist() == [0, 10]


def test_the_same_timeframe_is_the_same_series() -> None:
    series = walk(7)
    assert aggregate(series, "1m") is series


def test_nothing_becomes_nothing() -> None:
    empty = walk(3).slice(0, 0)
    assert len(aggregate(empty, "5m")) == 0
    assert aggregate(empty, "5m").interval == "5m"
    assert forming(empty, "5m") is None


@pytest.mark.parametrize("timeframe", ["3m", "2m", "7m"])
def test_a_timeframe_must_be_a_multiple(timeframe: str) -> None:
    with pytest.raises(MarketDataError, match=rf"{timeframe} candles .* of 5m .*multiple"):
        aggregate(walk(20, "5m"), timeframe)


def test_candles_of_another_grid_are_not_mixed_into_a_higher_timeframe() -> None:
    with pytest.raises(MarketDataError, match="another grid"):
        aggregate(walk(20, "5m", start=MONDAY_MS + 60_000), "1h")


def exchange_pairs() -> list[tuple[Path, Path]]:
    """Files of one market at a timeframe and at a multiple of it."""
    markets: dict[tuple[Path, str], list[Path]] = {}
    for path in sorted(CASES.glob("multi_tf_*/*.csv")):
        markets.setdefault((path.parent, path.stem.partition("-")[0]), []).append(path)
    pairs = []
    for paths in markets.values():
        by_length = sorted(paths, key=lambda path: timeframe_ms(path.stem.partition("-")[2]))
        for low, high in combinations(by_length, 2):
            lengths = [timeframe_ms(path.stem.partition("-")[2]) for path in (low, high)]
            if lengths[1] % lengths[0] == 0:
                pairs.append((low, high))
    return pairs


@needs_cases
def test_aggregated_exchange_candles_are_the_exchange_s_own() -> None:
    compared = 0
    for low, high in exchange_pairs():
        lower, higher = load_candles(low).series, load_candles(high).series
        # The last candle of each file was still open when the file was written.
        made = aggregate(lower.slice(0, len(lower) - 1), higher.interval)
        theirs = higher.slice(0, len(higher) - 1)
        shared, mine, other = np.intersect1d(made.ts, theirs.ts, return_indices=True)
        if len(made):
            within = (theirs.ts >= made.ts[0]) & (theirs.ts <= made.ts[-1])
            assert np.array_equal(shared, theirs.ts[within]), (low, high)
        for name in ("open", "high", "low", "close"):
            equal = getattr(made, name)[mine] == getattr(theirs, name)[other]
            assert np.all(equal), (low, high, name, shared[~equal])
        np.testing.assert_allclose(made.volume[mine], theirs.volume[other], rtol=1e-13)
        compared += len(shared)
    assert compared > 10_000
