"""Where a console collects messages between two of its frames."""

from tui_trader.conflation import ConflatingQueue
from tui_trader.messages import (
    AlertRaised,
    CommandResult,
    EngineStopped,
    Message,
    OrderUpdated,
    Severity,
    TradingStateChanged,
)

_URGENT = (OrderUpdated, TradingStateChanged, CommandResult, EngineStopped)


class Hub(ConflatingQueue):
    """What arrived since the last frame: the newest of each level, and every fact.

    `urgent` says that a fact waits which must be shown at once. When more waits than fits, a `Gap`
    takes its place and the owner must ask its client for a resync.
    """

    urgent: bool = False

    def put(self, message: Message) -> bool:
        """Add `message`. False when the hub was full: everything that waited was lost."""
        if isinstance(message, AlertRaised):
            self.urgent |= message.severity is Severity.ERROR
        else:
            self.urgent |= isinstance(message, _URGENT)
        return super().put(message)

    def drain(self) -> list[Message]:
        """Take out everything that waits, in order."""
        self.urgent = False
        return super().drain()
