"""The tail of what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType

from tui_trader.console import theme
from tui_trader.console.canvas import Row
from tui_trader.console.panel import Panel, Rows, centred
from tui_trader.console.scene import Scene
from tui_trader.console.scroll import Scroll
from tui_trader.view.format import clock_time, fit, pad

if TYPE_CHECKING:
    from tui_trader.view.model import EventLine

SCROLL_BINDINGS: list[BindingType] = [
    Binding("up", "scroll_lines(-1)", show=False),
    Binding("down", "scroll_lines(1)", show=False),
    Binding("pageup", "scroll_lines(-10)", show=False),
    Binding("pagedown", "scroll_lines(10)", show=False),
    Binding("home", "scroll_lines(-100000)", show=False),
    Binding("end", "scroll_lines(100000)", show=False),
]

_SEVERITY = {
    "debug": ("debug", theme.MUTED, theme.MUTED),
    "info": ("info ", theme.MUTED, theme.TEXT),
    "warning": ("WARN ", theme.WARN_STRONG, theme.WARN),
    "error": ("ERROR", theme.ALARM, theme.DANGER),
}


class EventsPanel(Panel):
    """Event lines, newest last. Held, they stand still and new ones are counted."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(("EVENTS", "SESSION", "STATE"))
    BINDINGS: ClassVar[list[BindingType]] = SCROLL_BINDINGS

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._scroll = Scroll()
        self._held: tuple[EventLine, ...] = ()

    @property
    def following(self) -> bool:
        """Whether the newest line is followed."""
        return self._scroll.following

    def toggle_follow(self) -> None:
        """Hold the lines where they are, or follow the newest again."""
        if self.following:
            self._hold()
            self._scroll.top = self._scroll.start(len(self._held), self._height)
        else:
            self._scroll.top = None
        self.redraw()

    def action_scroll_lines(self, lines: int) -> None:
        """Look back, or forth."""
        if self.following:
            self._hold()
        self._scroll.move(lines, len(self._held), self._height)
        self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look back."""
        event.stop()
        self.action_scroll_lines(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look forth."""
        event.stop()
        self.action_scroll_lines(3)

    def heading(self) -> Row:
        return (("Events", theme.TITLE),)

    def note(self) -> Row:
        if self.following:
            return (("following", theme.MUTED),)
        return ((f"held · {self._newer()} new · f follows", theme.WARN),)

    def body(self, width: int, height: int) -> Rows:
        lines = self._lines(self.scene)
        if not lines:
            return centred("nothing has happened yet", width, height)
        start = self._scroll.start(len(lines), height)
        return [_row(line, width) for line in lines[start : start + height]]

    @property
    def _height(self) -> int:
        return max(self.size.height - 2, 1)

    def _hold(self) -> None:
        self._held = self.scene.view.events if self.scene.view else ()

    def _lines(self, scene: Scene) -> tuple[EventLine, ...]:
        if not self.following:
            return self._held
        return scene.view.events if scene.view else ()

    def _newer(self) -> int:
        now = self.scene.view.events if self.scene.view else ()
        newest = self._held[-1] if self._held else None
        for back, line in enumerate(reversed(now)):
            if line is newest:
                return back
        return len(now)


def _row(line: EventLine, width: int) -> Row:
    name, name_style, style = _SEVERITY[line.severity.value]
    topic = pad(line.topic, 9)
    room = max(width - 26, 1)
    return (
        (f"{clock_time(line.ts)[:8]} ", theme.MUTED),
        (name, name_style),
        (f" {topic} ", theme.MUTED),
        (fit(line.text, room), style),
    )
