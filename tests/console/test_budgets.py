"""Bytes to the terminal, by event. They are the same on every machine; printed with -s."""

import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.console import market
from tests.console.counting import CountingDriver
from tests.console.fakes import FakeClient, StillClock, make_app, settle, shown, told
from tui_trader.messages import AlertRaised, CandleChanged, Message, PortfolioMarked, Severity

TICK_BYTES = 250
LOG_BYTES = 1_500
IDLE_BYTES = 100
SELECTION_BYTES = 2_000
WORDS = market.REASONING.split()
SIZES = [(80, 24), (120, 40), (200, 60)]


class Console:
    """A running console whose bytes are counted."""

    def __init__(self, size: tuple[int, int], *keys: str) -> None:
        records = [market.record("c148")]
        self.client = FakeClient(market.snapshot(), market.health(), records=records)
        self._keys = keys
        self.clock = StillClock()
        self.app = make_app(self.client, self.clock)
        self.app.driver_class = CountingDriver
        self.size = size

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Console"]:
        async with self.app.run_test(headless=False, size=self.size) as pilot:
            self._pilot = pilot
            await shown(pilot)
            await self.press(*self._keys)
            self.driver.take()
            yield self

    @property
    def driver(self) -> CountingDriver:
        driver = self.app._driver
        assert isinstance(driver, CountingDriver)
        return driver

    async def cost(self, *messages: Message) -> int:
        """Bytes that showing these messages writes."""
        await told(self._pilot, self.client, *messages)
        return len(self.driver.take().encode())

    async def press(self, *keys: str) -> int:
        """Bytes that these keys cost."""
        await self._pilot.press(*keys)
        await settle(self._pilot)
        return len(self.driver.take().encode())

    async def second(self) -> int:
        """Bytes of a second in which nothing happens but the engine's sign of life."""
        self.clock.advance(1)
        self.app.tick()
        alive = replace(market.health(), ts=self.clock.now_ms())
        return await self.cost(alive)


def tick(change: float) -> list[Message]:
    """A quote and the candle that it moves."""
    candle = market.candles("BTC/USDT")[-1]
    close = candle.close * (1 + change)
    moved = {"close": close, "high": max(candle.high, close), "low": min(candle.low, close)}
    forming = candle.model_copy(update=moved)
    return [
        market.quote("BTC/USDT", close),
        CandleChanged(ts=market.NOW, candle=forming, closed=False),
    ]


def alert(number: int) -> AlertRaised:
    return AlertRaised(
        ts=market.NOW + number,
        seq=9_000 + number,
        severity=Severity.WARNING,
        topic="feed",
        text=" ".join(random.Random(number).choices(WORDS, k=14)),
    )


def report(name: str, size: tuple[int, int], values: list[int], budget: int) -> None:
    text = f"{name:<16} {size[0]}x{size[1]}: {values} bytes, budget {budget}\n"
    (sys.__stdout__ or sys.stdout).write(text)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_second_without_news_costs_a_few_bytes(size: tuple[int, int]) -> None:
    async with Console(size).running() as console:
        seconds = [await console.second() for _ in range(20)]
    report("idle second", size, seconds, IDLE_BYTES)
    assert sum(seconds) / len(seconds) <= IDLE_BYTES


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
async def test_a_price_tick_costs_the_cells_that_it_changes(size: tuple[int, int]) -> None:
    async with Console(size).running() as console:
        ticks = [await console.cost(*tick(step * 2e-5)) for step in range(1, 11)]
    report("price tick", size, ticks, TICK_BYTES)
    assert max(ticks) <= TICK_BYTES


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
async def test_a_log_line_costs_no_more_than_the_tail(size: tuple[int, int]) -> None:
    async with Console(size).running() as console:
        lines = [await console.cost(alert(number)) for number in range(1, 9)]
    report("log line", size, lines, LOG_BYTES)
    assert max(lines) <= LOG_BYTES


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("keys", [("2",), ("2", "enter")], ids=["list", "decision"])
async def test_the_decisions_cost_nothing_while_nothing_happens(
    keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    async with Console(size, *keys).running() as console:
        seconds = [await console.second() for _ in range(20)]
        ticks = [await console.cost(*tick(step * 2e-5)) for step in range(1, 6)]
    report(f"idle {keys[-1]}", size, seconds, IDLE_BYTES)
    assert sum(seconds) / len(seconds) <= IDLE_BYTES
    assert sum(ticks) == 0, "a price is not shown here"


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
async def test_moving_the_selection_costs_two_lines(size: tuple[int, int]) -> None:
    async with Console(size, "2").running() as console:
        moves = [await console.press("down") for _ in range(5)]
    report("selection", size, moves, SELECTION_BYTES)
    assert max(moves) <= SELECTION_BYTES


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
async def test_how_the_model_does_costs_its_numbers(size: tuple[int, int]) -> None:
    async with Console(size).running() as console:
        costs = [
            await console.cost(market.model_status(cost=0.31 + step / 100)) for step in range(1, 6)
        ]
    report("model status", size, costs, 100)
    assert 0 < max(costs) <= 100


async def test_a_marked_account_costs_its_numbers() -> None:
    account = market.portfolio()
    worth = account.total_value or 0.0
    async with Console((120, 40)).running() as console:
        costs = []
        for step in range(1, 6):
            changed = {"total_value": worth + step, "total_unrealized_pnl": -44.86 + step}
            marked = PortfolioMarked(ts=market.NOW, view=account.model_copy(update=changed))
            costs.append(await console.cost(marked))
    report("marked account", (120, 40), costs, 400)
    assert max(costs) <= 400


async def test_a_thousand_messages_at_once_are_one_frame() -> None:
    async with Console((120, 40)).running() as console:
        many = [message for step in range(500) for message in tick(step * 1e-7)]
        cost = await console.cost(*many)
    report("1000 messages", (120, 40), [cost], TICK_BYTES)
    assert cost <= TICK_BYTES
