"""The rules on time: what was opened, closed or lost lately, and when the next opening may come."""

import math

from tui_trader.models import TradeSide
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.proposal import Objection, Proposal
from tui_trader.risk.state import HOUR_MS

_POSITION = {TradeSide.BUY: "long", TradeSide.SELL: "short"}


def daily_loss_cap(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 6: equity against the first one seen on this UTC day, deposits apart; what models
    have cost on it is lost too."""
    if limits.daily_loss_cap_pct is None:
        return None
    start = proposal.state.baseline
    floor = math.inf if start is None else start * (1 - limits.daily_loss_cap_pct)
    left = proposal.worth - proposal.model_cost
    return None if left >= floor else Objection("daily loss cap reached")


def drawdown(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """Once tripped it holds, whatever equity does, until the operator resumes."""
    tripped = limits.max_drawdown_pct is not None and proposal.state.drawn_down
    return Objection("drawdown breaker") if tripped else None


def cooldown(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """S0's rule 7, by symbol."""
    last = proposal.state.last_open.get(proposal.symbol)
    return _within(limits.cooldown_seconds, last, proposal, "cooldown period active")


def cooldown_after_close(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """By symbol, from the last fill that reduced its position."""
    last = proposal.state.last_close.get(proposal.symbol)
    reason = "cooldown after close active"
    return _within(limits.cooldown_after_close_seconds, last, proposal, reason)


def flip(proposal: Proposal, limits: RiskLimits) -> Objection | None:
    """The opening half of a flip comes right after a close."""
    waits = proposal.flips and limits.cooldown_after_close_seconds
    return Objection("no flip: cooldown after close") if waits else None


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
    if limits.min_hold_seconds is None or opened is proposal.side:
        return None
    after = _POSITION[opened] if opened else "a position of unknown side"
    wait = f"no {_POSITION[proposal.side]} within {limits.min_hold_seconds:g} s of opening {after}"
    return _within(limits.min_hold_seconds, last, proposal, wait)


def _within(
    seconds: float | None, since: int | None, proposal: Proposal, reason: str
) -> Objection | None:
    """The objection of a rule that waits so many `seconds` from `since` (ms); None waits not."""
    if seconds is None or since is None:
        return None
    over = since + seconds * 1000
    return Objection(reason, math.ceil(over)) if proposal.ts < over else None
