"""A replay shows what had closed, when it closed, and nothing of what comes after."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market_data.candles import (
    CASES,
    MONDAY_MS,
    as_file,
    needs_cases,
    same,
    walk,
    walk_at,
)
from tui_trader.clock import VirtualClock
from tui_trader.market_data.aggregate import aggregate, forming
from tui_trader.market_data.candle_files import CandleFile, load_candles
from tui_trader.market_data.interfaces import MarketDataError, MarketUpdate
from tui_trader.market_data.replay import ReplaySource, replay_start_ms
from tui_trader.market_data.series import CandleSeries
from tui_trader.models import Ticker

MINUTE = 60_000


class PatientClock(VirtualClock):
    """A clock of finite speed that never really waits."""

    def __init__(self, start_ms: int) -> None:
        super().__init__(start_ms, speed=60.0)
        self._now = start_ms

    def now_ms(self) -> int:
        return self._now

    async def sleep_until(self, ts_ms: int) -> None:
        self._now = max(self._now, ts_ms)

    def lose(self, ms: int) -> None:
        """Let time pass as a slow cycle does."""
        self._now += ms


async def opened(
    files: Sequence[CandleFile],
    timeframe: str = "1m",
    warmup: int = 5,
    *,
    clock: VirtualClock | None = None,
) -> ReplaySource:
    clock = clock or VirtualClock(replay_start_ms(files, timeframe, warmup))
    source = ReplaySource(files, clock, timeframe=timeframe, spread_bps=4.0, lockstep=True)
    await source.open(warmup)
    return source


def minutes(*values: int) -> CandleSeries:
    return walk_at(MONDAY_MS + np.array(values, dtype=np.int64) * MINUTE)


async def test_each_close_is_one_update_at_its_moment() -> None:
    series = walk(12)
    clock = VirtualClock(MONDAY_MS)
    source = await opened([as_file(series)], clock=clock)
    seen = []
    async for update in source.updates():
        assert clock.now_ms() == update.ts
        seen.append(update)
    assert [update.ts for update in seen] == [MONDAY_MS + n * MINUTE for n in range(6, 13)]
    assert all(update.closed for update in seen)
    assert [update.candles for update in seen] == [(series.candle(row),) for row in range(5, 12)]


async def test_a_quote_lies_around_the_close() -> None:
    series = walk(7)
    source = await opened([as_file(series)])
    async for update in source.updates():
        close = update.candles[0].close
        (ticker,) = update.tickers
        assert ticker == source.ticker("TEST/USDT")
        assert (ticker.ts, ticker.last) == (update.ts, close)
        assert ticker.bid == pytest.approx(close * (1 - 2e-4))
        assert ticker.ask == pytest.approx(close * (1 + 2e-4))


async def test_after_the_warm_up_there_is_history_and_a_quote_and_before_it_nothing() -> None:
    series = walk(30)
    source = ReplaySource(
        [as_file(series)], VirtualClock(0), timeframe="1m", spread_bps=4.0, lockstep=False
    )
    assert source.ticker("TEST/USDT") is None
    assert await source.get_market_snapshot(["TEST/USDT"]) == {}
    assert len(await source.get_series("TEST/USDT", "1m", 100)) == 0
    await source.open(20)
    assert same(await source.get_series("TEST/USDT", "1m", 100), series.slice(0, 20))
    assert same(await source.get_series("TEST/USDT", "1m", 8), series.slice(12, 20))
    snapshot = await source.get_market_snapshot(["TEST/USDT", "OTHER/USDT"])
    assert list(snapshot) == ["TEST/USDT"]
    assert snapshot["TEST/USDT"].ts == MONDAY_MS + 20 * MINUTE
    assert snapshot["TEST/USDT"].last == series.close[19]
    candles = await source.get_recent_candles(["TEST/USDT"], "1m", 3)
    assert candles == series.slice(17, 20).candles()
    assert source.lockstep is False


async def test_symbols_that_close_together_come_together_and_one_in_a_gap_is_absent() -> None:
    files = [
        as_file(minutes(0, 1, 2, 3, 4), "AAA/USDT"),
        as_file(minutes(0, 1, 3, 4), "BBB/USDT"),
    ]
    source = await opened(files, warmup=1)
    present, ages = [], []
    async for update in source.updates():
        present.append([ticker.symbol for ticker in update.tickers])
        assert [candle.instrument.symbol for candle in update.candles] == present[-1]
        quote = source.ticker("BBB/USDT")
        assert quote is not None
        ages.append(update.ts - quote.ts)
    both = ["AAA/USDT", "BBB/USDT"]
    assert present == [both, ["AAA/USDT"], both, both]
    assert ages == [0, MINUTE, 0, 0]


async def test_a_gap_of_all_symbols_is_passed_over() -> None:
    source = await opened([as_file(minutes(0, 1, 2, 50, 51))], warmup=2)
    closes = [(update.ts - MONDAY_MS) // MINUTE async for update in source.updates()]
    assert closes == [3, 51, 52]


async def everything_seen(
    files: Sequence[CandleFile], timeframe: str, warmup: int, until: int
) -> list[tuple[MarketUpdate, list[CandleSeries], list[Ticker | None]]]:
    """All that can be asked of a replay after each of its updates, up to a moment (ms)."""
    source = await opened(files, timeframe, warmup)
    seen = []
    async for update in source.updates():
        if update.ts > until:
            break
        views = [
            await source.get_series(file.symbol, interval, 1_000)
            for file in files
            for interval in ("1m", timeframe, "15m")
        ]
        seen.append((update, views, [source.ticker(file.symbol) for file in files]))
    return seen


@given(
    gone=st.sets(st.integers(1, 199), max_size=150),
    cut=st.integers(20, 199),
    timeframe=st.sampled_from(["1m", "5m"]),
    seed=st.integers(0, 100),
)
async def test_what_comes_later_changes_nothing_that_was_seen(
    gone: set[int], cut: int, timeframe: str, seed: int
) -> None:
    kept = np.array(sorted({*range(200), 400} - gone), dtype=np.int64)
    whole = [
        as_file(walk(200), "AAA/USDT"),
        as_file(walk_at(MONDAY_MS + kept * MINUTE, seed=seed), "BBB/USDT"),
    ]
    until = MONDAY_MS + cut * MINUTE

    def other_future(file: CandleFile) -> CandleFile:
        series = file.series
        past = int(np.searchsorted(series.ts, until))
        names = ("open", "high", "low", "close", "volume")
        arrays = {name: getattr(series, name).copy() for name in names}
        for array in arrays.values():
            array[past:] *= 3
        return replace(file, series=replace(series, **arrays))

    changed = [other_future(file) for file in whole]
    seen = await everything_seen(whole, timeframe, 1, until)
    seen_otherwise = await everything_seen(changed, timeframe, 1, until)
    assert len(seen) == len(seen_otherwise)
    for one, other in zip(seen, seen_otherwise, strict=True):
        assert one[0] == other[0]
        assert one[2] == other[2]
        assert all(same(left, right) for left, right in zip(one[1], other[1], strict=True))


async def test_at_every_moment_a_replay_shows_the_file_cut_off_there() -> None:
    series = walk(130)
    source = await opened([as_file(series)], "5m", 3)
    async for update in source.updates():
        past = series.slice(0, (update.ts - MONDAY_MS) // MINUTE)
        for interval in ("1m", "5m", "15m", "1h"):
            view = await source.get_series("TEST/USDT", interval, 1_000)
            assert same(view, aggregate(past, interval))


async def test_the_agent_s_timeframe_may_be_a_multiple_of_the_file_s() -> None:
    series = walk(60)
    source = await opened([as_file(series)], "5m", 3)
    candles = [update.candles[0] async for update in source.updates()]
    assert candles == aggregate(series, "5m").candles()[3:]


async def test_at_finite_speed_a_candle_forms_before_it_closes() -> None:
    series = walk(8)
    series.open[7], series.high[7], series.low[7], series.close[7] = 100.0, 103.0, 98.0, 102.0
    clock = PatientClock(MONDAY_MS + 7 * MINUTE)
    source = await opened([as_file(series)], warmup=7, clock=clock)
    path = [
        (update.ts, update.closed, update.candles[0], update.tickers[0])
        async for update in source.updates()
    ]
    open_ms = MONDAY_MS + 7 * MINUTE
    assert [ts - open_ms for ts, *_ in path] == [15_000, 30_000, 45_000, 60_000]
    assert [closed for _, closed, *_ in path] == [False, False, False, True]
    assert [ticker.last for *_, ticker in path] == [100.0, 98.0, 103.0, 102.0]
    assert [(candle.high, candle.low) for _, _, candle, _ in path] == [
        (100.0, 100.0), (100.0, 98.0), (103.0, 98.0), (103.0, 98.0),
    ]  # fmt: skip
    shares = [candle.volume / series.volume[7] for _, _, candle, _ in path]
    assert shares == [0.25, 0.5, 0.75, 1.0]


async def test_a_falling_candle_shows_its_high_first() -> None:
    series = walk(3)
    series.open[2], series.high[2], series.low[2], series.close[2] = 102.0, 103.0, 98.0, 100.0
    clock = PatientClock(MONDAY_MS + 2 * MINUTE)
    source = await opened([as_file(series)], warmup=2, clock=clock)
    lasts = [update.tickers[0].last async for update in source.updates()]
    assert lasts == [102.0, 103.0, 98.0, 100.0]


async def test_a_forming_candle_is_that_of_the_rows_that_closed_in_it() -> None:
    series = walk(40)
    clock = PatientClock(MONDAY_MS)
    source = await opened([as_file(series)], "5m", 1, clock=clock)
    compared = 0
    async for update in source.updates():
        assert update.ts > MONDAY_MS + 5 * MINUTE
        if not update.closed and update.ts % MINUTE == 0:
            past = series.slice(0, (update.ts - MONDAY_MS) // MINUTE)
            assert update.candles == (forming(past, "5m"),)
            compared += 1
    assert compared == 7 * 4


async def test_a_late_replay_leaves_out_forming_candles_and_no_close() -> None:
    clock = PatientClock(MONDAY_MS)
    source = await opened([as_file(walk(20))], warmup=5, clock=clock)
    closes, between = 0, 0
    async for update in source.updates():
        closes += update.closed
        between += not update.closed
        clock.lose(2 * MINUTE)
    assert (closes, between) == (15, 1)


async def test_series_of_other_symbols_and_finer_intervals_are_refused() -> None:
    source = await opened([as_file(walk(100, "5m"))], "5m")
    with pytest.raises(MarketDataError, match=r"no file holds XMR/BTC; there are TEST/USDT"):
        await source.get_series("XMR/BTC", "5m", 5)
    with pytest.raises(MarketDataError, match="1m candles can't be made of 5m"):
        await source.get_series("TEST/USDT", "1m", 5)


@pytest.mark.parametrize(
    ("files", "timeframe", "reason"),
    [
        ([as_file(walk(49))], "1m", r"TEST_USDT-1m.csv has 49 closed 1m candles; 50 are needed"),
        ([as_file(walk(50))], "1m", r"has 50 closed 1m candles; 50 .* at least one more"),
        ([as_file(walk(200))], "5m", r"TEST_USDT-1m.csv has 40 closed 5m candles"),
        ([as_file(walk(60)), as_file(walk(60))], "1m", r"both hold TEST/USDT"),
        ([as_file(walk(60, "5m"))], "1m", r"TEST_USDT-5m.csv: .*multiple"),
        ([], "1m", "at least one candle file"),
        (
            [as_file(walk(60)), as_file(walk(99, start=MONDAY_MS + 90 * MINUTE), "BBB/USDT")],
            "1m",
            r"TEST_USDT-1m.csv ends before .*overlap",
        ),
    ],
)
async def test_files_that_can_t_be_replayed_are_named(
    files: list[CandleFile], timeframe: str, reason: str
) -> None:
    with pytest.raises(MarketDataError, match=reason):
        replay_start_ms(files, timeframe, 50)
    with pytest.raises(MarketDataError, match=reason):
        await opened(files, timeframe, 50, clock=VirtualClock(0))


def test_a_replay_starts_where_every_file_has_warmed_up() -> None:
    files = [
        as_file(walk(100), "AAA/USDT"),
        as_file(walk(100, start=MONDAY_MS + 7 * MINUTE), "BBB/USDT"),
    ]
    assert replay_start_ms(files, "1m", 20) == MONDAY_MS + 27 * MINUTE
    assert replay_start_ms(files, "1m", 0) == MONDAY_MS + 7 * MINUTE


async def test_what_was_found_on_load_is_passed_on_with_the_file_s_name() -> None:
    file = replace(as_file(walk(9)), warnings=("1 gap, 2 candles missing",))
    source = await opened([file])
    assert source.warnings == ("TEST_USDT-1m.csv: 1 gap, 2 candles missing",)


@needs_cases
async def test_two_real_files_replay_to_their_end() -> None:
    files = [
        load_candles(CASES / f"binance_5m_2018/{name}-5m.csv") for name in ("LTC_BTC", "ETC_BTC")
    ]
    source = await opened(files, "1h", 100)
    updates = [update async for update in source.updates()]
    for file in files:
        expected = aggregate(file.series, "1h").candles()[100:]
        played = [c for u in updates for c in u.candles if c.instrument.symbol == file.symbol]
        assert played == expected
