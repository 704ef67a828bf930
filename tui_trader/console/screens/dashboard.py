"""The dashboard: everything that an operator watches, on one screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.geometry import Size

from tui_trader.console.panel import Panel
from tui_trader.console.screens.layout import Regions, has_indicator, regions
from tui_trader.console.screens.live import LiveScreen
from tui_trader.console.widgets.agent import AgentPanel
from tui_trader.console.widgets.banner import Banner
from tui_trader.console.widgets.chart import ChartPanel
from tui_trader.console.widgets.events import EventsPanel
from tui_trader.console.widgets.footer import Footer
from tui_trader.console.widgets.indicator import KINDS, IndicatorPanel
from tui_trader.console.widgets.positions import PositionsPanel
from tui_trader.console.widgets.risk import RiskPanel
from tui_trader.console.widgets.verdicts import VerdictsPanel
from tui_trader.console.widgets.watchlist import WatchlistPanel
from tui_trader.text import one_line


class Dashboard(LiveScreen):
    """Arranges the panels by the terminal's size."""

    NAME: ClassVar[str] = "dashboard"
    AUTO_FOCUS = "#positions"

    def __init__(self) -> None:
        super().__init__()
        self._maximised: str | None = None
        self._indicator_instead = False

    def compose(self) -> ComposeResult:
        shown = self.regions(self.app.size)
        for panel in (
            Banner(id="banner"),
            WatchlistPanel(id="watchlist"),
            ChartPanel(id="chart"),
            AgentPanel(id="agent"),
            RiskPanel(id="risk"),
            PositionsPanel(id="positions"),
            VerdictsPanel(id="verdicts"),
            IndicatorPanel("equity", id="indicator"),
            IndicatorPanel("RSI", id="rsi"),
            IndicatorPanel("MACD", id="macd"),
            EventsPanel(id="events"),
            Footer(self.NAME, id="footer"),
        ):
            panel.scene = self.scene
            panel.display = panel.id in shown
            yield panel

    # --- what the operator does -------------------------------------------------------------------

    @property
    def selected_symbol(self) -> str | None:
        """The position that `x` would close."""
        return self.query_one(PositionsPanel).selected

    def chosen(self) -> str | None:
        """The decision that opened the selected position; from the agent's panel, the newest."""
        view = self.scene.view
        if isinstance(self.focused, AgentPanel):
            if view is not None and view.decision is not None:
                return view.decision.compose_id
            self.say("no decision is known yet")
            return None
        symbol = self.selected_symbol
        if view is None or view.portfolio is None or symbol is None:
            self.say("no open position is known: 2 lists the decisions")
            return None
        opened_by = view.portfolio.positions[symbol].opened_by
        if opened_by is None:
            self.say(f"which decision opened {one_line(symbol, 20)} is not known")
        return opened_by

    def next_indicator(self) -> None:
        """Cycle through the indicators; a small terminal also comes back to the chart."""
        panel = self.query_one("#indicator", IndicatorPanel)
        kinds = KINDS
        if has_indicator(*self.size):
            panel.choose(kinds[(kinds.index(panel.kind) + 1) % len(kinds)])
        elif not self._indicator_instead:
            self._indicator_instead = True
            panel.choose(kinds[0])
        elif panel.kind == kinds[-1]:
            self._indicator_instead = False
        else:
            panel.choose(kinds[kinds.index(panel.kind) + 1])
        self.place()

    def toggle_maximised(self) -> None:
        """Give the focused panel all the room between banner and footer, or give it back."""
        focused = self.focused
        if self._maximised is not None:
            self._maximised = None
        elif isinstance(focused, Panel):
            self._maximised = focused.id
        self.place()

    def toggle_follow(self) -> None:
        """Hold the event tail, or let it follow."""
        self.query_one(EventsPanel).toggle_follow()

    # --- where it stands --------------------------------------------------------------------------

    def regions(self, size: Size) -> Regions:
        """By the terminal's size, and what is maximised."""
        return regions(
            size.width,
            size.height,
            maximised=self._maximised,
            indicator=self._indicator_instead,
        )

    def place(self) -> None:
        """As always; the focus stays on a panel that is shown."""
        super().place()
        if self.focused is None or not self.focused.display:
            self.set_focus(next((panel for panel in self.panels() if panel.focusable), None))
