"""A gateway on a scripted venue, a real store and real books, at a time that the test moves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.execution.scripted_venue import PRICE, ScriptedVenue
from tui_trader.clock import Clock
from tui_trader.execution.gateway import Past, Ties, VenueGateway
from tui_trader.execution.pursuit import Patience
from tui_trader.models import (
    FundingPayment,
    InstrumentRef,
    KeptOrder,
    OrderRecord,
    OrderRole,
    OrderStatus,
    Protection,
    Ticker,
    TradeInstruction,
    TradeSide,
    TxResult,
)
from tui_trader.portfolio.ledger import Ledger
from tui_trader.trading_history.store import Store

BTC = "BTC/USDT"
BUY, SELL = TradeSide.BUY, TradeSide.SELL
NO_WAIT = Patience(answer=1.0, settle=0.0, ask=2.0, rest=30.0, resting_entry=60.0)
DEADLINE_MS = 5_000


class HandClock(Clock):
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    async def sleep_until(self, ts_ms: int) -> None:
        raise AssertionError("nothing here sleeps")


def order(
    side: TradeSide,
    quantity: float,
    name: str = "c1",
    *,
    reduce_only: bool = False,
    protection: Protection | None = None,
    **more: object,
) -> TradeInstruction:
    """An instruction in BTC."""
    return TradeInstruction.model_validate(
        {
            "instruction_id": f"{name}:{BTC}",
            "compose_id": name,
            "instrument": InstrumentRef(symbol=BTC),
            "side": side,
            "quantity": quantity,
            "reduce_only": reduce_only,
            "protection": protection,
            **more,
        }
    )


@dataclass
class Trading:
    """One engine's side of an account; `again` is the same one after a crash."""

    venue: ScriptedVenue = field(default_factory=ScriptedVenue)
    store: Store = field(default_factory=Store.in_memory)
    clock: HandClock = field(default_factory=HandClock)
    patience: Patience = NO_WAIT
    run: int = 1
    halted: str = ""

    def __post_init__(self) -> None:
        self.booked: list[TxResult] = []
        self.steps: list[OrderRecord] = []
        self.troubles: list[str] = []
        self.closes: list[str] = []
        self.ledger = Ledger(10_000.0)
        for fill in self.store.fills():
            self.ledger.apply(fill)
        self.venue.now_ms = self.clock.now_ms
        self.gateway = VenueGateway(
            self.venue,
            self.store,
            self.clock,
            Ties(
                quotes=self.quote,
                positions=lambda: {s: p.quantity for s, p in self.ledger.positions.items()},
                objection=lambda: self.halted,
                close=self.close,
                booked=self.book,
                changed=lambda order: self.steps.append(order.record),
                fund=self.fund,
                trouble=self.troubles.append,
            ),
            account="test",
            run_id=f"run{self.run}",
            past=self._past(),
            patience=self.patience,
            protect_deadline_ms=DEADLINE_MS,
        )

    @property
    def mark(self) -> float:
        return self.venue.price

    def quote(self, symbol: str) -> Ticker:
        mark = self.venue.price
        return Ticker(symbol=symbol, ts=self.clock.ms, bid=mark, ask=mark, last=mark)

    def book(self, news: TxResult) -> None:
        self.booked.append(news)
        for fill in news.fills:
            self.ledger.apply(fill)

    def fund(self, payment: FundingPayment) -> None:
        self.ledger.apply_funding(payment.symbol, payment.amount, payment.ts)

    async def close(self, symbol: str, because: str) -> None:
        self.closes.append(because)
        held = float(self.ledger.quantity_of(symbol))
        if held:
            side = SELL if held > 0 else BUY
            name = f"close{len(self.closes)}-{self.run}"
            await self.gateway.execute([order(side, abs(held), name, reduce_only=True)])

    async def started(self) -> "Trading":
        await self.gateway.open()
        return self

    async def again(self) -> "Trading":
        """The engine after a crash: the disk and the venue are all that is left."""
        return await Trading(
            self.venue, self.store, self.clock, self.patience, self.run + 1, self.halted
        ).started()

    async def after(self, seconds: float) -> None:
        """Let time pass, second by second, tended each second."""
        for _ in range(round(seconds)):
            self.clock.ms += 1_000
            await self.gateway.tend()

    async def send(self, *orders: TradeInstruction) -> list[TxResult]:
        return await self.gateway.execute(orders)

    @property
    def held(self) -> float:
        return float(self.ledger.quantity_of(BTC))

    def orders(self, role: OrderRole | None = None) -> list[KeptOrder]:
        return [kept for kept in self.store.orders() if role in (None, kept.record.role)]

    def status(self, name: str = "c1") -> OrderStatus:
        """Where the order of an instruction stands, on the disk."""
        (kept,) = [it for it in self.orders() if it.record.instruction_id == f"{name}:{BTC}"]
        return kept.record.status

    def resting(self, role: OrderRole) -> list[OrderRecord]:
        """What rests at the venue in this role, of what the store knows."""
        there = {name for name, it in self.venue.orders.items() if not it.status.final}
        return [it.record for it in self.orders(role) if it.record.client_order_id in there]

    def _past(self) -> Past:
        fills = list(self.store.fills())
        openers = [
            kept
            for symbol, position in self.ledger.positions.items()
            for kept in self.store.orders_since(position.opened_by or "", symbol)
            if kept.record.role is OrderRole.ENTRY and kept.record.filled_qty
        ]
        return Past(
            live=self.store.orders(live=True),
            openers=openers,
            booked=[(fill.symbol, fill.trade_id) for fill in fills],
            until_ms=max((fill.ts for fill in fills), default=0),
        )


Act = Callable[[Trading], Awaitable[object]]
__all__ = ["BTC", "BUY", "DEADLINE_MS", "PRICE", "SELL", "Act", "Trading", "order"]
