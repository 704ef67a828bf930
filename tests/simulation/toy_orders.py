"""Orders of the toy engine: on the disk before they are sent, asked after until they are known."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from tests.simulation.toy_books import ORDERS, ToyBooks
from tests.simulation.world import World
from tui_trader.agent import kill_file
from tui_trader.execution.interfaces import OrderRejected
from tui_trader.execution.orders import client_order_id
from tui_trader.messages import TradingState
from tui_trader.models import (
    FundingPayment,
    OrderReport,
    OrderRequest,
    OrderRole,
    OrderStatus,
    TradeSide,
    VenueEvent,
    VenueFill,
)
from tui_trader.models.money import exact
from tui_trader.trading_history.database import StoreError

T = TypeVar("T")

BUGS = {
    "retry_new_id": "I1b",
    "retry_same_id": "I1",
    "no_write_ahead": "I2",
    "not_found_is_dead": "I14",
    "error_is_lost": "I14",
    "no_dedupe": "I8",
    "books_no_funding": "I6",
    "kill_volatile": "I3",
    "kill_leaves_entries": "I12",
    "no_protection": "I18",
    "ignores_disk_error": "I19",
    "pushes_only": "I10",
    "forgets_what_it_held": "I5",
    "forgets_unknown": "I14",
    "forgets_orders": "I11",
    "stale_decisions": "I16",
    "unsound_decisions": "I15",
    "no_cap": "I4",
    "opens_beside_unknown": "I4",
    "leaks_task": "I13",
}
"""The rules that it can be made to break, and the invariant that must show it."""

_TIMEOUT_SECONDS = 4.0
_EXIT_MS = 10_000
_LOOK_SECONDS = 10.0
LOT = Decimal("0.0001")
"""Quantities are multiples of it."""

_OVERLAP_MS = 60_000


@dataclass(slots=True)
class Order:
    """An order and what is known of it."""

    request: OrderRequest
    role: OrderRole
    leg: str  # the decision and the symbol, `compose_id:symbol`
    meant_ms: int
    status: OrderStatus = OrderStatus.INTENDED
    filled: Decimal = field(default_factory=Decimal)


class ToyOrders:
    """The orders of one life: kept, sent, asked after. `bugs` are the rules that it breaks."""

    def __init__(self, world: World, bugs: frozenset[str]) -> None:
        assert bugs <= BUGS.keys(), f"no such bug: {bugs - BUGS.keys()}"
        self._world = world
        self._bugs = bugs
        self._venue, self._clock = world.wire, world.clock
        world.disk.orders = ORDERS
        self._store = ToyBooks(world.folder / "state.db")
        self._kill_path = world.folder / kill_file.NAME
        self._run = self._store.next_run()
        self._legs = 0
        self._orders: dict[str, Order] = {}
        self._open: dict[str, Order] = {}
        self._booked: Counter[tuple[str, str]] = Counter()
        self._held: dict[str, Decimal] = {}
        self._cash = exact(world.capital)
        self._funded: dict[tuple[str, int], float] = {}
        self._stops: dict[str, float] = {}
        self._next_look = 0.0
        self._state = TradingState.ACTIVE
        self._looked_ms = self._read() - 10 * _OVERLAP_MS

    # --- what is kept -----------------------------------------------------------------------------

    def _read(self) -> int:
        """Take over what an earlier life has left; return the time of its last fill (ms)."""
        saved = self._store.state()
        self._state = TradingState(saved.get("state", TradingState.ACTIVE))
        self._stops = saved.get("stops", {})
        for symbol, ts, amount in saved.get("funded", []):
            self._fund(FundingPayment(symbol=symbol, ts=ts, amount=amount))
        if kill_file.exists(self._kill_path):
            self._state = TradingState.HALTED
        for request, role, leg, ts, status in self._store.orders():
            if status is None and "forgets_orders" in self._bugs:
                continue
            order = self._note(Order(request, role, leg, ts, status or OrderStatus.UNKNOWN))
            if status is None and "forgets_unknown" in self._bugs:
                order.status = OrderStatus.REJECTED
        newest = self._clock.now_ms()
        for fill in self._store.fills():
            self._book(fill)
            newest = fill.ts
        if "forgets_what_it_held" in self._bugs:
            self._held.clear()
        return newest

    def _note(self, order: Order) -> Order:
        name = order.request.client_order_id
        self._orders[name] = self._open[name] = order
        return order

    def _save(self) -> None:
        funded = [(symbol, ts, amount) for (symbol, ts), amount in self._funded.items()]
        self._store.save_state({"state": self._state, "stops": self._stops, "funded": funded})

    def _halt(self) -> None:
        """After an error of the disk: nothing is opened until the operator says so."""
        if "ignores_disk_error" not in self._bugs:
            self._state = TradingState.HALTED
            kill_file.write(self._kill_path, "the disk has failed", self._clock.now_ms())
            with suppress(StoreError):
                self._save()

    def _book(self, fill: VenueFill) -> None:
        key = (fill.symbol, fill.trade_id)
        if key in self._booked and "no_dedupe" not in self._bugs:
            return
        self._booked[key] += 1
        signed = fill.side.sign * exact(fill.quantity)
        self._held[fill.symbol] = self._held.get(fill.symbol, Decimal(0)) + signed
        self._cash -= signed * exact(fill.price) + exact(fill.fee)
        if order := self._orders.get(fill.client_order_id):
            order.filled += exact(fill.quantity)

    def _fund(self, payment: FundingPayment) -> bool:
        key = (payment.symbol, payment.ts)
        if key in self._funded:
            return False
        self._funded[key] = payment.amount
        if "books_no_funding" not in self._bugs:
            self._cash += exact(payment.amount)
        return True

    def _finish(self, order: Order, status: OrderStatus) -> None:
        self._store.finish(order.request.client_order_id, status)
        order.status = status

    # --- what the venue says ----------------------------------------------------------------------

    def _heard(self, event: VenueEvent) -> None:
        try:
            if isinstance(event, VenueFill):
                self._hear_fill(event)
            elif isinstance(event, FundingPayment):
                if self._fund(event):
                    self._save()
            else:
                self._settle(event)
        except StoreError:
            self._halt()

    def _hear_fill(self, fill: VenueFill) -> None:
        known = (fill.symbol, fill.trade_id) in self._booked
        if fill.client_order_id in self._orders and (not known or "no_dedupe" in self._bugs):
            self._store.keep_fill(fill)
            self._book(fill)

    def _settle(self, report: OrderReport) -> None:
        order = self._orders.get(report.request.client_order_id)
        if order is None or order.status.final:
            return
        if not report.status.final:
            order.status = report.status
        elif order.filled == exact(report.filled_qty):
            self._finish(order, report.status)

    async def _reconcile(self) -> None:
        """Ask after every order that is not final, until it is known."""
        now = self._clock.monotonic()
        waits = any(not order.role.protects for order in self._live())
        if "pushes_only" in self._bugs or not (waits or now >= self._next_look):
            return
        self._next_look = now + _LOOK_SECONDS
        asked_ms = self._clock.now_ms()
        fills = await self._ask(self._venue.fills(self._looked_ms - _OVERLAP_MS))
        payments = await self._ask(self._venue.funding(self._looked_ms - _OVERLAP_MS))
        for event in (*(fills or ()), *(payments or ())):
            self._heard(event)
        if fills is not None and payments is not None:
            self._looked_ms = asked_ms
        for order in self._live():
            await self._resolve(order)

    async def _resolve(self, order: Order) -> None:
        asked_ms, request = self._clock.now_ms(), order.request
        answer = await self._ask(self._look_up(request))
        if answer is None or order.status.final:
            return
        (report,) = answer
        if report is not None:
            self._settle(report)
        elif (
            asked_ms > order.meant_ms + self._venue.landing_ms + 1000
            or "not_found_is_dead" in self._bugs
        ):
            self._finish(order, OrderStatus.REJECTED)

    async def _look_up(self, request: OrderRequest) -> tuple[OrderReport | None]:
        return (await self._venue.lookup(request.symbol, request.client_order_id),)

    async def _ask(self, question: Awaitable[T]) -> T | None:
        """The answer, None where none came."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await question
        except Exception:
            return None

    def _live(self, symbol: str = "") -> list[Order]:
        for name in [name for name, order in self._open.items() if order.status.final]:
            del self._open[name]
        return [o for o in self._open.values() if symbol in ("", o.request.symbol)]

    # --- what is sent -----------------------------------------------------------------------------

    async def _send(self, role: OrderRole, leg: str, request: OrderRequest) -> None:
        """On the disk first, then on its way."""
        order = self._note(Order(request, role, leg, self._clock.now_ms()))
        if "no_write_ahead" not in self._bugs:
            self._store.intend(request, role, leg, order.meant_ms)
        order.status = OrderStatus.UNKNOWN
        if await self._submit(order) and "retry_new_id" in self._bugs:
            again = request.model_copy(update={"client_order_id": self._name(leg)})
            await self._send(role, leg, again)

    async def _submit(self, order: Order) -> bool:
        """True where nobody knows what became of it."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                report = await self._venue.submit(order.request)
        except OrderRejected:
            self._finish(order, OrderStatus.REJECTED)
            return False
        except Exception:
            if "error_is_lost" in self._bugs:
                self._finish(order, OrderStatus.REJECTED)
            if "retry_same_id" in self._bugs:
                return await self._submit(order)
            return True
        self._heard(report)
        return False

    def _name(self, leg: str) -> str:
        self._legs += 1
        return client_order_id("toy", f"{leg}:{self._run}.{self._legs}")

    async def _exit(self, symbol: str, quantity: Decimal, leg: str = "") -> None:
        """Bring the position nearer to flat, unless that has just been asked for."""
        now_ms = self._clock.now_ms()
        if quantity and not any(
            order.role is OrderRole.EXIT and now_ms - order.meant_ms < _EXIT_MS
            for order in self._live(symbol)
        ):
            leg = leg or f"exit{self._run}.{self._legs}:{symbol}"
            request = OrderRequest(
                client_order_id=self._name(leg),
                symbol=symbol,
                side=TradeSide.SELL if self._held[symbol] > 0 else TradeSide.BUY,
                quantity=float(quantity),
                reduce_only=True,
            )
            await self._send(OrderRole.EXIT, leg, request)
