"""Every action: the key, the command that leaves, and what is shown until it is answered."""

import inspect
from collections.abc import Sequence

import pytest

from tests.console import market, test_decisions
from tests.console.fakes import FakeClient, StillClock, make_app, settle, shown, text_of
from tui_trader.console.app import ConsoleApp
from tui_trader.console.modals.help import help_rows
from tui_trader.console.widgets.footer import Footer
from tui_trader.messages import (
    ClosePosition,
    Command,
    CommandResult,
    DecideNow,
    EngineStopped,
    GoLive,
    Kill,
    Pause,
    Resume,
    TradingState,
)
from tui_trader.view.actions import ACTIONS, SCREENS, Action

SIZE = (120, 40)
BY_NAME = {action.name: action for action in ACTIONS}


def key(name: str) -> str:
    return BY_NAME[name].key


async def sent_after(
    keys: Sequence[str],
    state: TradingState = TradingState.ACTIVE,
    *,
    flat: bool = False,
    size: tuple[int, int] = SIZE,
) -> list[Command]:
    """The commands that leave when these keys are pressed."""
    client = FakeClient(market.snapshot(state, flat=flat), market.health())
    app = make_app(client)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        await pilot.press(*keys)
        await settle(pilot)
    return client.sent


def common(state: TradingState = TradingState.ACTIVE) -> dict[str, object]:
    return {"command_id": "id-1", "issuer": "console", "believed": state}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_each_action_has_a_method_a_key_and_its_place_in_the_help(action: Action) -> None:
    method = getattr(ConsoleApp, f"action_{action.name}", None)
    assert method is not None
    assert method.__qualname__.startswith("ConsoleApp."), "Textual's own would run instead"
    assert inspect.getdoc(method)
    text = "\n".join("".join(part for part, _ in row) for row in help_rows())
    assert action.title in text
    assert action.help.split()[0] in text


def test_keys_are_unique_and_dangerous_ones_are_upper_case() -> None:
    keys = [action.key for action in ACTIONS]
    assert len(keys) == len(set(keys))
    assert all(action.key.isupper() for action in ACTIONS if action.dangerous)
    assert not any(action.key.startswith(("ctrl+a", "ctrl+b", "ctrl+s")) for action in ACTIONS)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
@pytest.mark.parametrize("screen", SCREENS)
async def test_the_footer_names_what_acts_on_its_screen_and_nothing_else(
    action: Action, screen: str
) -> None:
    named = {it.name for it in Footer(screen)._actions}
    shows_itself = action.name == f"show_{screen}"
    assert (action.name in named) is (screen in action.screens and not shows_itself)


async def test_space_pauses_and_says_so_only_when_the_engine_does() -> None:
    client = FakeClient(market.snapshot(), market.health())
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await pilot.press("space")
        await settle(pilot, lambda: app.view is not None and app.view.pending)
        assert client.sent == [Pause(**common())]  # type: ignore[arg-type]
        assert "ACTIVE" in text_of(app).splitlines()[0]
        assert "pause: sent…" in text_of(app)
        client.say(answer("PAUSE", "no new position is opened"))
        await settle(pilot, lambda: app.view is not None and not app.view.pending)
        assert "✓ pause: no new position is opened" in text_of(app)


def answer(command: str, detail: str, *, ok: bool = True) -> CommandResult:
    return CommandResult(
        ts=market.NOW, seq=9_000, command_id="id-1", command=command, ok=ok, detail=detail
    )


async def test_an_answer_that_does_not_come_is_said_loudly() -> None:
    clock = StillClock()
    app = make_app(FakeClient(market.snapshot()), clock)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await pilot.press("space")
        await settle(pilot, lambda: app.view is not None and app.view.pending)
        clock.advance(3)
        app.tick()
        await settle(pilot)
        assert "pause: no answer for 3 s" in text_of(app)


async def test_a_refusal_is_shown() -> None:
    client = FakeClient(market.snapshot())
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await pilot.press("d")
        client.say(answer("DECIDE_NOW", "halted: resume first", ok=False))
        await settle(pilot, lambda: app.view is not None and app.view.outcome)
        assert "✗ decide now: halted: resume first" in text_of(app)


async def test_space_resumes_when_paused() -> None:
    sent = await sent_after(["space"], TradingState.REDUCING)
    assert sent == [Resume(**common(TradingState.REDUCING))]  # type: ignore[arg-type]


async def test_space_after_a_kill_asks_for_a_word() -> None:
    state = TradingState.HALTED
    assert await sent_after(["space", "enter"], state) == []
    assert await sent_after(["space", *"RESUME", "enter"], state) == [
        Resume(**common(state))  # type: ignore[arg-type]
    ]


async def test_d_decides_now() -> None:
    assert await sent_after([key("decide_now")]) == [DecideNow(**common())]  # type: ignore[arg-type]


async def test_x_closes_the_selected_position_after_a_yes() -> None:
    assert await sent_after(["x", "escape"]) == []
    first = await sent_after(["x", "enter"])
    second = await sent_after(["down", "x", "enter"])
    assert first == [ClosePosition(symbol="BTC/USDT", **common())]  # type: ignore[arg-type]
    assert second == [ClosePosition(symbol="ETH/USDT", **common())]  # type: ignore[arg-type]


async def test_a_click_selects_a_position() -> None:
    client = FakeClient(market.snapshot())
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await pilot.click("#positions", offset=(5, 3))
        await pilot.press("x", "enter")
        await settle(pilot, lambda: client.sent)
    assert client.sent == [ClosePosition(symbol="ETH/USDT", **common())]  # type: ignore[arg-type]


async def test_x_without_a_position_says_so() -> None:
    app = make_app(FakeClient(market.snapshot(flat=True)))
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await pilot.press("x")
        await settle(pilot)
        assert "nothing to close" in text_of(app)


async def test_upper_x_closes_everything_after_a_yes() -> None:
    assert await sent_after(["X", "escape"]) == []
    assert await sent_after(["X", "enter"]) == [ClosePosition(**common())]  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", ["", "kill", "KIL", "KILLL", "yes"])
async def test_a_wrong_word_does_not_kill(typed: str) -> None:
    assert await sent_after(["K", *typed, "enter"]) == []


@pytest.mark.parametrize("size", [SIZE, (80, 24), (79, 23), (40, 10), (20, 5)], ids=str)
async def test_the_word_kills_at_every_size(size: tuple[int, int]) -> None:
    assert await sent_after(["K", *"KILL", "enter"], size=size) == [
        Kill(flatten=False, **common())  # type: ignore[arg-type]
    ]


async def test_the_ticked_box_flattens_too() -> None:
    keys = ["K", *"KILL", "tab", "enter"]
    assert await sent_after(keys) == [Kill(flatten=True, **common())]  # type: ignore[arg-type]


async def test_kill_works_before_the_engine_was_heard_and_is_sent_once_it_runs() -> None:
    client = FakeClient()
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("K", *"KILL", "enter")
        await settle(pilot, lambda: client.sent)
        assert [type(command) for command in client.sent] == [Kill]
        assert client.sent[0].believed is None


async def test_going_live_sends_the_account_as_typed() -> None:
    assert await sent_after(["L", "enter"]) == []
    assert await sent_after(["L", *"main", "enter"]) == [
        GoLive(account="main", **common())  # type: ignore[arg-type]
    ]


async def test_looking_sends_nothing() -> None:
    names = ("next_symbol", "next_indicator", "maximise", "toggle_follow", "help")
    assert await sent_after([key(name) for name in names]) == []


async def test_s_shows_each_symbol_in_turn() -> None:
    app = make_app(FakeClient(market.snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        titles = []
        for _ in range(4):
            titles.append(text_of(app).splitlines()[2].split()[1])
            await pilot.press("s")
            await settle(pilot)
        assert titles == [*market.SYMBOLS, market.SYMBOLS[0]]


async def test_i_shows_each_indicator_in_turn() -> None:
    app = make_app(FakeClient(market.snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        for name in ("Drawdown", "RSI", "MACD", "Equity"):
            await pilot.press("i")
            await settle(pilot)
            assert f"─ {name} " in text_of(app)


async def test_i_on_a_small_terminal_takes_the_place_of_the_chart_and_gives_it_back() -> None:
    app = make_app(FakeClient(market.snapshot()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        for name in ("Equity", "Drawdown", "RSI", "MACD", "BTC/USDT"):
            await pilot.press("i")
            await settle(pilot)
            assert f"─ {name} " in text_of(app).splitlines()[2]


async def test_z_gives_the_focused_panel_all_the_room_but_banner_and_footer() -> None:
    app = make_app(FakeClient(market.snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        before = text_of(app)
        await pilot.press("z")
        await settle(pilot)
        lines = text_of(app).splitlines()
        assert lines[2].startswith("┏━ Positions")
        assert lines[38].startswith("┗")
        assert "K KILL" in lines[39]
        await pilot.press("z")
        await settle(pilot)
        assert text_of(app) == before


async def test_f_holds_the_events_and_counts_new_ones() -> None:
    client = FakeClient(market.snapshot())
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        before = text_of(app).splitlines()[31:38]
        await pilot.press("f")
        client.say(EngineStopped(ts=market.NOW, seq=9_001, reason="asked"))
        await settle(pilot, lambda: app.view is not None and app.view.stopped)
        assert "held · 1 new" in text_of(app)
        assert text_of(app).splitlines()[31:38] == before
        await pilot.press("f")
        await settle(pilot)
        assert "stopped: asked" in text_of(app)


async def test_r_asks_for_a_snapshot() -> None:
    client = FakeClient(market.snapshot())
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await pilot.press("r")
        assert client.resyncs == 1


@pytest.mark.parametrize("quit_key", ["q", "ctrl+c"])
async def test_quitting_lets_the_engine_end_first(quit_key: str) -> None:
    client = FakeClient(market.snapshot())
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await pilot.press(quit_key)
        await settle(pilot)
        assert "Positions stay as they are." in text_of(app)
        assert client.closed == 0
        await pilot.press("enter")
        await pilot.pause()
    assert client.closed == 1
    assert app.return_code == 0


async def test_quitting_after_a_failure_of_the_engine_returns_1() -> None:
    failed = EngineStopped(ts=market.NOW, seq=9_001, reason="failed", error="disk full")
    client = FakeClient(market.snapshot(), failed)
    client.end()
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot, lambda: app.view is not None and app.view.stopped)
        assert "ENGINE FAILED" in text_of(app)
        assert "disk full" in text_of(app)
        await pilot.press("q", "enter")
        await pilot.pause()
    assert app.return_code == 1


async def test_an_engine_that_fails_at_its_start_says_why() -> None:
    client = FakeClient(EngineStopped(ts=market.NOW, seq=1, reason="failed", error="no such file"))
    client.end()
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot, lambda: app.view is not None and app.view.stopped)
        assert "ENGINE FAILED" in text_of(app)
        assert "no such file" in text_of(app).splitlines()[0]


async def test_the_palette_finds_an_action_by_its_name() -> None:
    client = FakeClient(market.snapshot(), market.health())
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await pilot.press("ctrl+p", *"decide")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await settle(pilot, lambda: client.sent)
        assert [type(command) for command in client.sent] == [DecideNow]


async def test_the_kill_switch_works_from_the_help_too() -> None:
    assert await sent_after(["question_mark", "K", *"KILL", "enter"]) == [
        Kill(flatten=False, **common())  # type: ignore[arg-type]
    ]


async def test_letters_are_text_in_a_question_and_backspace_takes_them_back() -> None:
    keys = ["L", *"dXKsq", *["backspace"] * 5, *"main", "enter"]
    assert await sent_after(keys) == [
        GoLive(account="main", **common())  # type: ignore[arg-type]
    ]


async def test_a_question_is_asked_once() -> None:
    app = make_app(FakeClient(market.snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        app.action_kill()
        app.action_kill()
        await settle(pilot)
        assert len(app.screen_stack) == 2


PILOTS: dict[str, object] = {
    "show_dashboard": test_decisions.test_sections_and_their_places_are_kept_meanwhile,
    "show_decisions": test_decisions.test_a_line_says_what_was_decided_judged_done_and_paid,
    "open": test_decisions.test_from_a_position_to_its_prompt_takes_three_keys_at_most,
    "back": test_decisions.test_going_back_leads_to_where_one_came_from,
    "filter": test_decisions.test_slash_filters_by_plain_words,
    "toggle_pause": test_space_pauses_and_says_so_only_when_the_engine_does,
    "close_position": test_x_closes_the_selected_position_after_a_yes,
    "close_all": test_upper_x_closes_everything_after_a_yes,
    "kill": test_the_word_kills_at_every_size,
    "go_live": test_going_live_sends_the_account_as_typed,
    "decide_now": test_d_decides_now,
    "next_symbol": test_s_shows_each_symbol_in_turn,
    "next_indicator": test_i_shows_each_indicator_in_turn,
    "maximise": test_z_gives_the_focused_panel_all_the_room_but_banner_and_footer,
    "toggle_follow": test_f_holds_the_events_and_counts_new_ones,
    "resync": test_r_asks_for_a_snapshot,
    "help": test_the_kill_switch_works_from_the_help_too,
    "quit": test_quitting_lets_the_engine_end_first,
}
"""The test that presses the key of each action."""


def test_the_key_of_every_action_is_pressed_by_a_test() -> None:
    assert set(PILOTS) == set(BY_NAME)
