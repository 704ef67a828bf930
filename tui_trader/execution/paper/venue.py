"""The paper venue: an exchange in this process, with the manners of a real one."""

from collections.abc import Callable
from decimal import Decimal

from tui_trader.clock import Clock
from tui_trader.execution.interfaces import BaseVenue, OrderRejected, OutcomeUnknown
from tui_trader.execution.paper.bars import Move, move_between, touched_at, urgency
from tui_trader.execution.paper.book import Book, takes
from tui_trader.execution.paper.keeping import PaperKeeping
from tui_trader.execution.paper.rules import HOUR_MS, OrderFilter, PaperRules
from tui_trader.execution.paper.wallet import Wallet
from tui_trader.market_data.interfaces import MarketUpdate
from tui_trader.models import (
    Candle,
    FundingPayment,
    OrderReport,
    OrderRequest,
    OrderStatus,
    OrderType,
    Ticker,
    TimeInForce,
    TradeSide,
    VenueAccount,
    VenueEvent,
    VenueFill,
    VenuePosition,
)
from tui_trader.models.money import exact

BPS = Decimal(10_000)
FLAT = "nothing to reduce"
_ZERO = Decimal(0)
_NOTHING = OrderFilter()


class PaperVenue(BaseVenue):
    """Fills at the quotes that `quotes` gives, by `rules`; begins with `wallet`.

    An order at market walks the book that `books` gives; where there is none it pays the ask or
    gets the bid (the last price where that side is missing), worsened by slippage. A limit order
    that can be filled at once is, at the quote or better, as taker; else it rests and fills at its
    price, as maker. Stops and targets wait for the price inside the candles and then act at market;
    what one candle holds is judged by `bars`. What rests meets only prices from after its arrival.
    Nothing happens on a price that is missing or none.

    What is reduce-only never does more than close, and ends when there is nothing to reduce; no
    such order is ever refused for its size. Prices move by `on_market`. Where `keeping` has kept an
    account, that one goes on instead of `wallet`.
    """

    def __init__(
        self,
        wallet: Wallet,
        quotes: Callable[[str], Ticker | None],
        clock: Clock,
        rules: PaperRules,
        keeping: PaperKeeping | None = None,
        books: Callable[[str], Book | None] = lambda symbol: None,
    ) -> None:
        self._quotes = quotes
        self._clock = clock
        self._rules = rules
        self._books = books
        self._keeping = keeping or PaperKeeping()
        self._wallet = wallet
        self._sink: Callable[[VenueEvent], None] = lambda event: None
        self._seen_ms = self._keeping.load(self._wallet)
        self._resting = {it.request.client_order_id: it for it in self._keeping.live_orders()}
        self._candles: dict[str, Candle] = {}
        self._reports: dict[str, OrderReport] = {}
        self._fills: list[VenueFill] = []
        self._payments: list[FundingPayment] = []
        self.landing_ms = rules.latency_ms

    # --- what an exchange does --------------------------------------------------------------------

    async def close(self) -> None:
        self._keeping.close()

    async def submit(self, request: OrderRequest) -> OrderReport:
        name = request.client_order_id
        if name in self._resting:
            # As elsewhere: it says nothing of whether this request or an earlier one was taken.
            raise OutcomeUnknown("duplicate order sent")
        if reason := self._refusal(request):
            raise OrderRejected(reason)
        now = self._clock.now_ms()
        report = OrderReport(request=request, status=OrderStatus.ACCEPTED, ts=now)
        self._put(report)
        if not self._rules.latency_ms:
            self._arrive(report, now)
        report = self._reports[name]
        self._tell()
        return report

    async def cancel(self, symbol: str, client_order_id: str) -> None:
        report = self._resting.get(client_order_id)
        if report is None:
            raise OrderRejected("unknown order")
        self._end(report, OrderStatus.CANCELLED)
        self._tell()

    async def lookup(self, symbol: str, client_order_id: str) -> OrderReport | None:
        return self._resting.get(client_order_id) or self._keeping.order(client_order_id)

    async def open_orders(self) -> list[OrderReport]:
        return list(self._resting.values())

    async def fills(self, since_ms: int) -> list[VenueFill]:
        return self._keeping.fills(since_ms)

    async def funding(self, since_ms: int) -> list[FundingPayment]:
        return self._keeping.funding(since_ms)

    async def account(self) -> VenueAccount:
        wallet = self._wallet
        spent = sum((held.cost for held in wallet.positions.values()), _ZERO)
        return VenueAccount(
            ts=self._clock.now_ms(),
            balance=float(wallet.balance - (spent if self._spot else 0)),
            positions={
                symbol: VenuePosition(
                    symbol=symbol,
                    quantity=float(held.quantity),
                    avg_price=float(held.avg_price),
                    liquidation_price=self.liquidation_price(symbol),
                )
                for symbol, held in wallet.positions.items()
            },
        )

    def listen(self, sink: Callable[[VenueEvent], None]) -> None:
        self._sink = sink

    def liquidation_price(self, symbol: str) -> float | None:
        marks = self._marks()
        if self._spot or marks is None:
            return None
        price = self._wallet.liquidation_price(symbol, marks, self._maintenance)
        return None if price is None else float(price)

    def on_market(self, update: MarketUpdate) -> None:
        self._pay_funding(update.ts)
        moves = {}
        for candle in update.candles:
            symbol = candle.instrument.symbol
            moves[symbol] = move_between(self._candles.get(symbol), candle)
            self._candles[symbol] = candle
        waiting = sorted(self._resting.values(), key=lambda report: urgency(report.request))
        for report in waiting:
            move = moves.get(report.request.symbol)
            if move is not None and report.request.client_order_id in self._resting:
                self._move(report, move, update.ts)
        self._liquidate(update.ts)
        self._seen_ms = update.ts
        self._tell()

    # --- taking orders ----------------------------------------------------------------------------

    @property
    def _spot(self) -> bool:
        return self._rules.market == "spot"

    @property
    def _maintenance(self) -> Decimal:
        return exact(self._rules.maintenance_margin)

    def _reduces(self, request: OrderRequest) -> bool:
        """Whether an order can only ever close: on spot nothing is sold that is not there."""
        return request.reduce_only or (self._spot and request.side is TradeSide.SELL)

    def _refusal(self, request: OrderRequest) -> str:
        """Why an order is not taken, empty when it is. A reduction is taken whatever its size."""
        held = self._wallet.quantity(request.symbol)
        if request.reduce_only:
            return FLAT if held * request.side.sign >= 0 else ""
        quantity = exact(request.quantity)
        after = held + quantity * request.side.sign
        if self._spot and after < 0 and after < held:
            return "insufficient balance"
        price = self._price(request)
        if price is None:
            return "no quote"
        if abs(after) <= abs(held):
            return ""
        limits = self._rules.filters.get(request.symbol, _NOTHING)
        if request.quantity < limits.min_qty:
            return f"below the minimum quantity of {limits.min_qty:g}"
        if quantity * price < exact(limits.min_notional):
            return f"below the minimum notional of {limits.min_notional:g}"
        return self._unaffordable(request, held, price)

    def _unaffordable(self, request: OrderRequest, held: Decimal, price: Decimal) -> str:
        marks, leverage = self._marks(), exact(self._rules.leverage)
        free = None if marks is None else self._wallet.free(marks, leverage, spot=self._spot)
        if free is None:
            return "buying power unknown"
        change = exact(request.quantity) * request.side.sign
        after = held + change
        opened = abs(after) if held * after < 0 else abs(after) - abs(held)
        fee = abs(change) * price * self._fee_rate(maker=False)
        needed = opened * price / leverage + fee
        return "insufficient balance" if needed > free - self._reserved(leverage) else ""

    def _reserved(self, leverage: Decimal) -> Decimal:
        """What resting orders that open may still need, quote currency."""
        return sum(
            (
                self._left(report) * exact(report.request.price) / leverage
                for report in self._resting.values()
                if report.request.price is not None and not self._reduces(report.request)
            ),
            _ZERO,
        )

    def _price(self, request: OrderRequest) -> Decimal | None:
        """What the order would pay or get at once, None where there is no price. A limit's own
        price is the worst that it can be."""
        if request.price is not None:
            return exact(request.price)
        ticker = self._quotes(request.symbol)
        return None if ticker is None else self._slipped(_far(ticker, request.side), request.side)

    def _slipped(self, price: float | None, side: TradeSide) -> Decimal | None:
        if price is None:
            return None
        return exact(price) * (1 + side.sign * exact(self._rules.slippage_bps) / BPS)

    def _fee_rate(self, *, maker: bool) -> Decimal:
        return exact(self._rules.maker_bps if maker else self._rules.taker_bps) / BPS

    def _arrive(self, report: OrderReport, now: int) -> None:
        """An order is here: what can be filled at once is."""
        request = report.request
        if request.type.waits:
            return
        budget = self._budget(request.symbol)
        wanted = self._left(report) if budget is None else min(self._left(report), budget)
        limit = None if request.price is None else exact(request.price)
        for price, quantity in takes(self._levels(request), request.side, wanted, limit):
            report = self._fill(report, quantity, price, now, maker=False)
        self._expire_rest(request.client_order_id)

    def _levels(self, request: OrderRequest) -> list[tuple[Decimal, Decimal]]:
        """What the order could take at this moment, the best price first."""
        side = request.side
        book = self._books(request.symbol)
        if book is not None:
            levels = book.asks if side is TradeSide.BUY else book.bids
            return [(exact(price), exact(quantity)) for price, quantity in levels]
        ticker = self._quotes(request.symbol)
        price = None if ticker is None else self._slipped(_far(ticker, side), side)
        return [] if price is None else [(price, exact(request.quantity))]

    def _budget(self, symbol: str, volume: float | None = None) -> Decimal | None:
        """How much an order may take of what is traded (base currency), None for all of it."""
        candle, share = self._candles.get(symbol), self._rules.volume_share
        if share is None or (volume is None and candle is None):
            return None
        traded = volume if volume is not None else candle.volume if candle else 0.0
        return exact(traded) * exact(share)

    def _expire_rest(self, name: str) -> None:
        """What must be filled at once, or not at all, ends with what is left of it."""
        report = self._resting.get(name)
        if report is None:
            return
        if report.request.time_in_force is TimeInForce.IOC:
            self._end(report, OrderStatus.EXPIRED, "no more within its price")

    # --- filling ----------------------------------------------------------------------------------

    def _move(self, report: OrderReport, move: Move, ts: int) -> None:
        """What a move of the market does to a resting order."""
        request = report.request
        held = self._wallet.quantity(request.symbol)
        if self._reduces(request) and held * request.side.sign >= 0:
            self._end(report, OrderStatus.EXPIRED, FLAT)
            return
        if ts < report.ts + self._rules.latency_ms and not report.filled_qty:
            return  # it has not arrived
        if request.type is OrderType.MARKET or request.time_in_force is TimeInForce.IOC:
            self._arrive(report, ts)
            return
        touched = touched_at(request, move)
        if touched is None:
            return
        maker = request.type is OrderType.LIMIT
        price = exact(touched) if maker else self._slipped(touched, request.side)
        budget = self._budget(request.symbol, move.volume)
        if price is not None:
            left = self._left(report)
            quantity = left if budget is None else min(left, budget)
            self._fill(report, quantity, price, ts, maker=maker)

    def _fill(
        self, report: OrderReport, quantity: Decimal, price: Decimal, ts: int, *, maker: bool
    ) -> OrderReport:
        """Fill so much of an order; one that reduces never more than is held."""
        request = report.request
        if self._reduces(request):
            quantity = min(quantity, abs(self._wallet.quantity(request.symbol)))
        if quantity <= 0:
            return report
        fee = quantity * price * self._fee_rate(maker=maker)
        done = exact(report.filled_qty) + quantity
        self._trade(request, quantity, price, fee, ts, number=str(done), maker=maker)
        whole = done >= exact(request.quantity)
        status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        report = report.model_copy(update={"filled_qty": float(done), "status": status, "ts": ts})
        self._put(report)
        if self._wallet.quantity(request.symbol) == 0:
            self._end_reductions(request.symbol)
        return report

    def _trade(
        self,
        request: OrderRequest,
        quantity: Decimal,
        price: Decimal,
        fee: Decimal,
        ts: int,
        *,
        number: str,
        maker: bool,
    ) -> None:
        """Book a fill. An order's fills are told apart by how much of it is filled after each."""
        symbol, side, name = request.symbol, request.side, request.client_order_id
        self._wallet.trade(symbol, quantity * side.sign, price, fee, ts)
        self._fills.append(
            VenueFill(
                trade_id=f"{name}:{number}",
                client_order_id=name,
                symbol=symbol,
                side=side,
                quantity=float(quantity),
                price=float(price),
                fee=float(fee),
                maker=maker,
                ts=ts,
            )
        )

    def _left(self, report: OrderReport) -> Decimal:
        return exact(report.request.quantity) - exact(report.filled_qty)

    def _end_reductions(self, symbol: str) -> None:
        for report in tuple(self._resting.values()):
            if report.request.symbol == symbol and self._reduces(report.request):
                self._end(report, OrderStatus.EXPIRED, FLAT)

    # --- funding and liquidation ------------------------------------------------------------------

    def _pay_funding(self, now: int) -> None:
        """Pay for every hour of funding that has come since the market was last seen. What was
        opened in the very moment pays too."""
        every, seen = self._rules.funding_hours * HOUR_MS, self._seen_ms
        if self._spot or seen is None:
            return
        due = -(-seen // every) * every
        while due <= now:
            for symbol, held in self._wallet.positions.items():
                mark, rate = self._mark(symbol), self._rules.funding_rate(symbol)
                there = held.opened_ms == due if due == seen else held.opened_ms <= due
                if mark is None or not rate or not there:
                    continue
                amount = -held.quantity * mark * exact(rate)
                self._wallet.balance += amount
                self._payments.append(FundingPayment(symbol=symbol, amount=float(amount), ts=due))
            due += every

    def _liquidate(self, ts: int) -> None:
        """Close everything once equity is no more than the maintenance margin."""
        marks = self._marks()
        if self._spot or not self._wallet.positions or marks is None:
            return
        equity = self._wallet.equity(marks)
        if equity is None or equity > self._maintenance * self._wallet.gross(marks):
            return
        for symbol, held in tuple(self._wallet.positions.items()):
            quantity, price = abs(held.quantity), marks[symbol]
            fee = quantity * price * exact(self._rules.liquidation_fee_bps) / BPS
            # There is no order behind it, and so no name.
            request = OrderRequest(
                client_order_id="",
                symbol=symbol,
                side=TradeSide.SELL if held.quantity > 0 else TradeSide.BUY,
                quantity=float(quantity),
                reduce_only=True,
            )
            self._trade(request, quantity, price, fee, ts, number=f"liquidated {ts}", maker=False)
            self._end_reductions(symbol)

    def _mark(self, symbol: str) -> Decimal | None:
        ticker = self._quotes(symbol)
        mark = None if ticker is None else ticker.mark
        return None if mark is None else exact(mark)

    def _marks(self) -> dict[str, Decimal] | None:
        """The marks of all that is held, None while one is missing."""
        marks = {symbol: self._mark(symbol) for symbol in self._wallet.positions}
        known = {symbol: mark for symbol, mark in marks.items() if mark is not None}
        return known if len(known) == len(marks) else None

    # --- telling ----------------------------------------------------------------------------------

    def _put(self, report: OrderReport) -> None:
        name = report.request.client_order_id
        self._reports[name] = report
        if report.status.final:
            self._resting.pop(name, None)
        else:
            self._resting[name] = report

    def _end(self, report: OrderReport, status: OrderStatus, reason: str = "") -> None:
        now = self._clock.now_ms()
        self._put(report.model_copy(update={"status": status, "reason": reason, "ts": now}))

    def _tell(self) -> None:
        """Keep what has changed, then push it: fills before what they make of an order."""
        reports, fills, payments = self._reports, self._fills, self._payments
        self._reports, self._fills, self._payments = {}, [], []
        if not (reports or fills or payments):
            return
        self._keeping.save(self._wallet, self._seen_ms, tuple(reports.values()), fills, payments)
        events: list[VenueEvent] = [*fills, *payments, *reports.values()]
        for event in events:
            self._sink(event)


def _far(ticker: Ticker, side: TradeSide) -> float | None:
    """The far side of the quote, the last price where that is missing."""
    far = ticker.ask if side is TradeSide.BUY else ticker.bid
    return far if far > 0 else ticker.mark
