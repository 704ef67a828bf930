"""The state: what goes in comes out, also after a crash, and what can't be kept is said."""

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.disk import disk_of
from tests.trading_history.samples import BTC, NOON, fill, order
from tui_trader.models import (
    FundingPayment,
    HistoryRecord,
    KeptOrder,
    MetricPoint,
    OrderStatus,
    PortfolioView,
    PositionSnapshot,
    RecordKind,
)
from tui_trader.ops.redaction import Redactor
from tui_trader.trading_history import database
from tui_trader.trading_history.database import StoreError
from tui_trader.trading_history.schema import MIGRATIONS
from tui_trader.trading_history.store import Store

amounts = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path)
    yield store
    store.close()


def record(
    number: int, kind: RecordKind = RecordKind.COMPOSE, payload: dict[str, Any] | None = None
) -> HistoryRecord:
    return HistoryRecord(
        ts=NOON + number, kind=kind, reference_id=f"c{number}", payload=payload or {}
    )


def test_an_order_is_live_until_it_is_over(store: Store) -> None:
    for number in (1, 2):
        store.record_intent(*order(number))
    store.record_step(
        *order(1, status=OrderStatus.FILLED, filled_qty=0.1), (fill("t1", order_id="o1"),)
    )
    first, second = store.orders()
    assert first == KeptOrder(
        *order(1, status=OrderStatus.FILLED, filled_qty=0.1), (fill("t1", order_id="o1"),)
    )
    assert second == KeptOrder(*order(2))
    assert store.orders(live=True) == [second]
    assert store.order("o1") == first
    assert store.order("o9") is None


def test_an_order_is_never_kept_twice(store: Store) -> None:
    store.record_intent(*order(1))
    for name, number in (("o1", 2), ("o2", 1)):
        with pytest.raises(StoreError, match="never written twice"):
            store.record_intent(*order(number, name))
    assert [kept.record.client_order_id for kept in store.orders()] == ["o1"]


def test_an_order_whose_intent_was_refused_is_kept_with_its_next_step(store: Store) -> None:
    store.record_step(*order(1, status=OrderStatus.CANCELLED))
    assert store.orders() == [KeptOrder(*order(1, status=OrderStatus.CANCELLED))]


def test_a_fill_counts_once_for_each_symbol_and_keeps_its_place(store: Store) -> None:
    other = fill("t1", "ETH/USDT")
    late = fill("t0", ts=NOON - 5)
    store.record_step(*order(1), (fill("t1"), other))
    store.record_step(*order(1), (fill("t1", price=1.0), late))
    assert list(store.fills()) == [fill("t1"), other, late]


def test_the_orders_since_a_position_was_opened_are_found(store: Store) -> None:
    for number in range(1, 5):
        store.record_intent(*order(number))
    found = store.orders_since("c2", "BTC/USDT")
    assert [kept.record.client_order_id for kept in found] == ["o2", "o3", "o4"]
    assert store.orders_since("c2", "ETH/USDT") == []
    assert [kept.record.client_order_id for kept in store.orders(limit=2)] == ["o3", "o4"]


def test_funding_counts_once_for_each_symbol_and_time(store: Store) -> None:
    payment = FundingPayment(symbol="BTC/USDT", amount=-0.1, ts=NOON)
    for amount in (-0.1, 7.0):
        store.record_funding(payment.model_copy(update={"amount": amount}))
    assert store.funding() == [payment]


@given(quantity=amounts, price=amounts, fee=finite, equity=finite)
def test_every_number_comes_back_to_the_last_bit(
    quantity: float, price: float, fee: float, equity: float
) -> None:
    store = Store.in_memory()
    kept = fill(quantity=quantity, price=price, fee=fee)
    state = {"day_start_equity": equity, "nested": [quantity, {"fee": fee}]}
    store.record_intent(*order(1, quantity=quantity))
    store.record_step(*order(1, quantity=quantity, filled_qty=quantity), (kept,))
    store.record_cycle([record(1, payload={"value": fee})], MetricPoint(ts=1, value=equity), state)
    [(back, asked, _)] = store.orders()
    assert asked.quantity == back.request.quantity == back.filled_qty == quantity
    assert list(map(repr, store.fills())) == [repr(kept)]
    assert repr(store.equity_points()) == repr([MetricPoint(ts=1, value=equity)])
    assert repr(store.risk_state()) == repr(state)
    assert repr(store.history()[0].payload["value"]) == repr(fee)
    store.close()


def test_history_is_found_by_kind_and_cycle_newest_last(store: Store) -> None:
    for number in range(3):
        store.record_cycle([record(number, kind) for kind in RecordKind], None, {})
    assert store.history() == [record(n, kind) for n in range(3) for kind in RecordKind]
    assert store.history("execution", limit=2) == [record(n, RecordKind.EXECUTION) for n in (1, 2)]
    assert store.history(reference_id="c1") == [record(1, kind) for kind in RecordKind]
    assert store.history("compose", "c2") == [record(2)]
    assert store.history("compose", "c9") == []


def test_old_history_can_be_forgotten(store: Store) -> None:
    store.record_cycle([record(number) for number in range(5)], None, {})
    store.prune_history(NOON + 3)
    assert store.history() == [record(3), record(4)]


def test_equity_is_a_series_with_one_value_a_moment(store: Store) -> None:
    for ts, value in [(1, 10.0), (2, 11.0), (2, 12.0), (3, 13.0)]:
        store.record_cycle([], MetricPoint(ts=ts, value=value), {})
    store.record_cycle([], None, {})
    points = [MetricPoint(ts=ts, value=value) for ts, value in [(1, 10.0), (2, 12.0), (3, 13.0)]]
    assert store.equity_points() == points
    assert store.equity_points(limit=2) == points[1:]


def test_risk_state_and_portfolio_are_none_until_kept_and_then_the_newest(store: Store) -> None:
    assert store.risk_state() is None
    assert store.portfolio() is None
    view = PortfolioView(
        ts=NOON,
        cash=9_000.1,
        account_balance=9_000.1,
        positions={"BTC/USDT": PositionSnapshot(instrument=BTC, quantity=0.1)},
    )
    store.save_risk_state({"trading_state": "HALTED"})
    store.save_portfolio(view)
    assert store.risk_state() == {"trading_state": "HALTED"}
    assert store.portfolio() == view
    newer = view.model_copy(update={"ts": NOON + 1})
    store.record_cycle([], None, {"trading_state": "ACTIVE"}, newer)
    assert store.risk_state() == {"trading_state": "ACTIVE"}
    assert store.portfolio() == newer


def test_a_state_belongs_to_one_account(store: Store) -> None:
    facts = {"mode": "paper", "initial capital": "10000.0"}
    store.claim(facts)
    store.claim(facts)
    assert store.meta() == facts
    with pytest.raises(StoreError, match=r"initial capital = 10000.0, not 500.0"):
        store.claim({**facts, "initial capital": "500.0"})
    assert store.meta() == facts


def test_runs_are_counted_for_good(path: Path) -> None:
    numbers = []
    for _ in range(3):
        store = Store(path)
        numbers.append(store.next_run())
        store.close()
    assert numbers == [1, 2, 3]


def test_a_cycle_is_kept_whole_or_not_at_all(store: Store) -> None:
    store.record_cycle([record(1)], MetricPoint(ts=1, value=1.0), {"n": 1})
    unfit: Any = object()
    with pytest.raises(ValueError, match="serialize"):
        store.record_cycle([record(2)], MetricPoint(ts=2, value=2.0), {"n": unfit})
    assert store.history() == [record(1)]
    assert store.equity_points() == [MetricPoint(ts=1, value=1.0)]
    assert store.risk_state() == {"n": 1}


def test_a_killed_process_has_lost_nothing_that_was_acknowledged(path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys\n"
        "from tests.trading_history.samples import order\n"
        "from tui_trader.models import MetricPoint\n"
        "from tui_trader.trading_history.store import Store\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "store.record_cycle([], MetricPoint(ts=1, value=0.1), {'trading_state': 'HALTED'})\n"
        "store.record_intent(*order(1))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == -signal.SIGKILL
    store = Store(path)
    assert [kept.record.client_order_id for kept in store.orders(live=True)] == ["o1"]
    assert store.risk_state() == {"trading_state": "HALTED"}
    assert store.equity_points() == [MetricPoint(ts=1, value=0.1)]
    store.close()


def test_commits_are_synced_in_full_and_all_files_private(path: Path) -> None:
    path.touch(0o644)
    store = Store(path)
    store.save_risk_state({})
    [(mode,)] = store._database.read("PRAGMA journal_mode")
    [(synchronous,)] = store._database.read("PRAGMA synchronous")
    assert (mode, synchronous) == ("wal", 2)
    files = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert files == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm"), 384)
    store.close()


def test_a_newer_schema_is_refused_and_left_as_it_is(path: Path) -> None:
    Store(path).close()
    newer = len(MIGRATIONS) + 1
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"has schema {newer}.*newer tui-trader"):
        Store(path)
    assert path.read_bytes() == before


def test_an_older_schema_is_brought_up_and_a_failing_step_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(path)
    store.save_risk_state({"kept": 1})
    store.close()
    monkeypatch.setattr(
        database, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (x); CREATE TABLE more (x)")
    )
    with pytest.raises(StoreError, match="already exists"):
        Store(path)
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (x)"))
    store = Store(path)
    assert store.risk_state() == {"kept": 1}
    assert list(store._database.read("SELECT * FROM more")) == []
    [(version,)] = store._database.read("PRAGMA user_version")
    assert version == len(MIGRATIONS) + 1
    store.close()


def test_a_full_disk_is_said_and_nothing_half_is_kept(store: Store, path: Path) -> None:
    store.save_risk_state({"n": 1})
    [(pages,)] = store._database.read("PRAGMA page_count")
    list(store._database.read(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StoreError, match=f"{path}.*disk is full: free some space"):
        store.record_cycle([record(1, payload={"text": "x" * 50_000})], None, {"n": 2})
    list(store._database.read("PRAGMA max_page_count = 1000000"))
    assert store.risk_state() == {"n": 1}
    store.save_risk_state({"n": 3})
    assert store.risk_state() == {"n": 3}


def test_a_failing_write_of_the_disk_is_said(store: Store, path: Path) -> None:
    store.save_risk_state({"n": 1})
    size = path.with_name("state.db-wal").stat().st_size
    with disk_of(size + 100), pytest.raises(StoreError, match="check its space and health"):
        store.save_risk_state({"n": 2})
    assert store.risk_state() == {"n": 1}


def test_a_locked_database_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.0)
    store = Store(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program holds the database"):
        store.record_intent(*order(1))
    other.execute("ROLLBACK")
    store.record_intent(*order(1))
    other.close()
    store.close()


def test_a_file_that_is_no_database_is_said_and_kept(path: Path) -> None:
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match="is no database: move it aside"):
        Store(path)
    assert path.read_bytes() == b"something else entirely" * 100


def test_a_damaged_page_is_said(path: Path) -> None:
    store = Store(path)
    store.record_cycle([record(n, payload={"x": "y" * 2000}) for n in range(50)], None, {})
    store.close()
    data = bytearray(path.read_bytes())
    data[4096 * 2 :] = b"\xa5" * (len(data) - 4096 * 2)
    path.write_bytes(data)
    store = Store(path)
    with pytest.raises(StoreError, match="damaged"):
        store.history()
    store.close()


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        Store(tmp_path / "nowhere" / "state.db")


def test_another_thread_is_refused(store: Store) -> None:
    errors: list[BaseException] = []

    def meddle() -> None:
        try:
            store.save_risk_state({})
        except StoreError as error:
            errors.append(error)

    thread = threading.Thread(target=meddle)
    thread.start()
    thread.join()
    assert "thread" in str(errors[0])


def test_no_secret_reaches_the_file(path: Path) -> None:
    store = Store(path, redact=Redactor(["sk-canary-1", "1730462400"]))
    meant, asked = order(1)
    store.record_intent(meant, asked.model_copy(update={"meta": {"rationale": "sk-canary-1"}}))
    store.record_step(*order(1, reason="GET /?signature=abc&k=sk-canary-1"))
    store.record_cycle(
        [record(1, payload={"audit": [{"raw": "my key is sk-canary-1", "ts": NOON}]})],
        None,
        {"note": "sk-canary-1"},
    )
    store.close()
    for file in path.parent.iterdir():
        assert b"canary" not in file.read_bytes()
    store = Store(path)
    [kept] = store.history()
    assert kept.payload == {"audit": [{"raw": "my key is [redacted]", "ts": NOON}]}
    store.close()
