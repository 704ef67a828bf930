"""The rules on what an opening is protected by, and on the leverage that it asks for."""

import math

from tui_trader.risk import guardrails
from tui_trader.risk.exposure import liquidation_distance
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.proposal import Objection, Proposal


def leverage(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """A request above the limit is cut, one that is none is refused."""
    asked = proposal.leverage
    if asked is None or guardrails.clamp_leverage(asked, limits) is not None:
        return None
    return Objection(f"leverage {asked:g} is not above 0")


def protected_side(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """A stop lies against the position, a target for it: one on the other side of the price would
    close it at once, or was meant for something else."""
    sign = proposal.side.sign
    for name, level, away in (
        ("stop_loss", proposal.stop_loss, -sign),
        ("take_profit", proposal.take_profit, sign),
    ):
        if level is None:
            continue
        price = proposal.price
        if price is None or not (0 < level < math.inf and away * (level - price) > 0):
            return Objection(f"{name} {level:g} on the wrong side of the price")
    return None


def require_stop(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """A stop that follows the price is one too."""
    stopped = proposal.stop_loss is not None or limits.trailing_stop_pct is not None
    return Objection("no stop-loss") if limits.require_stop and not stopped else None


def stop_before_liquidation(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """A stop beyond the liquidation protects nothing."""
    if proposal.stop_loss is None or not proposal.price:
        return None
    away = abs(proposal.price - proposal.stop_loss) / proposal.price
    if away < liquidation_distance(proposal, limits):
        return None
    return Objection(f"stop_loss {proposal.stop_loss:g} beyond the liquidation")
