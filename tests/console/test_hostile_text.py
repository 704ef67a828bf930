"""Text of models and venues is the attacker's: none of it may act on the terminal or the app."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tests.console import market
from tests.console.counting import CountingDriver
from tests.console.fakes import FakeClient, make_app, settle, shown, text_of, told
from tui_trader.console import crash, egress
from tui_trader.console.app import ConsoleApp
from tui_trader.messages import (
    AlertRaised,
    DecisionMade,
    EngineStopped,
    Gap,
    Message,
    ModelState,
    ModelStatus,
    OrderUpdated,
    RiskAssessed,
    Severity,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import (
    Action,
    ComposeAudit,
    DecisionRecord,
    InstrumentRef,
    ModelCall,
    TradeHistoryEntry,
    TradeSide,
    TradeType,
    TxResult,
    TxStatus,
    Verdict,
)
from tui_trader.view.actions import SECTIONS

PAYLOADS = {
    "clear screen": "\x1b[2J\x1b[H",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "title": "\x1b]0;owned\x1b\\",
    "link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "c1": "\x9b2J\x9d52;c;ZXZpbA==\x9c\x90q\x9c",
    "markup": "[/] [link=x] [@click=app.quit]q[/] [bold",
    "bidi": "\u202eKCOL\u202c \u2066x\u2069 \u200b\u200d\ufeff",
    "white space": "a\r\nb\tc\x0b\x0cd\x00\x07\x08",
    "surrogate": "\ud800\udfff",
    "wide": "漢字🙂" * 40,
    "combining": "e" + "\u0301" * 400,
    "long": "A" * 5_000,
}
MIXED = "".join(text for text in PAYLOADS.values() if len(text) < 100)
_OWN = re.compile(r"\x1b\[[0-9;?<>]*[A-Za-z]|\x1b\[\?[0-9]+\$p|\x1b\]22;[a-z-]+\x07")


def messages(evil: str) -> list[Message]:
    """The payload in every field that is text."""
    start = market.snapshot()
    session = replace(
        start.session,
        name=evil,
        venue=evil,
        model=evil,
        strategy=evil,
        market=evil,
        data_folder=evil,
        warnings=(evil, evil),
    )
    verdict = Verdict(symbol=evil, rule=evil, outcome="veto", reason=evil)
    result = TxResult(
        instruction_id="c200:x",
        instrument=InstrumentRef(symbol=evil),
        side=TradeSide.BUY,
        status=TxStatus.ERROR,
        requested_qty=1,
        filled_qty=0,
        reason=evil,
    )
    made = DecisionMade(
        ts=market.NOW,
        seq=5_000,
        compose_id="c200",
        number=200,
        targets=(market.target(evil, Action.LONG, 0.9, 0.5),),
        provider=evil,
        model=evil,
        outcome="ok",
        rationale=evil,
        reasoning=f"{evil}\n{evil}",
        error=evil,
        token_usage={evil: 3},
        filtered=(evil,),
        unwrapped=(evil,),
        flags=(evil,),
    )
    status = ModelStatus(market.NOW, ModelState.BROWN_OUT, evil, evil, evil, cost_today_usd=0.1)
    return [
        replace(start, session=session, state_reason=evil),
        made,
        RiskAssessed(ts=market.NOW, seq=5_001, compose_id="c200", verdicts=(verdict,)),
        OrderUpdated(ts=market.NOW, seq=5_002, result=result),
        AlertRaised(ts=market.NOW, seq=5_003, severity=Severity.ERROR, topic=evil, text=evil),
        TradingStateChanged(
            ts=market.NOW, seq=5_004, state=TradingState.HALTED, reason=evil, issuer=evil
        ),
        market.thinking(evil),
        status,
        market.health(),
    ]


def record(evil: str) -> DecisionRecord:
    """The payload in every field of a decision's record."""
    target = market.target(evil, Action.LONG, 0.9, 0.5).model_copy(update={"rationale": evil})
    call = ModelCall(
        compose_id=evil,
        attempt=1,
        asked_at=market.NOW,
        provider=evil,
        model=evil,
        outcome=evil,
        error=evil,
        token_usage={evil: 1},
    )
    audit = ComposeAudit(
        provider=evil,
        model=evil,
        error=evil,
        prompt=evil,
        prompt_hash=evil,
        template=evil,
        template_hash=evil,
        snapshot_hash=evil,
        answer_format=evil,
        parameters={evil: evil},
        raw_output=evil,
        reasoning=evil,
        finish_reason=evil,
        token_usage={evil: 1},
        calls=(call,),
        unwrapped=(evil,),
        filtered=(evil,),
        flags=(evil,),
    )
    trade = TradeHistoryEntry(
        instrument=InstrumentRef(symbol=evil),
        side=TradeSide.BUY,
        type=TradeType.LONG,
        quantity=1.0,
        note=evil,
    )
    row = dict.fromkeys(("instruction_id", "symbol", "side", "status", "order_id"), evil)
    return DecisionRecord(
        compose_id="c200",
        ts=market.NOW,
        audit=audit,
        rationale=evil,
        targets=(target,),
        features=({"symbol": evil},),
        instructions=(row | {"quantity": evil},),
        verdicts=(Verdict(symbol=evil, rule=evil, outcome="veto", reason=evil),),
        results=(row | {"reason": evil, "filled_qty": evil, "avg_exec_price": evil},),
        trades=(trade,),
    )


@pytest.mark.parametrize("size", [(200, 60), (80, 24)], ids=str)
async def test_nothing_but_our_own_sequences_reaches_the_terminal(size: tuple[int, int]) -> None:
    client = FakeClient(market.snapshot())
    app = make_app(client)
    app.driver_class = CountingDriver
    async with app.run_test(headless=False, size=size) as pilot:
        await shown(pilot)
        for evil in PAYLOADS.values():
            await told(pilot, client, Gap(), *messages(evil))
            assert_harmless(app)
        stopped = EngineStopped(ts=market.NOW, seq=6_000, reason=MIXED, error=MIXED)
        await told(pilot, client, stopped)
        assert_harmless(app)


@pytest.mark.parametrize("size", [(200, 60), (80, 24)], ids=str)
@pytest.mark.parametrize("name", PAYLOADS)
async def test_no_part_of_a_decision_acts_on_the_terminal_or_the_app(
    name: str, size: tuple[int, int]
) -> None:
    evil = PAYLOADS[name]
    client = FakeClient(*messages(evil), records=[record(evil)])
    app = make_app(client)
    app.driver_class = CountingDriver
    async with app.run_test(headless=False, size=size) as pilot:
        await shown(pilot)
        await pilot.press("2")
        await settle(pilot)
        assert_harmless(app)
        await pilot.press("enter")
        await settle(pilot, lambda: app.view and app.view.inspections[0].record)
        assert_harmless(app)
        for section in (*SECTIONS[1:], SECTIONS[0]):
            await pilot.press(section.key)
            await settle(pilot)
            assert f"[{section.key} {section.name}]" in text_of(app)
            assert_harmless(app)
        assert len(app.screen_stack) == 2, "nothing in the text was a key or a link"


async def test_a_refusal_and_a_name_that_the_engine_gave_act_on_nothing() -> None:
    start = market.snapshot()
    assert start.portfolio is not None
    held = start.portfolio.positions["BTC/USDT"].model_copy(update={"opened_by": MIXED})
    view = start.portfolio.model_copy(update={"positions": {"BTC/USDT": held}})
    client = FakeClient(replace(start, portfolio=view), records=[record("other")])
    app = make_app(client)
    app.driver_class = CountingDriver
    async with app.run_test(headless=False, size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("enter")
        await settle(pilot, lambda: "not shown: no decision" in text_of(app))
        assert_harmless(app)


@pytest.mark.parametrize("key", ["x", "X", "K", "L", "space", "q", "question_mark", "ctrl+p"])
async def test_no_question_lets_control_sequences_through(key: str) -> None:
    client = FakeClient(*messages(MIXED))
    app = make_app(client)
    app.driver_class = CountingDriver
    async with app.run_test(headless=False, size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press(key)
        await settle(pilot)
        assert len(app.screen_stack) == 2
        assert_harmless(app)


def assert_harmless(app: ConsoleApp) -> None:
    driver = app._driver
    assert isinstance(driver, CountingDriver)
    written = driver.take()
    assert written
    written.encode("utf-8")
    text = _OWN.sub("", written).replace("\n", "")
    assert text.isprintable(), sorted({char for char in text if not char.isprintable()})


@given(st.text(st.characters(), max_size=40))
def test_the_edge_lets_printable_characters_through_only(text: str) -> None:
    out = egress.render_strip(Strip([Segment(text, Style(bold=True))]), Console())
    assert _OWN.sub("", out).isprintable()


@given(st.text(st.characters(exclude_categories=("C", "Z")), max_size=40))
def test_the_edge_changes_nothing_that_is_printable(text: str) -> None:
    assert egress.harmless(text) == text


def test_a_link_is_not_sent() -> None:
    style = Style(link="http://x\x1b]52;c;eA==\x07")
    out = egress.render_strip(Strip([Segment("x", style), Segment("y", Style())]), Console())
    assert out == "xy"


def test_the_crash_report_shows_no_variable_and_no_control_character() -> None:
    secret_of_the_operator = "hunter2"  # noqa: F841  # a local variable of a failing frame
    try:
        raise ValueError("bad \x1b]52;c;eA==\x07 answer")
    except ValueError as error:
        text = crash.report(error).plain
    assert "ValueError: bad " in text
    assert "test_hostile_text.py" in text
    assert "hunter2" not in text
    assert text.replace("\n", "").isprintable()


async def test_a_crash_of_the_console_ends_it_with_1_and_without_locals(
    capfd: pytest.CaptureFixture[str],
) -> None:
    app = make_app(FakeClient(market.snapshot()))

    async def crash_it() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot)
            api_key = "hunter2"
            app.call_later(lambda: len(api_key) / 0)
            await pilot.pause(0.1)

    with pytest.raises(ZeroDivisionError):
        await crash_it()
    assert app.return_code == 1
    said = "".join(capfd.readouterr())
    assert "ZeroDivisionError" in said
    assert "hunter2" not in said
