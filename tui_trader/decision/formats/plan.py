"""`plan`: source document S3's plan, one item a symbol, each naming the final position."""

import math
import reprlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from pydantic import Field

from tui_trader.decision.formats.base import AnswerFormat, ParsedAnswer, strict_object
from tui_trader.decision.formats.items import dropped, only_of, read_items
from tui_trader.decision.json_reader import AnswerError
from tui_trader.decision.parser import Answer, AnswerFraction, Text, checked
from tui_trader.decision.situation import Situation
from tui_trader.models import Action, Constraints, LlmDecisionItem, PlanAction, TargetPosition

_SYMBOL_NAMES = ("symbol", "instrument")
_INSTRUMENT_FIELDS = frozenset({"symbol", "exchange_id", "quote_ccy"})


class PlanAnswer(Answer):
    """A whole plan."""

    items: list[Any]
    notes: Text = ""
    ts: Any = None
    model_meta: Any = None


class PlanItem(Answer):
    """One item: `target_qty` is signed base currency; flat and noop imply it."""

    instrument: Any = None
    symbol: Any = None
    action: str
    target_qty: float | None = None
    confidence: AnswerFraction | None = None
    rationale: Text = Field("")


class PlanFormat(AnswerFormat):
    """`{"items": [...]}`; a bad item becomes a hold of its symbol, the other items go on."""

    name: ClassVar[str] = "plan"
    idle: ClassVar[str] = "noop"

    def actions(self, allow_short: bool) -> dict[str, str]:
        floor = "negative for a short position" if allow_short else "0 or more: no shorts here"
        return {
            "buy": "raise the position to target_qty, which is above the current quantity",
            "sell": f"lower it to target_qty, which is below the current quantity ({floor})",
            "flat": "bring the position to zero",
            "noop": "leave the position as it is",
        }

    def describe(self) -> str:
        return (
            "One JSON object with one item for each symbol that you decide on:\n"
            '{"items": [{"symbol": "<symbol as it is written in the market context>",'
            ' "action": "buy" | "sell" | "flat" | "noop",'
            ' "target_qty": <final signed quantity in base currency>,'
            ' "confidence": <number from 0.0 to 1.0>, "rationale": "<one or two sentences>"}],'
            ' "notes": "<optional>"}\n'
            "target_qty is the position you want to end with, not the change; negative is short."
            " For flat write 0, for noop the current quantity. A symbol without an item is left"
            " as it is."
        )

    def schema(self, symbols: Sequence[str]) -> dict[str, Any]:
        item = strict_object(
            {
                "symbol": {"type": "string", "enum": list(symbols)},
                "action": {"type": "string", "enum": [action.value for action in PlanAction]},
                "target_qty": {"type": "number"},
                "confidence": {"type": "number"},
                "rationale": {"type": "string"},
            }
        )
        return strict_object(
            {"items": {"type": "array", "items": item}, "notes": {"type": "string"}}
        )

    def read(self, value: Any, known: Sequence[Situation], limits: Constraints) -> ParsedAnswer:
        plan, beside = checked(PlanAnswer, value, "the answer")
        read = partial(_read, limits=limits)
        targets, filtered = read_items(plan.items, known, _symbol, read)
        return ParsedAnswer(
            targets, plan.notes or None, filtered=(*dropped("the answer", beside), *filtered)
        )


def _symbol(item: Any) -> object:
    """The symbol of an item: `symbol`, or S3's `instrument` as text or object; else None."""
    said = only_of(item, _SYMBOL_NAMES)
    if isinstance(said, Mapping):
        return said.get("symbol") if said.keys() <= _INSTRUMENT_FIELDS else None
    return said


def _read(
    value: Any, situation: Situation, *, limits: Constraints
) -> tuple[TargetPosition, tuple[str, ...]]:
    item, beside = checked(PlanItem, value, "the item")
    if item.action not in list(PlanAction):
        raise AnswerError(f"unknown action {reprlib.repr(item.action)}")
    action = PlanAction(item.action)
    target_qty = item.target_qty
    if target_qty is None:
        if action not in (PlanAction.FLAT, PlanAction.NOOP):
            raise AnswerError("target_qty is missing")
        target_qty = 0.0 if action is PlanAction.FLAT else situation.quantity
    proposal = LlmDecisionItem(
        instrument=situation.instrument,
        action=action,
        target_qty=target_qty + 0.0,  # makes -0.0 a plain zero
        confidence=item.confidence,
        rationale=item.rationale,
    )
    return _target(proposal, situation, limits.max_leverage or 1.0), beside


def _target(proposal: LlmDecisionItem, situation: Situation, leverage: float) -> TargetPosition:
    """The target of an item whose action and quantity agree with the position that is held."""
    current, wanted = situation.quantity, proposal.target_qty
    agrees = {
        PlanAction.BUY: wanted > current,
        PlanAction.SELL: wanted < current,
        PlanAction.FLAT: wanted == 0.0,
        PlanAction.NOOP: math.isclose(wanted, current, rel_tol=1e-6),
    }
    if not agrees[proposal.action]:
        raise AnswerError(
            f"{proposal.action} to {wanted:g} contradicts the position of {current:g}"
        )
    action = _logged_action(proposal.action, wanted, current)
    opens = action is not Action.HOLD and situation.opens(wanted)
    if opens and not situation.usable:
        raise AnswerError("nothing is opened while price or features are missing")
    if opens and wanted and not situation.affordable(wanted, leverage):
        raise AnswerError(f"target_qty {wanted:g} is no size for this account")
    return TargetPosition(
        instrument=situation.instrument,
        action=action,
        target_qty=current if action is Action.HOLD else wanted,
        size_pct=(
            situation.share_of_equity(wanted - current)
            if action in (Action.LONG, Action.SHORT)
            else 0.0
        ),
        confidence=proposal.confidence,
        rationale=proposal.rationale or "",
    )


def _logged_action(action: PlanAction, wanted: float, current: float) -> Action:
    """S0's word for a plan's item: a buy or sell that ends at zero is a close."""
    if action is PlanAction.NOOP or wanted == current:
        return Action.HOLD
    if wanted == 0.0:
        return Action.CLOSE
    return Action.LONG if action is PlanAction.BUY else Action.SHORT
