"""The last line: keys from the table of actions, and what became of the last command."""

from __future__ import annotations

from typing import ClassVar

from textual.strip import Strip

from tui_trader.console import theme
from tui_trader.console.canvas import Canvas, Row, fitting, length, spread, strip_of
from tui_trader.console.scene import Scene
from tui_trader.text import one_line
from tui_trader.view.actions import ACTIONS, Action
from tui_trader.view.format import fit

_SHOWN_SECONDS = 8.0
_OVERDUE_SECONDS = 2.0
_NAMES = {"question_mark": "?", "slash": "/", "escape": "esc"}


def key_name(action: Action) -> str:
    """How a key is written for people."""
    return _NAMES.get(action.key, action.key)


class Footer(Canvas):
    """Keys of one screen at the left, the newest command and its answer at the right. The kill key
    never goes."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(("COMMANDS", "STATE"))
    TICKS: ClassVar[bool] = True

    def __init__(self, screen: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._actions = tuple(action for action in ACTIONS if _shown(action, screen))
        self.scene = Scene()
        self._outcome: object = None
        self._outcome_at = 0.0
        self._said: str | None = None

    def say(self, text: str) -> None:
        """Show a remark of the console's own for some seconds."""
        self._said, self._outcome_at = text, self.scene.now
        self.redraw()

    def apply(self, scene: Scene) -> None:
        """Show another moment."""
        self.scene = scene
        outcome = scene.view.outcome if scene.view else None
        if outcome is not self._outcome:
            self._outcome, self._outcome_at, self._said = outcome, scene.now, None
        self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        answer = self._answer(width)
        room = width - length(answer) - 2
        state = self.scene.view.state if self.scene.view else None
        paused = state in ("REDUCING", "HALTED")
        parts = [(_rank(action), _label(action, paused=paused)) for action in self._actions]
        keys = fitting(parts, room)
        return [strip_of(spread(((" ", theme.TEXT), *keys), answer, width), width)]

    def _answer(self, width: int) -> Row:
        view = self.scene.view
        if self._said is not None and self.scene.now - self._outcome_at <= _SHOWN_SECONDS:
            return ((f" {fit(self._said, max(width // 2 - 2, 8))} ", theme.WARN),)
        if view is None:
            return ()
        if view.pending:
            oldest = view.pending[0]
            waited = self.scene.now - oldest.sent
            name = oldest.kind.replace("_", " ").lower()
            if waited >= _OVERDUE_SECONDS:
                return ((f" {name}: no answer for {waited:.0f} s ", theme.ALARM),)
            return ((f" {name}: sent… ", theme.WARN),)
        if not self.scene.live and view.state_reason:
            text = fit(f"{view.link.value}: {one_line(view.state_reason)}", max(width * 2 // 3, 8))
            return ((f" {text} ", theme.WARN_STRONG),)
        outcome = view.outcome
        if outcome is None or self.scene.now - self._outcome_at > _SHOWN_SECONDS:
            return ()
        sign, style = ("✓", theme.UP_STRONG) if outcome.ok else ("✗", theme.DANGER)
        text = f"{outcome.command.replace('_', ' ').lower()}: {one_line(outcome.detail, 160)}"
        return ((f" {sign} ", style), (fit(text, max(width // 2 - 4, 8)) + " ", style))


def _shown(action: Action, screen: str) -> bool:
    """Whether the footer of `screen` names the action; not that which shows this very screen."""
    here = action.name == f"show_{screen}"
    return bool(action.footer) and screen in action.screens and not here


def _rank(action: Action) -> int:
    return -1 if action.name == "kill" else action.rank


def _label(action: Action, *, paused: bool) -> Row:
    name = "resume" if paused and action.name == "toggle_pause" else action.footer
    style = theme.DANGER if action.name == "kill" else theme.TEXT
    return ((key_name(action), theme.KEY), (f" {name}", style))
