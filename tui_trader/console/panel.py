"""A framed canvas with a title, fed with scenes."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.strip import Strip

from tui_trader.console import theme
from tui_trader.console.canvas import Canvas, Row, length, strip_of
from tui_trader.console.scene import Scene
from tui_trader.view.format import fit

Rows = list[Row]

_LEAST_FRAME = 4


class Panel(Canvas, can_focus=True):
    """A part of the dashboard. Subclasses say what stands in it; all of it is text in styles.

    `WATCHES` names the parts of the view (`Dirty` flags) that it draws; `TICKS` is True when it
    shows an age or a countdown and is drawn every second.
    """

    WATCHES: ClassVar[frozenset[str]] = frozenset()
    TICKS: ClassVar[bool] = False
    ALLOW_MAXIMIZE = True

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.scene = Scene()

    def apply(self, scene: Scene) -> None:
        """Show another moment."""
        self.scene = scene
        self.redraw()

    @property
    def active(self) -> bool:
        """Whether keys act in this panel: its frame is heavier then."""
        return self.has_focus

    def heading(self) -> Row:
        """The title in the upper edge of the frame."""
        return ()

    def note(self) -> Row:
        """What the lower edge of the frame says, at its right end."""
        return ()

    def body(self, width: int, height: int) -> Rows:
        """The rows inside the frame."""
        return []

    def draw(self, width: int, height: int) -> list[Strip]:
        framed = width >= _LEAST_FRAME and height >= _LEAST_FRAME
        room = (width - 2, height - 2) if framed else (width, height)
        rows = self.body(*room)[: room[1]] if min(room) > 0 else []
        heading = self.heading()
        if not self.scene.live:
            rows, heading = [_stale(row) for row in rows], _stale(heading)
        if not framed:
            return [strip_of(row, width) for row in rows]
        return frame(rows, width, height, heading, self.note(), focused=self.active)

    def on_mount(self) -> None:
        """The frame shows the focus."""
        self.watch(self, "has_focus", self.redraw, init=False)


def _stale(row: Row) -> Row:
    """Numbers that may be wrong by now look it; names and warnings stay."""
    kept = (theme.TITLE, theme.WARN_STRONG)
    return tuple((text, style if style in kept else theme.STALE) for text, style in row)


def frame(
    rows: Rows, width: int, height: int, heading: Row, note: Row, *, focused: bool
) -> list[Strip]:
    """`rows` in a frame of `width` by `height` cells. The focus is heavier, not only coloured."""
    corners, flat, side = ("┏┓┗┛", "━", "┃") if focused else ("╭╮╰╯", "─", "│")
    style = theme.FRAME_FOCUS if focused else theme.FRAME
    edges = (
        _edge(corners[:2], flat, heading, width, style, at_left=True),
        _edge(corners[2:], flat, note, width, style, at_left=False),
    )
    edge = (side, style)
    filled = [*rows, *[()] * (height - 2 - len(rows))]
    inner = [strip_of((edge, *_exactly(row, width - 2), edge), width) for row in filled]
    return [edges[0], *inner, edges[1]]


def centred(text: str, width: int, height: int) -> Rows:
    """One muted line in the middle of an empty panel."""
    blank: Rows = [()] * (max(height - 1, 0) // 2)
    return [*blank, ((f"{fit(text, width):^{width}}", theme.MUTED),)]


def _exactly(row: Row, width: int) -> Row:
    taken = length(row)
    if taken <= width:
        return (*row, (" " * (width - taken), theme.TEXT))
    return tuple((segment.text, segment.style or theme.TEXT) for segment in strip_of(row, width))


def _edge(corners: str, flat: str, text: Row, width: int, style: Style, *, at_left: bool) -> Strip:
    room = width - 6
    if not text or room < 3:
        return strip_of([(corners[0] + flat * (width - 2) + corners[1], style)], width)
    label = _exactly(text, min(room, length(text)))
    line = flat * (width - 5 - length(label))
    before, after = (flat, line) if at_left else (line, flat)
    middle = ((f"{corners[0]}{before} ", style), *label, (f" {after}{corners[1]}", style))
    return strip_of(middle, width)
