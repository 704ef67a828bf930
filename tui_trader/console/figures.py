"""Figures that the panels derive from a view. None means unknown; fractions are fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_trader.models import PortfolioView, Verdict
    from tui_trader.view.model import ViewModel

_DAY_MS = 86_400_000


def day_change(view: ViewModel, now_ms: int) -> tuple[float, float] | None:
    """Change of equity in this UTC day, in quote currency and as a fraction.

    None when the day's beginning is not in the series, which is bounded: any later baseline lies.
    """
    if view.portfolio is None or view.portfolio.total_value is None or not view.equity:
        return None
    midnight = now_ms - now_ms % _DAY_MS
    today = [point for point in view.equity if point.ts >= midnight]
    session = view.session
    began_today = session is not None and session.started_ts >= midnight
    if len(today) < len(view.equity):
        baseline = view.equity[-len(today) - 1].value
    elif began_today and session is not None:
        baseline = today[0].value
    else:
        return None
    if baseline <= 0:
        return None
    change = view.portfolio.total_value - baseline
    return change, change / baseline


def drawdowns(values: list[float]) -> list[float]:
    """The fraction below the highest value so far, zero or negative, for each value."""
    out: list[float] = []
    peak = float("-inf")
    for value in values:
        peak = max(peak, value)
        out.append(value / peak - 1 if peak > 0 else 0.0)
    return out


def leverage(portfolio: PortfolioView) -> float | None:
    """Gross exposure in multiples of equity."""
    if portfolio.gross_exposure is None or not portfolio.total_value or portfolio.total_value <= 0:
        return None
    return portfolio.gross_exposure / portfolio.total_value


def largest_share(portfolio: PortfolioView) -> float | None:
    """The largest position's notional as a fraction of equity."""
    if not portfolio.total_value or portfolio.total_value <= 0:
        return None
    notionals = [position.notional for position in portfolio.positions.values()]
    if any(notional is None for notional in notionals):
        return None
    return max((abs(notional) for notional in notionals if notional), default=0.0) / (
        portfolio.total_value
    )


def effective(verdicts: tuple[Verdict, ...]) -> list[Verdict]:
    """The verdicts worth a line: every clip and veto, else the first pass."""
    acted = [verdict for verdict in verdicts if verdict.outcome != "pass"]
    return acted or list(verdicts[:1])
