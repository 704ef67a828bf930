"""The one way in which orders are sent, booked and announced, by the cycle and the operator."""

from collections.abc import Callable, Sequence

from tui_trader.agent import cycle_logs
from tui_trader.clock import Clock
from tui_trader.execution.blotter import Order
from tui_trader.execution.interfaces import BaseExecutionGateway
from tui_trader.messages import (
    Message,
    OrderChanged,
    OrderRequested,
    OrderUpdated,
    PortfolioMarked,
)
from tui_trader.models import (
    FeatureVector,
    HistoryRecord,
    OrderStatus,
    RecordKind,
    TradeHistoryEntry,
    TradeInstruction,
    TxResult,
)
from tui_trader.portfolio.interfaces import BasePortfolioService
from tui_trader.risk.interfaces import BaseRiskManager


class OrderDesk:
    """Executes instructions: disk, venue, books, cool-downs, announcement, in that order.

    A fill is booked in the moment in which it is known, whoever waits for what. What is judged and
    handed to `trade` without an `await` between is judged on the books as they are.
    `record` keeps what came of orders nobody waited for; `trouble` hears when it can't.
    """

    def __init__(
        self,
        gateway: BaseExecutionGateway,
        portfolio: BasePortfolioService,
        risk: BaseRiskManager,
        clock: Clock,
        publish: Callable[[Message], None],
        record: Callable[[Sequence[HistoryRecord]], None],
        trouble: Callable[[str], None],
    ) -> None:
        self.gateway = gateway
        self._portfolio = portfolio
        self._risk = risk
        self._clock = clock
        self._publish = publish
        self._record = record
        self._trouble = trouble
        self._under_way: dict[str, list[TradeHistoryEntry]] = {}

    async def trade(
        self, instructions: Sequence[TradeInstruction], features: Sequence[FeatureVector] = ()
    ) -> tuple[list[TxResult], list[TradeHistoryEntry]]:
        """Send `instructions` in order; return every outcome and the trades that they closed."""
        if not instructions:
            return [], []
        for instruction in instructions:
            self._under_way[instruction.instruction_id] = []
        try:
            results = await self.gateway.execute(instructions, features)
        finally:
            closed = [
                entry
                for instruction in instructions
                for entry in self._under_way.pop(instruction.instruction_id, [])
            ]
        # What a gateway has not told of by itself.
        closed += self._portfolio.apply_trades(results, features)
        self._announce(results)
        return results, closed

    def book(self, news: TxResult) -> None:
        """Book a fill that is news; of an order nobody waits for it is announced and recorded."""
        closed = self._portfolio.apply_trades([news])
        if news.instruction_id in self._under_way:
            self._under_way[news.instruction_id] += closed
            return
        if closed:
            self._risk.note_close(news.instrument.symbol, self._clock.now_ms())
        self._announce([news])
        self.keep([news], closed)

    def tell(self, order: Order) -> None:
        """Announce the step that an order has taken; it is written down."""
        now, record = self._clock.now_ms(), order.record
        if record.status is OrderStatus.INTENDED and not record.role.protects:
            self._publish(OrderRequested(now, order.instruction))
        self._publish(OrderChanged(now, record))

    def keep(self, results: Sequence[TxResult], trades: Sequence[TradeHistoryEntry]) -> str:
        """Write down what was executed outside of a cycle; return what went wrong, in words."""
        record = HistoryRecord(
            ts=self._clock.now_ms(),
            kind=RecordKind.EXECUTION,
            reference_id=results[0].instruction_id.partition(":")[0],
            payload=cycle_logs.execution_payload(results, trades),
        )
        try:
            self._record([record])
        except Exception as error:
            self._trouble(f"the disk refused: {error}")
            return f"not written down: {error}"
        return ""

    def _announce(self, results: Sequence[TxResult]) -> None:
        now = self._clock.now_ms()
        self._risk.note_results(results, now)
        for result in results:
            self._publish(OrderUpdated(now, result))
        self._publish(PortfolioMarked(now, self._portfolio.get_view()))
