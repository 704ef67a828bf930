"""The dashboard: everything that an operator watches, on one screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.geometry import Size
from textual.layout import Layout
from textual.screen import Screen

from tui_trader.console.panel import Panel
from tui_trader.console.scene import Scene
from tui_trader.console.screens.layout import RegionLayout, Regions, has_indicator, regions
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

if TYPE_CHECKING:
    from tui_trader.view.model import Dirty

LivePanel = Banner | Footer | Panel


class Dashboard(Screen[None]):
    """Arranges the panels by the terminal's size and hands each the scenes that concern it."""

    ALLOW_SELECT = False
    AUTO_FOCUS = "#positions"

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self._layout_object = RegionLayout(self._regions)
        self._maximised: str | None = None
        self._indicator_instead = False

    @property
    def layout(self) -> Layout:
        """Panels stand where `regions` says."""
        return self._layout_object

    def compose(self) -> ComposeResult:
        shown = self._regions(self.app.size)
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
            Footer(id="footer"),
        ):
            panel.scene = self.scene
            panel.display = panel.id in shown
            yield panel

    def on_resize(self) -> None:
        """Other sizes show other panels."""
        self._place()

    # --- what is shown ----------------------------------------------------------------------------

    def apply(self, scene: Scene, dirty: Dirty) -> None:
        """Show another moment; only the panels that draw one of the changed parts are drawn."""
        changed = {flag.name for flag in dirty}
        relinked = scene.live != self.scene.live
        self._show(scene, lambda panel: relinked or not changed.isdisjoint(panel.WATCHES))

    def tick(self, now_ms: int, now: float) -> None:
        """A second has passed: ages and countdowns go on."""
        scene = replace(self.scene, now_ms=now_ms, now=now)
        silenced = scene.live != self.scene.live
        self._show(scene, lambda panel: silenced or panel.TICKS)

    def show(self, scene: Scene) -> None:
        """Show another moment, whatever has changed."""
        self._show(scene, lambda _: True)

    def say(self, text: str) -> None:
        """Tell the operator something about the last key."""
        self.query_one(Footer).say(text)

    def _show(self, scene: Scene, concerned: Callable[[LivePanel], bool]) -> None:
        self.scene = scene
        for panel in self._panels():
            if concerned(panel):
                panel.apply(scene)

    def _panels(self) -> list[LivePanel]:
        return [panel for panel in self.children if isinstance(panel, LivePanel)]

    # --- what the operator does -------------------------------------------------------------------

    @property
    def selected_symbol(self) -> str | None:
        """The position that `x` would close."""
        return self.query_one(PositionsPanel).selected

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
        self._place()

    def toggle_maximised(self) -> None:
        """Give the focused panel all the room between banner and footer, or give it back."""
        focused = self.focused
        if self._maximised is not None:
            self._maximised = None
        elif isinstance(focused, Panel):
            self._maximised = focused.id
        self._place()

    def toggle_follow(self) -> None:
        """Hold the event tail, or let it follow."""
        self.query_one(EventsPanel).toggle_follow()

    # --- where it stands --------------------------------------------------------------------------

    def _regions(self, size: Size) -> Regions:
        return regions(
            size.width,
            size.height,
            maximised=self._maximised,
            indicator=self._indicator_instead,
        )

    def _place(self) -> None:
        shown = self._regions(self.size)
        for panel in self._panels():
            panel.display = panel.id in shown
            panel.scene = self.scene
            panel.redraw()
        if self.focused is None or not self.focused.display:
            self.set_focus(next((panel for panel in self._panels() if panel.focusable), None))
        self.refresh(layout=True)
