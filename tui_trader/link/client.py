"""How a console talks to an engine, wherever that engine runs."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from tui_trader.messages import Command, Message


class EngineClient(Protocol):
    """One viewer's connection to one engine. All methods are called on the viewer's event loop."""

    def batches(self) -> AsyncIterator[Sequence[Message]]:
        """Messages in order, several at a time; the first is a `Snapshot`.

        After a `Gap` another `Snapshot` follows. Ends when the engine has stopped (its last message
        is `EngineStopped`); raises LinkLost when the connection breaks, StartRefused where the
        engine can't be started as asked.
        """
        ...

    def send(self, command: Command) -> None:
        """Hand a command over; its `CommandResult` arrives among the messages. Never waits."""
        ...

    def resync(self) -> None:
        """Ask for a fresh `Snapshot`; it arrives among the messages, after a `Gap`."""
        ...

    async def close(self) -> None:
        """Leave. An engine hosted by this process is stopped gracefully; any other goes on."""
        ...


class LinkLost(Exception):
    """The connection to the engine broke; the engine's state is unknown from here on."""
