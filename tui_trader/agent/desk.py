"""The one way in which orders are sent, booked and announced, by the cycle and the operator."""

import asyncio
from collections.abc import Callable, Sequence

from tui_trader.clock import Clock
from tui_trader.execution.interfaces import BaseExecutionGateway
from tui_trader.messages import Message, OrderUpdated, PortfolioMarked
from tui_trader.models import (
    FeatureVector,
    TradeHistoryEntry,
    TradeInstruction,
    TxResult,
)
from tui_trader.portfolio.interfaces import BasePortfolioService
from tui_trader.risk.interfaces import BaseRiskManager


class OrderDesk:
    """Executes instructions: venue, disk, books, cool-downs, announcement, in that order.

    `lock` serialises whoever judges and trades: from the risk check to the booking nobody else
    acts. `keep_results` makes outcomes durable before they are booked and announced; it does not
    raise, since what the venue has done stands.
    """

    def __init__(
        self,
        gateway: BaseExecutionGateway,
        portfolio: BasePortfolioService,
        risk: BaseRiskManager,
        clock: Clock,
        publish: Callable[[Message], None],
        keep_results: Callable[[Sequence[TxResult]], None],
    ) -> None:
        self.lock = asyncio.Lock()
        self._gateway = gateway
        self._portfolio = portfolio
        self._risk = risk
        self._clock = clock
        self._publish = publish
        self._keep_results = keep_results

    async def trade(
        self, instructions: Sequence[TradeInstruction], features: Sequence[FeatureVector] = ()
    ) -> tuple[list[TxResult], list[TradeHistoryEntry]]:
        """Send `instructions` in order; return every outcome and the trades that they closed.

        Call it with `lock` held.
        """
        if not instructions:
            return [], []
        results = await self._gateway.execute(instructions, features)
        self._keep_results(results)
        trades = self._portfolio.apply_trades(results, features)
        now = self._clock.now_ms()
        self._risk.note_results(results, now)
        for result in results:
            self._publish(OrderUpdated(now, result))
        self._publish(PortfolioMarked(now, self._portfolio.get_view()))
        return results, trades
