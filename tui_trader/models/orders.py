"""A wished position and the orders that lead there: the same thing, said in two ways."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError

from tui_trader.models.base import Model
from tui_trader.models.decision import Action, Fraction, TargetPosition
from tui_trader.models.execution import PriceMode, Protection, TradeInstruction, TradeSide
from tui_trader.models.market import InstrumentRef
from tui_trader.models.money import difference, exact
from tui_trader.models.portfolio import PortfolioView

Positive = Annotated[float, Field(gt=0.0)]


class DecisionMeta(Model):
    """What an instruction's `meta` may tell of the decision behind it, in `TargetPosition`'s names.

    Other keys of a `meta` are its author's own affair.
    """

    model_config = ConfigDict(strict=True, extra="ignore")

    confidence: Fraction | None = None
    size_pct: Fraction = 0.0
    rationale: str = ""
    leverage: Positive | None = None
    stop_loss: Positive | None = None
    take_profit: Positive | None = None


def wanted_quantity(target: TargetPosition, held: float) -> float:
    """The position that a target asks for; a hold asks for what is held."""
    return held if target.action is Action.HOLD else target.target_qty


def split(held: float, wanted: float) -> tuple[float, float]:
    """The way from `held` to `wanted` as two signed changes: what only reduces, what opens."""
    same_side = (held > 0 and wanted > 0) or (held < 0 and wanted < 0)
    nearer = min(held, wanted, key=abs) if same_side else 0.0
    return difference(nearer, held), difference(wanted, nearer)


def may_open(action: Action, change: float) -> bool:
    """Whether what a decision calls itself agrees with the signed `change` that it opens."""
    agrees = {Action.LONG: change >= 0, Action.SHORT: change <= 0}
    return agrees.get(action, False)


def market_order(
    instruction_id: str,
    compose_id: str,
    instrument: InstrumentRef,
    change: float,
    *,
    reduce_only: bool,
    max_slippage_bps: int | None = None,
    leverage: float | None = None,
    protection: Protection | None = None,
    meta: dict[str, Any] | None = None,
) -> TradeInstruction:
    """A market order that changes the position by the signed `change` (base currency, not 0)."""
    return TradeInstruction(
        instruction_id=instruction_id,
        compose_id=compose_id,
        instrument=instrument,
        side=TradeSide.BUY if change > 0 else TradeSide.SELL,
        quantity=abs(change),
        leverage=leverage,
        max_slippage_bps=max_slippage_bps,
        reduce_only=reduce_only,
        protection=protection or None,
        meta=meta,
    )


def instructions_toward(
    targets: Iterable[TargetPosition], view: PortfolioView, compose_id: str
) -> tuple[TradeInstruction, ...]:
    """The orders that lead from what is held to `targets`, for composers that speak in orders.

    What changes nothing has none, and neither has an opening that contradicts its own action. The
    second order of a symbol is the opening half of a flip.
    """
    orders = []
    for target in targets:
        instrument = target.instrument
        held = view.quantity_of(instrument.symbol)
        closing, opening = split(held, wanted_quantity(target, held))
        halves = [(closing, True), (opening, False)] if closing else [(opening, False)]
        for number, (change, reduces) in enumerate(halves):
            if change and (reduces or may_open(target.action, change)):
                orders.append(
                    market_order(
                        f"{compose_id}:{instrument.symbol}{':1' if number else ''}",
                        compose_id,
                        instrument,
                        change,
                        reduce_only=reduces,
                        leverage=target.leverage,
                        meta=_meta_of(target),
                    )
                )
    return tuple(orders)


def targets_of(
    instructions: Iterable[TradeInstruction], view: PortfolioView
) -> list[TargetPosition]:
    """The positions to which a composer's own orders would lead, to be judged like any target.

    Orders in one symbol add up and a reduce-only order stops at flat. A limit order changes nothing
    and its target says so: to send it at market would be another order than was asked for. An order
    whose meta is not valid counts as reduce-only: nothing opens on what can't be understood.
    """
    by_symbol: dict[str, list[TradeInstruction]] = {}
    for instruction in instructions:
        by_symbol.setdefault(instruction.instrument.symbol, []).append(instruction)
    return [_target(orders, view.quantity_of(symbol)) for symbol, orders in by_symbol.items()]


def _target(orders: Sequence[TradeInstruction], held: float) -> TargetPosition:
    """The target of all `orders` in one symbol: as sure as the least sure of them."""
    wanted = exact(held)
    known: list[DecisionMeta] = []
    notes: list[str] = []
    for order in orders:
        if order.price_mode is PriceMode.LIMIT:
            notes.append("limit orders are not supported: left out")
            continue
        meta, error = _read_meta(order)
        known.append(meta)
        notes.append(error or meta.rationale)
        change = exact(order.quantity) * order.side.sign
        if order.reduce_only or error:
            change = min(change, -wanted, key=abs) if wanted * change < 0 else Decimal(0)
        wanted += change
    sure = [meta.confidence for meta in known if meta.confidence is not None]
    return TargetPosition(
        instrument=orders[0].instrument,
        action=_action_of(wanted, exact(held)),
        target_qty=float(wanted),
        size_pct=max((meta.size_pct for meta in known), default=0.0),
        confidence=min(sure, default=None),
        rationale="; ".join(filter(None, dict.fromkeys(notes))),
        leverage=next((meta.leverage for meta in known if meta.leverage), None),
        stop_loss=next((meta.stop_loss for meta in known if meta.stop_loss), None),
        take_profit=next((meta.take_profit for meta in known if meta.take_profit), None),
    )


def _action_of(wanted: Decimal, held: Decimal) -> Action:
    """What leads from `held` to `wanted`, in S0's words: less of a long position is a short."""
    if wanted == held:
        return Action.HOLD
    if wanted == 0:
        return Action.CLOSE
    return Action.LONG if wanted > held else Action.SHORT


def _meta_of(target: TargetPosition) -> dict[str, Any]:
    fields = set(DecisionMeta.model_fields) - {"leverage"}  # which an order has itself
    return target.model_dump(include=fields, exclude_defaults=True)


def _read_meta(order: TradeInstruction) -> tuple[DecisionMeta, str]:
    """What `order` tells of its decision, and why it can't be understood; empty when it can."""
    told = {name: value for name, value in (order.meta or {}).items() if value is not None}
    if order.leverage is not None:
        told["leverage"] = order.leverage
    if order.protection is not None:
        levels = {"stop_loss", "take_profit"}
        told |= order.protection.model_dump(include=levels, exclude_none=True)
    try:
        return DecisionMeta.model_validate(told), ""
    except ValidationError as error:
        names = dict.fromkeys(str(flaw["loc"][0]) for flaw in error.errors())
        return DecisionMeta(), f"meta refused: {', '.join(names)} not valid"
