"""`orders`: the vocabulary of most LLM traders, one order a symbol with size, stop and target."""

import reprlib
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from tui_trader.decision.formats.base import AnswerFormat, ParsedAnswer, strict_object
from tui_trader.decision.formats.items import dropped, only_of, read_items
from tui_trader.decision.json_reader import NUMBER, AnswerError
from tui_trader.decision.parser import Answer, checked
from tui_trader.decision.situation import Situation
from tui_trader.models import Action, Constraints, TargetPosition

_ACTIONS = ("open_long", "open_short", "close_long", "close_short", "hold", "wait")
_WRAPPERS = ("decisions", "decision")
_FAR = 2.0
"""A stop or target that is not within this factor of the price is meant for something else."""


def _unquoted(value: Any) -> Any:
    """A number that was written in quotes, ASCII digits and nothing beside them."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return float(value)
    return value


Number = Annotated[float, BeforeValidator(_unquoted)]
Price = Annotated[Number, Field(gt=0)]


class OrdersAnswer(Answer):
    """The list of orders, with remarks."""

    decisions: list[Any]


class Order(Answer):
    """What every order has."""

    symbol: str
    reasoning: Any = None

    @property
    def words(self) -> str:
        """Its reasoning, where that is text."""
        return self.reasoning if isinstance(self.reasoning, str) else ""


class Idle(Order):
    """An order that opens nothing: whatever else stands in it has no meaning, and may be empty."""

    action: Literal["close_long", "close_short", "hold", "wait"]
    leverage: Any = None
    position_size_usd: Any = None
    stop_loss: Any = None
    take_profit: Any = None
    confidence: Any = None


class Opening(Order):
    """An order that opens: all of it has to be there.

    `position_size_usd` is the notional in quote currency, leverage included; `confidence` is
    percent, 0 to 100, as this vocabulary has it.
    """

    action: Literal["open_long", "open_short"]
    leverage: Annotated[Number, Field(ge=1)]
    position_size_usd: Price
    stop_loss: Price
    take_profit: Price
    confidence: Annotated[Number, Field(ge=0, le=100)]


class OrdersFormat(AnswerFormat):
    """`{"decisions": [...]}`, a bare list of orders, or one bare order."""

    name: ClassVar[str] = "orders"
    idle: ClassVar[str] = "hold"

    def actions(self, allow_short: bool) -> dict[str, str]:
        meanings = {
            "open_long": "open a long position, or add to one",
            "open_short": "open a short position, or add to one",
            "close_long": "bring a long position to zero",
            "close_short": "bring a short position to zero",
            "hold": "leave the position as it is",
            "wait": "stay without a position",
        }
        if not allow_short:
            del meanings["open_short"], meanings["close_short"]
        return meanings

    def describe(self) -> str:
        return (
            "One JSON object with one order for each symbol that you decide on:\n"
            '{"decisions": [{"symbol": "<symbol as it is written in the market context>",'
            ' "action": "<one of the actions>", "leverage": <1 or more>,'
            ' "position_size_usd": <notional in quote currency, leverage included>,'
            ' "stop_loss": <price>, "take_profit": <price>,'
            ' "confidence": <percent, 0 to 100>, "reasoning": "<one or two sentences>"}]}\n'
            "An order that opens needs every field. For a long position stop_loss lies below the"
            " price and take_profit above it, for a short one the other way round. For the other"
            " actions symbol, action and reasoning are enough; write null for the rest."
            " A symbol without an order is left as it is."
        )

    def schema(self, symbols: Sequence[str]) -> dict[str, Any]:
        number = {"type": ["number", "null"]}
        order = strict_object(
            {
                "symbol": {"type": "string", "enum": list(symbols)},
                "action": {"type": "string", "enum": list(_ACTIONS)},
                "leverage": number,
                "position_size_usd": number,
                "stop_loss": number,
                "take_profit": number,
                "confidence": number,
                "reasoning": {"type": "string"},
            }
        )
        return strict_object({"decisions": {"type": "array", "items": order}})

    def read(self, value: Any, known: Sequence[Situation], limits: Constraints) -> ParsedAnswer:
        items, beside = _orders(value)
        targets, filtered = read_items(items, known, _symbol, partial(_read, limits=limits))
        return ParsedAnswer(targets, filtered=(*dropped("the answer", beside), *filtered))


def _orders(value: Any) -> tuple[list[Any], tuple[str, ...]]:
    """The orders of an answer in any of its three forms."""
    if isinstance(value, list):
        return value, ()
    wrapper = only_of(value, _WRAPPERS)
    if wrapper is None:
        return [value], ()
    fields = {name: value[name] for name in value if name not in _WRAPPERS}
    as_list = wrapper if isinstance(wrapper, list) else [wrapper]
    answer, beside = checked(OrdersAnswer, fields | {"decisions": as_list}, "the answer")
    return answer.decisions, beside


def _symbol(item: Any) -> object:
    return only_of(item, ("symbol",))


def _read(
    value: Any, situation: Situation, *, limits: Constraints
) -> tuple[TargetPosition, tuple[str, ...]]:
    action = only_of(value, ("action",))
    if action not in _ACTIONS:
        raise AnswerError(f"unknown action {reprlib.repr(action)}")
    if action in ("open_long", "open_short"):
        opening, beside = checked(Opening, value, "the order")
        return _open(opening, situation, limits), beside
    idle, beside = checked(Idle, value, "the order")
    return _leave(idle, situation), beside


def _leave(order: Idle, situation: Situation) -> TargetPosition:
    """A close of the side that is named, or a hold."""
    if order.action in ("hold", "wait"):
        return situation.hold(order.words)
    side = 1 if order.action == "close_long" else -1
    if side * situation.quantity < 0:
        raise AnswerError(f"{order.action} contradicts the position of {situation.quantity:g}")
    return situation.flat(order.words)


def _open(order: Opening, situation: Situation, limits: Constraints) -> TargetPosition:
    side = 1 if order.action == "open_long" else -1
    price, equity, held = situation.price, situation.equity, situation.quantity
    if price is None or equity is None or not situation.usable:
        raise AnswerError("nothing is opened while price, equity or features are unknown")
    if side * held < 0:
        raise AnswerError(f"{order.action} against the position of {held:g}: close that first")
    most = limits.max_leverage or 1.0
    if order.leverage > most:
        raise AnswerError(f"leverage {order.leverage:g} is above the limit of {most:g}")
    quantity = side * order.position_size_usd / price
    fits = situation.affordable(held + quantity, order.leverage)
    if not fits or not situation.affordable(quantity, order.leverage):
        raise AnswerError(
            f"position_size_usd {order.position_size_usd:g} at {order.leverage:g}x leverage is no"
            f" size for an account of {equity:g}"
        )
    _check_protection(order, side, price)
    return TargetPosition(
        instrument=situation.instrument,
        action=Action.LONG if side > 0 else Action.SHORT,
        target_qty=held + quantity,
        size_pct=situation.share_of_equity(quantity),
        confidence=order.confidence / 100,
        rationale=order.words,
        leverage=order.leverage,
        stop_loss=order.stop_loss,
        take_profit=order.take_profit,
    )


def _check_protection(order: Opening, side: int, price: float) -> None:
    """Stop and target lie on their sides of the price, near enough to be meant for it, and the stop
    comes before the liquidation that the leverage brings. Raises AnswerError."""
    for name, level, away in (
        ("stop_loss", order.stop_loss, -side),
        ("take_profit", order.take_profit, side),
    ):
        if away * (level - price) <= 0:
            raise AnswerError(f"{name} {level:g} is on the wrong side of the price of {price:g}")
        if not price / _FAR <= level <= price * _FAR:
            raise AnswerError(f"{name} {level:g} is too far from the price of {price:g}")
    if abs(price - order.stop_loss) / price > 1 / order.leverage:
        raise AnswerError(
            f"stop_loss {order.stop_loss:g} lies beyond the liquidation at"
            f" {order.leverage:g}x leverage"
        )
