"""Lines that change once a bar, drawn by plotext.

plotext is one global figure and takes a tenth of a second to import: it is imported and used in a
worker thread, under a lock, and only its cells are taken.
"""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.style import Style

from tui_trader.console import theme
from tui_trader.console.canvas import Part, Row
from tui_trader.view.format import percent, price

_LOCK = threading.Lock()
_COLOURS = (12, 10)
_MARK = 8
_CODE = re.compile(r"\x1b\[([0-9;]*)m")


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines of equal length over one scale, drawn from the first place where all are known.

    `unit` is how values are written: `price`, `fraction` (as a percentage) or `index` (0 to 100).
    `marks` are values at which a level is drawn, such as 30 and 70.
    """

    title: str
    lines: tuple[tuple[float, ...], ...]
    styles: tuple[Style, ...]
    unit: str = "price"
    limits: tuple[float, float] | None = None
    marks: tuple[float, ...] = ()

    def written(self, value: float) -> str:
        """A value in the plot's unit."""
        if self.unit == "fraction":
            return percent(value)
        return f"{value:.1f}" if self.unit == "index" else price(value, self._reference())

    def _reference(self) -> float:
        return max((abs(value) for line in self.lines for value in line), default=1.0)


def draw(plot: Plot, width: int, height: int) -> list[Row]:
    """The plot in `height` rows of `width` cells, values at the left. Slow: call it in a thread."""
    values = [value for line in plot.lines for value in line]
    if not values or height < 1:
        return []
    low, high = plot.limits or _padded(min(values), max(values))
    labels = _labels(plot, low, high, height)
    axis = max(len(label) for label in labels) + 1
    if width - axis < 4:
        return []
    canvas = _canvas(plot, low, high, width - axis, height)
    return [
        ((f"{label:>{axis - 1}} ", theme.MUTED), *row)
        for label, row in zip(labels, canvas, strict=True)
    ]


def _padded(low: float, high: float) -> tuple[float, float]:
    room = (high - low) * 0.05 or abs(high) * 0.001 or 1.0
    return low - room, high + room


def _labels(plot: Plot, low: float, high: float, height: int) -> list[str]:
    """Values at the top, the bottom and every third row between."""
    labels = [""] * height
    for row in {0, height - 1, *range(0, height - 2, 3)}:
        share = row / max(height - 1, 1)
        labels[row] = plot.written(high - (high - low) * share)
    return labels


def _canvas(plot: Plot, low: float, high: float, width: int, height: int) -> list[Row]:
    with _LOCK:
        plotext: Any = importlib.import_module("plotext")
        plotext.terminal.limit(False, False)
        figure = plotext.figure
        figure.clear()
        figure.plot_size(width, height)
        figure.axes(False)
        figure.canvas("default")
        for axis in ("x", "y"):
            figure.ruler(axis, "both").frequency(0)
        figure.ruler("y").lim(low, high)
        for mark in plot.marks:
            figure.line(mark, pixel=plotext.pixel(_MARK))
        for line, colour in zip(plot.lines, _COLOURS, strict=False):
            points = _resampled(line, width * 2)
            figure.draw(figure.signal(points, marker=plotext.marker("braille", colour)).lines())
        text = figure.build().string()
    rows = [_row(line, plot, width) for line in text.split("\n")[:height]]
    return rows + [((" " * width, theme.TEXT),)] * (height - len(rows))


def _resampled(line: Sequence[float], count: int) -> list[float]:
    """At most `count` values, the newest of each stretch."""
    if len(line) <= count:
        return list(line)
    return [line[(index + 1) * len(line) // count - 1] for index in range(count)]


def _row(line: str, plot: Plot, width: int) -> Row:
    """One line of plotext's with our styles for its colours."""
    style = theme.TEXT
    parts: list[Part] = []
    for index, piece in enumerate(_CODE.split(line)):
        if index % 2 == 0:
            if piece:
                parts.append((piece, style))
        else:
            style = _style(piece, plot)
    return tuple(parts)


def _style(codes: str, plot: Plot) -> Style:
    for colour, style in zip(_COLOURS, plot.styles, strict=False):
        if codes == f"38;5;{colour}":
            return style
    return theme.FRAME
