"""All symbols of the agent, with what is held of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tui_trader.console import theme
from tui_trader.console.canvas import Row
from tui_trader.console.panel import Panel, Rows, centred
from tui_trader.text import one_line
from tui_trader.view.format import age, pad, percent, price

if TYPE_CHECKING:
    from tui_trader.view.model import ViewModel


class WatchlistPanel(Panel):
    """Last price, its change over the candles that are known, and the side held."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(
        ("QUOTE", "CANDLES", "PORTFOLIO", "SESSION", "STATE")
    )

    def heading(self) -> Row:
        symbols = self._symbols()
        return (("Watchlist ", theme.TITLE), (str(len(symbols)) if symbols else "–", theme.MUTED))

    def note(self) -> Row:
        return (("s", theme.KEY), (" next", theme.MUTED))

    def body(self, width: int, height: int) -> Rows:
        view = self.scene.view
        if view is None or not self._symbols():
            return centred("no symbol yet", width, height)
        head = f"  {'SYM':<10}{'LAST':>{width - 21}}{self._span(view):>9}"
        rows = [self._row(view, symbol, width) for symbol in self._symbols()]
        return [((head, theme.MUTED),), *rows][:height]

    def _symbols(self) -> tuple[str, ...]:
        view = self.scene.view
        return view.session.symbols if view is not None and view.session is not None else ()

    def _span(self, view: ViewModel) -> str:
        """How long the change took."""
        bars = view.candles.get(self._symbols()[0], ())
        return age(bars[-1].ts - bars[0].ts) if bars else "CHANGE"

    def _row(self, view: ViewModel, symbol: str, width: int) -> Row:
        quote = view.quotes.get(symbol)
        bars = view.candles.get(symbol, ())
        last = quote.last if quote else bars[-1].close if bars else None
        change = last / bars[0].open - 1 if bars and last is not None else None
        shown = symbol == self.scene.symbol
        held = view.portfolio.quantity_of(symbol) if view.portfolio else 0.0
        side = ("▲", theme.UP) if held > 0 else ("▼", theme.DOWN) if held < 0 else (" ", theme.TEXT)
        return (
            ("▸" if shown else " ", theme.KEY),
            side,
            (pad(one_line(symbol, 20), 10), theme.STRONG if shown else theme.TEXT),
            (price(last, width=width - 21), theme.TEXT),
            (percent(change, width=9), theme.trend(change)),
        )
