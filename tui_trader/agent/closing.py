"""Closing: the one way out, for the operator, for the engine, and for a stop that is kept here."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tui_trader.agent.desk import OrderDesk
from tui_trader.models import (
    PositionSnapshot,
    TradeHistoryEntry,
    TradeInstruction,
    TxResult,
    TxStatus,
)
from tui_trader.portfolio.interfaces import BasePortfolioService
from tui_trader.risk.interfaces import BaseRiskManager

DEADLINE_SECONDS = 7.0
"""A close is pursued for so long before it is told what is left."""

_PAUSE_SECONDS = 0.25
_ATTEMPTS = 3


@dataclass(slots=True)
class Closing:
    """What a close came to. `said` tells of every order, `left` why which symbols may still be
    held."""

    said: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


class Closer:
    """Closes positions at market, whatever else goes on.

    What a cycle has meant to open there is not sent, what is on its way is cancelled, and what is
    filled all the same is closed too: the operator's word is the last one.
    """

    def __init__(
        self,
        desk: OrderDesk,
        risk: BaseRiskManager,
        portfolio: BasePortfolioService,
        run_id: str,
    ) -> None:
        self._desk = desk
        self._risk = risk
        self._portfolio = portfolio
        self._run_id = run_id
        self._acts = 0

    async def close(self, only: str, because: str, by: str = "operator") -> Closing:
        """Close `only`, or everything where it is empty."""
        closing = Closing()
        self._desk.gateway.withdraw(only or None, because)
        with suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._pursue(closing, only, by)
        for symbol in self._held(only):
            closing.left[symbol] = "still held"
        for symbol in self._desk.gateway.outstanding().unknown:
            if symbol == only or not only:
                closing.left[symbol] = "the outcome of an order is not known"
        return closing

    async def _pursue(self, closing: Closing, only: str, by: str) -> None:
        attempts: Counter[str] = Counter()
        while True:
            orders = [
                self._order(position, by)
                for symbol, position in self._held(only).items()
                if attempts[symbol] < _ATTEMPTS
            ]
            attempts.update(order.instrument.symbol for order in orders)
            if orders:
                await self._send(closing, orders)
            outstanding = self._desk.gateway.outstanding()
            again = {symbol for symbol in self._held(only) if attempts[symbol] < _ATTEMPTS}
            open_still = again | outstanding.pending.keys() | outstanding.unknown
            if not any(symbol == only or not only for symbol in open_still):
                return
            await asyncio.sleep(_PAUSE_SECONDS)
            await self._desk.gateway.tend()

    async def _send(self, closing: Closing, orders: Sequence[TradeInstruction]) -> None:
        async def one(order: TradeInstruction) -> tuple[list[TxResult], list[TradeHistoryEntry]]:
            return await self._desk.trade([order])

        for results, trades in await asyncio.gather(*map(one, orders)):
            closing.said += [_outcome(result) for result in results]
            closing.said += filter(None, [self._desk.keep(results, trades)])

    def _order(self, position: PositionSnapshot, by: str) -> TradeInstruction:
        self._acts += 1
        compose_id = f"{self._run_id}-{by}{self._acts}"
        return self._risk.close_instruction(compose_id, position.instrument, position.quantity)

    def _held(self, only: str) -> dict[str, PositionSnapshot]:
        positions = self._portfolio.get_view().positions
        return {symbol: it for symbol, it in positions.items() if symbol == only or not only}


def _outcome(result: TxResult) -> str:
    symbol = result.instrument.symbol
    if result.status is TxStatus.FILLED:
        return f"closed {result.filled_qty:g} {symbol} at {result.avg_exec_price:g}"
    return f"{symbol} not closed: {result.status} {result.reason or ''}".rstrip()
