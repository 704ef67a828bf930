"""Where a cycle is written down: one durable commit, then its lines in the cycle log."""

from collections.abc import Callable, Sequence
from typing import Any

from tui_trader.models import CycleLog, HistoryRecord, MetricPoint, PortfolioView
from tui_trader.trading_history.cycle_log import CycleLogWriter
from tui_trader.trading_history.interfaces import BaseDigestBuilder
from tui_trader.trading_history.recorder import StoreHistoryRecorder


class Journal:
    """Keeps records, equity, risk state and cycle log in step, and the digest of it all.

    `save_orders` writes down what the disk has refused of orders, `risk_state` gives what the risk
    layer wants to remember, as plain JSON values. Writing raises StoreError or OSError when the
    disk refuses.
    """

    def __init__(
        self,
        recorder: StoreHistoryRecorder,
        log: CycleLogWriter,
        digest_builder: BaseDigestBuilder,
        save_orders: Callable[[], None],
        risk_state: Callable[[], dict[str, Any]],
        *,
        earlier: Sequence[HistoryRecord] = (),
    ) -> None:
        """`earlier` are the execution records of earlier runs, oldest first."""
        self._recorder = recorder
        self._log = log
        self._digest_builder = digest_builder
        self._save_orders = save_orders
        self._risk_state = risk_state
        self.digest = digest_builder.build(earlier)

    def write_cycle(
        self, records: Sequence[HistoryRecord], logs: Sequence[CycleLog], view: PortfolioView
    ) -> None:
        """Write one cycle down; afterwards `digest` knows it."""
        equity = view.total_value
        self._commit(records, None if equity is None else MetricPoint(ts=view.ts, value=equity))
        for log in logs:
            self._log.write(log)

    def write_operator(self, records: Sequence[HistoryRecord]) -> None:
        """Write down what the operator's hand did."""
        self._commit(records, None)

    def _commit(self, records: Sequence[HistoryRecord], equity: MetricPoint | None) -> None:
        self.digest = self._digest_builder.build(records)
        for record in records:
            self._recorder.record(record)
        self._save_orders()
        self._recorder.commit(equity, self._risk_state())
