"""What fills and the trades that they close come to, in a few running sums."""

from collections.abc import Sequence
from decimal import Decimal

from tui_trader.models import Fill, TradeHistoryEntry
from tui_trader.models.money import exact

_ZERO = Decimal(0)


class Tally:
    """Turnover, time in the market, and the record of closed trades; quote currency, ms.

    `trades` counts closes of whole positions and of parts; one that came to nothing was neither won
    nor lost.
    """

    def __init__(self) -> None:
        self.turnover = _ZERO
        self.trades = 0
        self.wins = 0
        self.won = _ZERO
        self.lost = _ZERO
        self._held_ms = 0
        self._since: int | None = None
        self._holding_ms = 0

    def note(self, fill: Fill, closed: Sequence[TradeHistoryEntry], *, held: bool) -> None:
        """Count a fill, the trades that it closed, and whether anything is held after it."""
        self.turnover += exact(fill.price) * exact(fill.quantity)
        for trade in closed:
            self._count(trade)
        if held and self._since is None:
            self._since = fill.ts
        elif not held and self._since is not None:
            self._held_ms += max(0, fill.ts - self._since)
            self._since = None

    def _count(self, trade: TradeHistoryEntry) -> None:
        profit = exact(trade.realized_pnl or 0.0)
        self.trades += 1
        self.wins += profit > 0
        self.won += max(profit, _ZERO)
        self.lost -= min(profit, _ZERO)
        self._holding_ms += trade.holding_ms or 0

    def in_market_ms(self, now: int) -> int:
        """How long anything was held, up to `now`."""
        return self._held_ms + (0 if self._since is None else max(0, now - self._since))

    @property
    def win_rate(self) -> float | None:
        """The fraction of trades that won."""
        return self.wins / self.trades if self.trades else None

    @property
    def profit_factor(self) -> float | None:
        """What was won for each unit lost; None while nothing was lost."""
        return float(self.won / self.lost) if self.lost else None

    @property
    def expectancy(self) -> float | None:
        """The mean profit of a trade."""
        return float((self.won - self.lost) / self.trades) if self.trades else None

    @property
    def avg_holding_ms(self) -> int | None:
        """The mean time from the opening of a position to the close."""
        return round(self._holding_ms / self.trades) if self.trades else None
