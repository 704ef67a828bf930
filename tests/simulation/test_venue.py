"""The exchange of the simulation, which decides what is true."""

from decimal import Decimal
from random import Random

import pytest

from tests.simulation.loop import Agenda
from tests.simulation.prices import STEP_SECONDS, Prices
from tests.simulation.venue import Moods, SimVenue
from tests.simulation.wire import at_once
from tui_trader.execution.interfaces import OrderRejected
from tui_trader.models import (
    OrderReport,
    OrderRequest,
    OrderStatus,
    OrderType,
    TimeInForce,
    TradeSide,
)
from tui_trader.models.money import exact

BTC = "BTC/USDT"


class Exchange:
    """A venue with one symbol, whose prices the test sets."""

    def __init__(self, partial: float = 0.0, race: float = 0.0) -> None:
        self.agenda = Agenda(0)
        self.price = 100.0
        prices = Prices("test", self.agenda, {BTC: 100.0})
        prices.mark = lambda symbol: self.price  # type: ignore[method-assign]
        self.venue = SimVenue(
            self.agenda, prices, Random(1), capital=1_000, moods=Moods(partial, race)
        )

    def send(self, name: str, side: str, quantity: float, **fields: object) -> OrderReport:
        request = OrderRequest.model_validate(
            {"client_order_id": name, "symbol": BTC, "side": side, "quantity": quantity} | fields
        )
        return at_once(self.venue.submit(request))

    def status(self, name: str) -> OrderStatus | None:
        report = at_once(self.venue.lookup(BTC, name))
        return None if report is None else report.status

    def move(self, price: float) -> None:
        self.price = price
        self.agenda.advance(self.agenda.now + STEP_SECONDS)

    @property
    def held(self) -> Decimal:
        return self.venue.positions[BTC]


def test_an_id_is_taken_again_after_its_order_is_final() -> None:
    exchange = Exchange()
    exchange.send("a", "BUY", 1.0, type="limit", price=90.0)
    with pytest.raises(OrderRejected, match="an open order has the id a"):
        exchange.send("a", "BUY", 1.0)
    exchange.move(89.0)
    assert exchange.status("a") is OrderStatus.FILLED
    assert exchange.send("a", "BUY", 1.0).status is OrderStatus.FILLED
    assert exchange.held == 2


def test_reduce_only_never_goes_beyond_flat() -> None:
    exchange = Exchange()
    exchange.send("open", "BUY", 1.0)
    exchange.send("more", "SELL", 3.0, reduce_only=True)
    exchange.move(100.0)
    assert exchange.held == 0
    exchange.agenda.advance(60)
    assert exchange.status("more") is OrderStatus.EXPIRED
    assert exchange.send("none", "SELL", 1.0, reduce_only=True).status is OrderStatus.EXPIRED


@pytest.mark.parametrize(
    ("kind", "trigger", "price"), [("stop_market", 95.0, 94.0), ("take_profit", 105.0, 106.0)]
)
def test_what_waits_acts_when_it_is_touched(kind: str, trigger: float, price: float) -> None:
    exchange = Exchange()
    exchange.send("open", "BUY", 1.0)
    exchange.send("wait", "SELL", 1.0, type=kind, trigger_price=trigger, reduce_only=True)
    exchange.move(100.0)
    assert exchange.held == 1
    exchange.move(price)
    assert exchange.status("wait") is OrderStatus.FILLED
    assert exchange.venue.trades[-1].price == price
    with pytest.raises(OrderRejected, match="at once"):
        exchange.send("late", "SELL", 1.0, type=kind, trigger_price=trigger)


def test_immediate_or_cancel_fills_within_its_price_or_not_at_all() -> None:
    exchange = Exchange()
    ioc = {"type": OrderType.LIMIT, "time_in_force": TimeInForce.IOC}
    assert exchange.send("far", "BUY", 1.0, price=99.0, **ioc).status is OrderStatus.EXPIRED
    assert exchange.send("near", "BUY", 1.0, price=101.0, **ioc).status is OrderStatus.FILLED


def test_an_order_may_fill_while_its_cancellation_arrives() -> None:
    exchange = Exchange(race=1.0)
    exchange.send("a", "BUY", 1.0, type="limit", price=90.0)
    with pytest.raises(OrderRejected, match="no open order"):
        at_once(exchange.venue.cancel(BTC, "a"))
    assert exchange.status("a") is OrderStatus.FILLED


def test_cash_is_what_trades_fees_and_funding_make_of_the_capital() -> None:
    exchange, rng = Exchange(partial=0.5), Random(2)
    for number in range(200):
        side = rng.choice(list(TradeSide))
        exchange.send(f"{number}", side, round(rng.uniform(0.001, 2), 3))
        exchange.move(round(rng.uniform(80, 120), 2))
        exchange.agenda.advance(exchange.agenda.now + rng.uniform(0, 200))
    trades = exchange.venue.trades
    flows = sum(-t.side.sign * exact(t.quantity) * exact(t.price) - exact(t.fee) for t in trades)
    funding = sum(exact(payment.amount) for payment in exchange.venue.payments)
    assert len(exchange.venue.payments) > 2
    assert exchange.venue.cash == 1_000 + flows + funding
    assert exchange.held == sum(t.side.sign * exact(t.quantity) for t in trades)
    account = at_once(exchange.venue.account())
    position = account.positions[BTC]
    assert position.avg_price is not None
    worth = account.balance + position.quantity * (100.0 - position.avg_price)
    assert worth == pytest.approx(float(exchange.venue.cash) + position.quantity * 100.0)
