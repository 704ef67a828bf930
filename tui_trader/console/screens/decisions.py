"""All decisions, and one of them with everything that was written down of it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size

from tui_trader.console.screens.layout import Regions, decision_regions
from tui_trader.console.screens.live import LiveScreen
from tui_trader.console.widgets.banner import Banner
from tui_trader.console.widgets.decision_detail import DecisionDetail
from tui_trader.console.widgets.decision_list import DecisionList
from tui_trader.console.widgets.footer import Footer
from tui_trader.text import one_line
from tui_trader.view.actions import SECTIONS

_LONGEST_FILTER = 40


class Decisions(LiveScreen, inherit_bindings=False):
    """The list, and the decision that is opened. It reads the keys itself: a filter is typed here,
    and keys that come in one burst act in their order.
    """

    NAME: ClassVar[str] = "decisions"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
        Binding("tab", "next_section(1)", show=False),
        Binding("shift+tab", "next_section(-1)", show=False),
        *(
            Binding(section.key, f"section({index})", section.name, show=False)
            for index, section in enumerate(SECTIONS)
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.list = DecisionList(id="list")
        self.detail = DecisionDetail(id="detail")
        self._from_dashboard = False

    def compose(self) -> ComposeResult:
        shown = self.regions(self.app.size)
        for panel in (
            Banner(id="banner"),
            self.list,
            self.detail,
            Footer(self.NAME, id="footer"),
        ):
            panel.scene = self.scene
            panel.display = panel.id in shown
            yield panel

    def regions(self, size: Size) -> Regions:
        """By the terminal's size, and whether a decision is opened."""
        return decision_regions(size.width, size.height, opened=self.opened is not None)

    def offers(self, action: str) -> bool:
        """While a filter is typed, keys are its text."""
        return super().offers(action) and not self.list.typing

    # --- what is opened ---------------------------------------------------------------------------

    @property
    def opened(self) -> str | None:
        """`compose_id` of the decision that is opened, None while the list is."""
        return self.detail.compose_id

    def chosen(self) -> str | None:
        """The decision that is opened, to be asked for again, else the selected one."""
        chosen = self.opened or self.list.selected
        if chosen is None:
            self.say("no decision is selected")
        return chosen

    def open(self, compose_id: str, *, from_dashboard: bool) -> None:
        """Show this decision: from the dashboard at its prompt, and going back leads there."""
        self._from_dashboard = from_dashboard
        self.list.choose(compose_id)
        self.detail.open(compose_id, at_prompt=from_dashboard)
        self._opened_or_closed()

    def back(self) -> bool:
        """Close the decision, or drop the filter; whether the screen itself is to be left."""
        if self.opened is not None:
            self.detail.compose_id = None
            self._opened_or_closed()
            return self._from_dashboard
        if self.list.filter:
            self._set_filter("")
            return False
        return True

    def type_filter(self) -> None:
        """Type the words that decisions must have; a decision that is opened gives way."""
        self.detail.compose_id = None
        self.list.typing = True
        self._opened_or_closed()

    def _opened_or_closed(self) -> None:
        self.list.current = self.opened is None
        if self.is_mounted:
            self.place()

    # --- keys -------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """What is typed into the filter."""
        if not self.list.typing:
            return
        event.stop()
        text = self.list.filter
        if event.key in ("enter", "escape"):
            self.list.typing = False
            self._set_filter("" if event.key == "escape" else text)
        elif event.key == "backspace":
            self._set_filter(text[:-1])
        elif event.is_printable and event.character:
            self._set_filter(text + event.character)

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted into the filter."""
        if self.list.typing:
            self._set_filter(self.list.filter + one_line(event.text))

    def action_move(self, by: int) -> None:
        """Move the selection, or scroll in the decision."""
        if self.opened is None:
            self.list.select(by)
        else:
            self.detail.scroll_rows(by)

    def action_page(self, by: int) -> None:
        """Move by as many lines as are seen at once, less one."""
        panel = self.list if self.opened is None else self.detail
        self.action_move(by * max(panel.size.height - 6, 1))

    def action_section(self, index: int) -> None:
        """Show a section of the decision that is opened."""
        if self.opened is not None:
            self.detail.show_section(index)

    def action_next_section(self, by: int) -> None:
        """Show the next section, or the one before."""
        if self.opened is not None:
            self.detail.next_section(by)

    def _set_filter(self, text: str) -> None:
        self.list.filter = text[:_LONGEST_FILTER]
        self.list.redraw()
