"""Which screen is shown: the dashboard, another one above it, and perhaps a question above that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from tui_trader.console.scene import Scene
from tui_trader.console.screens.dashboard import Dashboard
from tui_trader.console.screens.live import LiveScreen
from tui_trader.view.actions import ACTIONS

if TYPE_CHECKING:
    from tui_trader.console.screens.decisions import Decisions

_ACTION_NAMES = frozenset(action.name for action in ACTIONS)


class ScreensApp(App[None], inherit_bindings=False):
    """An app whose screens keep their state while others are shown. `scene` is the newest moment;
    only the screen that is shown is told of it."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.dashboard = Dashboard()
        self.dashboard.scene = scene
        self._decisions: Decisions | None = None
        self.install_screen(self.dashboard, Dashboard.NAME)

    def get_default_screen(self) -> LiveScreen:
        """The dashboard."""
        return self.dashboard

    @property
    def decisions(self) -> Decisions:
        """The screen of decisions, imported and made when it is first asked for."""
        if self._decisions is None:
            from tui_trader.console.screens.decisions import Decisions

            self._decisions = Decisions()
            self.install_screen(self._decisions, Decisions.NAME)
        return self._decisions

    @property
    def watched(self) -> LiveScreen:
        """The screen that is shown, perhaps beneath a question."""
        screens = (it for it in reversed(self.screen_stack) if isinstance(it, LiveScreen))
        return next(screens, self.dashboard)

    def watch_screen(self, screen: LiveScreen) -> None:
        """Show another screen; one at a time lies above the dashboard."""
        if screen is self.watched:
            return
        if self.watched is not self.dashboard:
            self.pop_screen()
        if screen is not self.dashboard:
            self.push_screen(screen)
        screen.show(self.scene)

    def apply_to_questions(self) -> None:
        """The questions that are asked show the newest facts."""
        for screen in self.screen_stack:
            if (apply := getattr(screen, "apply", None)) and not isinstance(screen, LiveScreen):
                apply(self.scene)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Keys are actions where the screen offers them; a question takes them as text.

        Most have priority, so that each acts before the next one is read: keys come in bursts.
        """
        if action not in _ACTION_NAMES:
            return True
        offers = getattr(self.screen, "offers", None)
        return offers is not None and offers(action)
