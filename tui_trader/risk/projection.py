"""What will be held once the orders of a cycle are done, at worst."""

from dataclasses import dataclass

from tui_trader.models import PortfolioView
from tui_trader.risk.interfaces import RiskMarket
from tui_trader.risk.proposal import reach_of


@dataclass(frozen=True, slots=True)
class Others:
    """All symbols but one: how many may be held, their worst notional in quote currency, and the
    lowest and highest that longs less shorts may come to. None where a price is not known."""

    positions: int
    gross: float | None
    net: tuple[float, float] | None


class Projection:
    """Begins with what is held and the orders that are open; a cycle's closes count as done, its
    openings as orders that may be filled or not."""

    def __init__(self, view: PortfolioView, market: RiskMarket) -> None:
        self._view = view
        self._market = market
        self._held = {symbol: item.quantity for symbol, item in view.positions.items()}
        self._pending = dict(market.pending)

    def held(self, symbol: str) -> float:
        """The projected position, signed base currency."""
        return self._held.get(symbol, 0.0)

    def reduce(self, symbol: str, quantity: float) -> None:
        """Count on a close that leaves a position of signed `quantity` (base currency)."""
        self._held[symbol] = quantity

    def open(self, symbol: str, quantity: float) -> None:
        """Count with an opening of signed `quantity` (base currency)."""
        buys, sells = self.pending(symbol)
        self._pending[symbol] = buys + max(quantity, 0.0), sells + max(-quantity, 0.0)

    def pending(self, symbol: str) -> tuple[float, float]:
        """What open orders may still buy and sell (positive base currency)."""
        return self._pending.get(symbol, (0.0, 0.0))

    def others(self, symbol: str) -> Others:
        """What may be held of every other symbol."""
        reaches = {
            name: reach_of(self.held(name), self.held(name), self.pending(name))
            for name in self._held | self._pending
            if name != symbol
        }
        reaches = {name: reach for name, reach in reaches.items() if any(reach)}
        priced = [
            (low * price, high * price)
            for name, (low, high) in reaches.items()
            if (price := self._price(name)) is not None
        ]
        if len(priced) < len(reaches):
            return Others(len(reaches), None, None)
        gross = sum(max(abs(low), abs(high)) for low, high in priced)
        net = sum(low for low, _ in priced), sum(high for _, high in priced)
        return Others(len(reaches), gross, net)

    def _price(self, symbol: str) -> float | None:
        price = self._market.price(symbol)
        if price is None and (position := self._view.positions.get(symbol)) is not None:
            return position.mark_price
        return price
