"""One SQLite file: durable, private, brought to the newest schema, its errors explained."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tui_trader.paths import private_file
from tui_trader.trading_history.schema import MIGRATIONS

IN_MEMORY = Path(":memory:")
_BUSY_SECONDS = 1.0

# By the beginning of SQLite's error name.
_REMEDIES = {
    "SQLITE_FULL": "the disk is full: free some space, then start again",
    "SQLITE_BUSY": "another program holds the database: close it",
    "SQLITE_LOCKED": "another program holds the database: close it",
    "SQLITE_READONLY": "it can't be written: check owner, permissions and mount of file and folder",
    "SQLITE_CANTOPEN": "it can't be opened: check owner and permissions of file and folder",
    "SQLITE_PERM": "it can't be opened: check owner and permissions of file and folder",
    "SQLITE_IOERR": "the disk failed: check its space and health before you start again",
    "SQLITE_CORRUPT": "the file is damaged: keep it, move it aside, put a backup in its place",
    "SQLITE_NOTADB": "the file is no database: move it aside or put a backup in its place",
    "SQLITE_CONSTRAINT": "it is there already, and it is never written twice",
}


class StoreError(Exception):
    """The state can't be read or written. The message names the file and says what to do."""


class Database:
    """A connection for one thread: write-ahead log, every commit on the disk before it returns.

    Raises StoreError when the file can't be used or was written by a newer version of the program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.errors():
            if path != IN_MEMORY:
                _make_private(path)
            # SQLite gives its -wal and -shm files the permissions of the database.
            self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            with self.errors():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def read(self, sql: str, parameters: tuple[object, ...] = ()) -> Iterator[sqlite3.Row]:
        """The rows of a query, as they are asked for."""
        with self.errors():
            yield from self._connection.execute(sql, parameters)

    @contextmanager
    def commit(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is on the disk afterwards, or, on any error, nothing of it."""
        with self.errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # After some errors SQLite has rolled back by itself; the first error is the news.
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file; again, nothing happens."""
        with self.errors():
            self._connection.close()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns errors of SQLite and of the disk into StoreError."""
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            remedy = next((text for key, text in _REMEDIES.items() if name.startswith(key)), "")
            raise StoreError(f"{self.path}: {error}" + (f": {remedy}" if remedy else "")) from error
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from error

    def _prepare(self) -> None:
        connection = self._connection
        connection.row_factory = sqlite3.Row
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{self.path} has schema {version}, this program knows up to {len(MIGRATIONS)}: "
                "it was written by a newer tui-trader; install that one again"
            )
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if self.path != IN_MEMORY and mode != "wal":
            raise StoreError(
                f"{self.path}: no write-ahead log on this file system: choose a local disk"
            )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: without it a sync stops at the drive
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            connection.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT"
            )


def _make_private(path: Path) -> None:
    # An existing database is never opened here: closing it again would free the locks that another
    # connection of this process holds on it.
    if path.exists():
        path.chmod(0o600)
    else:
        os.close(private_file(path))
