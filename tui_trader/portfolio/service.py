"""The portfolio service: the ledger, marked to the newest quotes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

from tui_trader.clock import Clock
from tui_trader.models import (
    Constraints,
    FeatureVector,
    Fill,
    PortfolioView,
    PositionSnapshot,
    Protection,
    Ticker,
    TradeHistoryEntry,
    TradeType,
    TxResult,
)
from tui_trader.portfolio.interfaces import BasePortfolioService
from tui_trader.portfolio.ledger import Ledger, Position


def _not_protected(symbol: str) -> tuple[Protection | None, bool | None]:
    return None, None


def _no_liquidation(symbol: str) -> float | None:
    return None


class InMemoryPortfolioService(BasePortfolioService):
    """Keeps the account in memory.

    `quotes` gives the newest ticker of a symbol. A position is valued at the ticker's `mark`; while
    one has none, everything that depends on it is None. `leverage` is how many times its available
    cash a linear account may put into positions; spot always buys with cash.

    `protection_of` tells what closes a symbol's position, and whether that is confirmed;
    `liquidation_of` its liquidation price. `external` gives what is held on the account beside the
    agent's own quantities, signed base currency by symbol: it counts in exposure, also where the
    agent holds nothing, and in nothing else.
    """

    def __init__(
        self,
        ledger: Ledger,
        quotes: Callable[[str], Ticker | None],
        clock: Clock,
        *,
        market: Literal["spot", "linear"] = "spot",
        leverage: float = 1.0,
        constraints: Constraints | None = None,
        protection_of: Callable[[str], tuple[Protection | None, bool | None]] = _not_protected,
        liquidation_of: Callable[[str], float | None] = _no_liquidation,
        external: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._ledger = ledger
        self._quotes = quotes
        self._clock = clock
        self._market = market
        self._leverage = leverage if market == "linear" else 1.0
        self._constraints = constraints
        self._protection_of = protection_of
        self._liquidation_of = liquidation_of
        self._external = external

    def get_view(self) -> PortfolioView:
        ledger, external = self._ledger, self._external()
        marks = self._marks(ledger.positions.keys() | external.keys())
        profits, equity = ledger.valued(marks)
        positions = {
            symbol: self._snapshot(
                symbol, position, marks.get(symbol), profits.get(symbol), external.get(symbol, 0.0)
            )
            for symbol, position in ledger.positions.items()
        }
        gross, net = _exposure(positions, external, marks)
        balance = ledger.balance
        total = None if equity is None else float(equity)
        available = self._available(total, gross)
        return PortfolioView(
            strategy_id=ledger.strategy_id,
            ts=self._clock.now_ms(),
            cash=float(balance),
            account_balance=float(balance),
            positions=positions,
            gross_exposure=gross,
            net_exposure=net,
            constraints=self._constraints,
            total_value=total,
            total_unrealized_pnl=None if equity is None else float(equity - balance),
            total_realized_pnl=float(ledger.realized + ledger.funding),
            fees_paid=float(ledger.fees),
            transferred=float(ledger.transferred),
            available_cash=available,
            buying_power=None if available is None else available * self._leverage,
            quote_ccy=ledger.quote_ccy,
        )

    def apply_trades(
        self, trades: Sequence[TxResult], market_features: Sequence[FeatureVector] = ()
    ) -> list[TradeHistoryEntry]:
        return [
            entry
            for result in trades
            for fill in result.fills or self._fill_of(result)
            for entry in self._ledger.apply(fill, result.leverage)
        ]

    def _marks(self, symbols: Iterable[str]) -> dict[str, float]:
        """What they are valued at, as far as it is known."""
        return {
            symbol: mark
            for symbol in symbols
            if (ticker := self._quotes(symbol)) is not None and (mark := ticker.mark) is not None
        }

    def _snapshot(
        self,
        symbol: str,
        position: Position,
        mark: float | None,
        profit: Decimal | None,
        external: float,
    ) -> PositionSnapshot:
        protection, protected = self._protection_of(symbol)
        quantity = float(position.quantity)
        return PositionSnapshot(
            instrument=self._ledger.instrument(symbol),
            quantity=quantity,
            avg_price=float(position.avg_price),
            mark_price=mark,
            unrealized_pnl=None if profit is None else float(profit),
            realized_pnl=float(position.realized),
            notional=None if mark is None else abs(quantity) * mark,
            leverage=position.leverage,
            entry_ts=position.entry_ts,
            pnl_pct=None if profit is None else float(profit / abs(position.cost)),
            trade_type=TradeType.LONG if quantity > 0 else TradeType.SHORT,
            opened_by=position.opened_by,
            protection=protection,
            protected=protected,
            liquidation_price=self._liquidation_of(symbol),
            external=external,
        )

    def _available(self, equity: float | None, gross: float | None) -> float | None:
        """Cash that no position binds: on spot what is not spent, on linear equity less margin."""
        if self._market == "spot":
            spent = sum(position.cost for position in self._ledger.positions.values())
            return max(0.0, float(self._ledger.balance - spent))
        if equity is None or gross is None:
            return None
        return max(0.0, equity - gross / self._leverage)

    def _fill_of(self, result: TxResult) -> tuple[Fill, ...]:
        """The fill of a result that tells only quantity and price, as a simple gateway may."""
        if result.filled_qty <= 0 or result.avg_exec_price is None:
            return ()
        order_id = result.order_id or result.instruction_id
        compose_id, named, _ = result.instruction_id.partition(":")
        return (
            Fill(
                trade_id=f"{order_id}:1",
                order_id=order_id,
                instruction_id=result.instruction_id,
                compose_id=compose_id if named else "",
                symbol=result.instrument.symbol,
                side=result.side,
                quantity=result.filled_qty,
                price=result.avg_exec_price,
                fee=result.fee_cost or 0.0,
                ts=self._clock.now_ms(),
            ),
        )


def _exposure(
    positions: Mapping[str, PositionSnapshot],
    external: Mapping[str, float],
    marks: Mapping[str, float],
) -> tuple[float | None, float | None]:
    """Gross and net notional of all that is held on the account; None without every mark."""
    held = [(symbol, position.quantity) for symbol, position in positions.items()]
    held += [(symbol, quantity) for symbol, quantity in external.items() if quantity]
    notionals = [quantity * marks[symbol] for symbol, quantity in held if symbol in marks]
    if len(notionals) < len(held):
        return None, None
    return sum(map(abs, notionals)), sum(notionals)
