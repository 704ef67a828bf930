"""What became of an order: asking the venue until it is known."""

import asyncio
import logging
from dataclasses import dataclass

from tui_trader.clock import Clock
from tui_trader.execution.blotter import Blotter, Order
from tui_trader.execution.interfaces import BaseVenue, OrderRejected
from tui_trader.models import OrderRole, OrderStatus, TimeInForce

logger = logging.getLogger(__name__)

PROOFS = 2
"""So many times a venue must have said that it knows of no such order."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for the answer to a request (`answer`), for an order at market
    to be filled before others go on (`settle`), between two questions about an order that should be
    over (`ask`) and about one that rests (`rest`). An opening that rests longer than
    `resting_entry` is cancelled; None never."""

    answer: float = 4.0
    settle: float = 2.0
    ask: float = 2.0
    rest: float = 30.0
    resting_entry: float | None = None


class Pursuit:
    """Asks the venue about the orders that are live, and cancels those that are unwanted.

    A failure to answer is no evidence of anything. That an order does not exist is proven once the
    venue could carry it out no more and has said `PROOFS` times that it knows of none, when neither
    its open orders nor its fills tell of it.
    """

    def __init__(
        self, venue: BaseVenue, blotter: Blotter, clock: Clock, patience: Patience
    ) -> None:
        self._venue = venue
        self._blotter = blotter
        self._clock = clock
        self._patience = patience

    async def tend(self) -> None:
        """Do what is due."""
        now = self._clock.monotonic()
        due = [order for order in self._blotter.live() if self._is_due(order, now)]
        await asyncio.gather(*(self._attend(order) for order in due))

    async def cancel(self, order: Order, because: str) -> None:
        """Cancel `order`: at once where it was never sent, else until the venue has said that it is
        over."""
        order.unwanted = because
        if order.record.status is OrderStatus.INTENDED:
            self._blotter.step(order, OrderStatus.REJECTED, f"not sent: {because}")
        elif order.live:
            await self._attend(order)

    async def ask(self, order: Order) -> None:
        """Ask what became of `order` and take it in. Nothing is raised."""
        order.asked = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._patience.answer):
                await self._ask(order)
        except Exception as error:
            logger.warning("order %s: no answer: %s", order.record.client_order_id, error)

    async def _attend(self, order: Order) -> None:
        if order.unwanted and order.record.status is not OrderStatus.SUBMITTED:
            try:
                async with asyncio.timeout(self._patience.answer):
                    await self._venue.cancel(order.record.symbol, order.record.client_order_id)
            except OrderRejected:
                pass  # it may be filled: the answer tells
            except Exception as error:
                logger.warning("order %s: not cancelled: %s", order.record.client_order_id, error)
        if order.live:
            await self.ask(order)

    def _is_due(self, order: Order, now: float) -> bool:
        record, patience = order.record, self._patience
        if record.status in (OrderStatus.INTENDED, OrderStatus.SUBMITTED):
            return False  # who sends it is at it
        limit = patience.resting_entry
        if limit is not None and record.role is OrderRole.ENTRY and not order.unwanted:
            aged = self._clock.now_ms() - record.created_ms > limit * 1000
            order.unwanted = f"not filled within {limit:g} s" if aged else ""
        pause = patience.rest if self._rests(order) else patience.ask
        return now - order.asked >= pause

    def _rests(self, order: Order) -> bool:
        """Whether there is nothing unusual in its not being over."""
        request = order.record.request
        waits = request.type.waits or request.price is not None
        at_once = request.time_in_force is TimeInForce.IOC
        known = order.record.status is not OrderStatus.UNKNOWN
        return known and waits and not at_once and not order.unwanted

    async def _ask(self, order: Order) -> None:
        symbol, name = order.record.symbol, order.record.client_order_id
        report = await self._venue.lookup(symbol, name)
        if report is None:
            await self._missing(order)
            return
        order.misses = 0
        if report.filled_qty > order.record.filled_qty:
            await self.catch_up(order.record.created_ms)
        self._blotter.hear_report(report)

    async def catch_up(self, since_ms: int) -> None:
        """Book every fill of ours from `since_ms` on that was not heard of."""
        for fill in await self._venue.fills(since_ms):
            self._blotter.hear_fill(fill)

    async def _missing(self, order: Order) -> None:
        late = self._clock.now_ms() > order.sent_ms + self._venue.landing_ms
        if order.record.status is not OrderStatus.UNKNOWN or not late:
            order.misses = 0
            return
        order.misses += 1
        if order.misses < PROOFS:
            return
        name = order.record.client_order_id
        resting = {report.request.client_order_id for report in await self._venue.open_orders()}
        await self.catch_up(order.record.created_ms)
        if name not in resting and order.record.status is OrderStatus.UNKNOWN:
            reason = "never accepted: the venue knows of no such order"
            self._blotter.step(order, OrderStatus.REJECTED, reason)
