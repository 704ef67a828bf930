"""Whatever is asked for, cycle after cycle, and whatever becomes of the orders: what may be held at
worst is within every cap when something is opened. The figures are computed here once more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk.desk import NOON
from tui_trader.models import (
    Action,
    InstrumentRef,
    PortfolioView,
    PositionSnapshot,
    TargetPosition,
    Ticker,
    TradeInstruction,
    TradeSide,
)
from tui_trader.risk.interfaces import Assessment, RiskMarket
from tui_trader.risk.limits import RiskLimits, SizeFilter
from tui_trader.risk.manager import RiskManager

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
SLACK = 1.000001
BECOMES = ("filled", "half filled", "resting", "unknown", "rejected")

sizes = st.sampled_from((0.0, 0.4, 3.0, 7.5, 20.0, 50.0, 80.0, 99.9, 120.0)) | st.floats(0, 150)
caps = st.sampled_from((None, None, 0.3, 0.5, 1.0, 2.0))


class Wish(NamedTuple):
    """What is asked for of a symbol, and what becomes of the opening."""

    symbol: str
    quantity: float
    stop_loss: float | None
    leverage: float | None
    becomes: str


wishes = st.builds(
    Wish,
    st.sampled_from(SYMBOLS),
    st.builds(lambda size, sign: size * sign, sizes, st.sampled_from((1.0, -1.0))),
    st.sampled_from((None, None, None, 0.5, 8.0, 8.0, 14.0, 14.0)),
    st.sampled_from((None, None, None, 0.0, 2.0, 20.0)),
    st.sampled_from(BECOMES),
)
cycles = st.lists(
    st.tuples(st.sampled_from((10.0, 10.0, 9.0, 12.0)), st.lists(wishes, min_size=1, max_size=3)),
    min_size=1,
    max_size=4,
)
limits_of_all_kinds = st.builds(
    RiskLimits,
    market=st.just("linear"),
    allow_short=st.sampled_from((True, True, False)),
    max_equity_usage_pct=st.sampled_from((1.0, 0.5, 0.1)),
    max_leverage=caps,
    max_gross_pct=caps,
    max_net_pct=caps,
    max_positions=st.sampled_from((None, 1, 2)),
    min_liquidation_distance_pct=st.sampled_from((None, 0.5, 0.9)),
    require_stop=st.sampled_from((False, False, True)),
    default_size=st.sampled_from((SizeFilter(), SizeFilter(step=0.5, min_qty=1.0))),
)


@dataclass
class Books:
    """What is held, and what may still be bought and sold."""

    equity: float = 1_000.0
    held: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SYMBOLS, 0.0))
    buys: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SYMBOLS, 0.0))
    sells: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SYMBOLS, 0.0))
    unknown: set[str] = field(default_factory=set)

    def view(self) -> PortfolioView:
        return PortfolioView(
            ts=NOON,
            cash=self.equity,
            account_balance=self.equity,
            total_value=self.equity,
            positions={
                name: PositionSnapshot(instrument=InstrumentRef(symbol=name), quantity=quantity)
                for name, quantity in self.held.items()
                if quantity
            },
        )

    def market(self, price: float) -> RiskMarket:
        quotes = {
            name: Ticker(symbol=name, ts=NOON, bid=price, ask=price, last=price) for name in SYMBOLS
        }
        pending = {name: (self.buys[name], self.sells[name]) for name in SYMBOLS}
        return RiskMarket(NOON, quotes, pending=pending, unknown=frozenset(self.unknown))

    def highest(self, symbol: str) -> float:
        return self.held[symbol] + self.buys[symbol]

    def lowest(self, symbol: str) -> float:
        return self.held[symbol] - self.sells[symbol]

    def worst(self, symbol: str) -> float:
        return max(abs(self.lowest(symbol)), abs(self.highest(symbol)))

    def send(self, order: TradeInstruction) -> None:
        """Closes are done at once; an opening is on its way."""
        symbol = order.instrument.symbol
        if order.reduce_only:
            self.held[symbol] += order.quantity * order.side.sign
        else:
            self._waiting(order)[symbol] += order.quantity

    def settle(self, order: TradeInstruction, becomes: str) -> None:
        symbol = order.instrument.symbol
        filled = {"filled": 1.0, "half filled": 0.5}.get(becomes, 0.0) * order.quantity
        self.held[symbol] += filled * order.side.sign
        done = order.quantity if becomes == "rejected" else filled
        waiting = self._waiting(order)
        waiting[symbol] = max(waiting[symbol] - done, 0.0)
        if becomes == "unknown":
            self.unknown.add(symbol)

    def _waiting(self, order: TradeInstruction) -> dict[str, float]:
        return self.buys if order.side is TradeSide.BUY else self.sells


def target(wish: Wish, held: float) -> TargetPosition:
    action = Action.LONG if wish.quantity > held else Action.SHORT
    return TargetPosition(
        instrument=InstrumentRef(symbol=wish.symbol),
        action=action if wish.quantity else Action.CLOSE,
        target_qty=wish.quantity,
        stop_loss=wish.stop_loss,
        leverage=wish.leverage,
    )


def check(limits: RiskLimits, asked: list[tuple[float, list[Wish]]]) -> None:
    """Run the cycles, and look after each."""
    books, manager = Books(), RiskManager(limits)
    for price, wished in asked:
        held = dict(books.held)
        named = {wish.symbol: wish for wish in wished}
        targets = [target(wish, held[wish.symbol]) for wish in named.values()]
        answer = manager.assess("c", targets, books.view(), books.market(price))
        unknown = set(books.unknown)
        for order in answer.instructions:
            books.send(order)
        opened = [order for order in answer.instructions if not order.reduce_only]
        assert not unknown & {order.instrument.symbol for order in opened}
        _check_caps(books, limits, opened, price)
        _check_orders(answer, named, held, limits, price)
        for order in opened:
            books.settle(order, named[order.instrument.symbol].becomes)


def _check_caps(
    books: Books, limits: RiskLimits, opened: list[TradeInstruction], price: float
) -> None:
    for order in opened:
        most = books.equity * limits.max_equity_usage_pct
        assert books.worst(order.instrument.symbol) * price <= most * SLACK
    gross = sum(map(books.worst, SYMBOLS)) * price
    for cap in (limits.max_leverage, limits.max_gross_pct):
        assert not opened or cap is None or gross <= books.equity * cap * SLACK
    distance = limits.min_liquidation_distance_pct
    if opened and distance is not None:
        lost = distance * gross
        assert books.equity - lost >= limits.maintenance_margin_rate * gross / SLACK - 1e-6
    if limits.max_net_pct is not None:
        most = books.equity * limits.max_net_pct * SLACK
        if any(order.side is TradeSide.BUY for order in opened):
            assert sum(map(books.highest, SYMBOLS)) * price <= most
        if any(order.side is TradeSide.SELL for order in opened):
            assert -sum(map(books.lowest, SYMBOLS)) * price <= most
    if limits.max_positions is not None and any(
        books.held[order.instrument.symbol] == 0 for order in opened
    ):
        assert sum(books.worst(name) > 0 for name in SYMBOLS) <= limits.max_positions


def _check_orders(
    answer: Assessment,
    named: Mapping[str, Wish],
    held: Mapping[str, float],
    limits: RiskLimits,
    price: float,
) -> None:
    """Closes come first, every difference to what was asked for is told, every opening is protected
    as it should be."""
    kinds = [order.reduce_only for order in answer.instructions]
    assert kinds == sorted(kinds, reverse=True)
    assert all(verdict.reason for verdict in answer.verdicts if verdict.outcome != "pass")
    for symbol, wish in named.items():
        orders = [order for order in answer.instructions if order.instrument.symbol == symbol]
        comes_to = held[symbol] + sum(order.quantity * order.side.sign for order in orders)
        told = {verdict.outcome for verdict in answer.verdicts if verdict.symbol == symbol}
        assert told
        opens = wish.quantity * held[symbol] < 0 or abs(wish.quantity) > abs(held[symbol])
        if opens and abs(comes_to - wish.quantity) > 1e-9:
            assert told & {"clip", "veto"}
        for order in orders:
            assert order.reduce_only or wish.leverage != 0
            if order.reduce_only:
                assert order.quantity <= abs(held[symbol])
                assert order.protection is None
                continue
            assert order.leverage is None or 0 < order.leverage <= (limits.max_leverage or 20)
            stop = order.protection.stop_loss if order.protection else None
            assert stop == wish.stop_loss
            assert stop is not None or not limits.require_stop
            assert stop is None or (price - stop) * order.side.sign > 0


@settings(max_examples=1_500)
@given(limits=limits_of_all_kinds, asked=cycles)
def test_projected_exposure_never_exceeds_its_caps(
    limits: RiskLimits, asked: list[tuple[float, list[Wish]]]
) -> None:
    check(limits, asked)


@pytest.mark.campaign
@pytest.mark.timeout(0)
@settings(max_examples=100_000)
@given(limits=limits_of_all_kinds, asked=cycles)
def test_a_campaign_of_cycles(limits: RiskLimits, asked: list[tuple[float, list[Wish]]]) -> None:
    check(limits, asked)
