"""A venue that does what a test says, and keeps books of what it has really done."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from tui_trader.execution.interfaces import BaseVenue, OrderRejected, OutcomeUnknown
from tui_trader.models import (
    FundingPayment,
    OrderReport,
    OrderRequest,
    OrderStatus,
    OrderType,
    VenueAccount,
    VenueEvent,
    VenueFill,
    VenuePosition,
)
from tui_trader.models.money import exact

PRICE = 100.0


@dataclass
class Placed:
    """An order as the venue has it."""

    request: OrderRequest
    status: OrderStatus = OrderStatus.ACCEPTED
    filled: float = 0.0
    reason: str = ""


@dataclass
class ScriptedVenue(BaseVenue):
    """Fills market orders at once at `price`; everything else rests.

    `answers` are taken one by one, each for the next order that is sent: "lost" never arrives,
    "unanswered" does but says nothing, "refused" is rejected, "silent" is accepted and not filled,
    "half" fills one half and then nothing. With `mute` nothing is pushed, with `hidden` lookups
    know of nothing, with `dead` nobody answers at all.
    """

    price: float = PRICE
    answers: list[str] = field(default_factory=list)
    protection_answers: list[str] = field(default_factory=list)
    orders: dict[str, Placed] = field(default_factory=dict)
    trades: list[VenueFill] = field(default_factory=list)
    payments: list[FundingPayment] = field(default_factory=list)
    sent: list[OrderRequest] = field(default_factory=list)
    strangers: dict[str, float] = field(default_factory=dict)
    landing_ms: int = 5_000
    mute: bool = False
    hidden: bool = False
    dead: bool = False
    holds_protection: bool = True
    now_ms: Callable[[], int] = lambda: 0

    def __post_init__(self) -> None:
        self._sink: Callable[[VenueEvent], None] = lambda event: None

    async def submit(self, request: OrderRequest) -> OrderReport:
        self.sent.append(request)
        script = self.protection_answers if request.type.waits else self.answers
        answer = script.pop(0) if script else "filled"
        await self._arrive()
        if answer == "lost":
            raise OutcomeUnknown("no answer")
        if answer == "refused":
            raise OrderRejected("the venue does not like it")
        placed = self.orders[request.client_order_id] = Placed(request)
        if request.type is OrderType.MARKET and answer != "silent":
            part = 0.5 if answer == "half" else 1.0
            self.fill(request.client_order_id, float(exact(request.quantity) * Decimal(part)))
        if answer == "unanswered":
            raise OutcomeUnknown("connection reset")
        return self.report(placed)

    def fill(self, name: str, quantity: float, times: int = 1) -> None:
        """Fill so much of an order, and push that `times` times."""
        placed = self.orders[name]
        request = placed.request
        placed.filled = float(exact(placed.filled) + exact(quantity))
        whole = placed.filled >= request.quantity
        placed.status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        trade = VenueFill(
            trade_id=str(len(self.trades) + 1),
            client_order_id=name,
            symbol=request.symbol,
            side=request.side,
            quantity=quantity,
            price=self.price,
            fee=0.01,
            ts=self.now_ms(),
        )
        self.trades.append(trade)
        for _ in range(times):
            self.push(trade)
        self.push(self.report(placed))

    def end(self, name: str, status: OrderStatus, reason: str = "") -> None:
        """End an order, and push that."""
        self.orders[name].status, self.orders[name].reason = status, reason
        self.push(self.report(self.orders[name]))

    def push(self, event: VenueEvent) -> None:
        if not self.mute:
            self._sink(event)

    def report(self, placed: Placed) -> OrderReport:
        return OrderReport(
            request=placed.request,
            status=placed.status,
            filled_qty=placed.filled,
            reason=placed.reason,
            ts=self.now_ms(),
        )

    def held(self, symbol: str) -> float:
        """What the venue has of a symbol."""
        ours = sum(
            (exact(t.quantity) * t.side.sign for t in self.trades if t.symbol == symbol), Decimal(0)
        )
        return float(ours + exact(self.strangers.get(symbol, 0.0)))

    async def cancel(self, symbol: str, client_order_id: str) -> None:
        await self._arrive()
        placed = self.orders.get(client_order_id)
        if placed is None or placed.status.final:
            raise OrderRejected("unknown order")
        self.end(client_order_id, OrderStatus.CANCELLED)

    async def lookup(self, symbol: str, client_order_id: str) -> OrderReport | None:
        await self._arrive()
        placed = self.orders.get(client_order_id)
        return None if placed is None or self.hidden else self.report(placed)

    async def open_orders(self) -> list[OrderReport]:
        await self._arrive()
        return [self.report(it) for it in self.orders.values() if not it.status.final]

    async def fills(self, since_ms: int) -> list[VenueFill]:
        await self._arrive()
        return [trade for trade in self.trades if trade.ts >= since_ms]

    async def funding(self, since_ms: int) -> list[FundingPayment]:
        await self._arrive()
        return [payment for payment in self.payments if payment.ts >= since_ms]

    async def account(self) -> VenueAccount:
        await self._arrive()
        symbols = {trade.symbol for trade in self.trades} | self.strangers.keys()
        return VenueAccount(
            ts=self.now_ms(),
            balance=10_000.0,
            positions={
                symbol: VenuePosition(symbol=symbol, quantity=held)
                for symbol in symbols
                if (held := self.held(symbol))
            },
        )

    def listen(self, sink: Callable[[VenueEvent], None]) -> None:
        self._sink = sink

    async def _arrive(self) -> None:
        await asyncio.sleep(0)
        if self.dead:
            raise OutcomeUnknown("nobody answers")
