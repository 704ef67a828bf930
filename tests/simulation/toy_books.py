"""What the toy engine keeps on its disk: one commit a fact."""

import json
from pathlib import Path
from typing import Any

from tui_trader.models import OrderRequest, OrderRole, OrderStatus, VenueFill
from tui_trader.trading_history.database import Database

ORDERS = "toy_orders"
"""Its table of orders, by client order id."""

_TABLES = (
    f"CREATE TABLE IF NOT EXISTS {ORDERS} (client_order_id TEXT PRIMARY KEY, ts INTEGER,"
    " request TEXT, role TEXT, leg TEXT, status TEXT)",
    "CREATE TABLE IF NOT EXISTS toy_fills (symbol TEXT, trade_id TEXT, fill TEXT,"
    " PRIMARY KEY (symbol, trade_id))",
    "CREATE TABLE IF NOT EXISTS toy_state (id INTEGER PRIMARY KEY, state TEXT)",
)
_STATE, _RUN = 1, 2


class ToyBooks:
    """Orders, fills and the trading state. Raises StoreError when the disk fails."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        with self._database.commit() as connection:
            for table in _TABLES:
                connection.execute(table)

    def next_run(self) -> int:
        """1, then 2, and never again the same."""
        run = int(self._get(_RUN) or 0) + 1
        self._put(_RUN, run)
        return run

    def intend(self, request: OrderRequest, role: OrderRole, leg: str, ts: int) -> None:
        """Keep an order that is about to be sent."""
        row = (request.client_order_id, ts, request.model_dump_json(), role, leg)
        with self._database.commit() as connection:
            connection.execute(f"INSERT INTO {ORDERS} VALUES (?, ?, ?, ?, ?, NULL)", row)  # noqa: S608

    def finish(self, client_order_id: str, status: OrderStatus) -> None:
        """Keep how an order ended."""
        with self._database.commit() as connection:
            connection.execute(
                f"UPDATE {ORDERS} SET status = ? WHERE client_order_id = ?",  # noqa: S608
                (status, client_order_id),
            )

    def orders(self) -> list[tuple[OrderRequest, OrderRole, str, int, OrderStatus | None]]:
        """Request, role, leg, time (ms) and final status of every order."""
        rows = self._database.read(
            f"SELECT request, role, leg, ts, status FROM {ORDERS} ORDER BY rowid"  # noqa: S608
        )
        return [
            (
                OrderRequest.model_validate_json(request),
                OrderRole(role),
                leg,
                ts,
                status and OrderStatus(status),
            )
            for request, role, leg, ts, status in rows
        ]

    def keep_fill(self, fill: VenueFill) -> None:
        """Keep a fill; one that is kept already stays."""
        row = (fill.symbol, fill.trade_id, fill.model_dump_json())
        with self._database.commit() as connection:
            connection.execute("INSERT OR IGNORE INTO toy_fills VALUES (?, ?, ?)", row)

    def fills(self) -> list[VenueFill]:
        """Every fill, in the order of booking."""
        rows = self._database.read("SELECT fill FROM toy_fills ORDER BY rowid")
        return [VenueFill.model_validate_json(fill) for (fill,) in rows]

    def save_state(self, state: dict[str, Any]) -> None:
        """Keep what else must be known again."""
        self._put(_STATE, state)

    def state(self) -> dict[str, Any]:
        """What was kept."""
        return self._get(_STATE) or {}

    def _put(self, key: int, value: object) -> None:
        with self._database.commit() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO toy_state VALUES (?, ?)", (key, json.dumps(value))
            )

    def _get(self, key: int) -> Any:
        row = next(self._database.read("SELECT state FROM toy_state WHERE id = ?", (key,)), None)
        return None if row is None else json.loads(row["state"])
