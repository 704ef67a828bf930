"""Walking an order book. Pure functions on prices and quantities, in exact decimals."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from tui_trader.models import TradeSide

Levels = tuple[tuple[float, float], ...]
"""Price (quote currency) and quantity (base currency), the best price first."""


class Book(NamedTuple):
    """What is offered at one moment."""

    bids: Levels = ()
    asks: Levels = ()


def takes(
    levels: Iterable[tuple[Decimal, Decimal]],
    side: TradeSide,
    quantity: Decimal,
    limit: Decimal | None,
) -> Iterator[tuple[Decimal, Decimal]]:
    """What an order for `quantity` takes from `levels`, level by level, as price and quantity; at
    no price worse than `limit`."""
    left = quantity
    for price, offered in levels:
        worse = limit is not None and (price - limit) * side.sign > 0
        if worse or left <= 0:
            return
        taken = min(left, offered)
        if taken > 0:
            yield price, taken
        left -= taken
