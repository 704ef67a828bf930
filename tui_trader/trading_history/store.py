"""`state.db`: what the agent must know again after a crash."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Self

from pydantic_core import from_json, to_json

from tui_trader.models import (
    Fill,
    HistoryRecord,
    MetricPoint,
    ModelCall,
    PortfolioView,
    TradeInstruction,
    TxResult,
)
from tui_trader.models.money import exact
from tui_trader.trading_history.database import IN_MEMORY, Database, StoreError
from tui_trader.trading_history.redaction import Redact, redact_json

_INTENT = "INTENT"
_EVERYTHING = -1  # SQLite: a negative limit is none


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as it was meant, at `ts` (ms), and what came of it; None while nobody knows."""

    client_order_id: str
    ts: int
    instruction: TradeInstruction
    result: TxResult | None


class Store:
    """Orders, fills, history, equity, risk state and portfolio of one account.

    Every `record_...` and `save_...` is one commit, on the disk when it returns. Used by one
    thread, the one that made it. `redact` is applied to every text of what is kept as JSON. Every
    method raises StoreError when the disk or the file fails.
    """

    def __init__(self, path: Path, *, redact: Redact | None = None) -> None:
        self._database = Database(path)
        self._redact = redact

    @classmethod
    def in_memory(cls) -> Self:
        """A store that ends with the process, for backtests and tests."""
        return cls(IN_MEMORY)

    def claim(self, facts: Mapping[str, str]) -> None:
        """Say whose state this is (account, mode, quote, initial capital): kept the first time.

        Raises StoreError when another value was kept before.
        """
        with self._database.commit() as connection:
            connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", facts.items())
        kept = self.meta()
        for key, value in facts.items():
            if kept[key] != value:
                raise StoreError(
                    f"{self._database.path} was begun with {key} = {kept[key]}, not {value}: "
                    "set it back, or use another account name"
                )

    def meta(self) -> dict[str, str]:
        """What was claimed."""
        return dict(tuple(row) for row in self._database.read("SELECT key, value FROM meta"))

    def next_run(self) -> int:
        """The number of this run on this state: 1, then 2, and never again the same."""
        with self._database.commit() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'run'").fetchone()
            number = 1 if row is None else int(row["value"]) + 1
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('run', ?)", (str(number),))
        return number

    def record_intent(self, instruction: TradeInstruction, order_id: str, ts: int) -> None:
        """Keep what is about to be sent under the client order id `order_id`, before it is sent.

        Raises StoreError when an order of that id or instruction is kept already.
        """
        row = (
            order_id,
            instruction.instruction_id,
            instruction.compose_id,
            instruction.instrument.symbol,
            instruction.side,
            repr(instruction.quantity),
            instruction.reduce_only,
            _INTENT,
            ts,
            self._json(instruction),
        )
        with self._database.commit() as connection:
            connection.execute("INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?,?,NULL)", row)

    def record_results(self, results: Sequence[TxResult]) -> None:
        """Keep what came of instructions, and their fills; a fill that is kept already stays."""
        if not results:
            return
        with self._database.commit() as connection:
            for result in results:
                connection.execute(
                    "UPDATE orders SET status = ?, result = ? WHERE instruction_id = ?",
                    (result.status, self._json(result), result.instruction_id),
                )
                _insert_fills(connection, result.fills)

    def record_cycle(
        self,
        records: Sequence[HistoryRecord],
        equity: MetricPoint | None,
        risk_state: Mapping[str, Any],
        portfolio: PortfolioView | None = None,
    ) -> None:
        """Keep a cycle: its checkpoints, the equity after it, the state that the next one needs."""
        rows = [(r.ts, r.kind, r.reference_id, self._json(r.payload)) for r in records]
        with self._database.commit() as connection:
            connection.executemany(
                "INSERT INTO history (ts, kind, reference_id, payload) VALUES (?, ?, ?, ?)", rows
            )
            if equity is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO equity VALUES (?, ?)", (equity.ts, repr(equity.value))
                )
            self._put_risk_state(connection, risk_state)
            if portfolio is not None:
                self._put_portfolio(connection, portfolio)

    def record_call(self, call: ModelCall) -> None:
        """Keep a call to a model; one of the same decision, attempt and time is replaced by it."""
        row = from_json(self._json(call))
        row["token_usage"] = to_json(row["token_usage"]).decode()
        row["cost_usd"] = None if call.cost_usd is None else repr(call.cost_usd)
        columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
        with self._database.commit() as connection:
            connection.execute(
                f"INSERT OR REPLACE INTO calls ({columns}) VALUES ({values})",  # noqa: S608
                row,
            )

    def save_risk_state(self, state: Mapping[str, Any]) -> None:
        """Keep the risk layer's memory: plain JSON values."""
        with self._database.commit() as connection:
            self._put_risk_state(connection, state)

    def save_portfolio(self, view: PortfolioView) -> None:
        """Keep the account as last seen."""
        with self._database.commit() as connection:
            self._put_portfolio(connection, view)

    def orders(self, *, unresolved: bool = False) -> list[StoredOrder]:
        """Orders, oldest first; with `unresolved` only those of which no outcome is known."""
        where = "WHERE result IS NULL" if unresolved else ""
        rows = self._database.read(
            f"SELECT client_order_id, ts, instruction, result FROM orders {where} "  # noqa: S608
            "ORDER BY ts, rowid"
        )
        return [
            StoredOrder(
                row["client_order_id"],
                row["ts"],
                TradeInstruction.model_validate_json(row["instruction"]),
                row["result"] and TxResult.model_validate_json(row["result"]),
            )
            for row in rows
        ]

    def fills(self) -> Iterator[Fill]:
        """Every fill in the order of booking: replayed, they give the books again."""
        for row in self._database.read("SELECT * FROM fills ORDER BY seq"):
            yield Fill.model_validate({key: row[key] for key in Fill.model_fields})

    def equity_points(self, limit: int | None = None) -> list[MetricPoint]:
        """The newest `limit` points of equity (quote currency), oldest first."""
        rows = self._database.read(
            "SELECT ts, value FROM equity ORDER BY ts DESC LIMIT ?", (_rows(limit),)
        )
        return [MetricPoint(ts=ts, value=float(value)) for ts, value in rows][::-1]

    def history(
        self,
        kind: str | None = None,
        reference_id: str | None = None,
        limit: int | None = None,
    ) -> list[HistoryRecord]:
        """The newest `limit` checkpoints, oldest first, of one kind, of one cycle, or of all."""
        wanted = {"kind": kind, "reference_id": reference_id}
        chosen = {column: value for column, value in wanted.items() if value is not None}
        where = "WHERE " + " AND ".join(f"{name} = ?" for name in chosen) if chosen else ""
        rows = self._database.read(
            f"SELECT * FROM history {where} ORDER BY seq DESC LIMIT ?",  # noqa: S608
            (*chosen.values(), _rows(limit)),
        )
        return [
            HistoryRecord(
                ts=row["ts"],
                kind=row["kind"],
                reference_id=row["reference_id"],
                payload=from_json(row["payload"]),
            )
            for row in rows
        ][::-1]

    def calls(
        self, *, since_ms: int | None = None, compose_id: str | None = None
    ) -> list[ModelCall]:
        """Calls to models, oldest first: those from `since_ms` (wall clock) on, of one decision, or
        all."""
        wanted = {"asked_at >= ?": since_ms, "compose_id = ?": compose_id}
        chosen = {test: value for test, value in wanted.items() if value is not None}
        where = "WHERE " + " AND ".join(chosen) if chosen else ""
        rows = self._database.read(
            f"SELECT * FROM calls {where} ORDER BY asked_at, attempt",  # noqa: S608
            tuple(chosen.values()),
        )
        return [
            ModelCall.model_validate(
                {name: row[name] for name in ModelCall.model_fields}
                | {"token_usage": from_json(row["token_usage"])}
            )
            for row in rows
        ]

    def spent_since(self, ts: int) -> float | None:
        """USD for the calls from `ts` (ms, wall clock) on; None where any cost is unknown."""
        rows = self._database.read("SELECT cost_usd FROM calls WHERE asked_at >= ?", (ts,))
        costs = [row["cost_usd"] for row in rows]
        return None if None in costs else float(sum(exact(float(cost)) for cost in costs))

    def prune_history(self, before_ts: int) -> None:
        """Forget checkpoints older than `before_ts` (ms), before they fill the disk."""
        with self._database.commit() as connection:
            connection.execute("DELETE FROM history WHERE ts < ?", (before_ts,))

    def risk_state(self) -> dict[str, Any] | None:
        """The risk layer's memory, None when none was kept."""
        row = next(self._database.read("SELECT state FROM risk_state"), None)
        return None if row is None else from_json(row["state"])

    def portfolio(self) -> PortfolioView | None:
        """The account as last kept, None when it never was."""
        row = next(self._database.read("SELECT view FROM portfolio"), None)
        return None if row is None else PortfolioView.model_validate_json(row["view"])

    def close(self) -> None:
        """Close the file; again, nothing happens."""
        self._database.close()

    def _put_risk_state(self, connection: Connection, state: Mapping[str, Any]) -> None:
        connection.execute("INSERT OR REPLACE INTO risk_state VALUES (1, ?)", (self._json(state),))

    def _put_portfolio(self, connection: Connection, view: PortfolioView) -> None:
        connection.execute("INSERT OR REPLACE INTO portfolio VALUES (1, ?)", (self._json(view),))

    def _json(self, value: object) -> str:
        text = to_json(value).decode()
        return text if self._redact is None else redact_json(text, self._redact)


def _insert_fills(connection: Connection, fills: Sequence[Fill]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO fills (trade_id, order_id, instruction_id, compose_id, symbol, side,"
        " quantity, price, fee, ts) VALUES (?,?,?,?,?,?,?,?,?,?)",
        [
            (
                fill.trade_id,
                fill.order_id,
                fill.instruction_id,
                fill.compose_id,
                fill.symbol,
                fill.side,
                repr(fill.quantity),
                repr(fill.price),
                repr(fill.fee),
                fill.ts,
            )
            for fill in fills
        ],
    )


def _rows(limit: int | None) -> int:
    return _EVERYTHING if limit is None else limit
