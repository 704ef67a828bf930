"""The state, and how near each limit is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tui_trader.console import theme
from tui_trader.console.canvas import Row, spread
from tui_trader.console.figures import day_change, largest_share, leverage
from tui_trader.console.panel import Panel, Rows, centred
from tui_trader.console.widgets.banner import STATES
from tui_trader.text import one_line
from tui_trader.view.format import age, bar, fit, money, percent, usd

if TYPE_CHECKING:
    from tui_trader.messages import SessionInfo
    from tui_trader.view.model import ViewModel

_LOSS = (0.5, 0.8)
_SIZE = (0.9, 1.0001)
_COST = (0.8, 1.0)
"""Fractions of a limit from which a gauge warns and alarms: a position may well fill its share."""


class RiskPanel(Panel):
    """Gauges of day loss, leverage, position size and the model's cost against their limits;
    denials; cool-down."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(
        ("PORTFOLIO", "EQUITY", "STATE", "SESSION", "DECISION", "MODEL")
    )

    def heading(self) -> Row:
        view = self.scene.view
        state = view.state if view is not None and self.scene.live else None
        warnings = len(view.session.warnings) if view is not None and view.session else 0
        told = ((f" ! {warnings} warnings, ? shows", theme.WARN_STRONG),) if warnings else ()
        return (("Risk ", theme.TITLE), *STATES[state][:1], *told)

    def note(self) -> Row:
        return (("K", theme.KEY), (" kill", theme.MUTED))

    def body(self, width: int, height: int) -> Rows:
        view = self.scene.view
        if view is None or view.session is None:
            return centred("limits unknown", width, height)
        session = view.session
        rows = [*self._gauges(view, session, width), *_cost(view, session, width)]
        rows += _counts(view, session, width)
        if view.state_reason and height > len(rows):
            rows.insert(0, ((fit(one_line(view.state_reason), width), theme.MUTED),))
        return rows

    def _gauges(self, view: ViewModel, session: SessionInfo, width: int) -> Rows:
        portfolio = view.portfolio
        day = day_change(view, self.scene.now_ms)
        multiple = leverage(portfolio) if portfolio else None
        share = largest_share(portfolio) if portfolio else None
        cap = session.daily_loss_cap_pct
        loss = max(-day[1], 0.0) if day else None
        return [
            _gauge(
                "day loss",
                None if loss is None or not cap else loss / cap,
                f"{_share(loss, 2)} / {_share(cap, 2) if cap else 'no cap'}",
                width,
                _LOSS,
            ),
            _gauge(
                "leverage",
                None if multiple is None else multiple / session.max_leverage,
                f"{_times(multiple)} / {_times(session.max_leverage)}",
                width,
                _SIZE,
            ),
            _gauge(
                "largest",
                None if share is None else share / session.max_equity_usage_pct,
                f"{_share(share)} / {_share(session.max_equity_usage_pct)}",
                width,
                _SIZE,
            ),
        ]


def _cost(view: ViewModel, session: SessionInfo, width: int) -> Rows:
    """The model's money of this day; nothing where no model is asked."""
    status = view.model_status
    if status is None and session.model is None:
        return []
    spent = status.cost_today_usd if status is not None else None
    cap = status.daily_cap_usd if status is not None else None
    if not cap:
        return [
            spread((("llm cost ", theme.MUTED),), ((f"{usd(spent)} today", theme.TEXT),), width)
        ]
    fraction = None if spent is None else spent / cap
    return [_gauge("llm cost", fraction, f"{usd(spent)} / {usd(cap)}", width, _COST)]


def _share(fraction: float | None, decimals: int = 1) -> str:
    return percent(fraction, signed=False, decimals=decimals)


def _times(value: float | None) -> str:
    return "–" if value is None else f"{money(value)}×"


def _gauge(
    name: str, fraction: float | None, text: str, width: int, bounds: tuple[float, float]
) -> Row:
    style, sign = theme.UP, ""
    if fraction is not None and fraction >= bounds[0]:
        style, sign = (theme.DANGER, "‼ ") if fraction >= bounds[1] else (theme.WARN, "! ")
    room = width - 9 - 16
    gauge = bar(fraction, min(room, 20)) + " " if room >= 4 else ""
    left = ((f"{name:<9}", theme.MUTED), (gauge, style if fraction is not None else theme.MUTED))
    return spread(left, ((f"{sign}{text}", theme.TEXT if not sign else style),), width)


def _counts(view: ViewModel, session: SessionInfo, width: int) -> Rows:
    denied = (f"denied {view.denials}", theme.WARN if view.denials else theme.MUTED)
    pause = session.cooldown_seconds
    cool = f"cool-down {age(pause * 1000)}" if pause else "no cool-down"
    rows: Rows = [spread((denied,), ((cool, theme.MUTED),), width)]
    if not session.trading_enabled:
        rows.append((("trading is switched off (TRADING_ENABLED)", theme.WARN_STRONG),))
    return rows
