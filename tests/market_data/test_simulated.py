"""The simulated source shows the market of its seed at the time of its clock."""

import math
from collections.abc import AsyncIterator

import pytest

from tests.market_data.candles import MONDAY_MS, same
from tui_trader.clock import Clock, VirtualClock
from tui_trader.market_data.interfaces import MarketUpdate
from tui_trader.market_data.simulated import SimulatedSource

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


class SetClock(Clock):
    """A clock that the test sets, and that sleeping moves on."""

    def __init__(self, now: int) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1000

    async def sleep_until(self, ts_ms: int) -> None:
        self.now = max(self.now, ts_ms)


def source(
    clock: Clock, *, timeframe: str = "5s", seed: int = 1, lockstep: bool = False
) -> SimulatedSource:
    return SimulatedSource(
        SYMBOLS, clock, timeframe=timeframe, seed=seed, spread_bps=2.0, lockstep=lockstep
    )


async def take(updates: AsyncIterator[MarketUpdate], count: int) -> list[MarketUpdate]:
    return [await anext(updates) for _ in range(count)]


async def test_four_times_a_second_candles_form_and_then_they_close() -> None:
    market = source(SetClock(MONDAY_MS + 100))
    updates = await take(market.updates(), 40)
    assert [update.ts - MONDAY_MS for update in updates] == [n * 250 for n in range(1, 41)]
    assert [update.closed for update in updates] == ([False] * 19 + [True]) * 2
    for update in updates:
        assert tuple(ticker.symbol for ticker in update.tickers) == SYMBOLS
        assert tuple(candle.instrument.symbol for candle in update.candles) == SYMBOLS
        for ticker, candle in zip(update.tickers, update.candles, strict=True):
            assert (ticker.ts, ticker.last) == (update.ts, candle.close)
            assert ticker.bid < ticker.last < ticker.ask


@pytest.mark.parametrize("timeframe", ["5s", "1m", "5m", "7m"])
async def test_a_forming_candle_grows_into_the_closed_one(timeframe: str) -> None:
    clock = SetClock(MONDAY_MS)
    market = source(clock, timeframe=timeframe)
    high, low, volume, opens = 0.0, math.inf, 0.0, set()
    async for update in market.updates():
        candle = update.candles[0]
        assert candle.ts == MONDAY_MS
        opens.add(candle.open)
        assert candle.high >= high
        assert candle.low <= low
        assert candle.volume >= volume
        high, low, volume = candle.high, candle.low, candle.volume
        if update.closed:
            assert candle == (await market.get_recent_candles(["BTC/USDT"], timeframe, 1))[0]
            break
    assert len(opens) == 1


@pytest.mark.parametrize("lockstep", [True, False])
async def test_a_clock_that_never_waits_brings_closes_alone(lockstep: bool) -> None:
    clock = VirtualClock(MONDAY_MS + 1)
    updates = await take(source(clock, lockstep=lockstep).updates(), 5)
    assert all(update.closed for update in updates)
    assert [update.ts - MONDAY_MS for update in updates] == [5_000 * n for n in range(1, 6)]
    assert clock.now_ms() == updates[-1].ts


async def test_after_a_pause_only_the_newest_close_is_told() -> None:
    clock = SetClock(MONDAY_MS)
    market = source(clock, lockstep=True)
    updates = market.updates()
    assert (await anext(updates)).ts == MONDAY_MS + 5_000
    clock.now += 3_600_000 + 1_700
    assert (await anext(updates)).ts == MONDAY_MS + 3_605_000
    assert (await anext(updates)).ts == MONDAY_MS + 3_610_000


async def test_a_clock_set_back_does_not_bring_a_close_again() -> None:
    clock = SetClock(MONDAY_MS)
    updates = source(clock, lockstep=True).updates()
    assert (await anext(updates)).ts == MONDAY_MS + 5_000
    clock.now -= 60_000
    assert (await anext(updates)).ts == MONDAY_MS + 10_000


async def test_history_ends_with_the_newest_closed_candle() -> None:
    clock = SetClock(MONDAY_MS + 4_999)
    market = source(clock)
    assert (await market.get_series("BTC/USDT", "5s", 3)).ts[-1] == MONDAY_MS - 5_000
    clock.now += 1
    for interval, length in (("5s", 5_000), ("1m", 60_000), ("1h", 3_600_000)):
        series = await market.get_series("BTC/USDT", interval, 500)
        assert len(series) == 500
        assert series.ts[-1] + length <= clock.now < series.ts[-1] + 2 * length


async def test_history_read_bar_by_bar_is_history_read_at_once() -> None:
    clock = SetClock(MONDAY_MS)
    market = source(clock)
    last = []
    for _ in range(300):
        clock.now += 5_000
        for lookback in (1, 50, 20):
            series = await market.get_series("ETH/USDT", "5s", lookback)
            assert len(series) == lookback
        last.append(series.candle(19))
    assert last == await source(clock).get_recent_candles(["ETH/USDT"], "5s", 300)


async def test_a_restart_sees_the_same_market_and_another_seed_another() -> None:
    clock = SetClock(MONDAY_MS + 1_234)
    one, again, other = source(clock), source(clock, timeframe="1m"), source(clock, seed=2)
    await take(one.updates(), 30)
    left = await one.get_series("SOL/USDT", "15s", 100)
    assert same(left, await again.get_series("SOL/USDT", "15s", 100))
    assert not same(left, await other.get_series("SOL/USDT", "15s", 100))
    assert one.ticker("SOL/USDT") == again.ticker("SOL/USDT")
    assert one.ticker("SOL/USDT") != other.ticker("SOL/USDT")


async def test_a_snapshot_holds_the_quote_of_this_moment() -> None:
    clock = SetClock(MONDAY_MS + 1_234)
    snapshot = await source(clock).get_market_snapshot(SYMBOLS)
    assert set(snapshot) == set(SYMBOLS)
    assert {ticker.ts for ticker in snapshot.values()} == {clock.now}


async def test_nothing_needs_to_be_opened_and_nothing_is_wrong() -> None:
    market = source(SetClock(MONDAY_MS))
    await market.open(500)
    assert market.warnings == ()
    await market.close()


async def test_other_symbols_can_be_asked_for_but_do_not_move_the_market() -> None:
    market = source(SetClock(MONDAY_MS))
    assert len(await market.get_series("XMR/BTC", "5s", 10)) == 10
    assert market.ticker("XMR/BTC").bid > 0
    update = await anext(market.updates())
    assert "XMR/BTC" not in {candle.instrument.symbol for candle in update.candles}
