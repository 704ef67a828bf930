"""`plan`: source document S3's plan, one item a symbol, each naming the final position."""

import math
import reprlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tui_trader.decision.formats.base import AnswerFormat, ParsedAnswer
from tui_trader.decision.parser import (
    AnswerError,
    as_fraction,
    as_number,
    as_object,
    as_text,
    log_refusal,
    strict_json,
)
from tui_trader.decision.situation import Situation
from tui_trader.models import Action, LlmDecisionItem, PlanAction, TargetPosition

_PLAN_FIELDS = frozenset({"ts", "items", "notes", "model_meta"})
_ITEM_FIELDS = frozenset(
    {"instrument", "symbol", "action", "target_qty", "confidence", "rationale"}
)
_INSTRUMENT_FIELDS = frozenset({"symbol", "exchange_id", "quote_ccy"})
_IMPLIED_TARGET = (PlanAction.FLAT, PlanAction.NOOP)


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

    def read(self, raw: str, known: Sequence[Situation]) -> ParsedAnswer:
        plan = as_object(strict_json(raw), _PLAN_FIELDS, "the answer")
        items = plan.get("items")
        if not isinstance(items, list):
            raise AnswerError("the answer has no list of items")
        notes = as_text(plan.get("notes"), "notes") or None
        by_symbol = {situation.symbol: situation for situation in known}
        targets = {symbol: each.hold("not in the answer") for symbol, each in by_symbol.items()}
        symbols = [_symbol(item) for item in items]
        count = Counter(symbols)
        refused: list[str] = []
        for number, (symbol, item) in enumerate(zip(symbols, items, strict=True), start=1):
            try:
                if symbol is not None and count[symbol] > 1:
                    raise AnswerError("the symbol stands in more than one item")
                situation, proposal = _proposal(symbol, item, by_symbol)
                targets[situation.symbol] = _target(proposal, situation)
            except AnswerError as error:
                refused.append(f"item {number} ({reprlib.repr(symbol)}): {error}")
                if symbol is not None and symbol in by_symbol:
                    targets[symbol] = by_symbol[symbol].hold(f"item refused: {error}")
        if refused and len(refused) == len(items):
            raise AnswerError("; ".join(refused))
        if refused:
            log_refusal(raw, "; ".join(refused))
        return ParsedAnswer(tuple(targets.values()), notes, tuple(refused))


def _symbol(item: Any) -> str | None:
    """The symbol of an item: `symbol`, or S3's `instrument` as text or object; else None."""
    if not isinstance(item, dict) or ("symbol" in item) == ("instrument" in item):
        return None
    symbol = item.get("symbol", item.get("instrument"))
    if isinstance(symbol, dict):
        symbol = symbol.get("symbol") if symbol.keys() <= _INSTRUMENT_FIELDS else None
    return symbol if isinstance(symbol, str) else None


def _proposal(
    symbol: str | None, item: Any, by_symbol: Mapping[str, Situation]
) -> tuple[Situation, LlmDecisionItem]:
    """An item whose fields are all valid, and the situation that it speaks of."""
    fields = as_object(item, _ITEM_FIELDS, "the item")
    if symbol is None:
        raise AnswerError("it has no one symbol")
    if symbol not in by_symbol:
        raise AnswerError("unknown symbol")
    situation = by_symbol[symbol]
    if fields.get("action") not in list(PlanAction):
        raise AnswerError(f"unknown action {reprlib.repr(fields.get('action'))}")
    action = PlanAction(fields["action"])
    implied = 0.0 if action is PlanAction.FLAT else situation.quantity
    omitted = action in _IMPLIED_TARGET and fields.get("target_qty") is None
    confidence = fields.get("confidence")
    return situation, LlmDecisionItem(
        instrument=situation.instrument,
        action=action,
        target_qty=implied if omitted else as_number(fields.get("target_qty"), "target_qty"),
        confidence=None if confidence is None else as_fraction(confidence, "confidence"),
        rationale=as_text(fields.get("rationale"), "rationale"),
    )


def _target(proposal: LlmDecisionItem, situation: Situation) -> TargetPosition:
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
    grows = abs(wanted) > abs(current) or wanted * current < 0
    if grows and proposal.action is not PlanAction.NOOP and not situation.usable:
        raise AnswerError("nothing is opened while price or features are missing")
    action = _logged_action(proposal.action, wanted, current)
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
