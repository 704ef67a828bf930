import pytest

from tests.decision.contexts import BTC, ETH, UPTREND, make_context
from tui_trader.decision.formats import SimpleFormat, answer_format
from tui_trader.decision.parser import FORCED_HOLD_REASON
from tui_trader.decision.situation import situations
from tui_trader.models import Action, ComposeContext, TargetPosition


def target(raw: str, context: ComposeContext) -> TargetPosition:
    (only,) = SimpleFormat().parse(raw, situations(context)).targets
    return only


@pytest.mark.parametrize(
    ("action", "held", "expected"),
    [
        ("long", 0.0, 10.0),
        ("long", 5.0, 15.0),
        ("long", -5.0, 5.0),
        ("short", 0.0, -10.0),
        ("short", 5.0, -5.0),
        ("close", 5.0, 0.0),
        ("close", -5.0, 0.0),
        ("hold", 5.0, 5.0),
    ],
)
def test_an_action_leads_to_its_position(action: str, held: float, expected: float) -> None:
    context = make_context(prices={BTC: 100.0}, held={BTC: held})
    result = target(f'{{"action": "{action}", "size_pct": 0.1, "reason": "r"}}', context)
    assert result.target_qty == pytest.approx(expected)
    assert result.action is Action(action)
    assert result.size_pct == (0.1 if action in ("long", "short") else 0.0)
    assert result.rationale == "r"


@pytest.mark.parametrize("unknown", ["price", "equity"])
def test_a_size_that_cannot_be_known_changes_nothing(unknown: str) -> None:
    context = make_context(
        prices={BTC: 0.0 if unknown == "price" else 100.0},
        held={BTC: 2.0},
        equity=None if unknown == "equity" else 1_000.0,
    )
    answer = SimpleFormat().parse('{"action": "long", "size_pct": 0.1}', situations(context))
    assert answer.targets[0].target_qty == 2.0
    assert "unknown" in answer.filtered[0]


def test_a_position_can_be_closed_without_price_and_equity() -> None:
    context = make_context(prices={BTC: 0.0}, held={BTC: 2.0}, equity=None)
    result = target('{"action": "close", "size_pct": 0.0}', context)
    assert (result.action, result.target_qty) == (Action.CLOSE, 0.0)


def test_an_invalid_answer_holds_the_position() -> None:
    context = make_context(held={BTC: 2.0})
    answer = SimpleFormat().parse('{"action": "long", "size_pct": 1.5}', situations(context))
    (result,) = answer.targets
    assert (result.action, result.target_qty, result.size_pct) == (Action.HOLD, 2.0, 0.0)
    assert result.rationale == FORCED_HOLD_REASON
    assert answer.error == "size_pct: input should be less than or equal to 1 (it is 1.5)"


def test_it_speaks_of_one_symbol_only() -> None:
    context = make_context({BTC: UPTREND, ETH: UPTREND})
    answer = SimpleFormat().parse('{"action": "long", "size_pct": 0.1}', situations(context))
    assert {each.action for each in answer.targets} == {Action.HOLD}
    with pytest.raises(ValueError, match="use 'plan'"):
        answer_format("simple", [BTC, ETH])
    assert answer_format("simple", [BTC]).name == "simple"


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="choose one of simple, plan, orders"):
        answer_format("orders!", [BTC])
