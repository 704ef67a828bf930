"""The venue's truth: an exchange that outlives every engine, and as nasty as the documents say.

A client order id is unique among open orders only: after its order is final it is taken again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from tests.simulation.loop import Agenda
from tests.simulation.prices import STEP_SECONDS, Prices
from tui_trader.execution.interfaces import BaseVenue, OrderRejected
from tui_trader.models import (
    FundingPayment,
    OrderReport,
    OrderRequest,
    OrderStatus,
    OrderType,
    TimeInForce,
    VenueAccount,
    VenueEvent,
    VenueFill,
    VenuePosition,
)
from tui_trader.models.money import exact

_ZERO = Decimal(0)
_LOT = Decimal("0.0001")
_FUNDING_SECONDS = 600.0


@dataclass(slots=True)
class VenueOrder:
    """An order as the venue has it."""

    request: OrderRequest
    accepted_ms: int
    status: OrderStatus = OrderStatus.ACCEPTED
    filled: Decimal = _ZERO
    reason: str = ""

    @property
    def left(self) -> Decimal:
        """What is not filled, base currency."""
        return exact(self.request.quantity) - self.filled

    def report(self, ts: int) -> OrderReport:
        """What the venue says of it."""
        return OrderReport(
            request=self.request,
            status=self.status,
            filled_qty=float(self.filled),
            reason=self.reason,
            ts=ts,
        )


@dataclass(slots=True)
class Moods:
    """How likely the venue itself is unkind: fills in parts, fills while a cancel arrives."""

    partial: float = 0.0
    race: float = 0.0


@dataclass(slots=True)
class Watchers:
    """Who looks on at what really happens."""

    accepted: list[Callable[[VenueOrder], None]] = field(default_factory=list)
    filled: list[Callable[[VenueOrder, VenueFill], None]] = field(default_factory=list)


class SimVenue(BaseVenue):
    """One linear account. No method ever waits; latency and faults are the wire's.

    `orders` is everything that it has ever accepted, `trades` every fill, `cash` the exact sum of
    capital, trades, fees and funding (a position counts nothing in it).
    """

    def __init__(
        self,
        agenda: Agenda,
        prices: Prices,
        rng: Random,
        *,
        capital: float,
        fee_bps: float = 5.0,
        landing_ms: int = 15_000,
        moods: Moods | None = None,
    ) -> None:
        self.landing_ms = landing_ms
        self.moods = moods or Moods()
        self.watchers = Watchers()
        self.orders: list[VenueOrder] = []
        self.trades: list[VenueFill] = []
        self.payments: list[FundingPayment] = []
        self.positions: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.cash = exact(capital)
        self._costs: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._agenda = agenda
        self._prices = prices
        self._rng = rng
        self._fee = exact(fee_bps) / 10_000
        self._open: dict[str, VenueOrder] = {}
        self._latest: dict[str, VenueOrder] = {}
        self._sinks: list[Callable[[VenueEvent], None]] = []
        agenda.after(STEP_SECONDS, self._tick)
        agenda.after(_FUNDING_SECONDS, self._fund)

    # --- what an engine may ask -------------------------------------------------------------------

    async def submit(self, request: OrderRequest) -> OrderReport:
        self._check(request)
        order = VenueOrder(request, self._agenda.now_ms())
        self.orders.append(order)
        self._open[request.client_order_id] = self._latest[request.client_order_id] = order
        for watcher in self.watchers.accepted:
            watcher(order)
        self._try(order)
        report = order.report(self._agenda.now_ms())
        self._push(report)
        return report

    async def cancel(self, symbol: str, client_order_id: str) -> None:
        order = self._open.get(client_order_id)
        if order is not None and self._rng.random() < self.moods.race:
            self._execute(order, order.left)
        order = self._open.get(client_order_id)
        if order is None or order.request.symbol != symbol:
            raise OrderRejected(f"there is no open order {client_order_id} in {symbol}")
        self._end(order, OrderStatus.CANCELLED, "cancelled as asked")

    async def lookup(self, symbol: str, client_order_id: str) -> OrderReport | None:
        order = self._latest.get(client_order_id)
        if order is None or order.request.symbol != symbol:
            return None
        return order.report(self._agenda.now_ms())

    async def open_orders(self) -> list[OrderReport]:
        return [order.report(self._agenda.now_ms()) for order in self._open.values()]

    async def fills(self, since_ms: int) -> list[VenueFill]:
        return list(self._since(since_ms))

    async def funding(self, since_ms: int) -> list[FundingPayment]:
        return [payment for payment in self.payments if payment.ts >= since_ms]

    async def account(self) -> VenueAccount:
        positions = {
            symbol: VenuePosition(
                symbol=symbol,
                quantity=float(quantity),
                avg_price=float(self._costs[symbol] / quantity),
            )
            for symbol, quantity in self.positions.items()
            if quantity
        }
        wallet = self.cash + sum(self._costs.values(), _ZERO)
        return VenueAccount(ts=self._agenda.now_ms(), balance=float(wallet), positions=positions)

    def listen(self, sink: Callable[[VenueEvent], None]) -> None:
        self._sinks.append(sink)

    # --- what a checker may know ------------------------------------------------------------------

    def open_now(self) -> list[VenueOrder]:
        """The orders that rest."""
        return list(self._open.values())

    def mark(self, symbol: str) -> Decimal:
        """The mark price, quote currency."""
        return exact(self._prices.mark(symbol))

    # --- the exchange -----------------------------------------------------------------------------

    def _check(self, request: OrderRequest) -> None:
        if request.client_order_id in self._open:
            raise OrderRejected(f"an open order has the id {request.client_order_id}")
        if exact(request.quantity) % _LOT:
            raise OrderRejected(f"the quantity {request.quantity} is no multiple of {_LOT}")
        if request.type.waits and self._touched(request):
            raise OrderRejected("it would trigger at once")

    def _touched(self, request: OrderRequest) -> bool:
        mark = self._prices.mark(request.symbol)
        rises = (request.type is OrderType.STOP_MARKET) is (request.side.sign > 0)
        trigger = request.trigger_price or 0.0
        return mark >= trigger if rises else mark <= trigger

    def _marketable(self, request: OrderRequest) -> bool:
        if request.type is OrderType.LIMIT:
            return (
                self._prices.mark(request.symbol) - (request.price or 0)
            ) * request.side.sign <= 0
        return not request.type.waits or self._touched(request)

    def _try(self, order: VenueOrder) -> None:
        """Fill what can be filled at the present mark."""
        request = order.request
        if not self._marketable(request):
            if request.time_in_force is TimeInForce.IOC:
                self._end(order, OrderStatus.EXPIRED, "nothing at that price")
            return
        quantity = order.left
        if self._rng.random() < self.moods.partial and quantity > _LOT:
            quantity = max(
                _LOT, (quantity * exact(round(self._rng.uniform(0.1, 0.9), 3))) // _LOT * _LOT
            )
        self._execute(order, quantity)
        if order.status is not OrderStatus.PARTIALLY_FILLED:
            return
        if request.time_in_force is TimeInForce.IOC:
            self._end(order, OrderStatus.EXPIRED, "not all of it at that price")
        else:
            self._agenda.after(self._rng.uniform(0.5, 20.0), lambda: self._resume(order))

    def _resume(self, order: VenueOrder) -> None:
        """The rest of a partly filled order fills, or the venue gives it up."""
        if order.status.final:
            return
        if self._rng.random() < 0.3:
            self._end(order, OrderStatus.EXPIRED, "the rest was given up")
        else:
            self._execute(order, order.left)
            if not order.status.final:
                self._end(order, OrderStatus.EXPIRED, "nothing left to reduce")

    def _execute(self, order: VenueOrder, quantity: Decimal) -> None:
        request, held = order.request, self.positions[order.request.symbol]
        sign = request.side.sign
        if request.reduce_only:
            quantity = min(quantity, max(_ZERO, -held * sign))
        if quantity <= 0:
            self._end(order, OrderStatus.EXPIRED, "nothing to reduce")
            return
        price = self.mark(request.symbol)
        if request.type is OrderType.LIMIT and request.price is not None:
            price = exact(request.price)
        fee = quantity * price * self._fee
        self._book(request.symbol, quantity * sign, price)
        self.cash -= quantity * sign * price + exact(float(fee))
        order.filled += quantity
        order.status = OrderStatus.FILLED if not order.left else OrderStatus.PARTIALLY_FILLED
        fill = VenueFill(
            trade_id=str(len(self.trades) + 1),
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            side=request.side,
            quantity=float(quantity),
            price=float(price),
            fee=float(fee),
            ts=self._agenda.now_ms(),
        )
        self.trades.append(fill)
        if order.status.final:
            del self._open[request.client_order_id]
        for watcher in self.watchers.filled:
            watcher(order, fill)
        self._push(fill)
        self._push(order.report(self._agenda.now_ms()))

    def _book(self, symbol: str, signed: Decimal, price: Decimal) -> None:
        """Position and cost; a fill beyond flat closes, then opens."""
        held, cost = self.positions[symbol], self._costs[symbol]
        after = held + signed
        if held * signed >= 0:
            cost += signed * price
        elif held * after > 0:
            cost = cost * after / held
        else:
            cost = after * price
        self.positions[symbol], self._costs[symbol] = after, cost

    def _end(self, order: VenueOrder, status: OrderStatus, reason: str) -> None:
        order.status, order.reason = status, reason
        del self._open[order.request.client_order_id]
        self._push(order.report(self._agenda.now_ms()))

    def _tick(self) -> None:
        for order in list(self._open.values()):
            if not order.status.final and order.status is not OrderStatus.PARTIALLY_FILLED:
                self._try(order)
        self._agenda.after(STEP_SECONDS, self._tick)

    def _fund(self) -> None:
        for symbol, held in self.positions.items():
            if held:
                amount = float(-held * self.mark(symbol) * exact(0.0001))
                payment = FundingPayment(symbol=symbol, amount=amount, ts=self._agenda.now_ms())
                self.cash += exact(amount)
                self.payments.append(payment)
                self._push(payment)
        self._agenda.after(_FUNDING_SECONDS, self._fund)

    def _since(self, since_ms: int) -> Iterator[VenueFill]:
        newest: list[VenueFill] = []
        for fill in reversed(self.trades):
            if fill.ts < since_ms:
                break
            newest.append(fill)
        return reversed(newest)

    def _push(self, event: VenueEvent) -> None:
        for sink in self._sinks:
            sink(event)
