"""What orders under way may still add to what is held."""

from collections.abc import Iterable

from tui_trader.models import OrderRecord, OrderStatus, TradeSide
from tui_trader.models.money import difference


def pending(orders: Iterable[OrderRecord]) -> dict[str, tuple[float, float]]:
    """By symbol, what `orders` may still buy and sell (positive base currency): those that are not
    final and not reduce-only, which can add nothing. `filled_qty` must be booked as held."""
    sums: dict[str, tuple[float, float]] = {}
    for order in orders:
        if order.status.final or order.request.reduce_only:
            continue
        left = max(difference(order.request.quantity, order.filled_qty), 0.0)
        buys, sells = sums.get(order.symbol, (0.0, 0.0))
        if order.request.side is TradeSide.BUY:
            sums[order.symbol] = buys + left, sells
        else:
            sums[order.symbol] = buys, sells + left
    return sums


def unknown(orders: Iterable[OrderRecord]) -> frozenset[str]:
    """The symbols with an order of which nobody knows what became, a reduction included."""
    return frozenset(order.symbol for order in orders if order.status is OrderStatus.UNKNOWN)
