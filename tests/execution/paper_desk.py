"""A paper venue whose market a test moves."""

from dataclasses import replace
from decimal import Decimal

from tests.execution.trading import BTC, HandClock
from tui_trader.execution.interfaces import OrderRejected
from tui_trader.execution.paper import Book, PaperKeeping, PaperRules, PaperVenue, Wallet
from tui_trader.market_data.interfaces import MarketUpdate
from tui_trader.models import (
    Candle,
    InstrumentRef,
    OrderReport,
    OrderRequest,
    OrderType,
    Ticker,
    TradeSide,
    VenueEvent,
    VenueFill,
)

MINUTE_MS = 60_000


class PaperDesk:
    """An account at the paper venue, the market that it sees, and all that it was told."""

    def __init__(
        self,
        rules: PaperRules | None = None,
        *,
        capital: float = 10_000.0,
        price: float | None = 100.0,
        spread: float = 0.0,
        keeping: PaperKeeping | None = None,
        book: Book | None = None,
    ) -> None:
        self.clock = HandClock()
        self.clock.ms = 0
        self.rules = rules or PaperRules("linear", 0.0, 0.0, max_leverage=10.0)
        self.spread = spread
        self.price = price
        self.book = book
        self.events: list[VenueEvent] = []
        self.venue = PaperVenue(
            Wallet(Decimal(str(capital))),
            self.quote,
            self.clock,
            self.rules,
            keeping,
            lambda symbol: self.book,
        )
        self.venue.listen(self.events.append)
        self._names = 0

    def quote(self, symbol: str) -> Ticker | None:
        if self.price is None:
            return None
        half = self.spread / 2
        return Ticker(
            symbol=symbol,
            ts=self.clock.ms,
            bid=self.price - half,
            ask=self.price + half,
            last=self.price,
        )

    async def send(self, side: TradeSide, quantity: float, **more: object) -> OrderReport:
        """Send an order, at market unless a price or a trigger is given."""
        self._names += 1
        named = {"client_order_id": f"n{self._names}", "symbol": BTC} | more
        if "price" in more:
            named.setdefault("type", OrderType.LIMIT)
        return await self.venue.submit(
            OrderRequest.model_validate({"side": side, "quantity": quantity, **named})
        )

    async def refusal(self, side: TradeSide, quantity: float, **more: object) -> str:
        """Why an order is refused, empty when it is not."""
        try:
            await self.send(side, quantity, **more)
        except OrderRejected as error:
            return str(error)
        return ""

    def bar(
        self, open_: float, high: float, low: float, close: float, volume: float = 1_000.0
    ) -> None:
        """A whole minute passes, in one candle."""
        started = self.clock.ms // MINUTE_MS * MINUTE_MS
        self.price = close
        self.clock.ms = started + MINUTE_MS
        candle = Candle(
            ts=started,
            instrument=InstrumentRef(symbol=BTC),
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
            interval="1m",
        )
        self.venue.on_market(MarketUpdate(self.clock.ms, (), (candle,), closed=True))

    def at(self, price: float) -> None:
        """A minute in which the price jumps there and stays."""
        self.bar(price, price, price, price)

    @property
    def fills(self) -> list[VenueFill]:
        return [event for event in self.events if isinstance(event, VenueFill)]

    @property
    def prices(self) -> list[float]:
        return [fill.price for fill in self.fills]

    async def held(self) -> float:
        account = await self.venue.account()
        position = account.positions.get(BTC)
        return 0.0 if position is None else position.quantity

    async def balance(self) -> float:
        return (await self.venue.account()).balance


def linear(**changes: object) -> PaperRules:
    """A perpetual market without costs, changed as asked."""
    return replace(PaperRules("linear", 0.0, 0.0, max_leverage=10.0), **changes)  # type: ignore[arg-type]


def spot(**changes: object) -> PaperRules:
    """A spot market without costs, changed as asked."""
    return replace(PaperRules("spot", 0.0, 0.0), **changes)  # type: ignore[arg-type]
