"""From an engine to the screen: one reader, and at most ten new views a second.

Imported after the first frame: the reducer brings the models with it.
"""

import asyncio
from collections.abc import Callable, Sequence

from tui_trader.console.scene import ViewUpdated
from tui_trader.link.client import EngineClient, LinkLost
from tui_trader.messages import Command, Message
from tui_trader.view.hub import Hub
from tui_trader.view.model import Dirty, LinkState, ViewModel
from tui_trader.view.reducer import Reduced, link_ended, link_lost, reduce, sent

PERIOD = 0.1
"""Seconds between two views. Facts that matter do not wait for it."""


class Bridge:
    """Follows one client. It touches no widget: it posts `ViewUpdated`.

    `now` gives monotonic seconds.
    """

    def __init__(
        self,
        client: EngineClient,
        post: Callable[[ViewUpdated], object],
        now: Callable[[], float],
    ) -> None:
        self._client = client
        self._post = post
        self._now = now
        self._hub = Hub()
        self._view = ViewModel()
        self._heard: float | None = None
        self._flushed = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    async def follow(self) -> None:
        """Read the client until its engine has ended or the link is lost; the view says which."""
        try:
            async for batch in self._client.batches():
                self._take(batch)
        except LinkLost as lost:
            self._end(link_lost, str(lost) or "the connection broke")
        else:
            self._end(lambda view, _: link_ended(view), "")

    def send(self, command: Command) -> None:
        """Hand a command over. It is shown as waiting until the engine has answered."""
        self._client.send(command)
        self._view, dirty = sent(self._view, command, self._now())
        self._post(ViewUpdated(self._view, dirty, self._heard))

    def resync(self) -> None:
        """Ask the engine for a fresh snapshot."""
        self._client.resync()

    async def close(self) -> None:
        """Leave the engine, or let it end if this process hosts it."""
        await self._client.close()

    def _take(self, batch: Sequence[Message]) -> None:
        self._heard = self._now()
        for message in batch:
            if not self._hub.put(message):
                self._client.resync()
        if self._hub.urgent:
            self._flush()
        elif self._timer is None:
            wait = max(self._flushed + PERIOD - self._heard, 0.0)
            self._timer = asyncio.get_running_loop().call_later(wait, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._flushed = self._now()
        dirty = Dirty.NONE
        for message in self._hub.drain():
            self._view, changed = reduce(self._view, message)
            dirty |= changed
        if dirty:
            self._post(ViewUpdated(self._view, dirty, self._heard))

    def _end(self, end: Callable[[ViewModel, str], Reduced], why: str) -> None:
        self._flush()
        if self._view.link is not LinkState.ENDED:
            self._view, dirty = end(self._view, why)
            self._post(ViewUpdated(self._view, dirty, self._heard))
