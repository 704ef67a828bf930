"""Equity, drawdown, RSI or MACD, drawn anew when a bar or a cycle has closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from tui_trader.console import theme
from tui_trader.console.canvas import Row
from tui_trader.console.charts import indicator, studies
from tui_trader.console.charts.indicator import Plot
from tui_trader.console.figures import drawdowns
from tui_trader.console.panel import Panel, Rows, centred
from tui_trader.console.scene import Scene

if TYPE_CHECKING:
    from tui_trader.view.model import ViewModel

KINDS = ("equity", "drawdown", "RSI", "MACD")
_SHOWN_BARS = 120

Signature = tuple[object, ...]


class IndicatorPanel(Panel):
    """One indicator at a time. The last drawing stays until the next is ready."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(("CANDLES", "EQUITY", "SESSION", "STATE"))

    class Drawn(Message):
        """A drawing is ready."""

        def __init__(self, signature: Signature, rows: list[Row]) -> None:
            super().__init__()
            self.signature = signature
            self.rows = rows

    def __init__(self, kind: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.kind = kind
        self._plot: Plot | None = None
        self._asked: Signature = ()
        self._drawn: Signature = ()
        self._drawing: list[Row] = []

    @property
    def up_to_date(self) -> bool:
        """Whether the newest drawing that was asked for is shown."""
        return self._drawn == self._asked

    def choose(self, kind: str) -> None:
        """Show another indicator."""
        self.kind = kind
        self.apply(self.scene)

    def apply(self, scene: Scene) -> None:
        """Show another moment; ask for a drawing when something it shows has changed."""
        self.scene = scene
        self._ask()
        self.redraw()

    def on_resize(self) -> None:
        """A drawing fits one size only."""
        self._ask()

    def on_show(self) -> None:
        """Draw what was not worth it while hidden."""
        self._ask()

    def heading(self) -> Row:
        name = self.kind.capitalize() if self.kind.islower() else self.kind
        title = ((f"{name} ", theme.TITLE),)
        if self._plot is None or not self._drawing:
            return title
        values = [
            (f"{self._plot.written(line[-1])} ", style)
            for line, style in zip(self._plot.lines, self._plot.styles, strict=True)
        ]
        return (*title, *values)

    def note(self) -> Row:
        return (("i", theme.KEY), (" next", theme.MUTED)) if self.id == "indicator" else ()

    def body(self, width: int, height: int) -> Rows:
        if self._plot is None or not self._drawing:
            return centred(f"not enough history for {self.kind} yet", width, height)
        return list(self._drawing)

    def on_indicator_panel_drawn(self, message: Drawn) -> None:
        """Take over a drawing unless it has been overtaken."""
        message.stop()
        if message.signature == self._asked:
            self._drawing, self._drawn = message.rows, message.signature
            self.redraw()

    def _ask(self) -> None:
        view, size = self.scene.view, (self.size.width - 2, self.size.height - 2)
        if view is None or not self.display or min(size) < 1:
            return
        symbol = self.scene.symbol
        signature = (self.kind, symbol, *_moment(view, symbol, self.kind), *size)
        if signature == self._asked:
            return
        self._asked = signature
        self._plot = plot_of(self.kind, view, symbol)
        if self._plot is None:
            self._drawing, self._drawn = [], signature
            return
        self.run_worker(self._draw(self._plot, signature, size), group="indicator", exclusive=True)

    async def _draw(self, plot: Plot, signature: Signature, size: tuple[int, int]) -> None:
        rows = await asyncio.to_thread(indicator.draw, plot, *size)
        self.post_message(self.Drawn(signature, rows))


def _moment(view: ViewModel, symbol: str | None, kind: str) -> tuple[object, ...]:
    """Changes when a bar (or for the account a cycle) has closed, and not on a tick."""
    if kind in ("equity", "drawdown"):
        return (len(view.equity), view.equity[-1].ts if view.equity else 0)
    bars = view.candles.get(symbol or "", ())
    return (len(bars), bars[-1].ts if bars else 0)


def plot_of(kind: str, view: ViewModel, symbol: str | None) -> Plot | None:
    """What to draw, None while there is too little of it. Candles that still form are left out."""
    if kind in ("equity", "drawdown"):
        values = [point.value for point in view.equity]
        if len(values) < 2:
            return None
        if kind == "equity":
            return Plot(kind, (tuple(values),), (theme.KEY,))
        return Plot(kind, (tuple(drawdowns(values)),), (theme.DOWN,), unit="fraction")
    closes = [bar.close for bar in view.candles.get(symbol or "", ())[:-1]]
    if kind == "RSI":
        return _study(kind, (studies.rsi(closes),), unit="index", limits=(0, 100), marks=(30, 70))
    return _study(kind, studies.macd(closes), marks=(0,))


def _study(
    kind: str,
    series: tuple[studies.Series, ...],
    unit: str = "price",
    limits: tuple[float, float] | None = None,
    marks: tuple[float, ...] = (),
) -> Plot | None:
    """The newest bars of a study, from where all of its lines are known."""
    known = [row for row in zip(*series, strict=True) if None not in row][-_SHOWN_BARS:]
    if len(known) < 2:
        return None
    lines = tuple(tuple(value or 0.0 for value in line) for line in zip(*known, strict=True))
    styles = (theme.KEY, theme.WARN)[: len(lines)]
    return Plot(kind, lines, styles, unit, limits, marks)
