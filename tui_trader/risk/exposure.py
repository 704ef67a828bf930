"""The rules on how much may be held, in one symbol and in all of them.

What is judged is the worst that may come of it: what is held, with the orders that are open or of
an unknown outcome filled on the side that is worse. What is unknown fails: an unknown price counts
as an infinite notional, an unknown equity as none.
"""

import math

from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.proposal import SLACK, Objection, Proposal


def quantity_step(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    return None if proposal.quantity != 0 else Objection("below step")


def minimum_quantity(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    enough = abs(proposal.quantity) >= limits.size_of(proposal.symbol).min_qty
    return None if enough else Objection("below minimum quantity")


def minimum_notional(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    ordered = abs(proposal.quantity) * (proposal.price or 0.0)
    enough = ordered >= limits.size_of(proposal.symbol).min_notional
    return None if enough else Objection("below minimum notional")


def max_position_size(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 4, on what would be held."""
    cap = proposal.worth * limits.max_equity_usage_pct
    return None if proposal.notional <= cap * SLACK else Objection("exceeds max position size")


def max_leverage(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 5, on all positions together."""
    within = _within(proposal.gross, proposal, limits.max_leverage)
    return None if within else Objection("exceeds max leverage")


def max_gross(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    within = _within(proposal.gross, proposal, limits.max_gross_pct)
    return None if within else Objection("exceeds max gross exposure")


def max_net(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """On the side that the opening adds to: what lies too far on one side may be balanced."""
    within = _within(proposal.net, proposal, limits.max_net_pct)
    return None if within else Objection("exceeds max net exposure")


def _within(exposure: float, proposal: Proposal, cap: float | None) -> bool:
    """Whether `exposure` (quote currency) is within `cap` times equity; None is no cap."""
    return cap is None or exposure <= proposal.worth * cap * SLACK


def max_positions(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """Adding to what is held already is no further position."""
    if limits.max_positions is None or proposal.base != 0:
        return None
    room = proposal.other_positions < limits.max_positions
    return None if room else Objection("max positions reached")


def liquidation_distance(proposal: Proposal, limits: RiskLimits) -> float:
    """How far the price may go against the opening before the account is liquidated, estimated as a
    fraction of the price; infinite on spot, where nothing is.

    All positions are taken to lose at once, on one margin: equity less the distance times their
    notional then is the maintenance margin.
    """
    if limits.market == "spot" or proposal.gross == 0:
        return math.inf
    return proposal.worth / proposal.gross - limits.maintenance_margin_rate


def min_liquidation_distance(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    least, distance = limits.min_liquidation_distance_pct, liquidation_distance(proposal, limits)
    if least is None or distance * SLACK >= least:
        return None
    return Objection(f"liquidation {max(distance, 0):.1%} away, less than {least:.1%}")
