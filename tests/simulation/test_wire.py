"""What can happen between an engine and its venue, and to its disk."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from tests.simulation import faults
from tests.simulation.disk import Disk
from tests.simulation.loop import Agenda, Crash, Dead, VirtualLoop
from tests.simulation.points import Life, Point, Points
from tests.simulation.prices import Prices
from tests.simulation.trace import Trace
from tests.simulation.venue import SimVenue
from tests.simulation.wire import FaultyWire
from tui_trader.execution.interfaces import OrderRejected
from tui_trader.models import OrderReport, OrderRequest, TradeSide, VenueEvent, VenueFill
from tui_trader.trading_history.database import StoreError
from tui_trader.trading_history.store import Store

BTC = "BTC/USDT"
LANDING_SECONDS = 15.0
T = TypeVar("T")


class Line:
    """A venue behind a wire on which one thing goes wrong."""

    def __init__(self, fault: str = "lost", chance: float = 0.0, *crashes: Point) -> None:
        self.agenda = Agenda(0)
        self.life = Life(1, alive=True)
        self.points = Points(self.agenda, self.life, crashes)
        prices = Prices("test", self.agenda, {BTC: 100.0})
        self.venue = SimVenue(self.agenda, prices, Random(1), capital=1_000)
        self.wire = FaultyWire(
            self.venue,
            self.agenda,
            Random(2),
            faults.only(fault, chance),
            self.points,
            self.life,
            Trace(),
        )

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def do() -> T:
            return await work()

        loop = VirtualLoop(self.agenda)
        try:
            return loop.run_until_complete(do())
        finally:
            loop.bury()

    def submit(self, name: str = "a") -> Callable[[], Awaitable[OrderReport]]:
        request = OrderRequest(client_order_id=name, symbol=BTC, side=TradeSide.BUY, quantity=1.0)
        return lambda: self.wire.submit(request)


@pytest.mark.parametrize(
    ("fault", "lands"),
    [("lost", False), ("answer_lost", True), ("unavailable", True), ("late", True)],
)
def test_an_error_of_the_wire_says_nothing_of_the_order(fault: str, lands: bool) -> None:
    line = Line(fault, 1.0)
    with pytest.raises(Exception) as caught:  # noqa: PT011 (any error, but one)
        line.run(line.submit())
    assert not isinstance(caught.value, OrderRejected)
    line.agenda.advance(LANDING_SECONDS)
    assert bool(line.venue.orders) is lands
    assert all(order.accepted_ms <= LANDING_SECONDS * 1000 for order in line.venue.orders)


def test_a_refusal_is_one() -> None:
    line = Line("refused", 1.0)
    with pytest.raises(OrderRejected):
        line.run(line.submit())
    line.agenda.advance(60)
    assert line.venue.orders == []


def test_an_order_is_unseen_no_longer_than_a_request_may_take_to_land() -> None:
    line = Line("unseen", 1.0)
    line.run(line.submit())
    assert line.run(lambda: line.wire.lookup(BTC, "a")) is None
    line.agenda.advance(LANDING_SECONDS)
    assert line.run(lambda: line.wire.lookup(BTC, "a")) is not None


def test_events_are_lost_doubled_and_late() -> None:
    heard: dict[str, list[str]] = {}
    for fault in ("push_lost", "push_doubled", "push_late"):
        line, events = Line(fault, 1.0), heard.setdefault(fault, [])

        def sink(event: VenueEvent, events: list[str] = events) -> None:
            if isinstance(event, VenueFill):
                events.append(event.trade_id)

        async def work(line: Line = line) -> None:
            for number in range(4):
                await line.submit(f"{number}")()
            await asyncio.sleep(60)

        line.wire.listen(sink)
        line.run(work)
    assert heard["push_lost"] == []
    assert sorted(heard["push_doubled"]) == sorted("11223344")
    assert sorted(heard["push_late"]) == list("1234") != heard["push_late"]


@pytest.mark.parametrize("place", ["sent", "landed", "answered", "before send"])
def test_a_request_that_was_sent_goes_on_without_its_sender(place: str) -> None:
    line = Line("lost", 0.0, (f"submit: {place}", 1))
    with pytest.raises(Crash):
        line.run(line.submit())
    line.agenda.advance(60)
    assert len(line.venue.orders) == (0 if place == "before send" else 1)
    assert line.points.died == [(f"submit: {place}", 1)]
    with pytest.raises(Dead):
        line.submit()().send(None)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("fault", "kept"), [("disk_before", 0), ("disk_after", 1)])
def test_a_commit_that_fails_may_have_been_kept(fault: str, kept: int, tmp_path: Path) -> None:
    line = Line()
    disk = Disk(tmp_path, line.points, Random(3), faults.calm())
    with disk.installed():
        store = Store(disk.state)
        disk.faults[fault] = 1.0
        with pytest.raises(StoreError, match="disk"):
            store.save_risk_state({"a": 1})
        assert (store.risk_state() is not None) is bool(kept)
        assert not disk.holds_intent("a")


@pytest.mark.parametrize(("place", "kept"), [("commit: before", False), ("commit: after", True)])
def test_a_crash_at_a_commit_leaves_all_or_nothing(place: str, kept: bool, tmp_path: Path) -> None:
    line = Line("lost", 0.0, (place, 1))
    disk = Disk(tmp_path, line.points, Random(3), faults.calm())
    with disk.installed():
        store = Store(disk.state)
        with pytest.raises(Crash):
            store.save_risk_state({"a": 1})
        with pytest.raises(Dead):
            store.save_risk_state({"a": 2})
        disk.forget()
        line.life.alive = True
        assert Store(disk.state).risk_state() == ({"a": 1} if kept else None)
