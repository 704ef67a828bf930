"""Where a cycle is written down: one durable commit, then its lines in the cycle log."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from tui_trader.models import CycleLog, HistoryRecord, MetricPoint, PortfolioView, TxResult
from tui_trader.trading_history.cycle_log import CycleLogWriter
from tui_trader.trading_history.database import StoreError
from tui_trader.trading_history.interfaces import BaseDigestBuilder
from tui_trader.trading_history.recorder import StoreHistoryRecorder

logger = logging.getLogger(__name__)


class Journal:
    """Keeps outcomes, records, equity, risk state and cycle log in step, and the digest of it all.

    `record_results` stores outcomes of orders, `risk_state` gives what the risk layer wants to
    remember, as plain JSON values. Writing raises StoreError or OSError when the disk refuses.
    """

    def __init__(
        self,
        recorder: StoreHistoryRecorder,
        log: CycleLogWriter,
        digest_builder: BaseDigestBuilder,
        record_results: Callable[[Sequence[TxResult]], None],
        risk_state: Callable[[], dict[str, Any]],
        *,
        earlier: Sequence[HistoryRecord] = (),
    ) -> None:
        """`earlier` are the execution records of earlier runs, oldest first."""
        self._recorder = recorder
        self._log = log
        self._digest_builder = digest_builder
        self._record_results = record_results
        self._outcomes: list[TxResult] = []
        self._risk_state = risk_state
        self.digest = digest_builder.build(earlier)

    def keep_results(self, results: Sequence[TxResult]) -> None:
        """Keep outcomes of orders. What the disk refuses now is not lost: the next write keeps it,
        or raises."""
        self._outcomes.extend(results)
        try:
            self._keep_outcomes()
        except (OSError, StoreError):
            logger.exception("the outcomes of %s orders could not be stored", len(self._outcomes))

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
        self._keep_outcomes()
        self._recorder.commit(equity, self._risk_state())

    def _keep_outcomes(self) -> None:
        self._record_results(self._outcomes)
        self._outcomes.clear()
