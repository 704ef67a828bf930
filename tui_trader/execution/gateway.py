"""The gateway to a venue: what sends, asks, protects and reconciles, as one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tui_trader.clock import Clock
from tui_trader.execution.blotter import Blotter, Order, OrderJournal
from tui_trader.execution.interfaces import BaseExecutionGateway, BaseVenue, Outstanding
from tui_trader.execution.protection import Protector
from tui_trader.execution.pursuit import Patience, Pursuit
from tui_trader.execution.reconcile import Reconciler
from tui_trader.execution.sending import Sender, result_of
from tui_trader.market_data.interfaces import MarketUpdate
from tui_trader.models import (
    FeatureVector,
    Fill,
    FundingPayment,
    KeptOrder,
    OrderRole,
    OrderStatus,
    Protection,
    Ticker,
    TradeInstruction,
    TxResult,
    VenueAccount,
)

logger = logging.getLogger(__name__)

NOT_READ = "the venue's books have not been read yet"


@dataclass(frozen=True, slots=True)
class Ties:
    """What a gateway needs of the rest of the agent.

    `quotes` gives the newest ticker of a symbol, `positions` what our fills make (signed base
    currency by symbol), `objection` why nothing may be opened now, empty when it may.
    `close(symbol, because)` closes a position. `booked` hears of every new fill, as a result with
    that fill alone, `changed` of every step of an order, `fund` of every funding payment (perhaps
    more than once), `trouble` of what must never happen.
    """

    quotes: Callable[[str], Ticker | None]
    positions: Callable[[], Mapping[str, Decimal]]
    objection: Callable[[], str]
    close: Callable[[str, str], Awaitable[object]]
    booked: Callable[[TxResult], None]
    changed: Callable[[Order], None]
    fund: Callable[[FundingPayment], None]
    trouble: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier runs have left: live orders, the orders that opened what is held (oldest first),
    the fills that are in the books by symbol and trade id, and the time (ms) of the newest."""

    live: Sequence[KeptOrder] = ()
    openers: Sequence[KeptOrder] = ()
    booked: Iterable[tuple[str, str]] = ()
    until_ms: int = 0


class VenueGateway(BaseExecutionGateway):
    """Trades at `venue`; every order is kept in `journal`. `account` makes the names of orders
    unique among accounts, `run_id` those of this run among runs."""

    def __init__(
        self,
        venue: BaseVenue,
        journal: OrderJournal,
        clock: Clock,
        ties: Ties,
        *,
        account: str,
        run_id: str,
        past: Past,
        patience: Patience,
        protect_deadline_ms: int,
    ) -> None:
        self._venue = venue
        self._ties = ties
        self._past = past
        self._tending = False
        self._blotter = Blotter(
            journal,
            clock,
            changed=ties.changed,
            booked=self._booked,
            trouble=ties.trouble,
            booked_before=past.booked,
        )
        self._pursuit = Pursuit(venue, self._blotter, clock, patience)
        self._reconciler = Reconciler(
            venue,
            self._blotter,
            self._pursuit,
            clock,
            positions=ties.positions,
            fund=ties.fund,
            trouble=ties.trouble,
            known_until_ms=past.until_ms,
        )
        self._sender = Sender(
            venue,
            self._blotter,
            self._pursuit,
            clock,
            quotes=ties.quotes,
            position_of=self._position_of,
            objection=self._objection,
            patience=patience,
            account=account,
        )
        self._protector = Protector(
            venue,
            self._sender,
            self._blotter,
            self._pursuit,
            clock,
            quotes=ties.quotes,
            position_of=self._position_of,
            close=ties.close,
            deadline_ms=protect_deadline_ms,
            account=account,
            run_id=run_id,
        )

    async def open(self) -> None:
        await self._venue.open()
        self._venue.listen(self._reconciler.hear)
        self._blotter.restore(self._past.live)
        self._protector.restore(kept.instruction for kept in self._past.openers)
        await self._reconciler.run()
        await self.tend()

    async def close(self) -> None:
        await self._venue.close()

    async def execute(
        self,
        instructions: Sequence[TradeInstruction],
        market_features: Sequence[FeatureVector] = (),
    ) -> list[TxResult]:
        results = await self._sender.execute(instructions)
        await self._protector.tend()
        return results

    async def tend(self) -> None:
        if self._tending:
            return
        self._tending = True
        try:
            if self._reconciler.due:
                await self._reconcile()
            await self._pursuit.tend()
            await self._protector.tend()
        finally:
            self._tending = False

    def on_market(self, update: MarketUpdate) -> None:
        self._venue.on_market(update)

    def outstanding(self) -> Outstanding:
        unexplained = self._reconciler.external.keys()
        return Outstanding(self._blotter.pending(), self._blotter.unknown() | unexplained)

    def withdraw(self, symbol: str | None, because: str) -> None:
        for order in self._blotter.live(symbol):
            if order.record.role is not OrderRole.ENTRY or order.unwanted:
                continue
            order.unwanted = because
            order.asked = 0.0
            if order.record.status is OrderStatus.INTENDED:
                self._blotter.step(order, OrderStatus.REJECTED, f"not sent: {because}")

    async def cancel(self, client_order_id: str, because: str) -> str:
        order = self._blotter.get(client_order_id)
        if order is None:
            raise KeyError(client_order_id)
        if not order.live:
            raise ValueError(f"it is {order.record.status} already")
        await self._pursuit.cancel(order, because)
        return order.record.status

    async def account(self) -> VenueAccount | None:
        return await self._reconciler.run()

    def protection_of(self, symbol: str) -> tuple[Protection | None, bool | None]:
        """What protects the position in `symbol`, and whether that is in force."""
        return self._protector.state_of(symbol)

    def liquidation_of(self, symbol: str) -> float | None:
        """At which mark the venue would close `symbol` by itself (quote currency); None where there
        is no such price, or it does not tell."""
        return self._venue.liquidation_price(symbol)

    @property
    def external(self) -> Mapping[str, float]:
        """What the venue has that is not ours, signed base currency by symbol."""
        return self._reconciler.external

    def save(self) -> None:
        """Write down once more what the disk has refused. Raises when it still does."""
        self._blotter.save()

    async def _reconcile(self) -> None:
        try:
            await self._reconciler.run()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.warning("the venue's books could not be read: %s", error)

    def _position_of(self, symbol: str) -> Decimal:
        return self._ties.positions().get(symbol, Decimal(0))

    def _objection(self) -> str:
        return self._ties.objection() or ("" if self._reconciler.done_once else NOT_READ)

    def _booked(self, order: Order, fill: Fill) -> None:
        whole = result_of(order)
        news = {
            "filled_qty": fill.quantity,
            "avg_exec_price": fill.price,
            "fee_cost": fill.fee,
            "fills": (fill,),
        }
        self._ties.booked(whole.model_copy(update=news))
        self._protector.note_fill(order)
