"""The queue between a fast writer and a slow reader of messages: bounded, honest about losses."""

from collections.abc import Hashable

from tui_trader.messages import Gap, Level, Message, Snapshot

LIMIT = 8_192
"""Messages that wait at most: the warm-up candles of a dozen symbols fit."""


class ConflatingQueue:
    """Holds what its reader has not seen yet. Not safe for threads by itself.

    A newer level (or snapshot) of the same key removes the older one and stands where it arrived,
    so what is drained is the true sequence less what was overtaken. Facts are never overtaken.
    Above `limit` all that waits is lost at once and a `Gap` stands for it.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._waiting: dict[Hashable, Message] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Message) -> bool:
        """Add `message`. False when the queue was full: it now holds a `Gap` and nothing else."""
        key: Hashable
        if isinstance(message, Level):
            key = message.key
        elif isinstance(message, Snapshot | Gap):
            key = message.kind
        else:
            self._arrivals += 1
            key = self._arrivals
        self._waiting.pop(key, None)
        if len(self._waiting) >= self._limit:
            self._waiting = {Gap.kind: Gap()}
            return False
        self._waiting[key] = message
        return True

    def drain(self) -> list[Message]:
        """Take out everything that waits, in order."""
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())
