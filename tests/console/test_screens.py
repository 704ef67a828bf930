"""Pictures of the dashboard and of each question, at the sizes that matter."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from tests.console import market
from tests.console.fakes import FakeClient, StillClock, make_app, settle, shown
from tui_trader.messages import Message, TradingState

SIZES = [(80, 24), (120, 40), (200, 60)]
COMPARE = Callable[..., bool]
STATES: dict[str, tuple[Message, ...]] = {
    "running": (market.snapshot(), market.health(), market.thinking(market.REASONING[:150])),
    "paused": (market.snapshot(TradingState.REDUCING), market.health()),
    "halted": (market.snapshot(TradingState.HALTED, flat=True), market.health()),
    "empty": (market.empty_snapshot(),),
}
QUESTIONS = {
    "kill": "K",
    "close": "x",
    "close_all": "X",
    "go_live": "L",
    "help": "question_mark",
    "quit": "q",
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", STATES)
def test_the_dashboard(snap_compare: COMPARE, state: str, size: tuple[int, int]) -> None:
    app = make_app(FakeClient(*STATES[state]))
    assert snap_compare(app, terminal_size=size, run_before=shown)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_dashboard_without_its_engine(snap_compare: COMPARE, size: tuple[int, int]) -> None:
    client, clock = FakeClient(market.snapshot(), market.health()), StillClock()

    async def lose(pilot: Pilot[None]) -> None:
        await shown(pilot)
        client.lose()
        await settle(pilot, lambda: app.view is not None and app.view.link == "lost")
        clock.advance(12)
        app.tick()
        await settle(pilot)

    app = make_app(client, clock)
    assert snap_compare(app, terminal_size=size, run_before=lose)


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_questions(snap_compare: COMPARE, question: str, size: tuple[int, int]) -> None:
    app = make_app(FakeClient(market.snapshot(), market.health()))

    async def ask(pilot: Pilot[None]) -> None:
        await shown(pilot)
        await pilot.press(QUESTIONS[question])
        await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=ask)


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
def test_the_question_before_trading_again(snap_compare: COMPARE, size: tuple[int, int]) -> None:
    app = make_app(FakeClient(market.snapshot(TradingState.HALTED), market.health()))

    async def ask(pilot: Pilot[None]) -> None:
        await shown(pilot)
        await pilot.press("space")
        await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=ask)


@pytest.mark.parametrize("size", [(79, 23), (40, 10), (20, 5)], ids=str)
def test_terminals_that_are_too_small(snap_compare: COMPARE, size: tuple[int, int]) -> None:
    app = make_app(FakeClient(market.snapshot(), market.health()))
    assert snap_compare(app, terminal_size=size, run_before=shown)
