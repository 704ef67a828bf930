"""Stage 7: writing down, and learning from what was written."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tui_trader.models import HistoryRecord, TradeDigest


class BaseHistoryRecorder(ABC):
    """Keeps the checkpoints of every cycle."""

    @abstractmethod
    def record(self, record: HistoryRecord) -> None:
        """Keep one checkpoint."""


class BaseDigestBuilder(ABC):
    """Condenses what was executed into what the next decision should know."""

    @abstractmethod
    def build(self, records: Sequence[HistoryRecord]) -> TradeDigest:
        """Take in `records`, new since the last call, and return the digest as of the newest.

        Execution records carry the closed trades in `payload["trades"]`.
        """
