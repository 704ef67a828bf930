"""`simple`: source document S0's decision on one symbol."""

from collections.abc import Sequence
from typing import Any, ClassVar

from tui_trader.decision.formats.base import AnswerFormat, ParsedAnswer, strict_object
from tui_trader.decision.formats.items import dropped
from tui_trader.decision.json_reader import AnswerError
from tui_trader.decision.parser import SimpleAnswer, checked
from tui_trader.decision.situation import Situation
from tui_trader.models import Action, Constraints, DecisionObject, TargetPosition


class SimpleFormat(AnswerFormat):
    """`{"action", "size_pct", "reason"}`; `size_pct` is the fraction of equity to add.

    A confidence (0 to 1) may stand beside them; then it counts.
    """

    name: ClassVar[str] = "simple"
    idle: ClassVar[str] = "hold"
    one_symbol: ClassVar[bool] = True

    def actions(self, allow_short: bool) -> dict[str, str]:
        short = (
            "sell: open a short position, add to it, or reduce a long one"
            if allow_short
            else "sell: reduce a long position (this market can't be sold short)"
        )
        return {
            "long": "buy: open a long position, add to it, or reduce a short one",
            "short": short,
            "close": "bring the position to zero",
            "hold": "change nothing",
        }

    def describe(self) -> str:
        return (
            "One JSON object with these three fields:\n"
            '{"action": "long" | "short" | "close" | "hold",'
            ' "size_pct": <number from 0.0 to 1.0>, "reason": "<one or two sentences>"}\n'
            "size_pct is the part of account equity to buy or sell now: 0.05 is 5 % of equity."
            " For close and hold write 0.0."
        )

    def schema(self, symbols: Sequence[str]) -> dict[str, Any]:
        return strict_object(
            {
                "action": {"type": "string", "enum": [action.value for action in Action]},
                "size_pct": {"type": "number"},
                "reason": {"type": "string"},
            }
        )

    def read(self, value: Any, known: Sequence[Situation], limits: Constraints) -> ParsedAnswer:
        if len(known) != 1:
            raise AnswerError(f"this format decides on one symbol, not on {len(known)}")
        (situation,) = known
        answer, beside = checked(SimpleAnswer, value, "the answer")
        decision = answer.decision
        target = self.target(decision, situation)
        filtered = list(dropped("the answer", beside))
        if decision.size_pct and situation.quantity_for(decision.size_pct) is None:
            filtered.append(f"{situation.symbol}: can't be sized, price or equity is unknown")
        return ParsedAnswer(
            (target.model_copy(update={"confidence": answer.confidence}),),
            decision.reason,
            filtered=tuple(filtered),
        )

    def target(self, decision: DecisionObject, situation: Situation) -> TargetPosition:
        """The position that `decision` leads to. A size that can't be known changes nothing."""
        current = situation.quantity
        added = situation.quantity_for(decision.size_pct) or 0.0
        target_qty = {
            Action.LONG: current + added,
            Action.SHORT: current - added,
            Action.CLOSE: 0.0,
            Action.HOLD: current,
        }[decision.action]
        opens = decision.action in (Action.LONG, Action.SHORT)
        return TargetPosition(
            instrument=situation.instrument,
            action=decision.action,
            target_qty=target_qty,
            size_pct=decision.size_pct if opens else 0.0,
            rationale=decision.reason,
        )
