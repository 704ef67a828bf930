"""The live candles of the symbol that is shown."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, ClassVar

from tui_trader.console import theme
from tui_trader.console.canvas import Row
from tui_trader.console.charts import candles
from tui_trader.console.charts.studies import ema
from tui_trader.console.panel import Panel, Rows, centred
from tui_trader.timeframes import timeframe_ms
from tui_trader.view.format import money, percent, price, price_decimals

if TYPE_CHECKING:
    from tui_trader.models import Candle
    from tui_trader.view.model import ViewModel

FAST, SLOW = 20, 50
_TALL = 16
_VERY_TALL = 26


class ChartPanel(Panel):
    """Candles, EMA20 and EMA50, fills, entry and last price; volume when there is room."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(
        ("QUOTE", "CANDLES", "SESSION", "PORTFOLIO", "STATE")
    )

    def body(self, width: int, height: int) -> Rows:
        view, symbol = self.scene.view, self.scene.symbol
        bars = self._candles()
        if view is None or symbol is None or not bars:
            waiting = "waiting for the first candle…" if view else self.scene.connecting
            return centred(waiting, width, height)
        closes = [bar.close for bar in bars]
        last = self._last()
        position = self.scene.position
        chart = candles.Chart(
            candles=bars,
            overlays=(
                candles.Overlay(ema(closes, SLOW), theme.EMA_SLOW, dotted=True),
                candles.Overlay(ema(closes, FAST), theme.EMA_FAST),
            ),
            markers=view.markers.get(symbol, ()),
            decimals=price_decimals(last),
            length_ms=_length(view),
            last=last,
            entry=position.avg_price if position else None,
        )
        volume = 3 if height >= _VERY_TALL else 2 if height >= _TALL else 0
        return candles.draw(chart, width, height, volume_rows=volume)

    def heading(self) -> Row:
        symbol, bars, last = self.scene.symbol, self._candles(), self._last()
        if symbol is None:
            return (("Market", theme.TITLE),)
        title = ((f"{symbol} ", theme.TITLE), (price(last), theme.STRONG))
        if len(bars) < 2 or last is None:
            return title
        change = last / bars[-2].close - 1
        arrow = "▲" if change > 0 else "▼" if change < 0 else "="
        bar_text = (f"  {arrow} {percent(change)} this bar", theme.trend(change))
        if self.size.width < 100:
            return (*title, bar_text)
        bar = bars[-1]
        decimals = price_decimals(last)
        ohlc = "  ".join(
            f"{name} {money(value, decimals)}"
            for name, value in zip("OHLC", (bar.open, bar.high, bar.low, bar.close), strict=True)
        )
        return (*title, bar_text, (f"   {ohlc}", theme.MUTED))

    def note(self) -> Row:
        if not self._candles() or self.size.width < 50:
            return ()
        parts: list[Row] = [
            (("⠒", theme.EMA_FAST), (f" EMA{FAST}", theme.MUTED)),
            (("⠂", theme.EMA_SLOW), (f" EMA{SLOW}", theme.MUTED)),
            (("▲", theme.UP), (" buy ", theme.MUTED), ("▼", theme.DOWN), (" sell", theme.MUTED)),
        ]
        if self.scene.position is not None:
            parts.append((("╌", theme.LEVEL), (" entry", theme.MUTED)))
        return tuple(chain.from_iterable((*part, ("  ", theme.MUTED)) for part in parts))[:-1]

    def _candles(self) -> tuple[Candle, ...]:
        view, symbol = self.scene.view, self.scene.symbol
        return view.candles.get(symbol, ()) if view is not None and symbol is not None else ()

    def _last(self) -> float | None:
        view, symbol = self.scene.view, self.scene.symbol
        if view is None or symbol is None:
            return None
        if (quote := view.quotes.get(symbol)) is not None:
            return quote.last
        bars = view.candles.get(symbol, ())
        return bars[-1].close if bars else None


def _length(view: ViewModel) -> int:
    return timeframe_ms(view.session.timeframe) if view.session else 60_000
