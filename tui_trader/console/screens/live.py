"""What the screens have in common: banner, footer and panels that are fed with scenes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.geometry import Size
from textual.layout import Layout
from textual.screen import Screen

from tui_trader.console.panel import Panel
from tui_trader.console.scene import Scene
from tui_trader.console.screens.layout import RegionLayout, Regions
from tui_trader.console.widgets.banner import Banner
from tui_trader.console.widgets.footer import Footer
from tui_trader.view.actions import by_name

if TYPE_CHECKING:
    from tui_trader.view.model import Dirty

LivePanel = Banner | Footer | Panel


class LiveScreen(Screen[None]):
    """Hands each panel the scenes that concern it. Only the screen that is shown is fed.

    `NAME` is that of `Action.screens`. Subclasses say where panels stand, and which decision is
    chosen.
    """

    NAME: ClassVar[str]
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self._layout_object = RegionLayout(self.regions)

    @property
    def layout(self) -> Layout:
        """Panels stand where `regions` says."""
        return self._layout_object

    def regions(self, size: Size) -> Regions:
        """The region of each panel that is shown at this size."""
        raise NotImplementedError

    def offers(self, action: str) -> bool:
        """Whether the key of this action acts here now."""
        return self.NAME in by_name(action).screens

    def chosen(self) -> str | None:
        """The `compose_id` of the decision to open; None for none, and why not was said."""
        raise NotImplementedError

    def on_resize(self) -> None:
        """Other sizes show other panels."""
        self.place()

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

    def place(self) -> None:
        """Put every panel where it belongs, and draw it."""
        shown = self.regions(self.size)
        for panel in self.panels():
            panel.display = panel.id in shown
            panel.scene = self.scene
            panel.redraw()
        self.refresh(layout=True)

    def panels(self) -> list[LivePanel]:
        """All panels, shown or not; none before they are there."""
        return [panel for panel in self.children if isinstance(panel, LivePanel)]

    def _show(self, scene: Scene, concerned: Callable[[LivePanel], bool]) -> None:
        self.scene = scene
        for panel in self.panels():
            if concerned(panel):
                panel.apply(scene)
