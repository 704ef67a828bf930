"""What a link needs of an engine: little enough that it knows no stage and no agent."""

from collections.abc import Callable
from typing import Protocol

from tui_trader.messages import Command, Message, Snapshot


class HostedEngine(Protocol):
    """An engine that lives on one event loop; all methods are called on that loop's thread."""

    async def run(self) -> None:
        """Work until asked to stop. It returns at once when it was asked before."""
        ...

    def subscribe(self, sink: Callable[[Message], None]) -> Callable[[], None]:
        """Call `sink` with every message from now on; the returned function ends it."""
        ...

    def snapshot(self) -> Snapshot:
        """Everything a viewer needs to start; possible before `run`."""
        ...

    def command(self, command: Command) -> None:
        """Carry out `command`, without waiting; its one answer is a `CommandResult`."""
        ...

    def request_stop(self) -> None:
        """End the run gracefully: the running cycle completes."""
        ...
