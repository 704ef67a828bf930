"""The disk of an engine: the real files, with errors and crashes drawn from the seed."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from tests.simulation.points import Points
from tui_trader.agent import kill_file
from tui_trader.trading_history.database import Database, StoreError

_ERRORS = ("disk is full", "disk I/O error")


class Disk:
    """While `installed`, every commit of a Database and every write of the kill file is a place to
    die (before and after it) and may fail: before, so that nothing was kept, or after, so that it
    was kept and yet reported as failed. `failed` is called with each such error.

    The files belong to one run of a seed: `folder` survives the engine, `forget` closes what a dead
    engine had open.
    """

    def __init__(self, folder: Path, points: Points, rng: Random, faults: dict[str, float]) -> None:
        self.folder = folder
        self.faults = faults
        self.failed: Callable[[], None] = lambda: None
        self.commits = 0
        self.orders = "orders"  # the table in which an order is found by its client_order_id
        self._points = points
        self._rng = rng
        self._databases: list[Database] = []
        self._reader: sqlite3.Connection | None = None

    @property
    def state(self) -> Path:
        """Where the orders are kept."""
        return self.folder / "state.db"

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Stand between the engine and its files."""
        disk, commit, write, begin = self, Database.commit, kill_file.write, Database.__init__

        @contextmanager
        def watched_commit(database: Database) -> Iterator[sqlite3.Connection]:
            disk._points.reach("commit: before")
            disk._fail("disk_before")
            with commit(database) as connection:
                yield connection
            disk.commits += 1
            disk._points.reach("commit: after")
            disk._fail("disk_after")

        def watched_write(path: Path, reason: str, ts: int) -> None:
            disk._points.reach("kill file: before")
            write(path, reason, ts)
            disk._points.reach("kill file: after")

        def watched_begin(database: Database, path: Path) -> None:
            begin(database, path)
            disk._databases.append(database)

        with (
            patch.object(Database, "commit", watched_commit),
            patch.object(Database, "__init__", watched_begin),
            patch.object(kill_file, "write", watched_write),
        ):
            try:
                yield
            finally:
                self.forget()
                if self._reader is not None:
                    self._reader.close()

    def forget(self) -> None:
        """Close what the engine had open, as the system does for a dead process."""
        for database in self._databases:
            database.close()
        self._databases.clear()

    def holds_intent(self, client_order_id: str) -> bool:
        """Whether an order is on the disk: seen by another connection, so committed."""
        rows = self._read(
            f"SELECT 1 FROM {self.orders} WHERE client_order_id = ?",  # noqa: S608
            (client_order_id,),
        )
        return bool(rows)

    def digest(self) -> str:
        """A hash of everything that the engine has written into its database."""
        digest = hashlib.sha256()
        names = self._read("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        for (name,) in names:
            for row in self._read(f"SELECT * FROM {name} ORDER BY 1"):  # noqa: S608
                digest.update(repr((name, row)).encode())
        return digest.hexdigest()

    def _read(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        if self._reader is None:
            if not self.state.exists():
                return []
            self._reader = sqlite3.connect(f"file:{self.state}?mode=ro", uri=True)
        return self._reader.execute(sql, parameters).fetchall()

    def _fail(self, fault: str) -> None:
        if self._rng.random() < self.faults[fault]:
            self.failed()
            raise StoreError(f"{self.state}: {self._rng.choice(_ERRORS)}")
