"""One decision: what was told, thought, answered, understood, judged and done."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events

from tui_trader.console import theme
from tui_trader.console.canvas import Part, Row, fitting, spread
from tui_trader.console.panel import Panel, Rows
from tui_trader.console.scroll import Scroll
from tui_trader.console.widgets.agent import DIRECTIONS, flag_mark
from tui_trader.console.widgets.decision_sections import section
from tui_trader.text import one_line
from tui_trader.view.actions import SECTIONS
from tui_trader.view.decisions import lead, outcome_words, subject
from tui_trader.view.format import clock_time, fit, seconds, usd

if TYPE_CHECKING:
    from tui_trader.view.model import DecisionView, Inspection

_LOW = 8


class DecisionDetail(Panel, can_focus=False):
    """A decision's record, one section at a time. Each section keeps its place."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(
        ("INSPECTION", "DECISION", "SESSION", "STATE", "COMMANDS")
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.compose_id: str | None = None
        self._section = 0
        self._scrolls: dict[int, Scroll] = {}
        self._rows_of: tuple[object, ...] = ()
        self._laid_out: Rows = []
        self._room = 1

    @property
    def active(self) -> bool:
        """Whether the keys move in the decision."""
        return self.compose_id is not None

    def open(self, compose_id: str, *, at_prompt: bool) -> None:
        """Show this decision, at its prompt or at the section shown last."""
        if compose_id != self.compose_id:
            self._scrolls.clear()
        self.compose_id = compose_id
        if at_prompt:
            self._section = 0

    def show_section(self, index: int) -> None:
        """Show another section; they go round."""
        self._section = index % len(SECTIONS)
        self.redraw()

    def next_section(self, by: int) -> None:
        """Show the next section, or the one before."""
        self.show_section(self._section + by)

    def scroll_rows(self, by: int) -> None:
        """Scroll by so many rows."""
        self._scroll.move(by, len(self._laid_out), self._room)
        self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look back."""
        event.stop()
        self.scroll_rows(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look forth."""
        event.stop()
        self.scroll_rows(3)

    def heading(self) -> Row:
        decision = self._decision()
        if decision is not None:
            when = f"#{decision.number} {clock_time(decision.ts)}"
            return (("Decision ", theme.TITLE), (when, theme.MUTED))
        return (("Decision ", theme.TITLE), (one_line(self.compose_id or "", 60), theme.MUTED))

    def note(self) -> Row:
        total = len(self._laid_out)
        if total <= self._room:
            return (("esc back", theme.MUTED),)
        start = self._scroll.start(total, self._room)
        where = f"rows {start + 1}–{min(start + self._room, total)} of {total}"
        return ((f"{where} · esc back", theme.MUTED),)

    def body(self, width: int, height: int) -> Rows:
        if self.compose_id is None:
            return []
        head: Rows = [self._tabs(width)]
        if height >= _LOW:
            head = [self._summary(width), self._tabs(width), ()]
        rows = self._content(width)
        self._room = max(height - len(head), 1)
        start = self._scroll.start(len(rows), self._room)
        return [*head, *rows[start : start + self._room]]

    @property
    def _scroll(self) -> Scroll:
        return self._scrolls.setdefault(self._section, Scroll(top=0))

    def _decision(self) -> DecisionView | None:
        """What the list knows of this decision; nothing of one of an earlier run."""
        known = self.scene.view.decisions if self.scene.view is not None else ()
        return next((it for it in known if it.compose_id == self.compose_id), None)

    def _inspection(self) -> Inspection | None:
        view = self.scene.view
        return view.inspection(self.compose_id or "") if view is not None else None

    def _tabs(self, width: int) -> Row:
        """All sections with their keys; the one that is shown stands in brackets."""
        parts: list[tuple[int, Row]] = []
        for index, it in enumerate(SECTIONS):
            shown = index == self._section
            name: Part = (f" {it.name}", theme.SELECTED if shown else theme.MUTED)
            edges = (("[", theme.KEY), ("]", theme.KEY)) if shown else ()
            parts.append((0 if shown else 1, (*edges[:1], (it.key, theme.KEY), name, *edges[1:])))
        return fitting(parts, width)

    def _summary(self, width: int) -> Row:
        """What was decided, and what it took."""
        decision = self._decision()
        inspection = self._inspection()
        audit = inspection.record.audit if inspection is not None and inspection.record else None
        if decision is not None:
            left = _decided(decision)
            took, cost, flags = decision.latency_ms, decision.cost_usd, decision.flags
        elif audit is not None:
            left = ((outcome_words(audit.outcome), theme.TEXT),)
            took, cost, flags = audit.latency_ms, audit.cost_usd, audit.flags
        else:
            return ()
        figures = f"  {seconds(took)}  {usd(cost)}"
        mark = (flag_mark(flags),) if flags else ()
        return spread(left, ((figures, theme.MUTED), *mark), width)

    def _content(self, width: int) -> Rows:
        """The rows of the section; made again only where record, section or width are others."""
        inspection = self._inspection()
        made_of = (inspection, self._section, width, self.scene.live)
        if made_of != self._rows_of:
            self._rows_of = made_of
            self._laid_out = self._made(inspection, width)
        return self._laid_out

    def _made(self, inspection: Inspection | None, width: int) -> Rows:
        if inspection is None or (inspection.record is None and inspection.refused is None):
            waiting = "asking the engine…" if self.scene.live else "the engine is not heard"
            return [((waiting, theme.WARN),)]
        if inspection.refused is not None:
            why = fit(f"not shown: {inspection.refused}", width)
            return [((why, theme.DANGER),), (("enter asks again", theme.MUTED),)]
        return section(SECTIONS[self._section].name, inspection, width)


def _decided(decision: DecisionView) -> Row:
    target = lead(decision)
    if target is None or decision.outcome != "ok":
        said = one_line(decision.error or "", 200)
        words = f"{outcome_words(decision.outcome)}{f': {said}' if said else ''}"
        return ((words, theme.DANGER if decision.outcome != "ok" else theme.MUTED),)
    who = "  " + " · ".join(filter(None, (decision.provider, decision.model)))
    what = (f" {subject(decision, 28)}", theme.STRONG)
    return (DIRECTIONS[target.action.value], what, (who, theme.MUTED))
