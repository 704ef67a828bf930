"""A decision in one line, and found again."""

from dataclasses import replace

import pytest

from tests.view import samples
from tui_trader.messages import Message
from tui_trader.models import Action, InstrumentRef, TargetPosition
from tui_trader.view.decisions import (
    execution_word,
    found,
    lead,
    outcome_words,
    risk_word,
    subject,
)
from tui_trader.view.model import DecisionView, ViewModel
from tui_trader.view.reducer import reduce


def target(symbol: str, action: Action) -> TargetPosition:
    return TargetPosition(instrument=InstrumentRef(symbol=symbol), action=action, target_qty=0.0)


def decided(*messages: Message) -> tuple[DecisionView, ...]:
    view = ViewModel()
    for message in messages:
        view, _ = reduce(view, message)
    return view.decisions


ETH_CLOSED = replace(
    samples.decision(2),
    targets=(target("BTC/USDT", Action.HOLD), target("ETH/USDT", Action.CLOSE)),
    flags=("contradicts",),
)
DECISIONS = decided(
    samples.decision(1),
    samples.verdicts(1),
    samples.refused(1, "no funds"),
    samples.filled(1),
    ETH_CLOSED,
    replace(samples.decision(3, outcome="brown_out"), targets=()),
)
FIRST, SECOND, THIRD = DECISIONS


def test_of_several_the_line_names_what_wants_a_look() -> None:
    assert (risk_word(FIRST), execution_word(FIRST)) == ("veto", "REJECTED")
    assert (risk_word(SECOND), execution_word(SECOND)) == (None, None)


def test_the_lead_is_what_changes_something() -> None:
    target = lead(SECOND)
    assert target is not None
    assert (target.action, subject(SECOND, 20)) == (Action.CLOSE, "ETH/USDT +1")
    assert subject(SECOND, 8) == "ETH/… +1"
    assert lead(THIRD) is None
    assert subject(THIRD, 20) == "–"


def test_a_decision_that_holds_everything_says_so() -> None:
    held = replace(
        SECOND, targets=(target("BTC/USDT", Action.HOLD), target("ETH/USDT", Action.HOLD))
    )
    assert subject(held, 20) == "all 2"


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("", [3, 2, 1]),
        ("  ", [3, 2, 1]),
        ("btc", [2, 1]),
        ("BTC long", [1]),
        ("eth close", [2]),
        ("brown-out", [3]),
        ("brown_out", [3]),
        ("veto rejected", [1]),
        ("#2", [2]),
        ("flagged", [2]),
        ("[/", []),
        ("nothing of the kind", []),
    ],
)
def test_decisions_are_found_by_plain_words_newest_first(words: str, numbers: list[int]) -> None:
    assert [decision.number for decision in found(DECISIONS, words)] == numbers


def test_outcomes_are_words() -> None:
    assert outcome_words("parse_error") == "parse error"
    assert outcome_words("ok") == "ok"
