from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import pytest

from tests.behaviours import given_and_expected
from tui_trader.clock import VirtualClock
from tui_trader.execution import paper
from tui_trader.execution.paper import PaperExecutionGateway
from tui_trader.models import (
    InstrumentRef,
    PriceMode,
    Ticker,
    TradeInstruction,
    TradeSide,
    TxResult,
    TxStatus,
)
from tui_trader.models.money import exact

BTC, ETH = "BTC/USDT", "ETH/USDT"
BUY, SELL = TradeSide.BUY, TradeSide.SELL


def ticker(symbol: str, bid: float, ask: float) -> Ticker:
    return Ticker(symbol=symbol, ts=0, bid=bid, ask=ask, last=(bid + ask) / 2)


@dataclass
class Venue:
    """What a paper gateway is given."""

    quotes: dict[str, Ticker] = field(default_factory=lambda: {BTC: ticker(BTC, 99.0, 101.0)})
    held: dict[str, float] = field(default_factory=dict)
    power: float | None = 10_000.0
    written: list[tuple[str, str]] = field(default_factory=list)

    def gateway(
        self,
        market: Literal["spot", "linear"] = "linear",
        fee_bps: float = 0.0,
        slippage_bps: float = 0.0,
        on_order: Callable[[TradeInstruction, str], None] | None = None,
    ) -> PaperExecutionGateway:
        return PaperExecutionGateway(
            self.quotes.get,
            VirtualClock(1_000),
            position_of=lambda symbol: exact(self.held.get(symbol, 0.0)),
            buying_power=lambda: self.power,
            on_order=on_order or self.write,
            market=market,
            fee_bps=fee_bps,
            slippage_bps=slippage_bps,
        )

    def write(self, order: TradeInstruction, order_id: str) -> None:
        self.written.append((order.instruction_id, order_id))


def order(
    side: TradeSide, quantity: float, symbol: str = BTC, name: str = "", **more: object
) -> TradeInstruction:
    return TradeInstruction.model_validate(
        {
            "instruction_id": f"c:{symbol}{name}",
            "compose_id": "c",
            "instrument": InstrumentRef(symbol=symbol),
            "side": side,
            "quantity": quantity,
            **more,
        }
    )


async def one(gateway: PaperExecutionGateway, instruction: TradeInstruction) -> TxResult:
    (result,) = await gateway.execute([instruction])
    return result


async def test_bh_27_slippage_first_then_the_fee_on_the_slipped_notional() -> None:
    case, expected = given_and_expected("BH-27")
    venue = Venue({BTC: ticker(BTC, case["mark"], case["mark"])})
    gateway = venue.gateway(fee_bps=case["fee_bps"], slippage_bps=case["slippage_bps"])
    result = await one(gateway, order(BUY, case["qty"]))
    assert result.avg_exec_price == expected["px"]
    assert result.fee_cost == expected["fee"]
    cost = exact(expected["px"]) * case["qty"] + exact(expected["fee"])
    assert float(cost) == expected["cost"]


async def test_a_buy_pays_the_ask_and_a_sell_gets_the_bid_each_worsened() -> None:
    gateway = Venue().gateway(slippage_bps=100)
    bought = await one(gateway, order(BUY, 1))
    sold = await one(gateway, order(SELL, 1, name=":1"))
    assert (bought.avg_exec_price, sold.avg_exec_price) == (102.01, 98.01)
    assert (bought.status, bought.filled_qty, bought.reason) == (TxStatus.FILLED, 1.0, None)


async def test_a_fill_names_its_order_instruction_and_time() -> None:
    venue = Venue()
    result = await one(venue.gateway(), order(BUY, 1))
    (fill,) = result.fills
    assert venue.written == [(f"c:{BTC}", fill.order_id)]
    assert (fill.trade_id, result.order_id) == (f"{fill.order_id}:1", fill.order_id)
    assert (fill.instruction_id, fill.compose_id, fill.ts) == (f"c:{BTC}", "c", 1_000)


async def test_an_instruction_is_never_executed_twice() -> None:
    venue = Venue()
    gateway = venue.gateway()
    first = await one(gateway, order(BUY, 1))
    venue.quotes[BTC] = ticker(BTC, 199.0, 201.0)
    assert await gateway.execute([order(BUY, 1), order(BUY, 1)]) == [first, first]
    assert len(venue.written) == 1


async def test_only_the_newest_orders_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "REMEMBERED", 2)
    venue = Venue()
    gateway = venue.gateway()
    orders = [order(BUY, 1, name=f":{number}") for number in range(3)]
    await gateway.execute(orders)
    await gateway.execute(orders[1:])
    assert len(venue.written) == 3
    await gateway.execute(orders[:1])
    assert len(venue.written) == 4  # where the store refuses it


async def test_without_a_quote_an_order_is_rejected_and_not_invented() -> None:
    result = await one(Venue({}).gateway(), order(BUY, 1))
    assert (result.status, result.reason, result.filled_qty) == (TxStatus.REJECTED, "no quote", 0.0)
    assert result.fills == ()


async def test_a_missing_side_of_the_quote_is_filled_at_the_last_price() -> None:
    venue = Venue({BTC: Ticker(symbol=BTC, ts=0, bid=0.0, ask=0.0, last=100.0)}, {BTC: 1.0})
    result = await one(venue.gateway(), order(SELL, 1, reduce_only=True))
    assert result.avg_exec_price == 100.0


async def test_reduce_only_never_flips() -> None:
    gateway = Venue(held={BTC: 2.0}).gateway()
    result = await one(gateway, order(SELL, 5, reduce_only=True))
    assert (result.status, result.requested_qty, result.filled_qty) == (TxStatus.FILLED, 5.0, 2.0)


@pytest.mark.parametrize("held", [0.0, -1.0])
async def test_reduce_only_never_opens(held: float) -> None:
    result = await one(Venue(held={BTC: held}).gateway(), order(SELL, 1, reduce_only=True))
    assert (result.status, result.reason) == (TxStatus.REJECTED, "nothing to reduce")


async def test_two_closes_in_one_call_close_once() -> None:
    gateway = Venue(held={BTC: 2.0}).gateway()
    results = await gateway.execute(
        [order(SELL, 2, reduce_only=True), order(SELL, 2, name=":1", reduce_only=True)]
    )
    assert [result.filled_qty for result in results] == [2.0, 0.0]


async def test_a_flip_closes_and_opens_in_one_call() -> None:
    gateway = Venue(held={BTC: 2.0}).gateway()
    results = await gateway.execute([order(SELL, 2, reduce_only=True), order(SELL, 1, name=":1")])
    assert [result.filled_qty for result in results] == [2.0, 1.0]


async def test_nothing_opens_after_a_close_that_was_not_filled() -> None:
    gateway = Venue(held={ETH: 2.0}).gateway()
    results = await gateway.execute([order(SELL, 2, ETH, reduce_only=True), order(BUY, 1)])
    assert [result.reason for result in results] == ["no quote", "a close before it was not filled"]


async def test_a_close_of_nothing_holds_nothing_up() -> None:
    gateway = Venue().gateway()
    results = await gateway.execute([order(SELL, 2, ETH, reduce_only=True), order(BUY, 1)])
    assert [result.reason for result in results] == ["nothing to reduce", None]


async def test_a_slippage_bound_refuses_an_opening_but_no_way_out() -> None:
    venue = Venue(held={BTC: -1.0})
    gateway = venue.gateway()
    refused = await one(gateway, order(BUY, 2, max_slippage_bps=99))
    assert (refused.status, refused.reason) == (TxStatus.REJECTED, "slippage above 99 bps")
    assert (await one(gateway, order(BUY, 2, name=":1", max_slippage_bps=100))).filled_qty == 2
    out = await one(gateway, order(BUY, 1, name=":2", reduce_only=True, max_slippage_bps=99))
    assert out.status is TxStatus.FILLED


async def test_spot_can_spend_its_cash_and_no_more() -> None:
    venue = Venue(power=102.0)
    gateway = venue.gateway("spot", fee_bps=100)
    assert (await one(gateway, order(BUY, 1))).reason == "insufficient balance"
    venue.power = 102.01
    assert (await one(gateway, order(BUY, 1, name=":1"))).status is TxStatus.FILLED


async def test_two_orders_in_one_call_can_not_spend_the_same_cash() -> None:
    gateway = Venue(power=204.01).gateway("spot", fee_bps=100)
    results = await gateway.execute([order(BUY, 1), order(BUY, 1, name=":1")])
    assert [result.status for result in results] == [TxStatus.FILLED, TxStatus.REJECTED]


async def test_what_a_close_brings_in_can_be_spent_in_the_same_call() -> None:
    venue = Venue({BTC: ticker(BTC, 100.0, 100.0), ETH: ticker(ETH, 10.0, 10.0)}, {ETH: 10.0}, 0.0)
    results = await venue.gateway("spot").execute(
        [order(SELL, 10, ETH, reduce_only=True), order(BUY, 1)]
    )
    assert [result.status for result in results] == [TxStatus.FILLED, TxStatus.FILLED]


async def test_spot_sells_what_it_has_and_no_more() -> None:
    gateway = Venue(held={BTC: 1.0}).gateway("spot")
    assert (await one(gateway, order(SELL, 1.1))).reason == "insufficient balance"
    assert (await one(gateway, order(SELL, 1, name=":1"))).status is TxStatus.FILLED


async def test_bh_57_an_order_beyond_balance_times_leverage_is_refused() -> None:
    case, expected = given_and_expected("BH-57")
    accepted = []
    for leverage in case["leverage"]:
        venue = Venue({BTC: ticker(BTC, 1.0, 1.0)}, power=case["balance"] * leverage)
        result = await one(venue.gateway(), order(BUY, case["order_value"]))
        accepted.append(result.status is TxStatus.FILLED)
    assert accepted == expected["accept"]


async def test_unknown_buying_power_opens_nothing_and_closes() -> None:
    gateway = Venue(held={BTC: 1.0}, power=None).gateway()
    assert (await one(gateway, order(BUY, 1))).reason == "buying power unknown"
    assert (await one(gateway, order(SELL, 1, name=":1"))).status is TxStatus.FILLED


async def test_an_order_that_can_not_be_written_down_is_not_sent_unless_it_reduces() -> None:
    def full(order: TradeInstruction, order_id: str) -> None:
        raise OSError("disk full")

    gateway = Venue(held={BTC: 1.0}).gateway(on_order=full)
    opening = await one(gateway, order(BUY, 1))
    assert opening.status is TxStatus.ERROR
    assert opening.reason == "not sent: the order could not be written down: disk full"
    closing = await one(gateway, order(SELL, 1, name=":1", reduce_only=True))
    assert closing.status is TxStatus.FILLED
    assert closing.reason == "the order could not be written down: disk full"


async def test_what_breaks_inside_is_an_error_result_and_never_raised() -> None:
    venue = Venue()
    venue.held = {BTC: float("nan")}
    result = await one(venue.gateway(), order(SELL, 1, reduce_only=True))
    assert result.status is TxStatus.ERROR
    assert result.fills == ()


async def test_a_limit_order_is_refused_rather_than_sent_at_market() -> None:
    limit = order(BUY, 1, price_mode=PriceMode.LIMIT, limit_price=90.0)
    assert (await one(Venue().gateway(), limit)).status is TxStatus.REJECTED


def test_nonsense_costs_are_refused() -> None:
    with pytest.raises(ValueError, match="slippage_bps"):
        Venue().gateway(slippage_bps=10_000)


async def test_quantities_are_exact_to_their_last_digit() -> None:
    gateway = Venue(held={BTC: 0.3}).gateway()
    results = await gateway.execute(
        [order(SELL, 0.1, reduce_only=True), order(SELL, 0.2, name=":1", reduce_only=True)]
    )
    assert sum(Decimal(str(result.filled_qty)) for result in results) == Decimal("0.3")
    assert results[1].filled_qty == 0.2
