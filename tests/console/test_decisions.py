"""The decisions: a list that is searched, and one of them with everything that is known of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from tests.console import market
from tests.console.fakes import FakeClient, make_app, settle, shown, text_of, told
from tui_trader.console.app import ConsoleApp
from tui_trader.messages import (
    ClosePosition,
    InspectDecision,
    Kill,
    Message,
    Pause,
    PortfolioMarked,
    Snapshot,
)
from tui_trader.models import Action, DecisionRecord
from tui_trader.view.actions import SECTIONS, Section

SIZES = [(80, 24), (120, 40), (200, 60)]
RECORDS = [market.record(f"c{number}") for number in range(124, 149)]
AT_PROMPT = "what it was told"


class Console:
    """A console that is operated by keys, and what it shows."""

    def __init__(self, pilot: Pilot[None], app: ConsoleApp, client: FakeClient) -> None:
        self.pilot, self.app, self.client = pilot, app, client

    @property
    def text(self) -> str:
        return text_of(self.app)

    async def press(self, *keys: str) -> str:
        """What the screen shows after these keys."""
        for key in keys:
            await self.pilot.press(key)
            await settle(self.pilot)
        return self.text

    async def hear(self, *messages: Message) -> str:
        """What the screen shows after the engine has said this."""
        await told(self.pilot, self.client, *messages)
        return self.text

    def asked(self) -> list[str]:
        """The decisions whose records were asked for."""
        return [it.compose_id for it in self.client.sent if isinstance(it, InspectDecision)]


@asynccontextmanager
async def running(
    *,
    size: tuple[int, int] = (120, 40),
    start: Snapshot | None = None,
    records: Sequence[DecisionRecord] = RECORDS,
) -> AsyncIterator[Console]:
    """A console on a snapshot, for the time of a test."""
    client = FakeClient(start or market.snapshot(), market.health(), records=records)
    app = make_app(client)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        yield Console(pilot, app, client)


# --- from a position to its prompt ----------------------------------------------------------------


@pytest.mark.parametrize("size", [*SIZES, (79, 23), (40, 12)], ids=str)
@pytest.mark.parametrize(("keys", "opener"), [(["enter"], "c134"), (["down", "enter"], "c128")])
async def test_from_a_position_to_its_prompt_takes_three_keys_at_most(
    keys: list[str], opener: str, size: tuple[int, int]
) -> None:
    assert len(keys) <= 3
    async with running(size=size) as console:
        assert AT_PROMPT not in console.text
        text = await console.press(*keys)
        assert AT_PROMPT in text
        assert "You trade three symbols" in text
        assert console.asked() == [opener]


async def test_a_position_whose_opener_is_unknown_says_so() -> None:
    start = market.snapshot()
    assert start.portfolio is not None
    held = {
        symbol: position.model_copy(update={"opened_by": None})
        for symbol, position in start.portfolio.positions.items()
    }
    view = start.portfolio.model_copy(update={"positions": held})
    async with running(start=replace(start, portfolio=view)) as console:
        text = await console.press("enter")
        assert "which decision opened BTC/USDT is not known" in text
        assert "─ Events ─" in text, "the dashboard stays"
        assert console.asked() == []


async def test_without_a_position_or_a_decision_enter_says_so() -> None:
    async with running(start=market.snapshot(flat=True)) as console:
        assert "no open position is known" in await console.press("enter")
    async with running(start=market.empty_snapshot()) as console:
        assert "no decision is selected" in await console.press("2", "enter")
        assert console.asked() == []


async def test_a_decision_of_an_earlier_run_is_shown_though_the_list_does_not_know_it() -> None:
    start = market.snapshot()
    assert start.portfolio is not None
    held = dict(start.portfolio.positions)
    held["BTC/USDT"] = held["BTC/USDT"].model_copy(update={"opened_by": "demo-1-7"})
    view = start.portfolio.model_copy(update={"positions": held})
    records = [market.record("demo-1-7")]
    async with running(start=replace(start, portfolio=view), records=records) as console:
        text = await console.press("enter")
        assert "Decision demo-1-7" in text
        assert AT_PROMPT in text


async def test_from_the_agents_panel_the_newest_decision_is_opened() -> None:
    async with running() as console:
        for _ in range(10):
            await console.press("tab")
            if console.app.focused is not None and console.app.focused.id == "agent":
                break
        assert AT_PROMPT in await console.press("enter")
        assert console.asked() == ["c148"]


async def test_going_back_leads_to_where_one_came_from() -> None:
    async with running() as console:
        assert "Decision #134" in await console.press("enter")
        assert "─ Events ─" in await console.press("escape")
        listed = await console.press("2")
        assert "━ Decisions 25 ━" in listed
        assert "▸13:20:02   134" in listed
        assert "Decision #133" in await console.press("down", "enter")
    async with running() as console:
        listed = await console.press("2", "down")
        await console.press("enter")
        assert await console.press("escape") == listed
        assert "─ Events ─" in await console.press("escape")


# --- what is not known yet, or never --------------------------------------------------------------


async def test_until_the_record_is_here_it_says_that_it_was_asked_for() -> None:
    async with running(records=()) as console:
        assert "asking the engine…" in await console.press("enter")
        text = await console.hear(
            market.inspected("c134"), market.answered("id-1", "decision c134")
        )
        assert "asking the engine" not in text
        assert AT_PROMPT in text


async def test_a_refusal_shows_its_reason_and_enter_asks_again() -> None:
    async with running(records=[market.record("other")]) as console:
        text = await console.press("enter")
        assert "not shown: no decision c134" in text
        assert "enter asks again" in text
        await console.press("enter")
        assert console.asked() == ["c134", "c134"]


async def test_a_record_that_is_here_is_not_asked_for_again() -> None:
    async with running() as console:
        await console.press("enter", "escape", "enter", "enter", "1", "2")
        assert console.asked() == ["c134"]


async def test_without_an_engine_it_says_so() -> None:
    async with running(records=()) as console:
        console.client.lose()
        await settle(console.pilot, lambda: console.app.view and console.app.view.link == "lost")
        assert "the engine is not heard" in await console.press("enter")


# --- the parts of a decision ----------------------------------------------------------------------

EXPECTED = {
    "Prompt": ("what it was told · ", "You trade three symbols", "never instructions"),
    "Reasoning": ("its words, not facts", "funding is stretched"),
    "Answer": ("its words, not facts", "```json", '  {"symbol": "XXX/USDT"'),
    "Understood": (
        "▲ LONG  BTC/USDT",
        "to 0.0457  size 30.0%  confidence 0.62",
        "stop 66,450.00",
        "take profit 68,900.00",
        "RSI 80 and a clean break: long.",
        "! contradicts: 1",
        market.FLAG,
        "dropped: 1",
        "unknown symbol XXX/USDT",
        "unwrapped: 1",
        "code fence",
    ),
    "Verdicts": ("CLIP BTC/USDT max_equity_usage 0.0457 → 0.015", "exceeds max position size"),
    "Orders": ("BUY BTC/USDT 0.015", "FILLED BUY 0.015 @ ", "fee 0.56"),
    "Model": (
        "deepseek · gpt-x",
        "total_tokens 1,912",
        "cost        $0.0042",
        "first token 0.3s",
        "whole       2.4s",
        "temperature = 0.2",
        "default 2c26b46b",
        "9f86d081884c7d65",
        "fcde2b2edba56bf4",
        "calls: 2",
        "rate limited",
        "429: slow down",
        "– tokens",
    ),
}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
async def test_one_key_shows_a_section(section: Section) -> None:
    async with running(size=(120, 60)) as console:
        await console.press("2", "enter", "m")  # the section is kept from decision to decision
        await console.press("escape", *["down"] * 2, "enter")
        text = await console.press(section.key)
        assert f"[{section.key} {section.name}]" in text
        for words in EXPECTED[section.name]:
            assert words in text, words


async def test_tab_goes_round_the_sections() -> None:
    async with running() as console:
        await console.press("2", "enter")
        names = []
        for _ in range(len(SECTIONS) + 1):
            shown_now = next(it.name for it in SECTIONS if f"[{it.key} " in console.text)
            names.append(shown_now)
            await console.press("tab")
        assert names == [*(it.name for it in SECTIONS), SECTIONS[0].name]
        assert f"[{SECTIONS[1].key} " not in await console.press("shift+tab", "shift+tab")


async def test_everything_of_a_long_prompt_can_be_read_at_80_columns() -> None:
    lines = [f"line {number:04} of the prompt" for number in range(600)]
    record = market.record("c134")
    audit = record.audit.model_copy(update={"prompt": "\n".join(lines)})
    record = record.model_copy(update={"audit": audit})
    async with running(size=(80, 24), records=[record]) as console:
        seen = await console.press("enter")
        assert len(audit.prompt) > 13_000
        for _ in range(60):
            if lines[-1] in console.text:
                break
            seen += await console.press("pagedown")
        assert all(line in seen for line in lines)
        assert lines[0] in await console.press("home")
        assert lines[-1] in await console.press("end")
        await console.press("up")
        assert lines[-1] not in console.text


async def test_sections_and_their_places_are_kept_meanwhile() -> None:
    async with running(size=(80, 24)) as console:
        await console.press("enter", "pagedown", "w")
        words = console.text
        assert "─ Events ─" in await console.press("1")
        assert await console.press("2") == words
        assert "closed candle 0 of 200" not in await console.press("p"), "its place is kept"


# --- the list -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_line_says_what_was_decided_judged_done_and_paid(size: tuple[int, int]) -> None:
    async with running(size=size) as console:
        text = await console.press("2")
        (line,) = [it for it in text.splitlines() if " 146 " in it]
        for words in ("14:20:02", "▲ LONG  BTC/USDT +2", "30%", "0.62", "ok", "CLIP", "fill"):
            assert words in line, words
        assert "$0.0042" in line
        assert "!1" in line
        assert ("1,912" in line) is (size[0] > 80)


async def test_the_newest_stands_first_and_the_selection_stays_with_its_decision() -> None:
    async with running() as console:
        text = await console.press("2")
        assert "▸14:30:02   148" in text
        assert "▸14:25:02   147" in await console.press("down")
        seq = market.snapshot().seq
        text = await console.hear(*market.cycle(149, market.NOW, seq + 1))
        assert " 149 " in text
        assert "▸14:25:02   147" in text
        assert "▸14:32:07   149" in await console.press("home")
        assert "▸12:30:02   124" in await console.press("end")


async def test_until_one_is_chosen_the_newest_is_selected() -> None:
    async with running() as console:
        await console.press("2")
        seq = market.snapshot().seq
        assert "▸14:32:07   149" in await console.hear(*market.cycle(149, market.NOW, seq + 1))


async def test_only_the_screen_that_is_shown_is_told_and_shows_the_newest_when_it_is_back() -> None:
    async with running() as console:
        await console.press("2")
        seq = market.snapshot().seq
        dashboard = console.app.dashboard
        before = dashboard.scene
        await console.hear(*market.cycle(149, market.NOW, seq + 1, Action.HOLD))
        assert dashboard.scene is before
        assert "#149" in await console.press("1")


async def test_an_answer_that_was_not_used_says_why_in_its_line() -> None:
    async with running(start=market.brown_out()) as console:
        text = await console.press("2")
        (line,) = [it for it in text.splitlines() if " 149 " in it]
        assert "brown-out" in line
        assert line.count("–") >= 4, "unknown is not zero"
        assert "$0" not in line


# --- the filter -----------------------------------------------------------------------------------


async def test_slash_filters_by_plain_words() -> None:
    async with running() as console:
        text = await console.press("2", "slash", *"veto")
        assert "/ veto▏" in text
        assert [line for line in text.splitlines() if "#" not in line and " ok " in line] == [
            line for line in text.splitlines() if "VETO" in line
        ]
        assert "1 found" in text
        text = await console.press("enter")
        assert "veto▏" not in text
        assert "1 found" in text
        assert "Decision #139" in await console.press("enter")
        assert "1 found" in await console.press("escape")
        assert "25" in await console.press("escape")
        assert "found" not in console.text


async def test_letters_are_text_while_a_filter_is_typed_and_no_command_leaves() -> None:
    async with running() as console:
        text = await console.press("2", "slash", *"xXdKLq12", "space", "question_mark")
        assert "/ xXdKLq12 ?▏" in text
        assert "no decision has these words" in text
        assert console.client.sent == []
        assert "/ xXdKLq1▏" in await console.press(*["backspace"] * 3)
        await console.press("escape")
        assert "found" not in console.text


async def test_keys_of_one_burst_are_the_filters_text_and_then_open_what_was_found() -> None:
    async with running() as console:
        await console.pilot.press("2", "slash", *"close", "enter", "enter")
        await settle(console.pilot)
        assert "Decision #139" in console.text
        assert console.asked() == ["c139"]


# --- the operator's hand --------------------------------------------------------------------------


async def test_pause_kill_and_close_work_from_the_decisions_too() -> None:
    async with running() as console:
        await console.press("2", "space", "x", "enter", "enter", "K", *"KILL", "enter")
        kinds = [type(command) for command in console.client.sent]
        assert kinds == [Pause, ClosePosition, InspectDecision, Kill]


async def test_a_position_that_was_opened_meanwhile_can_be_closed() -> None:
    async with running(start=market.snapshot(flat=True)) as console:
        await console.press("2")
        await console.hear(PortfolioMarked(market.NOW, market.portfolio()))
        await console.press("x", "enter")
        assert [it.symbol for it in console.client.sent if isinstance(it, ClosePosition)] == [
            "BTC/USDT"
        ]


async def test_the_help_names_the_sections() -> None:
    async with running(size=(120, 60)) as console:
        await console.press("2", "enter", "question_mark", "end")
        await settle(console.pilot)
        text = console.text
        for section in SECTIONS[-3:]:
            assert section.help in text


async def test_the_palette_offers_what_acts_on_this_screen() -> None:
    async with running() as console:
        await console.press("2", "ctrl+p")
        await console.pilot.press(*"filter")
        await console.pilot.pause(0.3)
        await console.pilot.press("enter")
        await settle(console.pilot, lambda: "/ ▏" in console.text)
