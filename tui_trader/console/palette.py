"""The command palette: the table of actions, found by name."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui_trader.console.widgets.footer import key_name
from tui_trader.view.actions import ACTIONS, Action


class Actions(Provider):
    """Offers every action of the table that acts on the screen beneath."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for action in self._offered():
            run = partial(self.app.run_action, action.name)
            yield DiscoveryHit(f"{action.title}  ({key_name(action)})", run, help=action.help)

    async def search(self, query: str) -> Hits:
        """Those whose title matches."""
        matcher = self.matcher(query)
        for action in self._offered():
            score = matcher.match(action.title)
            if score > 0:
                run = partial(self.app.run_action, action.name)
                yield Hit(score, matcher.highlight(action.title), run, help=action.help)

    def _offered(self) -> list[Action]:
        offers = getattr(self.screen, "offers", None)
        return [action for action in ACTIONS if offers is not None and offers(action.name)]
