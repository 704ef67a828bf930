"""The two lines at the top: whose money, which state, which market; and the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.strip import Strip

from tui_trader.console import theme
from tui_trader.console.canvas import Canvas, Row, fitting, length, spread, strip_of
from tui_trader.console.figures import day_change
from tui_trader.console.scene import Scene
from tui_trader.text import one_line
from tui_trader.view.format import age, clock_time, countdown, money, percent, quantity, signed

if TYPE_CHECKING:
    from tui_trader.messages import SessionInfo
    from tui_trader.view.model import ViewModel

_SEPARATOR = (" │ ", theme.FRAME)
_FEED_OLD_MS = 5_000
_SEEN = 0.00005  # a smaller fraction is 0.00%, which has no sign

STATES: dict[str | None, Row] = {
    "ACTIVE": (("ACTIVE", theme.UP_STRONG),),
    "REDUCING": (("REDUCING", theme.WARN_STRONG), (" paused: closes only", theme.WARN)),
    "HALTED": ((" HALTED ", theme.ALARM),),
    None: (("state unknown", theme.WARN_STRONG),),
}
_SHORT_STATES: dict[str | None, Row] = {**STATES, "REDUCING": (("REDUCING", theme.WARN_STRONG),)}


class Banner(Canvas):
    """Mode, state and account, in two lines that are always there."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(
        ("SESSION", "STATE", "PORTFOLIO", "EQUITY", "HEALTH", "DECISION", "MODEL")
    )
    TICKS: ClassVar[bool] = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.scene = Scene()

    def apply(self, scene: Scene) -> None:
        """Show another moment."""
        self.scene = scene
        self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        scene = self.scene
        clock: Row = ((f"{clock_time(scene.now_ms)} ", theme.MUTED),)
        if width < 40:
            return [strip_of(row, width) for row in self._narrow(width)]
        right = (*_next_cycle(scene), *clock) if width >= 64 else clock
        status = fitting(self._status(width), width - length(right) - 2, _SEPARATOR)
        first = spread(status, right, width - 1)
        second = fitting(_account(scene), width - 1, ("   ", theme.MUTED))
        if scene.view is not None and not scene.live:
            second = tuple((text, theme.STALE) for text, _ in second)
        return [strip_of(((" ", theme.TEXT), *row), width) for row in (first, second)]

    def _narrow(self, width: int) -> list[Row]:
        view = self.scene.view
        state = _SHORT_STATES[view.state if view is not None and self.scene.live else None]
        if view is None or view.session is None:
            return [((self.scene.connecting, theme.WARN),), ()]
        equity = view.portfolio.total_value if view.portfolio else None
        mode = ((f"● {one_line(view.session.mode, 8).upper()}", _badge(view.session)[0][1]),)
        return [
            fitting(((0, state), (1, mode)), width - 1, (" ", theme.TEXT)),
            (("eq ", theme.MUTED), (money(equity), theme.STRONG)),
        ]

    def _status(self, width: int) -> list[tuple[int, Row]]:
        scene, view = self.scene, self.scene.view
        if view is None or view.session is None:
            ended = _link(view, scene) if view is not None else ()
            text = view.state_reason if view is not None and ended else scene.connecting
            return [(0, (("● ", theme.WARN), *ended, (f" {one_line(text)}", theme.WARN_STRONG)))]
        session = view.session
        states = STATES if width >= 100 else _SHORT_STATES
        state = _link(view, scene) or states[view.state]
        up = age(scene.now_ms - session.started_ts)
        market = (f"{one_line(session.venue, 24)} {session.market}", theme.TEXT)
        symbol = (f"{scene.symbol or '–'} {session.timeframe}", theme.STRONG)
        return [
            (0, (*_badge(session), ("  ", theme.TEXT), *state)),
            (0, _model(view, width)),
            (3, (market,)),
            (1, (symbol,)),
            (2, _feed(view, scene)),
            (4, ((f"engine {session.pid} up {up}", theme.MUTED),) if width >= 150 else ()),
        ]


def _badge(session: SessionInfo) -> Row:
    mode = session.mode
    if mode == "live":
        return ((" ▲ LIVE · REAL MONEY ", theme.ALARM),)
    if mode == "testnet":
        return ((" ● TESTNET ", theme.BADGE_TESTNET),)
    name = f"{one_line(mode, 12).upper()}{' DEMO' if session.demo else ''}"
    return ((f" ● {name} ", theme.BADGE_DEMO),)


def _link(view: ViewModel, scene: Scene) -> Row:
    """What replaces the state when the engine is not heard or ends; empty when it is."""
    if scene.leaving and view.link == "attached":
        return (("STOPPING", theme.WARN_STRONG), (" the cycle completes", theme.WARN))
    if view.link == "attached" and scene.silent:
        return ((" ENGINE SILENT ", theme.ALARM), (_heard(scene), theme.WARN_STRONG))
    if view.link == "lost":
        return ((" LINK LOST ", theme.ALARM), (_heard(scene), theme.WARN_STRONG))
    if view.link == "ended":
        if view.stopped is not None and view.stopped.error:
            return ((" ENGINE FAILED ", theme.ALARM),)
        return (("ENGINE ENDED", theme.WARN_STRONG),)
    return ()


_MODEL: dict[str, tuple[str, str, Style]] = {
    "brown-out": ("MODEL BROWN-OUT", " nothing opens", theme.WARN_STRONG),
    "capped": ("MODEL CAPPED", " the day's money is spent", theme.WARN_STRONG),
    "stopped": (" MODEL STOPPED ", " mend the key", theme.ALARM),
}


def _model(view: ViewModel, width: int) -> Row:
    """That the model is not asked; nothing while it is, or while nobody hears how it does."""
    status = view.model_status
    if status is None or view.link != "attached" or status.state.value not in _MODEL:
        return ()
    name, remedy, style = _MODEL[status.state.value]
    return ((name, style), (remedy, theme.WARN)) if width >= 100 else ((name, style),)


def _heard(scene: Scene) -> str:
    """How old everything on the screen is."""
    if scene.heard is None:
        return " state unknown"
    return f" state unknown, last heard {age(int((scene.now - scene.heard) * 1000))} ago"


def _feed(view: ViewModel, scene: Scene) -> Row:
    if view.health is None or not scene.live:
        return (("feed –", theme.MUTED),)
    old = view.health.feed_age_ms
    if old is None:
        return (("feed none yet", theme.WARN),)
    if old < _FEED_OLD_MS:
        return (("feed live", theme.MUTED),)
    return ((f"feed {age(old)} old", theme.WARN_STRONG),)


def _next_cycle(scene: Scene) -> Row:
    view = scene.view
    if view is None or not scene.live or view.health is None:
        return ()
    if view.health.cycle_running:
        return (("deciding now ", theme.KEY),)
    due = view.health.next_cycle_ts
    if due is None:
        return (("no cycle due ", theme.MUTED),)
    return ((f"next {countdown(due - scene.now_ms)}  ", theme.MUTED),)


def _account(scene: Scene) -> list[tuple[int, Row]]:
    view = scene.view
    portfolio = view.portfolio if view is not None else None
    if view is None or portfolio is None:
        return [(0, (("account –", theme.MUTED),))]
    day = day_change(view, scene.now_ms)
    pnl = portfolio.total_unrealized_pnl
    realised = portfolio.total_realized_pnl
    sharpe = view.digest.sharpe_ratio if view.digest else None
    unit = f" {portfolio.quote_ccy}"
    return [
        (0, _figure("equity", money(portfolio.total_value), theme.STRONG, unit)),
        (3, _figure("free", money(portfolio.available_cash))),
        (1, _figure("uPnL", signed(pnl), theme.trend(pnl))),
        (1, _day(day)),
        (4, _figure("realised", signed(realised), theme.trend(realised))),
        (4, _figure("trades", quantity(view.trades))),
        (2, _figure("fees", money(portfolio.fees_paid))),
        (5, _figure("sharpe", f"{sharpe:.2f}" if sharpe is not None else "")),
    ]


def _figure(name: str, value: str, style: Style = theme.TEXT, unit: str = "") -> Row:
    return ((f"{name} ", theme.MUTED), (value, style), (unit, theme.MUTED)) if value else ()


def _day(day: tuple[float, float] | None) -> Row:
    if day is None:
        return _figure("day", "–", theme.MUTED)
    change, fraction = day
    share = percent(fraction, signed=abs(fraction) >= _SEEN)
    return (("day ", theme.MUTED), (f"{signed(change)} ({share})", theme.trend(change)))
