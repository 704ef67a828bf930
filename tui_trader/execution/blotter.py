"""The blotter: every order of ours with its life so far, each step written down as it is taken."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from tui_trader.clock import Clock
from tui_trader.execution import orders
from tui_trader.execution.orders import IllegalTransition
from tui_trader.models import (
    Fill,
    KeptOrder,
    OrderRecord,
    OrderReport,
    OrderRequest,
    OrderRole,
    OrderStatus,
    TradeInstruction,
    VenueFill,
)
from tui_trader.models.money import exact

REMEMBERED = 2_000
"""So many orders that are over stay in memory; older ones are asked of the journal."""


@dataclass(slots=True)
class Order:
    """An order at work: its record, what asked for it, and its fills so far.

    `sent_ms` is when it was last known to be on its way, `asked` (seconds, monotonic) when the
    venue was last asked of it, `misses` how often in a row that knew of none though it should have.
    With `unwanted` it is to be cancelled, for that reason. `over` is set once nothing can come of
    it.
    """

    record: OrderRecord
    instruction: TradeInstruction
    fills: list[Fill] = field(default_factory=list)
    sent_ms: int = 0
    asked: float = 0.0
    misses: int = 0
    unwanted: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def live(self) -> bool:
        """Whether something can still come of it."""
        return not self.record.status.final

    @property
    def remaining(self) -> Decimal:
        """What is not filled yet, base currency."""
        return exact(self.record.request.quantity) - exact(self.record.filled_qty)


class OrderJournal(Protocol):
    """Where orders are written down. Everything raises when the disk refuses."""

    def record_intent(self, order: OrderRecord, instruction: TradeInstruction) -> None:
        """Keep an order before it is sent; durable on return."""
        ...

    def record_step(
        self, order: OrderRecord, instruction: TradeInstruction, fills: Sequence[Fill]
    ) -> None:
        """Keep where an order stands now, with fills that are new; durable on return."""
        ...

    def order(self, client_order_id: str) -> KeptOrder | None:
        """An order that was kept, None where none was."""
        ...


class Blotter:
    """Knows every order of ours and tells of every step.

    `changed` hears of each step, `booked` of each new fill, once: what it does is done when it
    returns. `trouble` hears in words of what must never happen (the disk refuses, a venue says the
    impossible): nothing may be opened after that, but what the venue has done stands.
    """

    def __init__(
        self,
        journal: OrderJournal,
        clock: Clock,
        *,
        changed: Callable[[Order], None],
        booked: Callable[[Order, Fill], None],
        trouble: Callable[[str], None],
        booked_before: Iterable[tuple[str, str]] = (),
    ) -> None:
        """`booked_before` names the fills of earlier runs, by symbol and trade id."""
        self._journal = journal
        self._clock = clock
        self._changed = changed
        self._booked = booked
        self._trouble = trouble
        self._orders: dict[str, Order] = {}
        self._by_instruction: dict[str, Order] = {}
        self._live: dict[str, Order] = {}
        self._seen = set(booked_before)
        self._unsaved: dict[str, tuple[Order, list[Fill]]] = {}

    # --- what is known ----------------------------------------------------------------------------

    def live(self, symbol: str | None = None) -> list[Order]:
        """Orders of which something can still come, oldest first; of one symbol, or of all."""
        return [order for order in self._live.values() if symbol in (None, order.record.symbol)]

    def of(self, instruction_id: str) -> Order | None:
        """The order of an instruction."""
        return self._by_instruction.get(instruction_id)

    def get(self, client_order_id: str) -> Order | None:
        """The order of that name, also one of long ago."""
        order = self._orders.get(client_order_id)
        if order is None and orders.is_ours(client_order_id):
            kept = self._journal.order(client_order_id)
            if kept is not None:
                order = self._take_in(kept)
        return order

    def has_booked(self, fill: VenueFill) -> bool:
        """Whether this fill is in the books."""
        return (fill.symbol, fill.trade_id) in self._seen

    def unknown(self) -> frozenset[str]:
        """The symbols in which an order was sent and nobody has said what became of it."""
        doubtful = (OrderStatus.UNKNOWN, OrderStatus.SUBMITTED)
        return frozenset(
            order.record.symbol
            for order in self._live.values()
            if order.record.status in doubtful
            and not (order.record.role.protects and order.record.status is OrderStatus.SUBMITTED)
        )

    def pending(self) -> dict[str, tuple[float, float]]:
        """By symbol, what orders that open may still buy and sell (positive, base currency)."""
        sums: dict[str, list[Decimal]] = {}
        for order in self._live.values():
            if order.record.role is OrderRole.ENTRY:
                both = sums.setdefault(order.record.symbol, [Decimal(0), Decimal(0)])
                both[order.record.request.side.sign < 0] += order.remaining
        return {symbol: (float(buy), float(sell)) for symbol, (buy, sell) in sums.items()}

    # --- what happens -----------------------------------------------------------------------------

    def restore(self, kept: Iterable[KeptOrder]) -> None:
        """Take in orders of earlier runs. One that may have been sent counts as unknown."""
        for order in map(self._take_in, kept):
            if order.record.status in (OrderStatus.INTENDED, OrderStatus.SUBMITTED):
                self.step(order, OrderStatus.UNKNOWN, "the engine ended before an answer came")

    def intend(
        self, instruction: TradeInstruction, request: OrderRequest, role: OrderRole
    ) -> Order:
        """A new order, on the disk before anything is sent.

        Raises what the disk says for one that opens; one that reduces goes on without the disk.
        """
        now = self._clock.now_ms()
        record = orders.intended(
            request, role, instruction.instruction_id, instruction.compose_id, now
        )
        order = Order(record, instruction, sent_ms=now)
        try:
            self._journal.record_intent(record, instruction)
        except Exception as error:
            self._trouble(f"an order could not be written down: {error}")
            if not request.reduce_only:
                raise
        self._remember(order)
        self._changed(order)
        return order

    def step(self, order: Order, status: OrderStatus, reason: str = "") -> None:
        """Take a step that we know of by ourselves."""
        self._become(order, orders.step(order.record, status, self._clock.now_ms(), reason))

    def send(self, order: Order) -> None:
        """It is on its way. This step is written down with the next one: after a crash what was
        meant counts as sent."""
        order.sent_ms = self._clock.now_ms()
        order.record = orders.step(order.record, OrderStatus.SUBMITTED, order.sent_ms)
        self._changed(order)

    def hear_report(self, report: OrderReport) -> None:
        """Take in what the venue says of an order; of one that is not ours, nothing."""
        order = self.get(report.request.client_order_id)
        if order is None:
            return
        record = orders.absorb(order.record, report)
        if record is not order.record:
            self._become(order, record)

    def hear_fill(self, fill: VenueFill) -> bool:
        """Book a fill of an order of ours, once. False for one of somebody else's order."""
        if self.has_booked(fill):
            return True
        order = self.get(fill.client_order_id)
        if order is None:
            return False
        self._seen.add((fill.symbol, fill.trade_id))
        ours = Fill(
            trade_id=fill.trade_id,
            order_id=fill.client_order_id,
            instruction_id=order.record.instruction_id,
            compose_id=order.record.compose_id,
            symbol=fill.symbol,
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            fee=fill.fee,
            ts=fill.ts,
        )
        order.fills.append(ours)
        self._become(order, self._with_fills(order, fill.ts), ours)
        return True

    def save(self) -> None:
        """Write down once more what the disk has refused. Raises when it still does."""
        for client_order_id, (order, fills) in tuple(self._unsaved.items()):
            self._journal.record_step(order.record, order.instruction, fills)
            del self._unsaved[client_order_id]

    def _with_fills(self, order: Order, ts: int) -> OrderRecord:
        quantity = sum((exact(fill.quantity) for fill in order.fills), Decimal(0))
        value = sum((exact(fill.quantity) * exact(fill.price) for fill in order.fills), Decimal(0))
        fee = sum((exact(fill.fee) for fill in order.fills), Decimal(0))
        figures = float(quantity), float(value / quantity), float(fee)
        try:
            return orders.filled(order.record, *figures, ts)
        except IllegalTransition as error:
            # The truth of the venue stands above what we took for certain.
            self._trouble(f"filled though it can't be: {error}")
            names = ("filled_qty", "avg_price", "fee")
            return order.record.model_copy(update=dict(zip(names, figures, strict=True)))

    def _become(self, order: Order, record: OrderRecord, fill: Fill | None = None) -> None:
        order.record = record
        fills = [fill] if fill else []
        if kept := self._unsaved.pop(record.client_order_id, None):
            fills = [*kept[1], *fills]
        try:
            self._journal.record_step(record, order.instruction, fills)
        except Exception as error:
            self._unsaved[record.client_order_id] = order, fills
            self._trouble(f"a step of an order could not be written down: {error}")
        if fill is not None:
            self._booked(order, fill)
        if not order.live:
            self._live.pop(record.client_order_id, None)
            order.over.set()
        self._changed(order)

    def _take_in(self, kept: KeptOrder) -> Order:
        now = self._clock.now_ms()
        order = Order(kept.record, kept.instruction, list(kept.fills), sent_ms=now)
        self._remember(order)
        return order

    def _remember(self, order: Order) -> None:
        self._orders[order.record.client_order_id] = order
        if order.live:
            self._live[order.record.client_order_id] = order
        self._by_instruction[order.record.instruction_id] = order
        if len(self._orders) > 2 * REMEMBERED:
            self._forget()

    def _forget(self) -> None:
        over = [order for order in self._orders.values() if not order.live]
        for order in over[:-REMEMBERED]:
            del self._orders[order.record.client_order_id]
            self._by_instruction.pop(order.record.instruction_id, None)
