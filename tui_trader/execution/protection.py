"""Protection: a stop and a target for what is held, confirmed at the venue or kept here."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from tui_trader.clock import Clock
from tui_trader.execution.blotter import Blotter, Order
from tui_trader.execution.interfaces import BaseVenue
from tui_trader.execution.orders import client_order_id
from tui_trader.execution.pursuit import Pursuit
from tui_trader.execution.sending import Sender
from tui_trader.models import (
    OrderRequest,
    OrderRole,
    OrderStatus,
    OrderType,
    Protection,
    Ticker,
    TradeInstruction,
    TradeSide,
)

logger = logging.getLogger(__name__)

TRAIL_STEP = 0.0005
"""By so much of its price a trailing stop must gain before it is moved: no storm of orders."""

_TYPES = {OrderRole.STOP: OrderType.STOP_MARKET, OrderRole.TARGET: OrderType.TAKE_PROFIT}
_RESTS = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


@dataclass(slots=True)
class Guard:
    """What the position in a symbol is to be protected by. `opener` is the instruction that asked
    for it, `best` the best mark since, `naked_since` (ms) since when it is not in force."""

    want: Protection
    opener: TradeInstruction
    best: float | None = None
    naked_since: int | None = None


class Protector:
    """Sees to it that what rests at the venue is what is wanted: after each fill, at each moment of
    the market, after a restart. It asks what is there and what should be, and mends the difference,
    so that it does not matter how the difference came about.

    A new order is in force before the old one is cancelled. A stop that is not confirmed within
    `deadline_ms` of the fill, or is passed by the mark meanwhile, closes the position through
    `close(symbol, because)`. What rests for a position that is no more is cancelled.
    """

    def __init__(
        self,
        venue: BaseVenue,
        sender: Sender,
        blotter: Blotter,
        pursuit: Pursuit,
        clock: Clock,
        *,
        quotes: Callable[[str], Ticker | None],
        position_of: Callable[[str], Decimal],
        close: Callable[[str, str], Awaitable[object]],
        deadline_ms: int,
        account: str,
        run_id: str,
    ) -> None:
        self._venue = venue
        self._sender = sender
        self._blotter = blotter
        self._pursuit = pursuit
        self._clock = clock
        self._quotes = quotes
        self._position_of = position_of
        self._close = close
        self._deadline_ms = deadline_ms
        self._account = account
        self._run_id = run_id
        self._guards: dict[str, Guard] = {}
        self._legs = 0
        self._busy: set[str] = set()

    def state_of(self, symbol: str) -> tuple[Protection | None, bool | None]:
        """What protects the position in `symbol`, as it stands now, and whether that is in force;
        None where nothing was asked for."""
        guard = self._guards.get(symbol)
        if guard is None:
            return None, None
        return guard.want, guard.naked_since is None

    def restore(self, openers: Iterable[TradeInstruction]) -> None:
        """Take in what opened the positions that are held, oldest first: in each symbol the last
        that asked for protection says for which."""
        for opener in openers:
            self._guard(opener)
        for order in self._blotter.live():
            guard = self._guards.get(order.record.symbol)
            if guard is not None and order.record.role is OrderRole.STOP:
                # A stop that has followed the price does not forget how far it came.
                self._raise(guard, order.record.request.trigger_price)

    def note_fill(self, order: Order) -> None:
        """A fill of `order` is in the books."""
        symbol = order.record.symbol
        if self._position_of(symbol) == 0:
            self._guards.pop(symbol, None)
        elif order.record.role is OrderRole.ENTRY:
            self._guard(order.instruction)
        elif guard := self._guards.get(symbol):
            guard.naked_since = guard.naked_since or self._clock.now_ms()

    async def tend(self) -> None:
        """Mend what is not as it should be."""
        protective = {o.record.symbol for o in self._blotter.live() if o.record.role.protects}
        for symbol in sorted(protective | self._guards.keys()):
            if symbol not in self._busy:
                self._busy.add(symbol)
                try:
                    await self._ensure(symbol)
                finally:
                    self._busy.discard(symbol)

    def _guard(self, opener: TradeInstruction) -> None:
        symbol = opener.instrument.symbol
        before = self._guards.get(symbol)
        want = opener.protection or (before.want if before else None)
        if want:
            since = before.naked_since if before and before.naked_since else self._clock.now_ms()
            self._guards[symbol] = Guard(want, opener, naked_since=since)

    async def _ensure(self, symbol: str) -> None:
        held, guard = self._position_of(symbol), self._guards.get(symbol)
        if held == 0 or guard is None:
            self._guards.pop(symbol, None)
            await self._cancel(self._resting(symbol), "its position is closed")
            return
        if self._being_closed(symbol):
            return
        self._follow(symbol, held, guard)
        stop = await self._in_force(OrderRole.STOP, guard.want.stop_loss, held, guard)
        target = await self._in_force(OrderRole.TARGET, guard.want.take_profit, held, guard)
        if self._guards.get(symbol) is not guard or self._position_of(symbol) != held:
            return  # it has changed meanwhile: the next look tells
        if stop and target:
            guard.naked_since = None
            return
        await self._not_in_force(symbol, held, guard, stop=stop, target=target)

    async def _not_in_force(
        self, symbol: str, held: Decimal, guard: Guard, *, stop: bool, target: bool
    ) -> None:
        now = self._clock.now_ms()
        guard.naked_since = guard.naked_since or now
        passed = self._passed(symbol, held, guard.want, stop=stop, target=target)
        if passed:
            await self._close(symbol, passed)
        elif not stop and not self._kept_here and now - guard.naked_since >= self._deadline_ms:
            seconds = self._deadline_ms / 1000
            await self._close(symbol, f"no stop could be confirmed within {seconds:g} s")
        elif self._kept_here:
            guard.naked_since = None

    @property
    def _kept_here(self) -> bool:
        return not self._venue.holds_protection

    async def _in_force(
        self, role: OrderRole, price: float | None, held: Decimal, guard: Guard
    ) -> bool:
        """Bring what rests in this role to what is wanted; whether that is so at the end."""
        symbol = guard.opener.instrument.symbol
        resting = [order for order in self._resting(symbol) if order.record.role is role]
        if price is None:
            await self._cancel(resting, "not wanted any more")
            return role is OrderRole.TARGET or guard.want.trailing_pct is None
        if self._kept_here:
            return False
        fitting = [order for order in resting if _fits(order, price, held)]
        if not fitting and not self._past(price, role, symbol, held):
            fitting = [await self._place(role, price, held, guard)]
        if not any(order.record.status in _RESTS for order in fitting):
            return False
        await self._cancel([order for order in resting if order not in fitting], "replaced")
        return True

    async def _place(self, role: OrderRole, price: float, held: Decimal, guard: Guard) -> Order:
        opener = guard.opener
        instruction = opener.model_copy(
            update={
                "instruction_id": self._next_id(opener, role),
                "side": TradeSide.SELL if held > 0 else TradeSide.BUY,
                "quantity": float(abs(held)),
                "reduce_only": True,
                "protection": None,
                "meta": None,
            }
        )
        request = OrderRequest(
            client_order_id=client_order_id(self._account, instruction.instruction_id),
            symbol=opener.instrument.symbol,
            side=instruction.side,
            quantity=instruction.quantity,
            type=_TYPES[role],
            trigger_price=price,
            reduce_only=True,
        )
        order = self._blotter.intend(instruction, request, role)
        await self._sender.send(order)
        return order

    def _next_id(self, opener: TradeInstruction, role: OrderRole) -> str:
        """A name that no order of this opening has had."""
        self._legs += 1
        opening = f"{opener.compose_id}:{opener.instrument.symbol}"
        return f"{opening}:{role}:{self._run_id}-{self._legs}"

    async def _cancel(self, unwanted: Iterable[Order], because: str) -> None:
        for order in unwanted:
            if not order.unwanted:
                await self._pursuit.cancel(order, because)

    def _resting(self, symbol: str) -> list[Order]:
        return [
            order
            for order in self._blotter.live(symbol)
            if order.record.role.protects and not order.unwanted
        ]

    def _being_closed(self, symbol: str) -> bool:
        """Whether an order that closes it is on its way; what nobody answers for does not count."""
        return any(
            order.record.role is OrderRole.EXIT and order.record.status is not OrderStatus.UNKNOWN
            for order in self._blotter.live(symbol)
        )

    def _mark(self, symbol: str) -> float | None:
        ticker = self._quotes(symbol)
        return ticker.mark if ticker is not None else None

    def _follow(self, symbol: str, held: Decimal, guard: Guard) -> None:
        """Let a trailing stop follow the best price, never back."""
        mark, share = self._mark(symbol), guard.want.trailing_pct
        if mark is None or share is None:
            return
        better = max if held > 0 else min
        guard.best = mark if guard.best is None else better(guard.best, mark)
        level = guard.best * (1 - share if held > 0 else 1 + share)
        stop = guard.want.stop_loss
        if stop is None or abs(level - stop) > TRAIL_STEP * mark:
            self._raise(guard, level)

    def _raise(self, guard: Guard, level: float | None) -> None:
        """Move the stop to `level`, where that is nearer to the price than it was."""
        stop, buys = guard.want.stop_loss, guard.opener.side is TradeSide.BUY
        if level is None or (stop is not None and (level < stop if buys else level > stop)):
            return
        guard.want = guard.want.model_copy(update={"stop_loss": level})

    def _past(self, price: float, role: OrderRole, symbol: str, held: Decimal) -> bool:
        mark = self._mark(symbol)
        if mark is None:
            return False
        below = (held > 0) is (role is OrderRole.STOP)
        return mark <= price if below else mark >= price

    def _passed(
        self, symbol: str, held: Decimal, want: Protection, *, stop: bool, target: bool
    ) -> str:
        """Why the position must be closed at once: the mark is past what is not in force."""
        if not stop and want.stop_loss and self._past(want.stop_loss, OrderRole.STOP, symbol, held):
            return f"the stop at {want.stop_loss:g} is passed"
        goal = want.take_profit
        if not target and goal and self._past(goal, OrderRole.TARGET, symbol, held):
            return f"the target at {goal:g} is reached"
        return ""


def _fits(order: Order, price: float, held: Decimal) -> bool:
    return order.record.request.trigger_price == price and order.remaining == abs(held)
