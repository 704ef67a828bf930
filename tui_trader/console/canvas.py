"""A widget that keeps its rows and repaints only the cells that changed.

Everything live is drawn on one of these: a price tick then costs the few cells of a number and not
a panel. Rows are `Strip`s whose every segment has a style.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui_trader.console.theme import MUTED, TEXT

_NEAR = 16  # cells that cost less than another cursor movement and a style

Part = tuple[str, Style]
"""A run of text in one style."""

Row = Sequence[Part]
"""One line, from left to right."""


def strip_of(row: Iterable[Part], width: int) -> Strip:
    """A strip of exactly `width` cells; what is longer is cut, what is shorter padded."""
    strip = Strip([Segment(text, style) for text, style in row if text])
    return strip.adjust_cell_length(width, TEXT)


def length(row: Iterable[Part]) -> int:
    """The cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def spread(left: Row, right: Row, width: int) -> Row:
    """`left` and `right` at the two ends of `width` cells; the left gives way."""
    room = width - length(right)
    if room <= 0:
        return tuple(right)
    strip = strip_of(left, room)
    return (*((segment.text, segment.style or TEXT) for segment in strip), *right)


def join(parts: Iterable[Row], separator: Part = ("  ", MUTED)) -> Row:
    """Rows one after another with a separator between them; empty ones are left out."""
    kept = [row for row in parts if row]
    return tuple(
        chain.from_iterable(
            (*((separator,) if index else ()), *row) for index, row in enumerate(kept)
        )
    )


def fitting(parts: Iterable[tuple[int, Row]], width: int, separator: Part = ("  ", MUTED)) -> Row:
    """As many ranked rows as fit into `width` cells, in their order; the highest ranks go first."""
    kept = [(rank, row) for rank, row in parts if row]
    while len(kept) > 1 and length(join((row for _, row in kept), separator)) > width:
        worst = max(range(len(kept)), key=lambda index: (kept[index][0], index))
        del kept[worst]
    return join((row for _, row in kept), separator)


def changes(old: Strip, new: Strip) -> list[tuple[int, int]]:
    """The spans of cells `[start, stop)` in which two strips differ; near ones are one."""
    if old._segments == new._segments:
        return []
    spans: list[tuple[int, int]] = []
    pairs = zip_longest(_cells(old), _cells(new))
    for place, (before, after) in enumerate(pairs):
        if before == after:
            continue
        if spans and place - spans[-1][1] <= _NEAR:
            spans[-1] = (spans[-1][0], place + 1)
        else:
            spans.append((place, place + 1))
    return spans


def _cells(strip: Strip) -> list[tuple[str, Style | None, int]]:
    """Each cell's character and style, and which cell of a wide character it is."""
    cells: list[tuple[str, Style | None, int]] = []
    for text, style, _ in strip:
        if cell_len(text) == len(text):
            cells.extend((character, style, 0) for character in text)
            continue
        for character in text:
            size = get_character_cell_size(character)
            cells.extend((character, style, part) for part in range(size))
    return cells


class Canvas(Widget):
    """A widget made of rows. Subclasses implement `draw`; `redraw` paints what has changed."""

    DEFAULT_CSS = "Canvas { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._rows: list[Strip] = []
        self._drawn_size = (-1, -1)
        self._ground = Style()

    def draw(self, width: int, height: int) -> list[Strip]:
        """All rows at this size: at most `height` strips of `width` cells; here none."""
        return []

    def redraw(self) -> None:
        """Draw again and repaint the changed cells; put off while the widget is not shown."""
        width, height = self.size
        if not self.is_attached or not self.display or self._drawn_size != (width, height):
            self._drawn_size = (-1, -1)
            self.refresh()
            return
        rows = self.draw(width, height)
        old, self._rows = self._rows, rows
        if len(old) != len(rows):
            self.refresh()
            return
        regions = [
            Region(start, y, stop - start, 1)
            for y, (before, after) in enumerate(zip(old, rows, strict=True))
            for start, stop in changes(before, after)
        ]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """One row, for Textual."""
        size = (self.size.width, self.size.height)
        if self._drawn_size != size:
            self._rows = self.draw(*size)
            self._drawn_size = size
            self._ground = Style(bgcolor=self.background_colors[1].rich_color)
        row = self._rows[y] if y < len(self._rows) else Strip.blank(size[0], TEXT)
        return row.apply_style(self._ground)
