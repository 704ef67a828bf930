"""One question before something that costs money: facts, perhaps a word to type, yes or no.

No text of a model is ever shown here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip

from tui_trader.console import theme
from tui_trader.console.canvas import Canvas, Row, strip_of
from tui_trader.console.scene import Scene
from tui_trader.text import one_line

WIDTH = 66
_FRAME_ROWS = 6  # border, padding, title and keys
_LONGEST = 60
Facts = Callable[[Scene], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `facts` are read from the newest scene: they stay true while one reads.

    `word` must be typed exactly; with `free_text` (the prompt) anything may be typed. `option` can
    be ticked.
    """

    title: str
    facts: Facts
    yes: str
    word: str | None = None
    free_text: str | None = None
    option: str | None = None
    dangerous: bool = False

    @property
    def typed(self) -> bool:
        """Whether something must be typed."""
        return bool(self.word or self.free_text)


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes, with what was typed and ticked."""

    text: str = ""
    option: bool = False


class Lines(Canvas):
    """Rows of text, as high as they are many."""

    def __init__(self, rows: Sequence[Row], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text = rows
        self.styles.height = len(rows)

    def update(self, rows: Sequence[Row]) -> None:
        """Other rows; a change of their number costs a layout."""
        if len(rows) != len(self._text):
            self.styles.height = len(rows)
        self._text = rows
        self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        return [strip_of(row, width) for row in self._text[:height]]


class Confirmation(ModalScreen[Answer | None], inherit_bindings=False):
    """Asks a `Question`; dismissed with an `Answer`, or None for no.

    It reads the keys itself, without a field or a box that would have to get the focus first: keys
    that come in one burst over a slow line then act in their order, and none is lost.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", show=False),
        Binding("enter", "yes", show=False),
        Binding("tab", "tick", show=False),
        Binding("backspace", "delete", show=False),
    ]

    def __init__(self, question: Question, scene: Scene) -> None:
        super().__init__()
        self._question = question
        self._scene = scene
        self._typed = ""
        self._ticked = False
        self._refused = False

    def compose(self) -> ComposeResult:
        question = self._question
        style = theme.ALARM if question.dangerous else theme.TITLE_FOCUS
        with Vertical(id="dialog", classes="-danger" if question.dangerous else ""):
            yield Lines([((f" {question.title} ", style),)], id="question")
            yield Lines(self._facts(), id="facts")
            yield Lines(self._entry(), id="entry")
            yield Lines([_hint(question)], id="hint")

    def on_mount(self) -> None:
        """A small terminal keeps the question and the field, and drops the rest."""
        self.set_class(self.app.size.height < 20 or self.app.size.width < WIDTH, "-small")

    def on_resize(self) -> None:
        """The terminal may have become small, or large again."""
        self.on_mount()
        self.apply(self._scene)

    def apply(self, scene: Scene) -> None:
        """The facts at another moment."""
        self._scene = scene
        if self.is_mounted:
            self.query_one("#facts", Lines).update(self._facts())

    def on_key(self, event: events.Key) -> None:
        """What is typed into the field."""
        if self._question.typed and event.is_printable and event.character:
            event.stop()
            self._type(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted into the field."""
        if self._question.typed:
            self._type(one_line(event.text))

    def action_delete(self) -> None:
        """Take the last character back."""
        self._typed = self._typed[:-1]
        self._show_entry()

    def action_tick(self) -> None:
        """Tick the box, or take that back."""
        self._ticked = not self._ticked
        self._show_entry()

    def action_no(self) -> None:
        """Nothing is done."""
        self.dismiss(None)

    def action_yes(self) -> None:
        """Do it, if what had to be typed was typed."""
        question, typed = self._question, self._typed.strip()
        if question.typed and (typed != question.word if question.word else not typed):
            self._refused = True
            self._show_entry()
            return
        self.dismiss(Answer(typed, bool(question.option) and self._ticked))

    def _type(self, text: str) -> None:
        self._typed = (self._typed + text)[:_LONGEST]
        self._show_entry()

    def _show_entry(self) -> None:
        self.query_one("#entry", Lines).update(self._entry())

    def _facts(self) -> Sequence[Row]:
        """The facts, with fewer rows where the terminal is low: field and keys must be seen."""
        rows = [(), *self._question.facts(self._scene), ()]
        room = self.app.size.height - _FRAME_ROWS - len(self._entry())
        if len(rows) > room:
            rows = [row for row in rows if row]
        if len(rows) > room:
            return [*rows[: max(room - 1, 0)], (("…", theme.MUTED),)]
        return rows

    def _entry(self) -> Sequence[Row]:
        """The field and the box, as far as the question has them."""
        question = self._question
        rows: list[Row] = []
        if question.typed:
            prompt = question.free_text or f"Type {question.word} to confirm"
            wanted = f"type {question.word} exactly" if question.word else "type it"
            refusal = (f"Not done: {wanted}, or press escape", theme.DANGER)
            rows += [
                (refusal if self._refused else (prompt, theme.STRONG),),
                ((f" {self._typed}▏{'':{WIDTH}}", theme.FIELD),),
            ]
        if question.option:
            box = "[x] " if self._ticked else "[ ] "
            rows.append(((box, theme.KEY), (question.option, theme.TEXT)))
        return [*rows, ()] if rows else rows


def _hint(question: Question) -> Row:
    style = theme.DANGER if question.dangerous else theme.KEY
    yes = (("enter", style), (f" {question.yes}   ", theme.TEXT))
    no = (("escape", theme.KEY), (" no", theme.TEXT))
    tick = (("   tab", theme.KEY), (" tick", theme.TEXT)) if question.option else ()
    return (*yes, *no, *tick)
