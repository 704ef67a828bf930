"""Reconciliation: what the venue has against what we believe, at the start and from then on."""

import logging
from collections.abc import Callable, Mapping
from decimal import Decimal

from tui_trader.clock import Clock
from tui_trader.execution.blotter import Blotter
from tui_trader.execution.interfaces import BaseVenue
from tui_trader.execution.orders import is_ours
from tui_trader.execution.pursuit import Pursuit
from tui_trader.models import (
    FundingPayment,
    OrderReport,
    OrderRequest,
    OrderRole,
    OrderStatus,
    TradeInstruction,
    VenueAccount,
    VenueEvent,
    VenueFill,
)
from tui_trader.models.market import InstrumentRef
from tui_trader.models.money import exact

logger = logging.getLogger(__name__)

OVERLAP_MS = 60_000
"""Fills are asked for from so long before the newest one that is known."""

EVERY_SECONDS = 30.0


class Reconciler:
    """Brings our books to what the venue has.

    `positions` gives what our fills make, signed base currency by symbol; `fund` books a funding
    payment, once; `trouble` hears of what we can't explain. What of the venue's positions is not
    ours is external: it is counted, shown, and left alone.
    """

    def __init__(
        self,
        venue: BaseVenue,
        blotter: Blotter,
        pursuit: Pursuit,
        clock: Clock,
        *,
        positions: Callable[[], Mapping[str, Decimal]],
        fund: Callable[[FundingPayment], None],
        trouble: Callable[[str], None],
        known_until_ms: int = 0,
    ) -> None:
        self._venue = venue
        self._blotter = blotter
        self._pursuit = pursuit
        self._clock = clock
        self._positions = positions
        self._fund = fund
        self._trouble = trouble
        self._known_until_ms = known_until_ms
        self._looked: float | None = None
        self._differences: dict[str, Decimal] = {}
        self.external: dict[str, float] = {}
        self.foreign_orders: tuple[OrderReport, ...] = ()

    @property
    def done_once(self) -> bool:
        """Whether the venue's books have been read since the start."""
        return self._looked is not None

    @property
    def due(self) -> bool:
        """Whether it is time to look again."""
        waited = EVERY_SECONDS if self._looked is None else self._clock.monotonic() - self._looked
        return waited >= EVERY_SECONDS

    def hear(self, event: VenueEvent) -> None:
        """Take in what the venue pushes."""
        match event:
            case OrderReport():
                self._blotter.hear_report(event)
            case VenueFill():
                self._hear_fill(event)
            case FundingPayment():
                self._fund(event)

    async def run(self) -> VenueAccount:
        """Read the venue's books and ours into one. Raises what the venue raises: then nothing is
        known but what was."""
        started_ms = self._clock.now_ms()
        since_ms = max(0, self._known_until_ms - OVERLAP_MS)
        for fill in await self._venue.fills(since_ms):
            self._hear_fill(fill)
        for payment in await self._venue.funding(since_ms):
            self._fund(payment)
        resting = await self._venue.open_orders()
        for report in resting:
            await self._hear_resting(report)
        self.foreign_orders = tuple(it for it in resting if not is_ours(it.request.client_order_id))
        for order in self._blotter.live():
            if order.record.status not in (OrderStatus.INTENDED, OrderStatus.SUBMITTED):
                await self._pursuit.ask(order)
        account = await self._venue.account()
        self._compare(account)
        self._known_until_ms = started_ms
        self._looked = self._clock.monotonic()
        return account

    def _hear_fill(self, fill: VenueFill) -> None:
        name = fill.client_order_id
        if self._blotter.hear_fill(fill) or (name and not is_ours(name)):
            return
        if self._held(fill.symbol) * fill.side.sign < 0:
            self._adopt(fill)
        elif name:
            self._trouble(f"order {name} was filled at the venue and was never written down")

    def _adopt(self, fill: VenueFill) -> None:
        """A position of ours was reduced by an order that is not written down: the venue's own, or
        one that was sent while the disk refused. It is written down now."""
        name = fill.client_order_id or f"liquidation-{fill.symbol}-{fill.trade_id}"
        if self._blotter.of(name) is None:
            instruction = TradeInstruction(
                instruction_id=name,
                compose_id="",
                instrument=InstrumentRef(symbol=fill.symbol),
                side=fill.side,
                quantity=fill.quantity,
                reduce_only=True,
            )
            request = OrderRequest(
                client_order_id=name,
                symbol=fill.symbol,
                side=fill.side,
                quantity=fill.quantity,
                reduce_only=True,
            )
            self._blotter.send(self._blotter.intend(instruction, request, OrderRole.EXIT))
            whose = f"order {name} was never written down" if fill.client_order_id else "by itself"
            self._trouble(
                f"{fill.symbol}: the venue has closed {fill.quantity:g} at {fill.price:g}: {whose}"
            )
        self._blotter.hear_fill(fill.model_copy(update={"client_order_id": name}))

    async def _hear_resting(self, report: OrderReport) -> None:
        name = report.request.client_order_id
        if not is_ours(name):
            return
        if self._blotter.get(name) is not None:
            self._blotter.hear_report(report)
            return
        self._trouble(f"order {name} rests at the venue and was never written down")
        if not report.request.reduce_only:
            await self._venue.cancel(report.request.symbol, name)

    def _held(self, symbol: str) -> Decimal:
        return self._positions().get(symbol, Decimal(0))

    def _compare(self, account: VenueAccount) -> None:
        """What of the venue's positions is not ours. A difference that is only there once may be a
        fill on its way."""
        ours = self._positions()
        busy = {order.record.symbol for order in self._blotter.live()}
        found: dict[str, Decimal] = {}
        for symbol in sorted(ours.keys() | account.positions.keys()):
            there = account.positions.get(symbol)
            difference = exact(there.quantity if there else 0.0) - ours.get(symbol, Decimal(0))
            if difference:
                found[symbol] = difference
        first = self._looked is None
        settled = {
            symbol: difference
            for symbol, difference in found.items()
            if self._differences.get(symbol) == difference or (first and symbol not in busy)
        }
        self._differences = found
        external = {symbol: float(difference) for symbol, difference in settled.items()}
        for symbol, quantity in external.items():
            if self.external.get(symbol) != quantity:
                logger.warning("%s: %s is not ours", symbol, quantity)
        self.external = external
