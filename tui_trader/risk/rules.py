"""The rules that an increase of exposure must pass. Pure functions, empty reason when content.

The reasons of source document S0 are kept to the letter. What is unknown fails: an unknown price
counts as an infinite notional, an unknown equity as none.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tui_trader.models import Action
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.state import OPENING_VETO, RiskState

SLACK = 1 + 1e-9
"""Forgives a rounding error of float arithmetic where a size is exactly at its cap."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An increase of exposure in one symbol, judged at `ts` (ms).

    `base` is what is held of the symbol, `quantity` what would be added (both signed base currency;
    zero once rounded away). `other_notional` and `other_positions` tell of all other symbols, as
    they will be after the orders that the cycle has approved so far.
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

    @property
    def notional(self) -> float:
        """The position's projected notional in quote currency, infinite when it is unknown."""
        if self.price is None:
            return math.inf
        return abs(self.base + self.quantity) * self.price

    @property
    def worth(self) -> float:
        """Equity in quote currency, none when it is unknown."""
        return 0.0 if self.equity is None else self.equity


Rule = Callable[[Proposal, RiskLimits], str]


def no_position_to_close(action: Action, held: float) -> str:
    """S0's rule 2; the only one that looks at a close, of which nothing would be sent anyway."""
    return "no position to close" if action is Action.CLOSE and held == 0 else ""


def trading_state(proposal: Proposal, limits: RiskLimits) -> str:
    return OPENING_VETO[proposal.state.trading_state]


def trading_enabled(proposal: Proposal, limits: RiskLimits) -> str:
    return "" if limits.trading_enabled else "trading disabled"


def direction(proposal: Proposal, limits: RiskLimits) -> str:
    """What a decision calls itself and the position that it names must agree."""
    agrees = {Action.LONG: proposal.quantity >= 0, Action.SHORT: proposal.quantity <= 0}
    return "" if agrees.get(proposal.action, False) else "target contradicts action"


def fresh_data(proposal: Proposal, limits: RiskLimits) -> str:
    return "market data stale" if proposal.stale else ""


def same_position(proposal: Proposal, limits: RiskLimits) -> str:
    """What was decided on another position than the one held now (the operator's hand) is void."""
    return "position changed while deciding" if proposal.moved else ""


def valid_price(proposal: Proposal, limits: RiskLimits) -> str:
    """S0's rule 3."""
    return "" if proposal.price is not None else "no valid price"


def known_equity(proposal: Proposal, limits: RiskLimits) -> str:
    return "" if proposal.equity is not None else "equity unknown"


def quantity_step(proposal: Proposal, limits: RiskLimits) -> str:
    return "" if proposal.quantity != 0 else "below step"


def minimum_quantity(proposal: Proposal, limits: RiskLimits) -> str:
    minimum = limits.size_of(proposal.symbol).min_qty
    return "below minimum quantity" if abs(proposal.quantity) < minimum else ""


def max_position_size(proposal: Proposal, limits: RiskLimits) -> str:
    """S0's rule 4, on what would be held."""
    cap = proposal.worth * limits.max_equity_usage_pct
    return "" if proposal.notional <= cap * SLACK else "exceeds max position size"


def max_leverage(proposal: Proposal, limits: RiskLimits) -> str:
    """S0's rule 5, on all positions together."""
    if limits.max_leverage is None:
        return ""
    others = math.inf if proposal.other_notional is None else proposal.other_notional
    cap = proposal.worth * limits.max_leverage
    return "" if others + proposal.notional <= cap * SLACK else "exceeds max leverage"


def daily_loss_cap(proposal: Proposal, limits: RiskLimits) -> str:
    """S0's rule 6: equity against the first one seen on this UTC day."""
    if limits.daily_loss_cap_pct is None:
        return ""
    start = proposal.state.starting_equity
    floor = math.inf if start is None else start * (1 - limits.daily_loss_cap_pct)
    return "" if proposal.worth >= floor else "daily loss cap reached"


def cooldown(proposal: Proposal, limits: RiskLimits) -> str:
    """S0's rule 7, by symbol."""
    last = proposal.state.last_open.get(proposal.symbol)
    if limits.cooldown_seconds is None or last is None:
        return ""
    waited = proposal.ts - last >= limits.cooldown_seconds * 1000
    return "" if waited else "cooldown period active"


def max_positions(proposal: Proposal, limits: RiskLimits) -> str:
    """Adding to what is held already is no further position."""
    if limits.max_positions is None or proposal.base != 0:
        return ""
    return "" if proposal.other_positions < limits.max_positions else "max positions reached"


def minimum_notional(proposal: Proposal, limits: RiskLimits) -> str:
    ordered = abs(proposal.quantity) * (proposal.price or 0.0)
    minimum = limits.size_of(proposal.symbol).min_notional
    return "below minimum notional" if ordered < minimum else ""


OPENING_RULES: tuple[tuple[str, Rule], ...] = (
    ("trading_state", trading_state),
    ("trading_enabled", trading_enabled),
    ("direction", direction),
    ("stale", fresh_data),
    ("moved", same_position),
    ("price", valid_price),
    ("equity", known_equity),
    ("step", quantity_step),
    ("min_qty", minimum_quantity),
    ("max_position_size", max_position_size),
    ("max_leverage", max_leverage),
    ("daily_loss_cap", daily_loss_cap),
    ("cooldown", cooldown),
    ("max_positions", max_positions),
    ("min_notional", minimum_notional),
)


def first_objection(proposal: Proposal, limits: RiskLimits) -> tuple[str, str] | None:
    """The first rule that refuses and its reason, None when all are content."""
    for name, rule in OPENING_RULES:
        if reason := rule(proposal, limits):
            return name, reason
    return None
