"""What the paper venue knows, kept on the disk: it is there again after the engine has died."""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tui_trader.execution.paper.wallet import Held, Wallet
from tui_trader.models import FundingPayment, OrderReport, VenueFill
from tui_trader.paths import private_file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY, name TEXT NOT NULL, live INTEGER NOT NULL, report TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_name ON orders (name);
CREATE TABLE IF NOT EXISTS fills (
    seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, fill TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS fills_by_time ON fills (ts);
CREATE TABLE IF NOT EXISTS funding (
    symbol TEXT NOT NULL, ts INTEGER NOT NULL, payment TEXT NOT NULL, PRIMARY KEY (symbol, ts)
);
CREATE TABLE IF NOT EXISTS wallet (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL);
"""


class PaperKeepingError(Exception):
    """The paper venue's file can't be read or written. The message names it."""


class PaperKeeping:
    """One SQLite file; without a path it ends with the process. What the venue has answered or
    told is on the disk before. Raises PaperKeepingError."""

    def __init__(self, path: Path | None = None) -> None:
        self._name = str(path or "the paper venue's memory")
        with self._errors():
            if path is not None and not path.exists():
                os.close(private_file(path))
            self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)

    def save(
        self,
        wallet: Wallet,
        seen_ms: int | None,
        reports: Sequence[OrderReport],
        fills: Sequence[VenueFill],
        payments: Sequence[FundingPayment],
    ) -> None:
        """Keep the account as it is now, and what has changed since the last time."""
        with self._errors():
            write = self._connection.execute
            write("BEGIN IMMEDIATE")
            for report in reports:
                self._put_order(report)
            for fill in fills:
                write("INSERT INTO fills (ts, fill) VALUES (?, ?)", (fill.ts, _text(fill)))
            for payment in payments:
                row = (payment.symbol, payment.ts, _text(payment))
                write("INSERT OR IGNORE INTO funding VALUES (?, ?, ?)", row)
            write("INSERT OR REPLACE INTO wallet VALUES (1, ?)", (_wallet_text(wallet, seen_ms),))
            write("COMMIT")

    def load(self, wallet: Wallet) -> int | None:
        """Bring `wallet` to what was kept; until when the market was seen (ms)."""
        for (text,) in self._rows("SELECT state FROM wallet"):
            state = json.loads(text)
            wallet.balance = Decimal(state["balance"])
            for symbol, (quantity, cost, opened) in state["positions"].items():
                wallet.positions[symbol] = Held(Decimal(quantity), Decimal(cost), opened)
            seen: int | None = state["seen"]
            return seen
        return None

    def live_orders(self) -> list[OrderReport]:
        """The orders that rest, in the order in which they came."""
        rows = self._rows("SELECT report FROM orders WHERE live ORDER BY seq")
        return [OrderReport.model_validate_json(text) for (text,) in rows]

    def order(self, name: str) -> OrderReport | None:
        """The newest order of that client order id."""
        rows = self._rows("SELECT report FROM orders WHERE name = ? ORDER BY seq DESC", name)
        return next((OrderReport.model_validate_json(text) for (text,) in rows), None)

    def fills(self, since_ms: int) -> list[VenueFill]:
        """Every fill from `since_ms` on, oldest first."""
        rows = self._rows("SELECT fill FROM fills WHERE ts >= ? ORDER BY seq", since_ms)
        return [VenueFill.model_validate_json(text) for (text,) in rows]

    def funding(self, since_ms: int) -> list[FundingPayment]:
        """Every payment from `since_ms` on, oldest first."""
        rows = self._rows("SELECT payment FROM funding WHERE ts >= ? ORDER BY ts", since_ms)
        return [FundingPayment.model_validate_json(text) for (text,) in rows]

    def close(self) -> None:
        """Close the file; again, nothing happens."""
        self._connection.close()

    def _put_order(self, report: OrderReport) -> None:
        name, live = report.request.client_order_id, not report.status.final
        changed = self._connection.execute(
            "UPDATE orders SET live = ?, report = ? WHERE name = ? AND live",
            (live, _text(report), name),
        )
        if not changed.rowcount:
            self._connection.execute(
                "INSERT INTO orders (name, live, report) VALUES (?, ?, ?)",
                (name, live, _text(report)),
            )

    def _rows(self, sql: str, *given: object) -> Iterator[tuple[Any, ...]]:
        with self._errors():
            yield from self._connection.execute(sql, given)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            if getattr(self, "_connection", None) and self._connection.in_transaction:
                self._connection.rollback()
            raise PaperKeepingError(f"{self._name}: {error}") from error


def _text(model: OrderReport | VenueFill | FundingPayment) -> str:
    return model.model_dump_json()


def _wallet_text(wallet: Wallet, seen_ms: int | None) -> str:
    positions = {
        symbol: (str(held.quantity), str(held.cost), held.opened_ms)
        for symbol, held in wallet.positions.items()
    }
    return json.dumps({"balance": str(wallet.balance), "seen": seen_ms, "positions": positions})
