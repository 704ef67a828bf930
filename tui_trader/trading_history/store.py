"""`state.db`: what the agent must know again after a crash."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Self

from pydantic_core import from_json, to_json

from tui_trader.models import (
    Fill,
    FundingPayment,
    HistoryRecord,
    KeptOrder,
    MetricPoint,
    ModelCall,
    OrderRecord,
    PortfolioView,
    TradeInstruction,
)
from tui_trader.models.money import exact
from tui_trader.trading_history.database import IN_MEMORY, Database, StoreError
from tui_trader.trading_history.redaction import Redact, redact_json

_INSERT_ORDER = "INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?,?,NULL,?,?)"
_EVERYTHING = -1  # SQLite: a negative limit is none


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

    def record_intent(self, order: OrderRecord, instruction: TradeInstruction) -> None:
        """Keep an order before it is sent.

        Raises StoreError when an order of that id or instruction is kept already.
        """
        with self._database.commit() as connection:
            connection.execute(_INSERT_ORDER, self._order_row(order, instruction))

    def record_step(
        self, order: OrderRecord, instruction: TradeInstruction, fills: Sequence[Fill] = ()
    ) -> None:
        """Keep where an order stands, with its new fills; a fill that is kept already stays. Also
        of an order whose intent the disk has refused."""
        with self._database.commit() as connection:
            connection.execute(
                f"{_INSERT_ORDER} ON CONFLICT (client_order_id) DO UPDATE SET "
                "status = excluded.status, record = excluded.record, live = excluded.live",
                self._order_row(order, instruction),
            )
            _insert_fills(connection, fills)

    def _order_row(self, order: OrderRecord, instruction: TradeInstruction) -> tuple[object, ...]:
        request = order.request
        return (
            order.client_order_id,
            order.instruction_id,
            order.compose_id,
            order.symbol,
            request.side,
            repr(request.quantity),
            request.reduce_only,
            order.status,
            order.created_ms,
            self._json(instruction),
            self._json(order),
            not order.status.final,
        )

    def record_funding(self, payment: FundingPayment) -> None:
        """Keep a funding payment; one of the same symbol and time stays."""
        with self._database.commit() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO funding VALUES (?, ?, ?)",
                (payment.symbol, payment.ts, repr(payment.amount)),
            )

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

    def orders(self, *, live: bool = False, limit: int | None = None) -> list[KeptOrder]:
        """The newest `limit` orders, oldest first; with `live` only those of which something can
        still come."""
        where = "WHERE record IS NOT NULL" + (" AND live" if live else "")
        return self._orders(f"{where} ORDER BY ts DESC, rowid DESC LIMIT ?", (_rows(limit),))[::-1]

    def order(self, client_order_id: str) -> KeptOrder | None:
        """One order, None where none of that id was kept."""
        where = "WHERE record IS NOT NULL AND client_order_id = ?"
        return next(iter(self._orders(where, (client_order_id,))), None)

    def orders_since(self, compose_id: str, symbol: str) -> list[KeptOrder]:
        """The orders in `symbol` from the first of the cycle `compose_id` on, oldest first."""
        return self._orders(
            "WHERE record IS NOT NULL AND symbol = ? AND ts >= "
            "(SELECT MIN(ts) FROM orders WHERE compose_id = ?) ORDER BY ts, rowid",
            (symbol, compose_id),
        )

    def _orders(self, where: str, parameters: tuple[object, ...]) -> list[KeptOrder]:
        rows = list(
            self._database.read(f"SELECT instruction, record FROM orders {where}", parameters)  # noqa: S608
        )
        return [
            KeptOrder(
                record := OrderRecord.model_validate_json(row["record"]),
                TradeInstruction.model_validate_json(row["instruction"]),
                tuple(self._fills("WHERE order_id = ? ORDER BY seq", (record.client_order_id,))),
            )
            for row in rows
        ]

    def fills(self) -> Iterator[Fill]:
        """Every fill in the order of booking: replayed, they give the books again."""
        return self._fills("ORDER BY seq", ())

    def funding(self) -> list[FundingPayment]:
        """Every funding payment, oldest first."""
        rows = self._database.read("SELECT symbol, ts, amount FROM funding ORDER BY ts, symbol")
        return [
            FundingPayment(symbol=symbol, ts=ts, amount=float(amount))
            for symbol, ts, amount in rows
        ]

    def _fills(self, where: str, parameters: tuple[object, ...]) -> Iterator[Fill]:
        for row in self._database.read(f"SELECT * FROM fills {where}", parameters):  # noqa: S608
            yield Fill.model_validate({key: row[key] for key in Fill.model_fields})

    def equity(self) -> Iterator[MetricPoint]:
        """Every point of equity (quote currency), oldest first."""
        for ts, value in self._database.read("SELECT ts, value FROM equity ORDER BY ts"):
            yield MetricPoint(ts=ts, value=float(value))

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
