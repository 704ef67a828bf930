"""Pictures of each screen and of each question, at the sizes that matter."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from tests.console import market
from tests.console.fakes import FakeClient, StillClock, make_app, settle, shown
from tui_trader.messages import Message, ModelState, TradingState
from tui_trader.view.actions import SECTIONS, Section

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


DECISIONS: dict[str, tuple[Message, ...]] = {
    "usual": (market.snapshot(), market.health()),
    "empty": (market.empty_snapshot(),),
    "brown-out": (market.brown_out(), market.health()),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", DECISIONS)
def test_the_decisions(snap_compare: COMPARE, state: str, size: tuple[int, int]) -> None:
    app = make_app(FakeClient(*DECISIONS[state]))
    assert snap_compare(app, terminal_size=size, run_before=pressing("2"))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_one_decision(snap_compare: COMPARE, section: Section, size: tuple[int, int]) -> None:
    app = make_app(FakeClient(*DECISIONS["usual"], records=[market.record("c146")]))
    keys = ("2", "down", "down", "enter", section.key)
    assert snap_compare(app, terminal_size=size, run_before=pressing(*keys))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", ["brown-out", "empty"])
def test_a_decision_that_nobody_can_show(
    snap_compare: COMPARE, state: str, size: tuple[int, int]
) -> None:
    app = make_app(FakeClient(*DECISIONS[state], records=[market.record("c146")]))
    assert snap_compare(app, terminal_size=size, run_before=pressing("2", "enter"))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", [ModelState.BROWN_OUT, ModelState.STOPPED], ids=str)
def test_the_dashboard_while_no_model_is_asked(
    snap_compare: COMPARE, state: ModelState, size: tuple[int, int]
) -> None:
    start = replace(market.brown_out(), model_status=market.model_status(state))
    app = make_app(FakeClient(start, market.health()))
    assert snap_compare(app, terminal_size=size, run_before=shown)


def pressing(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Wait for the engine, then press these keys."""

    async def press(pilot: Pilot[None]) -> None:
        await shown(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    return press


@pytest.mark.parametrize("size", [(79, 23), (40, 10), (20, 5)], ids=str)
def test_terminals_that_are_too_small(snap_compare: COMPARE, size: tuple[int, int]) -> None:
    app = make_app(FakeClient(market.snapshot(), market.health()))
    assert snap_compare(app, terminal_size=size, run_before=shown)
