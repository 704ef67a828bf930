"""Recorders of the cycles' checkpoints: in memory, and in the store."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from tui_trader.models import HistoryRecord, MetricPoint
from tui_trader.trading_history.interfaces import BaseHistoryRecorder
from tui_trader.trading_history.store import Store


class InMemoryHistoryRecorder(BaseHistoryRecorder):
    """Keeps the newest `limit` checkpoints, oldest first in `records`."""

    def __init__(self, limit: int = 1000) -> None:
        self.records: deque[HistoryRecord] = deque(maxlen=limit)

    def record(self, record: HistoryRecord) -> None:
        self.records.append(record)


class StoreHistoryRecorder(BaseHistoryRecorder):
    """Collects the checkpoints of a cycle and keeps them in one commit at its end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cycle: list[HistoryRecord] = []

    def record(self, record: HistoryRecord) -> None:
        self._cycle.append(record)

    def commit(self, equity: MetricPoint | None, risk_state: Mapping[str, Any]) -> None:
        """End the cycle; durable on return. Raises StoreError, and keeps what it has for later."""
        self._store.record_cycle(self._cycle, equity, risk_state)
        self._cycle.clear()
