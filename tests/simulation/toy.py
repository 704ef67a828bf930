"""A small engine that does what the reliability notes ask for, and can be made to break each rule:
it proves that the simulation finds what it looks for.

Market orders and stops at the venue; one task, and the operator beside it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from tests.simulation.engine import Act, ActKind, Decision, Wish
from tests.simulation.toy_books import ORDERS, ToyBooks
from tests.simulation.world import World
from tui_trader.agent import kill_file
from tui_trader.execution.interfaces import OrderRejected
from tui_trader.execution.orders import client_order_id
from tui_trader.messages import TradingState
from tui_trader.models import (
    FundingPayment,
    OrderRecord,
    OrderReport,
    OrderRequest,
    OrderRole,
    OrderStatus,
    OrderType,
    TradeSide,
    VenueEvent,
    VenueFill,
)
from tui_trader.models.money import exact
from tui_trader.trading_history.database import StoreError

T = TypeVar("T")

BUGS = frozenset(
    {
        "retry_new_id",
        "retry_same_id",
        "no_write_ahead",
        "not_found_is_dead",
        "error_is_lost",
        "no_dedupe",
        "kill_volatile",
        "no_protection",
        "ignores_disk_error",
        "pushes_only",
        "forgets_unknown",
        "stale_decisions",
        "unsound_decisions",
        "no_cap",
        "opens_beside_unknown",
        "leaks_task",
    }
)
_CYCLE_SECONDS = 10.0
_TICK_SECONDS = 1.0
_TIMEOUT_SECONDS = 4.0
_EXIT_MS = 10_000
_LOOK_SECONDS = 10.0
_LOT = Decimal("0.0001")
_NAKED_SECONDS = 15.0
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


class ToyEngine:
    """One life of the toy. `bugs` are the rules that it breaks."""

    def __init__(self, world: World, bugs: frozenset[str]) -> None:
        assert bugs <= BUGS, f"no such bug: {bugs - BUGS}"
        self._world = world
        self._bugs = bugs
        self._venue, self._clock = world.wire, world.clock
        world.disk.orders = ORDERS
        self._store = ToyBooks(world.folder / "state.db")
        self._kill_path = world.folder / kill_file.NAME
        self._run = self._store.next_run()
        self._legs = self._cycles = 0
        self._stopping = asyncio.Event()
        self._lock = asyncio.Lock()
        self._orders: dict[str, Order] = {}
        self._open: dict[str, Order] = {}
        self._booked: Counter[tuple[str, str]] = Counter()
        self._held: dict[str, Decimal] = {}
        self._cash = exact(world.capital)
        self._funded: dict[tuple[str, int], float] = {}
        self._naked_since: dict[str, float] = {}
        self._stops: dict[str, float] = {}
        self._pending: tuple[str, Decision, float] | None = None
        self._next_cycle = self._next_look = 0.0
        self._state = TradingState.ACTIVE
        self._looked_ms = self._read() - 10 * _OVERLAP_MS

    # --- what the simulation asks -----------------------------------------------------------------

    async def run(self) -> None:
        self._venue.listen(self._heard)
        if "leaks_task" in self._bugs:
            self._leak = asyncio.create_task(asyncio.sleep(1e9))
        while not self._stopping.is_set():
            try:
                async with self._lock:
                    await self._reconcile()
                    await self._protect()
                await self._cycle()
            except StoreError:
                self._halt()
            await self._clock.sleep(_TICK_SECONDS)

    def stop(self) -> None:
        self._stopping.set()

    def abandon(self) -> None:
        """It holds nothing but its database."""

    async def operate(self, act: Act) -> bool:
        try:
            return await self._operate(act)
        except StoreError:
            self._halt()
            return False

    def state(self) -> TradingState:
        return self._state

    def orders(self) -> Sequence[OrderRecord]:
        return [
            OrderRecord(
                request=order.request,
                role=order.role,
                instruction_id=order.leg,
                compose_id=order.leg.partition(":")[0],
                status=order.status,
                filled_qty=float(order.filled),
            )
            for order in self._orders.values()
        ]

    def fills(self) -> Sequence[tuple[str, str]]:
        return list(self._booked.elements())

    def positions(self) -> Mapping[str, Decimal]:
        return {symbol: held for symbol, held in self._held.items() if held}

    def cash(self) -> Decimal:
        return self._cash

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
            order = self._note(Order(request, role, leg, ts, status or OrderStatus.UNKNOWN))
            if status is None and "forgets_unknown" in self._bugs:
                order.status = OrderStatus.REJECTED
        newest = self._clock.now_ms()
        for fill in self._store.fills():
            self._book(fill)
            newest = fill.ts
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

    # --- decisions, protection, operator ----------------------------------------------------------

    async def _cycle(self) -> None:
        """Ask for a decision, and follow it when it has been thought over."""
        now = self._clock.monotonic()
        if self._pending is None:
            if now >= self._next_cycle:
                self._cycles += 1
                self._next_cycle = now + _CYCLE_SECONDS
                compose_id = f"c{self._run}.{self._cycles}"
                decision = self._world.script.decide(compose_id)
                self._pending = (compose_id, decision, now + decision.thinking)
            return
        compose_id, decision, due = self._pending
        if now < due:
            return
        self._pending = None
        if decision.sound or "unsound_decisions" in self._bugs:
            async with self._lock:
                for wish in decision.wishes:
                    await self._follow(f"{compose_id}:{wish.symbol}", wish, decision.asked_ms)

    async def _follow(self, leg: str, wish: Wish, asked_ms: int) -> None:
        symbol, wanted = wish.symbol, exact(wish.quantity)
        held = self._held.get(symbol, Decimal(0))
        mark = exact(self._world.prices.mark(symbol))
        if "no_cap" not in self._bugs:
            most = exact(self._world.limits.symbol_notional * 0.98) / mark
            wanted = max(-most, min(most, wanted))
        if held and (wanted * held <= 0 or abs(wanted) < abs(held)):
            left = wanted if wanted * held > 0 else Decimal(0)
            await self._exit(symbol, abs(held - left) // _LOT * _LOT, leg)
            return
        change = (
            (wanted - held) // _LOT * _LOT if wanted > held else -((held - wanted) // _LOT * _LOT)
        )
        if not change or not self._may_open(symbol, asked_ms):
            return
        self._stops[symbol] = wish.stop or 0.0
        self._save()
        request = OrderRequest(
            client_order_id=self._name(leg),
            symbol=symbol,
            side=TradeSide.BUY if change > 0 else TradeSide.SELL,
            quantity=float(abs(change)),
        )
        await self._send(OrderRole.ENTRY, leg, request)

    def _may_open(self, symbol: str, asked_ms: int) -> bool:
        age_ms = self._clock.now_ms() - asked_ms
        if age_ms > self._world.limits.decision_ms and "stale_decisions" not in self._bugs:
            return False
        busy = any(not order.role.protects for order in self._live(symbol))
        if busy and "opens_beside_unknown" not in self._bugs:
            return False
        return self._state is TradingState.ACTIVE

    async def _protect(self) -> None:
        """A stop for all of every position, soon, or no position; no stop without one."""
        for symbol in self._world.symbols:
            held = self._held.get(symbol, Decimal(0))
            side = TradeSide.SELL if held > 0 else TradeSide.BUY
            stops = [order for order in self._live(symbol) if order.role is OrderRole.STOP]
            for stop in stops:
                if not held or stop.request.side is not side:
                    await self._ask(self._venue.cancel(symbol, stop.request.client_order_id))
            if held and "no_protection" not in self._bugs:
                await self._cover(symbol, held, side, [s for s in stops if s.request.side is side])

    async def _cover(self, symbol: str, held: Decimal, side: TradeSide, stops: list[Order]) -> None:
        covered = sum(
            exact(stop.request.quantity) - stop.filled
            for stop in stops
            if stop.status is OrderStatus.ACCEPTED
        )
        now = self._clock.monotonic()
        if covered >= abs(held):
            self._naked_since.pop(symbol, None)
        elif now - self._naked_since.setdefault(symbol, now) > _NAKED_SECONDS:
            await self._exit(symbol, abs(held))
        elif all(stop.status is OrderStatus.ACCEPTED for stop in stops):
            leg = f"stop{self._run}.{self._legs}:{symbol}"
            request = OrderRequest(
                client_order_id=self._name(leg),
                symbol=symbol,
                side=side,
                quantity=float(abs(held) - covered),
                type=OrderType.STOP_MARKET,
                trigger_price=self._stop_price(symbol, side),
                reduce_only=True,
            )
            await self._send(OrderRole.STOP, leg, request)

    def _stop_price(self, symbol: str, side: TradeSide) -> float:
        mark, wanted = self._world.prices.mark(symbol), self._stops.get(symbol, 0.0)
        if (wanted - mark) * side.sign > 0.001 * mark and wanted:
            return wanted
        return round(mark * (1 + 0.01 * side.sign), 2)

    async def _operate(self, act: Act) -> bool:
        if act.kind is ActKind.RESUME:
            kill_file.clear(self._kill_path)
            self._state = TradingState.ACTIVE
            self._save()
        elif act.kind is ActKind.PAUSE:
            if self._state is TradingState.ACTIVE:
                self._state = TradingState.REDUCING
            self._save()
        elif act.kind in (ActKind.KILL, ActKind.FLATTEN):
            self._state = TradingState.HALTED
            if "kill_volatile" not in self._bugs:
                kill_file.write(self._kill_path, act.kind, self._clock.now_ms())
                self._save()
        if act.kind in (ActKind.CLOSE, ActKind.FLATTEN):
            async with self._lock:
                for symbol in [act.symbol] if act.symbol else self._world.symbols:
                    await self._exit(symbol, abs(self._held.get(symbol, Decimal(0))))
        return True


async def make_engine(world: World, bugs: frozenset[str] = frozenset()) -> ToyEngine:
    """A life of the toy, correct but for `bugs`."""
    return ToyEngine(world, bugs)
