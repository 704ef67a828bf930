"""The table of calls to models: what was paid for is known again after a crash."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.disk import disk_of
from tests.trading_history.samples import DAY_MS, NOON, call
from tui_trader.ops.redaction import Redactor
from tui_trader.trading_history.database import StoreError
from tui_trader.trading_history.schema import MIGRATIONS
from tui_trader.trading_history.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path)
    yield store
    store.close()


def test_a_killed_process_has_lost_no_call_that_was_begun(path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys\n"
        "from tests.trading_history.samples import call\n"
        "from tui_trader.trading_history.store import Store\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "store.record_call(call(outcome='unfinished', estimated=True))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == -signal.SIGKILL
    store = Store(path)
    assert store.calls() == [call(outcome="unfinished", estimated=True)]
    store.close()


def test_the_end_of_a_call_takes_the_place_of_its_beginning(store: Store) -> None:
    store.record_call(call(outcome="unfinished", cost_usd=0.5))
    store.record_call(call(2, outcome="unfinished", cost_usd=0.5))
    store.record_call(call(model="deepseek-chat-0324", cost_usd=0.1))
    assert store.calls() == [
        call(model="deepseek-chat-0324", cost_usd=0.1),
        call(2, outcome="unfinished", cost_usd=0.5),
    ]
    assert store.spent_since(0) == 0.6


def test_calls_are_found_by_time_and_by_decision_oldest_first(store: Store) -> None:
    made = [
        call(asked_at=NOON - DAY_MS, compose_id="c0"),
        call(asked_at=NOON, compose_id="c1"),
        call(2, asked_at=NOON + 1, compose_id="c1"),
        call(asked_at=NOON + 2, compose_id="c2"),
    ]
    for each in reversed(made):
        store.record_call(each)
    assert store.calls() == made
    assert store.calls(since_ms=NOON) == made[1:]
    assert store.calls(compose_id="c1") == made[1:3]
    assert store.calls(since_ms=NOON + 1, compose_id="c1") == [made[2]]
    assert store.calls(compose_id="c9") == []


def test_what_was_spent_is_summed_exactly_and_unknown_where_one_cost_is(store: Store) -> None:
    assert store.spent_since(0) == 0.0
    for number, cost_usd in enumerate([None, 0.1, 0.2], start=1):
        store.record_call(call(number, asked_at=NOON + number, cost_usd=cost_usd))
    assert store.spent_since(NOON + 2) == 0.3
    assert store.spent_since(NOON + 3) == 0.2
    assert store.spent_since(NOON) is None


@given(
    cost_usd=st.none() | st.floats(min_value=0, allow_nan=False, allow_infinity=False),
    tokens=st.dictionaries(st.text("abc_", max_size=9), st.integers(-(2**53), 2**53), max_size=3),
    error=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    estimated=st.booleans(),
)
def test_every_call_comes_back_as_it_was(
    cost_usd: float | None, tokens: dict[str, int], error: str | None, estimated: bool
) -> None:
    kept = call(cost_usd=cost_usd, token_usage=tokens, error=error, estimated=estimated)
    store = Store.in_memory()
    store.record_call(kept)
    assert list(map(repr, store.calls())) == [repr(kept)]
    store.close()


def test_a_state_of_the_first_release_gets_the_table_and_keeps_what_it_has(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1")
        connection.execute("INSERT INTO meta VALUES ('mode', 'paper')")
    connection.close()
    store = Store(path)
    assert store.meta() == {"mode": "paper"}
    assert store.calls() == []
    store.record_call(call())
    assert store.calls() == [call()]
    store.close()


def test_a_call_that_the_disk_refuses_is_said_and_not_half_kept(store: Store, path: Path) -> None:
    store.record_call(call())
    size = path.with_name("state.db-wal").stat().st_size
    with disk_of(size + 100), pytest.raises(StoreError, match="check its space and health"):
        store.record_call(call(2))
    assert store.calls() == [call()]


def test_no_secret_of_a_server_s_words_reaches_the_file(path: Path) -> None:
    store = Store(path, redact=Redactor(["sk-canary-1", "1730462400"]))
    store.record_call(call(model="sk-canary-1", error="HTTP 401: sk-canary-1 is no key"))
    assert store.calls() == [call(model="[redacted]", error="HTTP 401: [redacted] is no key")]
    store.close()
    for file in path.parent.iterdir():
        assert b"canary" not in file.read_bytes()
