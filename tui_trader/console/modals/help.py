"""All keys and what they do, from the table of actions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui_trader.console import theme
from tui_trader.console.canvas import Row
from tui_trader.console.modals.confirmation import Lines
from tui_trader.console.scroll import wrapped
from tui_trader.console.widgets.footer import key_name
from tui_trader.text import one_line
from tui_trader.view.actions import ACTIONS, SECTIONS, by_name

_TEXT_WIDTH = 62
_MORE = (
    ("ctrl+p", "Command palette", "Find an action by its name."),
    (
        "tab",
        "Next panel",
        "Move the focus, or in a decision to its next part; shift+tab goes back. Arrows select or "
        "scroll.",
    ),
    ("ctrl+c", "Quit", "As q; pressed again while the engine ends: leave at once."),
)


class Help(ModalScreen[None]):
    """A list that scrolls. The keys that act on every screen work here too."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter", "dismiss", show=False)]

    def __init__(self, warnings: Sequence[str] = ()) -> None:
        super().__init__()
        self._warnings = warnings

    def offers(self, action: str) -> bool:
        """Whether the key of this action acts here."""
        return "help" in by_name(action).screens

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog", classes="-help"):
            yield Lines([*_warnings(self._warnings), *help_rows()], id="keys")


def _warnings(warnings: Sequence[str]) -> list[Row]:
    """What the engine found when it started."""
    if not warnings:
        return []
    text = chain.from_iterable(wrapped(f"! {one_line(warning)}", 64) for warning in warnings)
    return [
        (("Warnings of the engine's start", theme.WARN_STRONG),),
        *(((line, theme.WARN),) for line in text),
        (),
    ]


def help_rows() -> list[Row]:
    """One or more rows for each action."""
    rows: list[Row] = [(("Keys", theme.TITLE_FOCUS), ("   escape closes", theme.MUTED)), ()]
    for action in ACTIONS:
        rows += _entry(key_name(action), action.title, action.help, dangerous=action.dangerous)
    for key, title, text in _MORE:
        rows += _entry(key, title, text)
    rows += [(), (("In a decision", theme.TITLE_FOCUS),), ()]
    for section in SECTIONS:
        rows += _entry(section.key, section.name, section.help)
    return rows


def _entry(key: str, title: str, text: str, *, dangerous: bool = False) -> list[Row]:
    style = theme.DANGER if dangerous else theme.KEY
    rows: list[Row] = [((f"{key:>6}  ", style), (title, theme.STRONG))]
    return rows + [((f"{'':8}{line}", theme.MUTED),) for line in wrapped(text, _TEXT_WIDTH)]
