"""What brings a wish into a form that can be ordered. Pure functions on signed base quantities."""

import math
from collections.abc import Iterable
from decimal import Decimal

from tui_trader.models import PortfolioView, TargetPosition
from tui_trader.models.money import EXACT, exact
from tui_trader.models.orders import wanted_quantity
from tui_trader.risk.limits import RiskLimits


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
        rounded = EXACT.add(rounded, size)
    return min(float(rounded), abs(held))


def _whole_steps(quantity: Decimal, step: Decimal) -> Decimal:
    return EXACT.multiply(EXACT.divide_int(quantity, step), step)


def without_short(held: float, wanted: float) -> float:
    """`wanted`, or flat instead of short. What is short already may still be reduced."""
    return max(wanted, min(held, 0.0))


def within_notional(quantity: float, cap: float, price: float) -> float:
    """`quantity` cut back to where its notional at `price` is `cap` (quote currency)."""
    if abs(quantity) * price <= cap:
        return quantity
    return cap / price if quantity > 0 else -cap / price


def clamp_leverage(asked: float, limits: RiskLimits) -> float | None:
    """The leverage to order with where `asked` was asked for; None where it is no leverage."""
    if not 0 < asked < math.inf:
        return None
    if limits.market == "spot":
        return 1.0
    return asked if limits.max_leverage is None else min(asked, limits.max_leverage)


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
