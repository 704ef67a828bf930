"""A client without an engine, and a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from typing import Any

from textual.pilot import Pilot

from tests.console import market
from tui_trader.clock import Clock
from tui_trader.console.app import ConsoleApp
from tui_trader.console.widgets.indicator import IndicatorPanel
from tui_trader.link.client import LinkLost
from tui_trader.messages import (
    Command,
    CommandResult,
    DecisionInspected,
    InspectDecision,
    Message,
)
from tui_trader.models import DecisionRecord


class StillClock(Clock):
    """Time that moves only when told."""

    def __init__(self, now_ms: int = market.NOW) -> None:
        self.ms = now_ms
        self.seconds = 1_000.0

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.seconds

    async def sleep_until(self, ts_ms: int) -> None:
        self.ms = max(self.ms, ts_ms)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.ms += round(seconds * 1000)


class FakeClient:
    """An `EngineClient` that says what it is told to say and remembers what it was told.

    It shows the records that it has when asked for them, and knows no other.
    """

    def __init__(self, *messages: Message, records: Sequence[DecisionRecord] = ()) -> None:
        self._numbers = count(8_000)
        self._records = {record.compose_id: record for record in records}
        self._queue: asyncio.Queue[Sequence[Message] | Exception | None] = asyncio.Queue()
        self.sent: list[Command] = []
        self.resyncs = 0
        self.closed = 0
        if messages:
            self.say(*messages)

    async def batches(self) -> AsyncIterator[Sequence[Message]]:
        while (item := await self._queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def send(self, command: Command) -> None:
        self.sent.append(command)
        if isinstance(command, InspectDecision) and self._records:
            self._show(command)

    def _show(self, command: InspectDecision) -> None:
        record = self._records.get(command.compose_id)
        if record is not None:
            self.say(DecisionInspected(market.NOW, record))
        detail = "decision" if record is not None else f"no decision {command.compose_id}"
        self.say(
            CommandResult(
                market.NOW,
                command.command_id,
                command.kind,
                record is not None,
                detail,
                seq=next(self._numbers),
            )
        )

    def resync(self) -> None:
        self.resyncs += 1

    async def close(self) -> None:
        self.closed += 1

    def say(self, *messages: Message) -> None:
        """Let the engine say this."""
        self._queue.put_nowait(messages)

    def end(self) -> None:
        """Let the messages end."""
        self._queue.put_nowait(None)

    def lose(self, why: str = "connection reset") -> None:
        """Let the link break."""
        self._queue.put_nowait(LinkLost(why))


def make_app(client: FakeClient, clock: Clock | None = None, **options: Any) -> ConsoleApp:
    """A console on `client`."""
    numbers = count(1)
    return ConsoleApp(
        lambda: client, clock or StillClock(), ids=lambda: f"id-{next(numbers)}", **options
    )


async def settle(pilot: Pilot[None], until: Callable[[], object] | None = None) -> None:
    """Wait until everything that is on its way has been drawn, and `until` holds."""
    panels = pilot.app.query(IndicatorPanel)
    for _ in range(500):
        await pilot.pause(0.01)
        drawn = all(panel.up_to_date for panel in panels if panel.display)
        if drawn and (until is None or until()):
            break
    else:
        raise AssertionError("what was waited for did not come")
    await pilot.pause()


async def shown(pilot: Pilot[None]) -> None:
    """Wait until the engine has been heard and drawn."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await settle(pilot, lambda: app.view is not None)


async def told(pilot: Pilot[None], client: FakeClient, *messages: Message) -> None:
    """Let the engine say this, and wait until it is drawn."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    before = app.view
    client.say(*messages)
    await settle(pilot, lambda: app.view is not before)


def text_of(app: ConsoleApp) -> str:
    """The characters on the screen."""
    height = app.size.height
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text for strip in lines[:height])
