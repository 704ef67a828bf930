"""The rules that an increase of exposure must pass. Pure functions, None when content.

The reasons of source document S0 are kept to the letter. What is unknown fails: an unknown price
counts as an infinite notional, an unknown equity as none.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tui_trader.models import Action, TradeSide
from tui_trader.models.orders import may_open
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.state import HOUR_MS, OPENING_VETO, RiskState

_POSITION = {TradeSide.BUY: "long", TradeSide.SELL: "short"}

SLACK = 1 + 1e-9
"""Forgives a rounding error of float arithmetic where a size is exactly at its cap."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An increase of exposure in one symbol, judged at `ts` (ms).

    `base` is what is held of the symbol, `quantity` what would be added (both signed base currency;
    zero once rounded away). `other_notional` and `other_positions` tell of all other symbols, as
    they will be after the orders that the cycle has approved so far. `confidence` is the decision's
    own (0 to 1), `score` the symbol's recent performance (-1 to 1); None where it is not known.
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

    @property
    def side(self) -> TradeSide:
        """The side of the order."""
        return TradeSide.BUY if self.quantity > 0 else TradeSide.SELL

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


class Objection(NamedTuple):
    """Why an opening is refused, and until when (ms; None: until something changes)."""

    reason: str
    until_ts: int | None = None


Rule = Callable[[Proposal, RiskLimits], Objection | None]


def no_position_to_close(action: Action, held: float) -> str:
    """S0's rule 2; the only one that looks at a close, of which nothing would be sent anyway."""
    return "no position to close" if action is Action.CLOSE and held == 0 else ""


def trading_state(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    reason = OPENING_VETO[proposal.state.trading_state]
    return Objection(reason) if reason else None


def trading_enabled(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    return None if limits.trading_enabled else Objection("trading disabled")


def direction(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """What a decision calls itself and the position that it names must agree."""
    agrees = may_open(proposal.action, proposal.quantity)
    return None if agrees else Objection("target contradicts action")


def fresh_data(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    return Objection("market data stale") if proposal.stale else None


def same_position(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """What was decided on another position than the one held now (the operator's hand) is void."""
    return Objection("position changed while deciding") if proposal.moved else None


def young_decision(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """What was decided on a market of long ago is void: it may be another one by now."""
    return Objection("decision expired") if proposal.expired else None


def valid_price(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 3."""
    return None if proposal.price is not None else Objection("no valid price")


def known_equity(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    return None if proposal.equity is not None else Objection("equity unknown")


def confidence(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """A decision that says how sure it is must be sure enough; one that doesn't say is not asked
    (S0's has no confidence)."""
    sure = proposal.confidence
    if sure is None or sure >= limits.min_confidence:
        return None
    return Objection(f"confidence {sure} below minimum {limits.min_confidence}")


def size_factor(proposal: Proposal, limits: RiskLimits) -> float:
    """To what part of its size an opening is cut for what was lost in its symbol lately; 1 where
    that is not known."""
    weak = proposal.score is not None and proposal.score < limits.weak_score
    return limits.weak_size_factor if weak else 1.0


def weak_score(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    return Objection(weakness(proposal, limits)) if size_factor(proposal, limits) == 0 else None


def weakness(proposal: Proposal, limits: RiskLimits) -> str:
    """Why an opening is cut, in words."""
    return f"recent score {proposal.score:.3f} below {limits.weak_score}"


def quantity_step(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    return None if proposal.quantity != 0 else Objection("below step")


def minimum_quantity(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    enough = abs(proposal.quantity) >= limits.size_of(proposal.symbol).min_qty
    return None if enough else Objection("below minimum quantity")


def max_position_size(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 4, on what would be held."""
    cap = proposal.worth * limits.max_equity_usage_pct
    return None if proposal.notional <= cap * SLACK else Objection("exceeds max position size")


def max_leverage(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 5, on all positions together."""
    if limits.max_leverage is None:
        return None
    others = math.inf if proposal.other_notional is None else proposal.other_notional
    cap = proposal.worth * limits.max_leverage
    within = others + proposal.notional <= cap * SLACK
    return None if within else Objection("exceeds max leverage")


def daily_loss_cap(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 6: equity against the first one seen on this UTC day."""
    if limits.daily_loss_cap_pct is None:
        return None
    start = proposal.state.starting_equity
    floor = math.inf if start is None else start * (1 - limits.daily_loss_cap_pct)
    return None if proposal.worth >= floor else Objection("daily loss cap reached")


def cooldown(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 7, by symbol."""
    last = proposal.state.last_open.get(proposal.symbol)
    if limits.cooldown_seconds is None or last is None:
        return None
    over = last + limits.cooldown_seconds * 1000
    return _before(over, proposal, "cooldown period active")


def opens_per_hour(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """Openings of all symbols, within any hour."""
    opens = sorted(proposal.state.opens_within_hour(proposal.ts))
    if limits.max_opens_per_hour is None or len(opens) < limits.max_opens_per_hour:
        return None
    return Objection("max opens per hour reached", opens[-limits.max_opens_per_hour] + HOUR_MS)


def min_hold(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """No other side soon after an opening, whether that position is still held or not. Where the
    side of the last opening is not known, each could be the other."""
    last = proposal.state.last_open.get(proposal.symbol)
    opened = proposal.state.last_side.get(proposal.symbol)
    if limits.min_hold_seconds is None or last is None or opened is proposal.side:
        return None
    over = last + limits.min_hold_seconds * 1000
    after = _POSITION[opened] if opened else "a position of unknown side"
    wait = f"no {_POSITION[proposal.side]} within {limits.min_hold_seconds:g} s of opening {after}"
    return _before(over, proposal, wait)


def _before(over: float, proposal: Proposal, reason: str) -> Objection | None:
    """The objection of a rule that waits until `over` (ms)."""
    return Objection(reason, math.ceil(over)) if proposal.ts < over else None


def max_positions(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """Adding to what is held already is no further position."""
    if limits.max_positions is None or proposal.base != 0:
        return None
    room = proposal.other_positions < limits.max_positions
    return None if room else Objection("max positions reached")


def minimum_notional(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    ordered = abs(proposal.quantity) * (proposal.price or 0.0)
    enough = ordered >= limits.size_of(proposal.symbol).min_notional
    return None if enough else Objection("below minimum notional")


OPENING_RULES: tuple[tuple[str, Rule], ...] = (
    ("trading_state", trading_state),
    ("trading_enabled", trading_enabled),
    ("direction", direction),
    ("stale", fresh_data),
    ("moved", same_position),
    ("expired", young_decision),
    ("price", valid_price),
    ("equity", known_equity),
    ("confidence", confidence),
    ("weak_score", weak_score),
    ("step", quantity_step),
    ("min_qty", minimum_quantity),
    ("max_position_size", max_position_size),
    ("max_leverage", max_leverage),
    ("daily_loss_cap", daily_loss_cap),
    ("cooldown", cooldown),
    ("opens_per_hour", opens_per_hour),
    ("min_hold", min_hold),
    ("max_positions", max_positions),
    ("min_notional", minimum_notional),
)

STANDING = frozenset(
    {
        "trading_state",
        "trading_enabled",
        "stale",
        "price",
        "equity",
        "weak_score",
        "daily_loss_cap",
        "cooldown",
        "opens_per_hour",
        "min_hold",
    }
)
"""The rules that look at no more of a decision than its symbol and side: what they refuse can be
told before it is made. The one that looks at the side comes last, so that the objections of the
others are the same for both."""


def first_objection(
    proposal: Proposal, limits: RiskLimits, *, standing: bool = False
) -> tuple[str, Objection] | None:
    """The first rule that refuses and its objection, None when all are content; `standing` asks
    only those that look at no decision."""
    for name, rule in OPENING_RULES:
        if standing and name not in STANDING:
            continue
        if objection := rule(proposal, limits):
            return name, objection
    return None
