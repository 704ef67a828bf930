"""The rules that an increase of exposure must pass. Pure functions, None when content.

The reasons of source document S0 are kept to the letter. What is unknown fails.
"""

from tui_trader.models import Action
from tui_trader.models.orders import may_open
from tui_trader.risk import exposure, pauses, protection
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.proposal import Objection, Proposal, Rule
from tui_trader.risk.state import OPENING_VETO


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


def known_orders(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """Nothing is added where an order may be filled without anybody knowing."""
    return Objection("an order's outcome is unknown") if proposal.unknown else None


def valid_price(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 3."""
    return None if proposal.price is not None else Objection("no valid price")


def spread(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """A quote that is crossed, one-sided or wide tells no price to open at."""
    if limits.max_spread_bps is None:
        return None
    if proposal.spread_bps is None:
        return Objection("no valid bid and ask")
    within = proposal.spread_bps <= limits.max_spread_bps
    return None if within else Objection(f"spread wider than {limits.max_spread_bps:g} bps")


def steady_price(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """A price far from both that were seen last may be a bad tick; the next look confirms it. One
    that is seen for the first time has nothing to be compared with."""
    marks, most = proposal.state.marks.get(proposal.symbol), limits.max_tick_jump_pct
    if most is None or not marks or proposal.price is None:
        return None
    near = any(abs(proposal.price - mark) <= mark * most for mark in marks)
    return None if near else Objection("price jumped")


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


OPENING_RULES: tuple[tuple[str, Rule], ...] = (
    ("trading_state", trading_state),
    ("trading_enabled", trading_enabled),
    ("direction", direction),
    ("stale", fresh_data),
    ("moved", same_position),
    ("expired", young_decision),
    ("unknown_order", known_orders),
    ("price", valid_price),
    ("spread", spread),
    ("tick_jump", steady_price),
    ("equity", known_equity),
    ("confidence", confidence),
    ("weak_score", weak_score),
    ("step", exposure.quantity_step),
    ("min_qty", exposure.minimum_quantity),
    ("leverage", protection.leverage),
    ("protection", protection.protected_side),
    ("require_stop", protection.require_stop),
    ("max_position_size", exposure.max_position_size),
    ("max_leverage", exposure.max_leverage),
    ("max_gross", exposure.max_gross),
    ("max_net", exposure.max_net),
    ("liquidation", exposure.min_liquidation_distance),
    ("stop_liquidation", protection.stop_before_liquidation),
    ("daily_loss_cap", pauses.daily_loss_cap),
    ("drawdown", pauses.drawdown),
    ("cooldown", pauses.cooldown),
    ("cooldown_after_close", pauses.cooldown_after_close),
    ("opens_per_hour", pauses.opens_per_hour),
    ("min_hold", pauses.min_hold),
    ("flip", pauses.flip),
    ("max_positions", exposure.max_positions),
    ("min_notional", exposure.minimum_notional),
)

STANDING = frozenset(
    {
        "trading_state",
        "trading_enabled",
        "stale",
        "unknown_order",
        "price",
        "spread",
        "tick_jump",
        "equity",
        "weak_score",
        "daily_loss_cap",
        "drawdown",
        "cooldown",
        "cooldown_after_close",
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
