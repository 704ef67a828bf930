"""A small engine that does what the reliability notes ask for, and can be made to break each rule:
it proves that the simulation finds what it looks for.

Market orders and stops at the venue; one task, and the operator beside it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from tests.simulation.engine import Act, ActKind, Decision, Wish
from tests.simulation.toy_orders import LOT, Order, ToyOrders
from tests.simulation.world import World
from tui_trader.agent import kill_file
from tui_trader.messages import TradingState
from tui_trader.models import (
    OrderRecord,
    OrderRequest,
    OrderRole,
    OrderStatus,
    OrderType,
    TradeSide,
)
from tui_trader.models.money import exact
from tui_trader.trading_history.database import StoreError

_CYCLE_SECONDS = 10.0
_TICK_SECONDS = 1.0
_NAKED_SECONDS = 15.0
_RESTING_MS = 30_000


class ToyEngine(ToyOrders):
    """One life of the toy: one task that does everything, and the operator beside it."""

    def __init__(self, world: World, bugs: frozenset[str]) -> None:
        super().__init__(world, bugs)
        self._stopping = asyncio.Event()
        self._lock = asyncio.Lock()
        self._cycles = 0
        self._pending: tuple[str, Decision, float] | None = None
        self._next_cycle = 0.0
        self._naked_since: dict[str, float] = {}

    # --- what the simulation asks -----------------------------------------------------------------

    async def run(self) -> None:
        self._venue.listen(self._heard)
        if "leaks_task" in self._bugs:
            self._leak = asyncio.create_task(asyncio.sleep(1e9))
        while not self._stopping.is_set():
            try:
                async with self._lock:
                    await self._reconcile()
                    await self._tidy()
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
            await self._exit(symbol, abs(held - left) // LOT * LOT, leg)
            return
        change = (wanted - held) // LOT * LOT if wanted > held else -((held - wanted) // LOT * LOT)
        if not change or not self._may_open(symbol, asked_ms):
            return
        self._stops[symbol] = wish.stop or 0.0
        self._save()
        request = OrderRequest(
            client_order_id=self._name(leg),
            symbol=symbol,
            side=TradeSide.BUY if change > 0 else TradeSide.SELL,
            quantity=float(abs(change)),
            type=OrderType.LIMIT if wish.limit else OrderType.MARKET,
            price=wish.limit,
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

    async def _tidy(self) -> None:
        """An entry rests for some time only, and not at all once nothing may be opened."""
        for order in self._live():
            old = self._clock.now_ms() - order.meant_ms > _RESTING_MS
            unwanted = old or self._state is not TradingState.ACTIVE
            if (
                order.role is OrderRole.ENTRY
                and unwanted
                and "kill_leaves_entries" not in self._bugs
            ):
                name = order.request.client_order_id
                await self._ask(self._venue.cancel(order.request.symbol, name))

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
