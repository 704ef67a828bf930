"""The recorders."""

import pytest

from tests.trading_history.samples import NOON
from tui_trader.models import HistoryRecord, MetricPoint, RecordKind
from tui_trader.trading_history.database import StoreError
from tui_trader.trading_history.recorder import InMemoryHistoryRecorder, StoreHistoryRecorder
from tui_trader.trading_history.store import Store


def records(cycle: str) -> list[HistoryRecord]:
    return [HistoryRecord(ts=NOON, kind=k, reference_id=cycle, payload={}) for k in RecordKind]


def test_memory_keeps_the_newest_records_only() -> None:
    recorder = InMemoryHistoryRecorder(limit=6)
    for record in records("a") + records("b"):
        recorder.record(record)
    assert list(recorder.records) == records("a")[2:] + records("b")


def test_a_cycle_is_one_commit_at_its_end() -> None:
    store = Store.in_memory()
    commits: list[str] = []
    store._database._connection.set_trace_callback(
        lambda sql: commits.append(sql) if sql == "COMMIT" else None
    )
    recorder = StoreHistoryRecorder(store)
    for cycle in ("a", "b"):
        for record in records(cycle):
            recorder.record(record)
        before = len(commits)
        recorder.commit(MetricPoint(ts=NOON, value=1.0), {"n": 1})
        assert len(commits) == before + 1
    assert store.history() == records("a") + records("b")
    store.close()


def test_what_could_not_be_kept_is_kept_with_the_next_commit() -> None:
    store = Store.in_memory()
    recorder = StoreHistoryRecorder(store)
    for record in records("a"):
        recorder.record(record)
    list(store._database.read("PRAGMA query_only = ON"))
    with pytest.raises(StoreError, match="can't be written"):
        recorder.commit(None, {})
    assert store.history() == []
    list(store._database.read("PRAGMA query_only = OFF"))
    recorder.commit(None, {})
    assert store.history() == records("a")
    store.close()
