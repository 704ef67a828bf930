"""The books: pure arithmetic on fills, in decimals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext

from tui_trader.models import Fill, InstrumentRef, TradeHistoryEntry, TradeType
from tui_trader.models.money import exact
from tui_trader.portfolio.tally import Tally

# Products and sums of the numbers that floats can name come out exact; only shares are rounded.
_EXACT = Context(prec=60)
_SHARE = Decimal("1e-18")
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of one symbol, never flat.

    `quantity` is signed base currency. `cost` is quantity times average price, so negative for a
    short; `fees` and `funding` are the entry fees and the funding received that no closed part has
    taken along; `realized` is price profit of the parts closed so far. All in quote currency.
    `opened_by` is the `compose_id` of the first fill since the symbol was flat, None where that
    fill names none.
    """

    quantity: Decimal
    cost: Decimal
    entry_ts: int
    fees: Decimal = _ZERO
    funding: Decimal = _ZERO
    realized: Decimal = _ZERO
    leverage: float | None = None
    opened_by: str | None = None

    @property
    def avg_price(self) -> Decimal:
        """Average entry price, quote currency."""
        return self.cost / self.quantity

    def unrealized(self, mark: Decimal) -> Decimal:
        """Price profit at `mark`, before any fee."""
        return self.quantity * mark - self.cost


class Ledger:
    """One account, from its fills alone.

    The identity that it keeps exactly: equity = initial capital + `transferred` + `realized` +
    `funding` - `fees` + unrealised. `realized` is price profit before fees, `transferred` deposits
    less withdrawals. Every fill counts once, by symbol and trade id, every funding by symbol and
    time, every transfer by its key. Spot and linear contracts are booked alike. `tally` counts what
    the fills came to.
    """

    def __init__(
        self,
        initial_capital: float,
        *,
        quote_ccy: str = "USDT",
        exchange_id: str | None = None,
        strategy_id: str = "",
    ) -> None:
        self.initial_capital = exact(initial_capital)
        self.quote_ccy = quote_ccy
        self.strategy_id = strategy_id
        self.realized = _ZERO
        self.fees = _ZERO
        self.funding = _ZERO
        self.transferred = _ZERO
        self.tally = Tally()
        self._exchange_id = exchange_id
        self._positions: dict[str, Position] = {}
        self._instruments: dict[str, InstrumentRef] = {}
        self._booked: set[tuple[str, str]] = set()
        self._funded: set[tuple[str, int]] = set()
        self._moved: set[str | tuple[int, float]] = set()

    @property
    def positions(self) -> Mapping[str, Position]:
        """Open positions by symbol."""
        return self._positions

    @property
    def balance(self) -> Decimal:
        """Initial capital, transfers, realised profit and funding less fees, quote currency."""
        return self.initial_capital + self.transferred + self.net_realized

    @property
    def net_realized(self) -> Decimal:
        """Realised profit and funding less all fees, quote currency."""
        return self.realized + self.funding - self.fees

    def quantity_of(self, symbol: str) -> Decimal:
        """Signed quantity held, base currency."""
        position = self._positions.get(symbol)
        return position.quantity if position else _ZERO

    def instrument(self, symbol: str) -> InstrumentRef:
        """The instrument of a symbol on this account."""
        if symbol not in self._instruments:
            self._instruments[symbol] = InstrumentRef(
                symbol=symbol, exchange_id=self._exchange_id, quote_ccy=self.quote_ccy
            )
        return self._instruments[symbol]

    def equity(self, marks: Mapping[str, float]) -> Decimal | None:
        """Balance plus unrealised profit at `marks`; None when a held symbol has no mark."""
        return self.valued(marks)[1]

    def valued(self, marks: Mapping[str, float]) -> tuple[dict[str, Decimal], Decimal | None]:
        """The unrealised profit of each held symbol that has a mark, and equity."""
        with localcontext(_EXACT):
            profits = {
                symbol: position.unrealized(exact(marks[symbol]))
                for symbol, position in self._positions.items()
                if symbol in marks
            }
            if len(profits) < len(self._positions):
                return profits, None
            return profits, sum(profits.values(), self.balance)

    def apply(self, fill: Fill, leverage: float | None = None) -> list[TradeHistoryEntry]:
        """Book `fill` and return the trade that it closed, if any. Booked before, it does nothing.

        A fill beyond flat closes, then opens at its own price. `leverage` is that of the position
        which the fill opens.
        """
        key = (fill.symbol, fill.trade_id)
        if key in self._booked:
            return []
        self._booked.add(key)
        with localcontext(_EXACT):
            closed = self._apply(fill, leverage)
            self.tally.note(fill, closed, held=bool(self._positions))
        return closed

    def _apply(self, fill: Fill, leverage: float | None) -> list[TradeHistoryEntry]:
        price, fee = exact(fill.price), exact(fill.fee)
        change = exact(fill.quantity) * fill.side.sign
        self.fees += fee
        position = self._positions.get(fill.symbol)
        if position is None or position.quantity * change > 0:
            self._increase(fill, position, change, price, fee, leverage)
            return []
        if fill.quantity == float(abs(position.quantity)):
            change = -position.quantity  # a float can't name more digits than these
        closed = -change if abs(change) < abs(position.quantity) else position.quantity
        exit_fee = _share(fee, closed, -change)
        entry = self._close(fill, position, closed, price, exit_fee)
        rest = change + closed
        if rest:
            self._increase(fill, None, rest, price, fee - exit_fee, leverage)
        return [entry]

    def apply_funding(self, symbol: str, amount: float, ts: int) -> None:
        """Book funding received (paid when negative) in quote currency, at `ts` (ms).

        It goes along with the position, if one is held, into the profit of its trade.
        """
        if (symbol, ts) in self._funded:
            return
        self._funded.add((symbol, ts))
        with localcontext(_EXACT):
            received = exact(amount)
            self.funding += received
            if position := self._positions.get(symbol):
                self._positions[symbol] = replace(position, funding=position.funding + received)

    def apply_transfer(self, amount: float, ts: int, key: str = "") -> None:
        """Book a deposit (a withdrawal when negative) in quote currency, at `ts` (ms). `key` is the
        venue's name for it; without one it is told from others by its time and amount."""
        name = key or (ts, amount)
        if name in self._moved:
            return
        self._moved.add(name)
        with localcontext(_EXACT):
            self.transferred += exact(amount)

    def _increase(
        self,
        fill: Fill,
        position: Position | None,
        change: Decimal,
        price: Decimal,
        fee: Decimal,
        leverage: float | None,
    ) -> None:
        if position is None:
            position = Position(
                _ZERO, _ZERO, fill.ts, leverage=leverage, opened_by=fill.compose_id or None
            )
        self._positions[fill.symbol] = replace(
            position,
            quantity=position.quantity + change,
            cost=position.cost + change * price,
            fees=position.fees + fee,
        )

    def _close(
        self, fill: Fill, position: Position, closed: Decimal, price: Decimal, exit_fee: Decimal
    ) -> TradeHistoryEntry:
        """Take `closed` (signed like the position) out, with its share of cost, fees, funding."""
        cost = _share(position.cost, closed, position.quantity)
        fees = _share(position.fees, closed, position.quantity)
        funding = _share(position.funding, closed, position.quantity)
        realized = closed * price - cost
        self.realized += realized
        if closed == position.quantity:
            del self._positions[fill.symbol]
        else:
            self._positions[fill.symbol] = replace(
                position,
                quantity=position.quantity - closed,
                cost=position.cost - cost,
                fees=position.fees - fees,
                funding=position.funding - funding,
                realized=position.realized + realized,
            )
        profit = realized + funding - fees - exit_fee
        # What the entry took: its value with the fee for a long, less the fee for a short.
        entry_value = abs(cost + fees) / exact(position.leverage or 1.0)
        return TradeHistoryEntry(
            trade_id=fill.trade_id,
            compose_id=fill.compose_id or None,
            instruction_id=fill.instruction_id,
            strategy_id=self.strategy_id,
            trade_ts=fill.ts,
            entry_ts=position.entry_ts,
            exit_ts=fill.ts,
            instrument=self.instrument(fill.symbol),
            side=fill.side,
            type=TradeType.LONG if closed > 0 else TradeType.SHORT,
            quantity=float(abs(closed)),
            entry_price=float(cost / closed),
            exit_price=fill.price,
            realized_pnl=float(profit),
            realized_pnl_pct=float(profit / entry_value) if entry_value else None,
            holding_ms=fill.ts - position.entry_ts,
            leverage=position.leverage,
        )


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The share of `amount` that belongs to `part` of `whole`; the rest is what is left of it."""
    if part == whole:
        return amount
    return (amount * part / whole).quantize(_SHARE)
