"""Sending: from instructions to orders, and back to what came of them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from decimal import Decimal

from tui_trader.clock import Clock
from tui_trader.execution.blotter import Blotter, Order
from tui_trader.execution.interfaces import BaseVenue, OrderRejected
from tui_trader.execution.orders import client_order_id
from tui_trader.execution.pursuit import Patience, Pursuit
from tui_trader.models import (
    OrderRequest,
    OrderRole,
    OrderStatus,
    OrderType,
    PriceMode,
    Ticker,
    TimeInForce,
    TradeInstruction,
    TxResult,
    TxStatus,
)
from tui_trader.models.money import exact

logger = logging.getLogger(__name__)

BPS = Decimal(10_000)
FLAT = "nothing to reduce"


class Sender:
    """Sends each instruction once and stays with it until it is known what came of it.

    An order is on the disk before it is sent. `quotes` gives the newest ticker of a symbol,
    `position_of` the signed quantity held (base currency); `objection` says why nothing may be
    opened at this moment, empty when it may: it is asked right before an opening is sent. `account`
    makes the names of orders unique among accounts.
    """

    def __init__(
        self,
        venue: BaseVenue,
        blotter: Blotter,
        pursuit: Pursuit,
        clock: Clock,
        *,
        quotes: Callable[[str], Ticker | None],
        position_of: Callable[[str], Decimal],
        objection: Callable[[], str],
        patience: Patience,
        account: str,
    ) -> None:
        self._venue = venue
        self._blotter = blotter
        self._pursuit = pursuit
        self._clock = clock
        self._quotes = quotes
        self._position_of = position_of
        self._objection = objection
        self._patience = patience
        self._account = account

    async def execute(self, instructions: Sequence[TradeInstruction]) -> list[TxResult]:
        """One result per instruction, in their order; closes stand before opens."""
        # All of them are meant before the first is sent: what opens is reserved from here on.
        meant = [self._mean(instruction) for instruction in instructions]
        results, stuck = [], False
        for instruction, order in zip(instructions, meant, strict=True):
            if isinstance(order, Order):
                await self._carry_out(order, "a close before it was not filled" if stuck else "")
                result = result_of(order)
            else:
                result = order
            results.append(result)
            stuck |= instruction.reduce_only and not _closed(result)
        return results

    async def _carry_out(self, order: Order, obstacle: str) -> None:
        """Send an order that is meant, and wait a little for its end; with an `obstacle` what opens
        is not sent."""
        if order.record.status is not OrderStatus.INTENDED:
            return
        opens = order.record.role is OrderRole.ENTRY
        because = opens and (order.unwanted or obstacle or self._objection())
        if because:
            self._blotter.step(order, OrderStatus.REJECTED, f"not sent: {because}")
            return
        await self.send(order)
        if order.live and self._patience.settle and not self._rests(order):
            try:
                async with asyncio.timeout(self._patience.settle):
                    await order.over.wait()
            except TimeoutError:
                await self._pursuit.ask(order)

    async def send(self, order: Order) -> None:
        """Put an order on the wire, once. What is not answered is unknown."""
        self._blotter.send(order)
        try:
            async with asyncio.timeout(self._patience.answer):
                report = await self._venue.submit(order.record.request)
        except OrderRejected as error:
            self._unless_known(order, OrderStatus.REJECTED, str(error))
        except asyncio.CancelledError:
            self._unless_known(order, OrderStatus.UNKNOWN, "given up while it was sent")
            raise
        except Exception as error:
            because = str(error) or type(error).__name__
            logger.warning("order %s: no answer: %s", order.record.client_order_id, because)
            self._unless_known(order, OrderStatus.UNKNOWN, because)
        else:
            self._blotter.hear_report(report)
            if report.filled_qty > order.record.filled_qty:
                await self._pursuit.ask(order)  # of its fills nothing was heard yet

    def _unless_known(self, order: Order, status: OrderStatus, reason: str) -> None:
        """Take the step, unless the venue has told of the order by itself meanwhile."""
        if order.record.status is OrderStatus.SUBMITTED:
            self._blotter.step(order, status, reason)

    def _mean(self, instruction: TradeInstruction) -> Order | TxResult:
        """The order of an instruction, or why there is none. One that has an order gets no
        second."""
        if known := self._blotter.of(instruction.instruction_id):
            return known
        symbol, quantity = instruction.instrument.symbol, exact(instruction.quantity)
        if instruction.reduce_only:
            held = self._position_of(symbol)
            if held * instruction.side.sign >= 0:
                return unsent(instruction, TxStatus.REJECTED, FLAT)
            quantity = min(quantity, abs(held))
        elif symbol in self._blotter.unknown():
            reason = "not sent: what became of an order in this symbol is not known"
            return unsent(instruction, TxStatus.REJECTED, reason)
        try:
            role = OrderRole.EXIT if instruction.reduce_only else OrderRole.ENTRY
            request = self._request(instruction, float(quantity))
            return self._blotter.intend(instruction, request, role)
        except Exception as error:
            return unsent(instruction, TxStatus.ERROR, f"not sent: {error}")

    def _request(self, instruction: TradeInstruction, quantity: float) -> OrderRequest:
        price, in_force = self._limit(instruction)
        return OrderRequest(
            client_order_id=client_order_id(self._account, instruction.instruction_id),
            symbol=instruction.instrument.symbol,
            side=instruction.side,
            quantity=quantity,
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            price=price,
            time_in_force=in_force,
            reduce_only=instruction.reduce_only,
        )

    def _limit(self, instruction: TradeInstruction) -> tuple[float | None, TimeInForce]:
        """A limit order's price; for an opening at market the worst that may be paid, where there
        is such a bound. Raises ValueError where it can't be said."""
        if instruction.price_mode is PriceMode.LIMIT:
            if instruction.limit_price is None:
                raise ValueError("a limit order needs a limit_price")
            return instruction.limit_price, TimeInForce.GTC
        bound = instruction.max_slippage_bps
        if bound is None or instruction.reduce_only:
            return None, TimeInForce.GTC
        ticker = self._quotes(instruction.instrument.symbol)
        if ticker is None or ticker.mark is None:
            raise ValueError("no valid price, so no bound for slippage")
        worst = exact(ticker.mark) * (1 + instruction.side.sign * Decimal(bound) / BPS)
        return float(worst), TimeInForce.IOC

    def _rests(self, order: Order) -> bool:
        request = order.record.request
        return request.type is OrderType.LIMIT and request.time_in_force is TimeInForce.GTC


def result_of(order: Order) -> TxResult:
    """What came of an order so far, all its fills included."""
    record = order.record
    return TxResult(
        instruction_id=record.instruction_id,
        instrument=order.instruction.instrument,
        side=record.request.side,
        status=_tx_status(order),
        requested_qty=order.instruction.quantity,
        filled_qty=record.filled_qty,
        avg_exec_price=record.avg_price,
        fee_cost=record.fee if record.filled_qty else None,
        leverage=order.instruction.leverage,
        order_id=record.client_order_id,
        reason=record.steps[-1].reason or None,
        fills=tuple(order.fills),
    )


def unsent(instruction: TradeInstruction, status: TxStatus, reason: str) -> TxResult:
    """The result of an instruction of which nothing was sent."""
    return TxResult(
        instruction_id=instruction.instruction_id,
        instrument=instruction.instrument,
        side=instruction.side,
        status=status,
        requested_qty=instruction.quantity,
        filled_qty=0.0,
        leverage=instruction.leverage,
        reason=reason,
    )


def _tx_status(order: Order) -> TxStatus:
    record = order.record
    if record.status is OrderStatus.FILLED:
        return TxStatus.FILLED
    if record.status is OrderStatus.UNKNOWN:
        return TxStatus.UNKNOWN
    if order.live:
        return TxStatus.WORKING
    return TxStatus.PARTIAL if record.filled_qty else TxStatus.REJECTED


def _closed(result: TxResult) -> bool:
    """Whether a reduction has done what it was for; there may have been nothing to reduce."""
    return result.status is TxStatus.FILLED or result.reason == FLAT
