"""What the rules judge: one increase of exposure, with all that is known of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tui_trader.models import Action, TradeSide
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.state import RiskState

SLACK = 1 + 1e-9
"""Forgives a rounding error of float arithmetic where a size is exactly at its cap."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An increase of exposure in one symbol, judged at `ts` (ms).

    `base` is what is held of the symbol, `quantity` what would be added (both signed base currency;
    zero once rounded away), `pending` what open orders of the symbol may still buy and sell (both
    positive). `other_notional` (quote currency), `other_net` (its lowest and highest net) and
    `other_positions` tell of all other symbols, as they may be at worst after the orders that the
    cycle has approved so far. `confidence` is the decision's own (0 to 1), `score` the symbol's
    recent performance (-1 to 1), `leverage`, `stop_loss` and `take_profit` what the decision named;
    `spread_bps` is None where the quote makes no sense. None is what is not known.

    `unknown` says that nobody knows what became of an order in the symbol, `flips` that the cycle
    closes the other side first. `model_cost` is what models have cost today, in quote currency.
    """

    action: Action
    symbol: str
    ts: int
    base: float
    quantity: float
    price: float | None
    equity: float | None
    other_notional: float | None
    other_positions: int
    stale: bool
    state: RiskState
    moved: bool = False
    expired: bool = False
    confidence: float | None = None
    score: float | None = None
    pending: tuple[float, float] = (0.0, 0.0)
    other_net: tuple[float, float] | None = (0.0, 0.0)
    unknown: bool = False
    flips: bool = False
    spread_bps: float | None = None
    leverage: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    model_cost: float = 0.0

    @property
    def side(self) -> TradeSide:
        """The side of the order."""
        return TradeSide.BUY if self.quantity > 0 else TradeSide.SELL

    @property
    def reach(self) -> tuple[float, float]:
        """The lowest and the highest position that may come of it (signed base currency)."""
        return reach_of(self.base + self.quantity, self.base, self.pending)

    @property
    def notional(self) -> float:
        """The position's worst projected notional in quote currency, infinite when unknown."""
        return math.inf if self.price is None else max(map(abs, self.reach)) * self.price

    @property
    def gross(self) -> float:
        """The worst projected notional of all positions in quote currency, infinite when
        unknown."""
        return math.inf if self.other_notional is None else self.other_notional + self.notional

    @property
    def net(self) -> float:
        """How far all positions together may come to lie on the order's side, in quote currency;
        infinite when it is not known."""
        if self.price is None or self.other_net is None:
            return math.inf
        (low, high), (other_low, other_high) = self.reach, self.other_net
        if self.side is TradeSide.BUY:
            return other_high + high * self.price
        return -(other_low + low * self.price)

    @property
    def worth(self) -> float:
        """Equity in quote currency, none when it is unknown."""
        return 0.0 if self.equity is None else self.equity


def reach_of(wanted: float, held: float, pending: tuple[float, float]) -> tuple[float, float]:
    """The lowest and the highest position between `held` and `wanted` (signed base currency) with
    any part of what is `pending` to buy and to sell filled."""
    buys, sells = pending
    return min(wanted, held) - sells, max(wanted, held) + buys


class Objection(NamedTuple):
    """Why an opening is refused, and until when (ms; None: until something changes)."""

    reason: str
    until_ts: int | None = None


Rule = Callable[[Proposal, RiskLimits], Objection | None]
