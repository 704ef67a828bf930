"""Candles in character cells: one column a candle, two half-cells a row. Pure; no widget.

A frame takes about a millisecond. The vertical scale is snapped to a grid and the candles move in
steps of several columns, so that most ticks change a few cells and not the picture.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style

from tui_trader.console import theme
from tui_trader.console.canvas import Part, Row
from tui_trader.timeframes import open_time

if TYPE_CHECKING:
    from tui_trader.models import Candle
    from tui_trader.view.model import TradeMarker

_EMPTY, _WICK, _BODY = 0, 1, 2
_GLYPHS = {
    (_EMPTY, _EMPTY): " ",
    (_WICK, _WICK): "│",
    (_BODY, _BODY): "┃",
    (_WICK, _EMPTY): "╵",
    (_EMPTY, _WICK): "╷",
    (_BODY, _EMPTY): "╹",
    (_EMPTY, _BODY): "╻",
    (_WICK, _BODY): "╽",
    (_BODY, _WICK): "╿",
}
_LINE = "⠉⠒⠤⣀"  # a line through a cell, at its four heights
_DOTS = "⠁⠂⠄⡀"
_BARS = " ▁▂▃▄▅▆▇█"
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_STEP_COLUMNS = 8
_LABEL_GAP = 2
_ROWS_WITH_TIMES = 7


@dataclass(frozen=True, slots=True)
class Overlay:
    """A line over the candles, one value a candle. A dotted one is told apart without colour."""

    values: Sequence[float | None]
    style: Style
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw. `candles` oldest first; `decimals` of a price; `length_ms` of a candle.

    `entry` is the average price of the open position, `last` the newest price.
    """

    candles: Sequence[Candle]
    overlays: Sequence[Overlay] = ()
    markers: Sequence[TradeMarker] = ()
    decimals: int = 2
    length_ms: int = 60_000
    last: float | None = None
    entry: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps prices to half-cells, 0 at the top. `step` is the distance of two labels."""

    low: float
    high: float
    step: float
    rows: int

    def half(self, price: float) -> int:
        """The half-cell that holds `price`, kept inside the picture."""
        share = (self.high - price) / (self.high - self.low)
        return min(max(int(share * self.rows * 2), 0), self.rows * 2 - 1)

    def quarter(self, price: float) -> tuple[int, int]:
        """Row and quarter of a row that hold `price`; outside of the picture when it is."""
        return divmod(math.floor((self.high - price) / (self.high - self.low) * self.rows * 4), 4)


def scale_for(low: float, high: float, rows: int) -> Scale:
    """A scale for `low` to `high` in `rows` rows, with round labels at least three rows apart."""
    if high <= low:
        low, high = low - abs(low or 1.0) * 1e-3, high + abs(high or 1.0) * 1e-3
    step = _round_step((high - low) * 3 / max(rows, 1))
    grid = step / 16
    return Scale(math.floor(low / grid) * grid, (math.floor(high / grid) + 1) * grid, step, rows)


def _round_step(least: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(magnitude * step for step in _STEPS if magnitude * step >= least * (1 - 1e-9))


def draw(chart: Chart, width: int, height: int, *, volume_rows: int = 0) -> list[Row]:
    """The picture in `height` rows of `width` cells: candles, volume, times below, prices right."""
    times = height >= _ROWS_WITH_TIMES
    rows = height - volume_rows - times
    if rows < 2 or not chart.candles:
        return []
    axis = _axis_width(chart)
    columns = width - axis
    if columns < 4:
        return []
    gap = _gap(chart, columns)
    first = max(0, len(chart.candles) - (columns - gap))
    shown = chart.candles[first:]
    left = columns - gap - len(shown)
    scale = scale_for(min(c.low for c in shown), max(c.high for c in shown), rows)
    grid = _Grid(columns, rows)
    grid.levels(chart, scale)
    for overlay in chart.overlays:
        grid.line(overlay, first, left, scale)
    for column, candle in enumerate(shown, left):
        grid.candle(column, candle, scale)
    grid.markers(chart, shown, left, scale)
    labels = _price_labels(chart, scale, axis)
    picture = [(*row, label) for row, label in zip(grid.rows(), labels, strict=True)]
    below = [_times(chart, shown, left, width)] if times else []
    return [*picture, *_volume(shown, left, width, volume_rows), *below]


def _gap(chart: Chart, columns: int) -> int:
    """Free columns at the right: they fill up, then the picture moves several columns at once."""
    step = min(_STEP_COLUMNS, max(1, columns // 8))
    return step - chart.candles[-1].ts // max(chart.length_ms, 1) % step


class _Grid:
    """Cells of the picture, later layers over earlier ones."""

    def __init__(self, columns: int, rows: int) -> None:
        self.cells: list[list[Part]] = [[(" ", theme.TEXT)] * columns for _ in range(rows)]
        self.columns = columns

    def levels(self, chart: Chart, scale: Scale) -> None:
        """A dashed line where the position was entered."""
        if chart.entry is not None and scale.low < chart.entry < scale.high:
            row = self.cells[scale.half(chart.entry) // 2]
            row[:] = [("╌", theme.LEVEL)] * self.columns

    def line(self, overlay: Overlay, first: int, left: int, scale: Scale) -> None:
        """A line at a quarter of a cell's height."""
        glyphs = _DOTS if overlay.dotted else _LINE
        for column, value in enumerate(overlay.values[first:], left):
            if value is None:
                continue
            row, quarter = scale.quarter(value)
            if 0 <= row < len(self.cells):
                self.cells[row][column] = (glyphs[quarter], overlay.style)

    def candle(self, column: int, candle: Candle, scale: Scale) -> None:
        """Wick and body of one candle; the body is at least half a cell."""
        style = theme.UP if candle.close >= candle.open else theme.DOWN
        top, bottom = scale.half(candle.high), scale.half(candle.low)
        body_top = scale.half(max(candle.open, candle.close))
        body_bottom = scale.half(min(candle.open, candle.close))

        def part(half: int) -> int:
            if body_top <= half <= body_bottom:
                return _BODY
            return _WICK if top <= half <= bottom else _EMPTY

        for row in range(top // 2, bottom // 2 + 1):
            self.cells[row][column] = (_GLYPHS[part(2 * row), part(2 * row + 1)], style)

    def markers(self, chart: Chart, shown: Sequence[Candle], left: int, scale: Scale) -> None:
        """▲ under the candle of a buy, ▼ over the candle of a sell."""
        columns = {candle.ts: (left + index, candle) for index, candle in enumerate(shown)}
        for marker in chart.markers:
            found = columns.get(open_time(marker.ts, chart.length_ms))
            if found is None:
                continue
            column, candle = found
            if marker.side == "BUY":
                row, part = scale.half(candle.low) // 2 + 1, ("▲", theme.UP_STRONG)
            else:
                row, part = scale.half(candle.high) // 2 - 1, ("▼", theme.DOWN_STRONG)
            self.cells[min(max(row, 0), len(self.cells) - 1)][column] = part

    def rows(self) -> list[Row]:
        """Runs of equal style."""
        return [_runs(cells) for cells in self.cells]


def _runs(cells: Sequence[Part]) -> Row:
    runs: list[Part] = []
    text: list[str] = []
    style = cells[0][1]
    for glyph, glyph_style in cells:
        if glyph_style is not style and glyph != " ":
            if text:
                runs.append(("".join(text), style))
            text, style = [], glyph_style
        text.append(glyph)
    runs.append(("".join(text), style))
    return tuple(runs)


def _axis_width(chart: Chart) -> int:
    highest = max(abs(chart.candles[-1].high), abs(chart.candles[0].high), abs(chart.last or 0.0))
    return len(f"{highest:,.{chart.decimals}f}") + _LABEL_GAP


def _price_labels(chart: Chart, scale: Scale, axis: int) -> list[Part]:
    labels: list[Part] = [(" " * axis, theme.MUTED)] * scale.rows
    value = math.ceil(scale.low / scale.step) * scale.step
    while value < scale.high:
        labels[scale.half(value) // 2] = (_label(value, chart, axis), theme.MUTED)
        value += scale.step
    if chart.entry is not None and scale.low < chart.entry < scale.high:
        labels[scale.half(chart.entry) // 2] = (_label(chart.entry, chart, axis, "╌"), theme.LEVEL)
    if chart.last is not None:
        labels[scale.half(chart.last) // 2] = (_label(chart.last, chart, axis, "◂"), theme.LAST)
    return labels


def _label(value: float, chart: Chart, axis: int, sign: str = " ") -> str:
    return f"{sign}{value:>{axis - 1},.{chart.decimals}f}"[:axis]


def _volume(shown: Sequence[Candle], left: int, width: int, rows: int) -> list[Row]:
    highest = max((candle.volume for candle in shown), default=0.0)
    if rows < 1:
        return []
    eighths = [
        math.ceil(candle.volume / highest * rows * 8) if highest > 0 else 0 for candle in shown
    ]
    lines: list[Row] = []
    for row in range(rows - 1, -1, -1):
        cells: list[Part] = [(" ", theme.TEXT)] * left
        for candle, level in zip(shown, eighths, strict=True):
            style = theme.VOLUME_UP if candle.close >= candle.open else theme.VOLUME_DOWN
            cells.append((_BARS[min(max(level - row * 8, 0), 8)], style))
        name = " vol" if row == 0 else ""
        cells.append((f"{'':{width - len(cells) - len(name)}}{name}", theme.MUTED))
        lines.append(_runs(cells))
    return lines


def _times(chart: Chart, shown: Sequence[Candle], left: int, width: int) -> Row:
    """Open times below candles that stand on a round time, never closer than the text is wide."""
    every = _round_span(chart.length_ms * 14)
    text = [" "] * width
    free = 0
    for column, candle in enumerate(shown, left):
        if candle.ts % every == 0 and column >= free and column + 5 <= width:
            text[column : column + 5] = _clock(candle.ts, daily=every >= 86_400_000)
            free = column + 8
    return (("".join(text), theme.MUTED),)


def _round_span(least: int) -> int:
    minutes = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400)
    return next((m * 60_000 for m in minutes if m * 60_000 >= least), 28800 * 60_000)


def _clock(ts: int, *, daily: bool) -> str:
    return time.strftime("%m-%d" if daily else "%H:%M", time.gmtime(ts / 1000))
