"""What is held, with a selection: `x` closes the selected position."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType

from tui_trader.console import theme
from tui_trader.console.canvas import Row
from tui_trader.console.panel import Panel, Rows, centred
from tui_trader.text import one_line
from tui_trader.view.format import age, pad, percent, price, quantity, signed

if TYPE_CHECKING:
    from tui_trader.models import PositionSnapshot

# Name, width, and the width of the panel from which the column is shown.
_COLUMNS = (
    ("SYM", 13, 0),
    ("SIDE", 8, 0),
    ("QTY", 12, 52),
    ("ENTRY", 13, 60),
    ("MARK", 13, 36),
    ("uPNL", 12, 20),
    ("uPNL%", 9, 72),
    ("AGE", 8, 80),
    ("NOTIONAL", 14, 94),
)


class PositionsPanel(Panel):
    """A table of positions. The selection stays with its symbol."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(("PORTFOLIO", "SESSION", "STATE"))
    TICKS: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "select(-1)", show=False),
        Binding("down", "select(1)", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._selected: str | None = None

    @property
    def selected(self) -> str | None:
        """Symbol of the selected position, None when nothing is held or nothing is known."""
        symbols = self._symbols()
        if self._selected in symbols:
            return self._selected
        return symbols[0] if symbols else None

    def action_select(self, by: int) -> None:
        """Select another position."""
        symbols = self._symbols()
        if symbols and self.selected is not None:
            place = symbols.index(self.selected) + by
            self._selected = symbols[min(max(place, 0), len(symbols) - 1)]
            self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Select the position that was clicked on."""
        shown = self._visible(max(self.size.height - 3, 1))
        if 0 <= (place := event.y - 2) < len(shown):
            self._selected = shown[place]
            self.redraw()

    def heading(self) -> Row:
        count = len(self._symbols())
        known = self.scene.view is not None and self.scene.view.portfolio is not None
        return (("Positions ", theme.TITLE), (str(count) if known else "–", theme.MUTED))

    def note(self) -> Row:
        return (("x close", theme.MUTED),) if self._symbols() else ()

    def body(self, width: int, height: int) -> Rows:
        view = self.scene.view
        if view is None or view.portfolio is None:
            return centred("positions unknown", width, height)
        if not self._symbols():
            return centred("flat: no open position", width, height)
        columns = _columns(width)
        head = "".join(
            f"{name:<{size}}" if index < 2 else f"{name:>{size}}"
            for index, (name, size) in enumerate(columns)
        )
        shown = self._visible(max(height - 1, 1))
        rows = [self._row(it, view.portfolio.positions[it], columns, width) for it in shown]
        return [((f" {head}"[:width], theme.MUTED),), *rows] if len(rows) < height else rows

    def _visible(self, height: int) -> list[str]:
        symbols = self._symbols()
        place = symbols.index(self.selected) if self.selected in symbols else 0
        start = min(max(place - height + 1, 0), max(len(symbols) - height, 0))
        return symbols[start : start + max(height, 0)]

    def _symbols(self) -> list[str]:
        view = self.scene.view
        if view is None or view.portfolio is None:
            return []
        return [symbol for symbol, held in view.portfolio.positions.items() if held.quantity]

    def _row(
        self, symbol: str, held: PositionSnapshot, columns: list[tuple[str, int]], width: int
    ) -> Row:
        chosen = symbol == self.selected
        values = _values(symbol, held, self.scene.now_ms)
        row: list[tuple[str, Style]] = [("▸" if chosen else " ", theme.KEY)]
        for index, (name, size) in enumerate(columns):
            text, style = values[name]
            row.append((pad(text, size) if index < 2 else _right(text, size), style))
        if not (chosen and self.has_focus):
            return row
        used = 1 + sum(size for _, size in columns)
        row.append((" " * max(width - used, 0), theme.SELECTED))
        return [(text, style + theme.SELECTED_GROUND) for text, style in row]


def _columns(width: int) -> list[tuple[str, int]]:
    """The columns that fit, narrowed together where even the first ones do not."""
    shown = [(name, size) for name, size, least in _COLUMNS if width >= least]
    while len(shown) > 2 and 1 + sum(size for _, size in shown) > width:
        slack = next((i for i, (_, size) in enumerate(shown) if size > _least(shown[i][0])), None)
        if slack is None:
            shown.pop()
        else:
            shown = [(name, max(size - 1, _least(name))) for name, size in shown]
    return shown


def _least(name: str) -> int:
    return {"SYM": 9, "SIDE": 8, "QTY": 9, "ENTRY": 11, "MARK": 11, "uPNL": 9}.get(name, 8)


def _right(text: str, size: int) -> str:
    """Right-aligned with a blank before it; a number cut short would be another number."""
    return f"{text:>{size}}" if len(text) < size else f" {'#' * (size - 1)}"


def _values(symbol: str, held: PositionSnapshot, now_ms: int) -> dict[str, tuple[str, Style]]:
    long = held.quantity > 0
    pnl = theme.trend(held.unrealized_pnl)
    since = age(now_ms - held.entry_ts) if held.entry_ts is not None else "–"
    return {
        "SYM": (one_line(symbol, 24), theme.STRONG),
        "SIDE": ("▲ LONG", theme.UP) if long else ("▼ SHORT", theme.DOWN),
        "QTY": (quantity(abs(held.quantity)), theme.TEXT),
        "ENTRY": (price(held.avg_price), theme.TEXT),
        "MARK": (price(held.mark_price), theme.TEXT),
        "uPNL": (signed(held.unrealized_pnl), pnl),
        "uPNL%": (percent(held.pnl_pct), pnl),
        "AGE": (since, theme.MUTED),
        "NOTIONAL": (price(held.notional, 1000.0), theme.MUTED),
    }
