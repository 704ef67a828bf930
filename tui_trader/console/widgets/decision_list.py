"""All decisions of this run, newest first, with a selection and a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual import events

from tui_trader.console import theme
from tui_trader.console.canvas import Part, Row
from tui_trader.console.panel import Panel, Rows, centred
from tui_trader.console.widgets.agent import DIRECTIONS, OUTCOMES
from tui_trader.text import one_line
from tui_trader.view.decisions import (
    execution_word,
    found,
    lead,
    outcome_words,
    risk_word,
    subject,
    tokens,
)
from tui_trader.view.format import UNKNOWN, clock_time, pad, percent, seconds, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_trader.view.model import DecisionView

# Name, width without the blank before it, and the width of the panel from which it is shown.
_COLUMNS = (
    ("TIME", 8, 0),
    ("#", 5, 38),
    ("DECISION", 19, 0),
    ("SIZE", 4, 66),
    ("CONF", 4, 71),
    ("OUTCOME", 11, 61),
    ("RISK", 4, 44),
    ("EXEC", 4, 49),
    ("COST", 7, 78),
    ("TOKENS", 7, 94),
    ("LAT", 5, 86),
    ("!", 2, 0),
)
_RIGHT = frozenset(("#", "SIZE", "CONF", "TOKENS", "LAT", "COST", "!"))
_EXECUTIONS = {
    "FILLED": ("fill", theme.UP),
    "PARTIAL": ("part", theme.WARN_STRONG),
    "REJECTED": ("rej.", theme.DANGER),
    "ERROR": ("ERR", theme.DANGER),
}
_LEAST_WORDS = 16


class DecisionList(Panel, can_focus=False):
    """One line for each decision. The selection stays with its decision; until one is chosen it is
    the newest.

    `filter` are the words that each line must hold; `typing` while they are typed; `current` while
    the keys move here.
    """

    WATCHES: ClassVar[frozenset[str]] = frozenset(("DECISION", "SESSION", "STATE"))

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.filter = ""
        self.typing = False
        self.current = True
        self._selected: str | None = None

    @property
    def active(self) -> bool:
        """Whether the keys move the selection."""
        return self.current

    @property
    def selected(self) -> str | None:
        """`compose_id` of the selected decision, None when there is none."""
        shown = self._found()
        place = self._place(shown)
        return shown[place].compose_id if shown else None

    def select(self, by: int) -> None:
        """Select another decision, so many lines further down."""
        shown = self._found()
        if shown:
            place = min(max(self._place(shown) + by, 0), len(shown) - 1)
            self._selected = shown[place].compose_id if place else None
            self.redraw()

    def choose(self, compose_id: str) -> None:
        """Select this decision, if it is in the list."""
        self._selected = compose_id

    def on_click(self, event: events.Click) -> None:
        """Select the decision that was clicked on."""
        shown = self._found()
        height = max(self.size.height - 2 - self._head_rows(), 1)
        place = self._start(shown, height) + event.y - 1 - self._head_rows()
        if event.y > self._head_rows() and 0 <= place < len(shown):
            self._selected = shown[place].compose_id
            self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """A newer one."""
        event.stop()
        self.select(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """An older one."""
        event.stop()
        self.select(1)

    def heading(self) -> Row:
        view = self.scene.view
        count = str(len(view.decisions)) if view is not None else UNKNOWN
        return (("Decisions ", theme.TITLE), (count, theme.MUTED))

    def note(self) -> Row:
        shown = self._found()
        if not shown:
            return ()
        return ((f"{self._place(shown) + 1} of {len(shown)}", theme.MUTED),)

    def body(self, width: int, height: int) -> Rows:
        shown = self._found()
        entry = self._entry(len(shown))
        room = max(height - len(entry), 1)
        if not shown:
            known = self.scene.view is not None and self.scene.view.decisions
            why = "no decision has these words" if known else "no decision yet: d decides now"
            return [*entry, *centred(why, width, room)]
        columns = [(name, size) for name, size, least in _COLUMNS if width >= least]
        words = width - sum(size + 1 for _, size in columns)
        head = "".join(
            f" {name:>{size}}" if name in _RIGHT else f" {name:<{size}}" for name, size in columns
        )
        if words >= _LEAST_WORDS:
            head += "  RATIONALE (its words)"
        start = self._start(shown, room - 1)
        lines = shown[start : start + max(room - 1, 1)]
        place = self._place(shown)
        rows = [
            self._row(decision, columns, words, chosen=start + index == place)
            for index, decision in enumerate(lines)
        ]
        return [*entry, ((head[:width], theme.MUTED),), *rows]

    def _head_rows(self) -> int:
        return 1 + len(self._entry(0))

    def _entry(self, count: int) -> Rows:
        """The words of the filter, while there are any."""
        if not (self.typing or self.filter):
            return []
        cursor = "▏" if self.typing else ""
        how = "enter keeps, esc clears" if self.typing else "/ changes, esc clears"
        return [
            (
                (" / ", theme.KEY),
                (f"{self.filter}{cursor}", theme.FIELD if self.typing else theme.STRONG),
                (f"  {count} found · {how}", theme.MUTED),
            )
        ]

    def _found(self) -> list[DecisionView]:
        view = self.scene.view
        return found(view.decisions, self.filter) if view is not None else []

    def _place(self, shown: Sequence[DecisionView]) -> int:
        """Where the selection stands; the newest where it is not shown."""
        ids = [decision.compose_id for decision in shown]
        return ids.index(self._selected) if self._selected in ids else 0

    def _start(self, shown: Sequence[DecisionView], height: int) -> int:
        """The first line that is shown: the selection is kept in the middle."""
        last = max(len(shown) - height, 0)
        return min(max(self._place(shown) - height // 2, 0), last)

    def _row(
        self, decision: DecisionView, columns: list[tuple[str, int]], words: int, *, chosen: bool
    ) -> Row:
        values = _values(decision)
        row: list[Part] = []
        for name, size in columns:
            text, style = values[name]
            row.append((" " if row or not chosen else "▸", theme.KEY))
            row.append((_right(text, size) if name in _RIGHT else pad(text, size), style))
        if words >= _LEAST_WORDS:
            said = decision.error if decision.outcome != "ok" else decision.rationale
            style = theme.WORDS if decision.outcome == "ok" else theme.WARN
            row.append((f"  {pad(one_line(said or ''), words - 2)}", style))
        else:
            row.append((" " * words, theme.TEXT))
        if not chosen:
            return row
        return [(text, style + theme.SELECTED_GROUND) for text, style in row]


def _values(decision: DecisionView) -> dict[str, Part]:
    target = lead(decision)
    confidence = target.confidence if target else None
    size = target.size_pct if target else None
    return {
        "TIME": (clock_time(decision.ts)[:8], theme.MUTED),
        "#": (str(decision.number), theme.STRONG),
        "DECISION": _direction(decision),
        "SIZE": (percent(size or None, signed=False, decimals=0), theme.TEXT),
        "CONF": (UNKNOWN if confidence is None else f"{confidence:.2f}", theme.TEXT),
        "OUTCOME": _outcome(decision.outcome),
        "RISK": OUTCOMES.get(risk_word(decision) or "", (UNKNOWN, theme.MUTED)),
        "EXEC": _EXECUTIONS.get(execution_word(decision) or "", (UNKNOWN, theme.MUTED)),
        "TOKENS": (_count(tokens(decision.token_usage)), theme.MUTED),
        "LAT": (seconds(decision.latency_ms), theme.MUTED),
        "COST": (_cost(decision.cost_usd), theme.MUTED),
        "!": (f"!{len(decision.flags)}" if decision.flags else "", theme.WARN_STRONG),
    }


def _direction(decision: DecisionView) -> tuple[str, Style]:
    target = lead(decision)
    if target is None:
        return UNKNOWN, theme.MUTED
    name, style = DIRECTIONS[target.action.value]
    return f"{name} {subject(decision, 11)}", style


def _outcome(outcome: str) -> tuple[str, Style]:
    return outcome_words(one_line(outcome, 20)), theme.TEXT if outcome == "ok" else theme.DANGER


def _right(text: str, size: int) -> str:
    """Right-aligned; a number cut short would be another number."""
    return f"{text:>{size}}" if len(text) <= size else "#" * size


def _cost(value: float | None) -> str:
    """A cost to four decimals: the whole of it stands in the decision."""
    text = usd(value)
    if value is None or len(text) <= 7 or value >= 0.1:
        return text
    return f"${value:.4f}" if value >= 0.0001 else "<$.0001"


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"
