"""What brings a wish into a form that can be ordered. Pure functions on signed base quantities."""

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal

from tui_trader.models import Action, PortfolioView, PriceMode, TargetPosition, TradeInstruction
from tui_trader.models.money import exact

# Holds the quotient of any two finite floats, so that no rounding here can fail or be inexact.
_EXACT = Context(prec=700)


def difference(left: float, right: float) -> float:
    """`left - right` without the noise of float subtraction."""
    return float(_EXACT.subtract(exact(left), exact(right)))


def truncate(quantity: float, step: float) -> float:
    """`quantity` cut towards zero to a multiple of `step`."""
    return float(_whole_steps(exact(quantity), exact(step)))


def round_reduction(quantity: float, held: float, step: float) -> float:
    """The positive quantity to order so that `held` is reduced by at least `quantity`.

    Rounded up to the step, so that it never becomes nothing, and never beyond what is held: the
    whole of a position can always be closed, dust included.
    """
    wanted, size = exact(quantity), exact(step)
    if wanted >= abs(exact(held)):
        return abs(held)
    rounded = _whole_steps(wanted, size)
    if rounded < wanted:
        rounded = _EXACT.add(rounded, size)
    return min(float(rounded), abs(held))


def _whole_steps(quantity: Decimal, step: Decimal) -> Decimal:
    return _EXACT.multiply(_EXACT.divide_int(quantity, step), step)


def split(held: float, wanted: float) -> tuple[float, float]:
    """The way from `held` to `wanted` as two signed changes: what only reduces, what opens."""
    same_side = (held > 0 and wanted > 0) or (held < 0 and wanted < 0)
    nearer = min(held, wanted, key=abs) if same_side else 0.0
    return difference(nearer, held), difference(wanted, nearer)


def without_short(held: float, wanted: float) -> float:
    """`wanted`, or flat instead of short. What is short already may still be reduced."""
    return max(wanted, min(held, 0.0))


def within_notional(quantity: float, cap: float, price: float) -> float:
    """`quantity` cut back to where its notional at `price` is `cap` (quote currency)."""
    if abs(quantity) * price <= cap:
        return quantity
    return cap / price if quantity > 0 else -cap / price


def one_per_symbol(
    targets: Iterable[TargetPosition], view: PortfolioView
) -> tuple[list[TargetPosition], list[TargetPosition]]:
    """One target for each symbol, the nearest to flat, and those that it displaces."""
    chosen: dict[str, TargetPosition] = {}
    displaced: list[TargetPosition] = []
    for target in targets:
        symbol = target.instrument.symbol
        held = view.quantity_of(symbol)
        rival = chosen.setdefault(symbol, target)
        if rival is target:
            continue
        if abs(wanted_quantity(target, held)) < abs(wanted_quantity(rival, held)):
            chosen[symbol], target = target, rival
        displaced.append(target)
    return list(chosen.values()), displaced


def wanted_quantity(target: TargetPosition, held: float) -> float:
    """The position that a target asks for; a hold asks for what is held."""
    return held if target.action is Action.HOLD else target.target_qty


def targets_from_instructions(
    instructions: Iterable[TradeInstruction], view: PortfolioView
) -> list[TargetPosition]:
    """The positions to which a composer's own orders would lead, to be judged like any target.

    Orders in one symbol add up and a reduce-only order stops at flat. A limit order changes nothing
    and its target says so: to send it at market would be another order than was asked for.
    """
    by_symbol: dict[str, list[TradeInstruction]] = {}
    for instruction in instructions:
        by_symbol.setdefault(instruction.instrument.symbol, []).append(instruction)
    return [_target(orders, view.quantity_of(symbol)) for symbol, orders in by_symbol.items()]


def _target(orders: Sequence[TradeInstruction], held: float) -> TargetPosition:
    wanted = exact(held)
    for order in orders:
        change = exact(order.quantity) * order.side.sign
        if order.price_mode is PriceMode.LIMIT:
            continue
        if order.reduce_only:
            change = min(change, -wanted, key=abs) if wanted * change < 0 else Decimal(0)
        wanted += change
    limits = any(order.price_mode is PriceMode.LIMIT for order in orders)
    return TargetPosition(
        instrument=orders[0].instrument,
        action=_action_of(wanted, exact(held)),
        target_qty=float(wanted),
        rationale="limit orders are not supported: left out" if limits else "",
    )


def _action_of(wanted: Decimal, held: Decimal) -> Action:
    if wanted == held:
        return Action.HOLD
    if wanted == 0:
        return Action.CLOSE
    return Action.LONG if wanted > 0 else Action.SHORT
