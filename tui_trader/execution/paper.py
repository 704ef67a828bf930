"""The paper venue: market orders filled at once at the quoted price, worsened by slippage."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Literal

from tui_trader.clock import Clock
from tui_trader.execution.interfaces import BaseExecutionGateway
from tui_trader.execution.orders import client_order_id
from tui_trader.models import (
    FeatureVector,
    Fill,
    PriceMode,
    Ticker,
    TradeInstruction,
    TradeSide,
    TxResult,
    TxStatus,
)
from tui_trader.models.money import exact

BPS = Decimal(10_000)
FLAT = "nothing to reduce"
REMEMBERED = 1_000


class PaperExecutionGateway(BaseExecutionGateway):
    """Fills buys at the ask and sells at the bid.

    `quotes` gives the newest ticker of a symbol; `position_of` the signed quantity held (base
    currency) and `buying_power` what may still be bought or sold short (quote currency, None when
    unknown), both as booked before `execute` was called. `on_order` is told of every order before
    it is filled, so that it can be written down first; when it fails nothing is opened, while a
    reduction goes on. Fees and slippage are basis points, the fee of the slipped notional.

    An instruction executed again gives its first result; the newest thousand are remembered, and an
    older one is for `on_order` to refuse.
    """

    def __init__(
        self,
        quotes: Callable[[str], Ticker | None],
        clock: Clock,
        *,
        position_of: Callable[[str], Decimal],
        buying_power: Callable[[], float | None],
        on_order: Callable[[TradeInstruction, str], None],
        market: Literal["spot", "linear"] = "spot",
        fee_bps: float = 10.0,
        slippage_bps: float = 0.0,
        account: str = "paper",
    ) -> None:
        if fee_bps < 0 or not 0 <= slippage_bps < BPS:
            raise ValueError(
                "fee_bps must be 0 or more and slippage_bps between 0 and 10000,"
                f" not {fee_bps} and {slippage_bps}"
            )
        self._quotes = quotes
        self._clock = clock
        self._position_of = position_of
        self._buying_power = buying_power
        self._on_order = on_order
        self._market = market
        self._fee = exact(fee_bps) / BPS
        self._slippage = exact(slippage_bps) / BPS
        self._account = account
        self._results: dict[str, TxResult] = {}

    async def execute(
        self,
        instructions: Sequence[TradeInstruction],
        market_features: Sequence[FeatureVector] = (),
    ) -> list[TxResult]:
        batch = _Batch(self._position_of)
        return [self._once(instruction, batch) for instruction in instructions]

    def _once(self, order: TradeInstruction, batch: "_Batch") -> TxResult:
        known = self._results.get(order.instruction_id)
        if known is None:
            try:
                known = self._execute(order, batch)
            except Exception as error:
                known = _unfilled(order, TxStatus.ERROR, f"{type(error).__name__}: {error}")
            self._results[order.instruction_id] = known
            if len(self._results) > REMEMBERED:
                del self._results[next(iter(self._results))]
        batch.stuck |= order.reduce_only and known.filled_qty == 0 and known.reason != FLAT
        return known

    def _execute(self, order: TradeInstruction, batch: "_Batch") -> TxResult:
        symbol = order.instrument.symbol
        held, quantity = batch.position_of(symbol), exact(order.quantity)
        if order.reduce_only:
            if held * order.side.sign >= 0:
                return _unfilled(order, TxStatus.REJECTED, FLAT)
            quantity = min(quantity, abs(held))
        ticker = self._quotes(symbol)
        price = None if ticker is None else self._price(ticker, order.side)
        if ticker is None or price is None:
            return _unfilled(order, TxStatus.REJECTED, "no quote")
        if reason := self._refusal(order, quantity, price, ticker, batch):
            return _unfilled(order, TxStatus.REJECTED, reason)
        order_id = client_order_id(self._account, order.instruction_id)
        try:
            self._on_order(order, order_id)
        except Exception as error:
            reason = f"the order could not be written down: {error}"
            if not order.reduce_only:
                return _unfilled(order, TxStatus.ERROR, f"not sent: {reason}")
        fee = price * quantity * self._fee
        result = self._filled(order, order_id, quantity, price, fee, reason)
        batch.book(symbol, quantity * order.side.sign, price, fee)
        return result

    def _price(self, ticker: Ticker, side: TradeSide) -> Decimal | None:
        """The far side of the quote, or the last price where that side is missing, slipped."""
        far = ticker.ask if side is TradeSide.BUY else ticker.bid
        price = far if far > 0 else ticker.mark
        return None if price is None else exact(price) * (1 + self._slippage * side.sign)

    def _refusal(
        self,
        order: TradeInstruction,
        quantity: Decimal,
        price: Decimal,
        ticker: Ticker,
        batch: "_Batch",
    ) -> str:
        """Why the venue refuses, empty when it takes it. A reduction at market always passes."""
        if order.price_mode is PriceMode.LIMIT:
            return "limit orders are not supported on paper"
        held = batch.position_of(order.instrument.symbol)
        after = held + quantity * order.side.sign
        if self._market == "spot" and after < 0 and after < held:
            return "insufficient balance"
        opened = abs(after) if held * after < 0 else abs(after) - abs(held)
        if opened <= 0:
            return ""
        if batch.stuck:
            return "a close before it was not filled"
        return self._slipped(order, price, ticker) or self._unaffordable(
            opened * price + quantity * price * self._fee, batch
        )

    def _slipped(self, order: TradeInstruction, price: Decimal, ticker: Ticker) -> str:
        bound = order.max_slippage_bps
        if bound is None:
            return ""
        if ticker.mark is None:
            return "no valid price"
        mark = exact(ticker.mark)
        worse = (price - mark) * order.side.sign
        return f"slippage above {bound} bps" if worse > mark * bound / BPS else ""

    def _unaffordable(self, cost: Decimal, batch: "_Batch") -> str:
        power = self._buying_power()
        if power is None:
            return "buying power unknown"
        return "insufficient balance" if cost > exact(power) + batch.freed else ""

    def _filled(
        self,
        order: TradeInstruction,
        order_id: str,
        quantity: Decimal,
        price: Decimal,
        fee: Decimal,
        reason: str,
    ) -> TxResult:
        fill = Fill(
            trade_id=f"{order_id}:1",
            order_id=order_id,
            instruction_id=order.instruction_id,
            compose_id=order.compose_id,
            symbol=order.instrument.symbol,
            side=order.side,
            quantity=float(quantity),
            price=float(price),
            fee=float(fee),
            ts=self._clock.now_ms(),
        )
        return TxResult(
            instruction_id=order.instruction_id,
            instrument=order.instrument,
            side=order.side,
            status=TxStatus.FILLED,
            requested_qty=order.quantity,
            filled_qty=fill.quantity,
            avg_exec_price=fill.price,
            fee_cost=fill.fee,
            leverage=order.leverage,
            order_id=order_id,
            reason=reason or None,
            fills=(fill,),
        )


class _Batch:
    """What the orders of one call have changed, before anyone could book it.

    `freed` is the change of buying power (quote currency), `stuck` tells that a reduction was not
    filled although something is held: what was meant to come after it must not open.
    """

    def __init__(self, position_of: Callable[[str], Decimal]) -> None:
        self._booked = position_of
        self._changes: dict[str, Decimal] = {}
        self.freed = Decimal(0)
        self.stuck = False

    def position_of(self, symbol: str) -> Decimal:
        return self._booked(symbol) + self._changes.get(symbol, Decimal(0))

    def book(self, symbol: str, change: Decimal, price: Decimal, fee: Decimal) -> None:
        before = self.position_of(symbol)
        self._changes[symbol] = self._changes.get(symbol, Decimal(0)) + change
        self.freed += (abs(before) - abs(before + change)) * price - fee


def _unfilled(order: TradeInstruction, status: TxStatus, reason: str) -> TxResult:
    return TxResult(
        instruction_id=order.instruction_id,
        instrument=order.instrument,
        side=order.side,
        status=status,
        requested_qty=order.quantity,
        filled_qty=0.0,
        leverage=order.leverage,
        reason=reason,
    )
