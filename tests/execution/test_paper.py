"""The paper venue: it fills as a real one might, and never better than the data allows."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.behaviours import given_and_expected
from tests.execution.paper_desk import MINUTE_MS, PaperDesk, linear, spot
from tests.execution.trading import BTC, BUY, SELL
from tui_trader.execution.interfaces import OrderRejected, OutcomeUnknown
from tui_trader.execution.paper import Book, OrderFilter, PaperKeeping, PaperRules
from tui_trader.models import (
    FundingPayment,
    OrderReport,
    OrderStatus,
    OrderType,
    TimeInForce,
    TradeSide,
)
from tui_trader.models.money import exact

STOP = {"type": OrderType.STOP_MARKET, "reduce_only": True}
TARGET = {"type": OrderType.TAKE_PROFIT, "reduce_only": True}
IOC = {"time_in_force": TimeInForce.IOC}
S = OrderStatus


def book_of(case: dict[str, dict[str, list[list[float]]]]) -> Book:
    return Book(*(tuple((p, q) for p, q in case["book"][side]) for side in ("bids", "asks")))


# --- at market ------------------------------------------------------------------------------------


async def test_bh_27_slippage_first_then_the_fee_on_the_slipped_notional() -> None:
    case, expected = given_and_expected("BH-27")
    rules = linear(slippage_bps=case["slippage_bps"], taker_bps=case["fee_bps"])
    desk = PaperDesk(rules, price=case["mark"])
    await desk.send(TradeSide(case["side"].upper()), case["qty"])
    (fill,) = desk.fills
    assert (fill.price, fill.fee) == (expected["px"], expected["fee"])
    assert float(exact(fill.price) * case["qty"] + exact(fill.fee)) == expected["cost"]


async def test_bh_90_an_order_at_market_walks_the_book() -> None:
    case, expected = given_and_expected("BH-90")
    averages = []
    for side, quantity in case["orders"]:
        desk = PaperDesk(linear(max_leverage=1e6), book=book_of(case))
        report = await desk.send(TradeSide(side.upper()), quantity)
        assert report.status is S.FILLED
        worth = sum(exact(fill.price) * exact(fill.quantity) for fill in desk.fills)
        averages.append(float(worth / exact(quantity)))
    assert averages == [pytest.approx(average, abs=5e-5) for average in expected["avg"]]


async def test_a_buy_pays_the_ask_and_a_sell_gets_the_bid_each_worsened() -> None:
    desk = PaperDesk(linear(slippage_bps=100), spread=2.0)
    await desk.send(BUY, 1.0)
    await desk.send(SELL, 1.0)
    assert desk.prices == [101.0 * 1.01, 99.0 * 0.99]


async def test_without_a_price_nothing_opens_and_what_reduces_waits_for_one() -> None:
    desk = PaperDesk()
    await desk.send(BUY, 1.0)
    desk.price = None
    assert await desk.refusal(BUY, 1.0) == "no quote"
    report = await desk.send(SELL, 1.0, reduce_only=True)
    assert report.status is S.ACCEPTED
    desk.at(90.0)
    assert await desk.held() == 0.0


async def test_what_arrives_late_meets_the_price_of_then() -> None:
    desk = PaperDesk(linear(latency_ms=500))
    report = await desk.send(BUY, 1.0)
    assert (report.status, desk.fills) == (S.ACCEPTED, [])
    desk.at(105.0)
    assert desk.prices == [105.0]


async def test_an_order_takes_its_share_of_the_volume_and_the_rest_later() -> None:
    desk = PaperDesk(linear(volume_share=0.1))
    desk.bar(100, 100, 100, 100, volume=50)
    assert (await desk.send(BUY, 12.0)).status is S.PARTIALLY_FILLED
    desk.bar(101, 101, 101, 101, volume=50)
    desk.bar(102, 102, 102, 102, volume=50)
    assert [(fill.quantity, fill.price) for fill in desk.fills] == [(5, 100), (5, 101), (2, 102)]


async def test_a_bounded_order_takes_what_is_within_its_price_and_ends() -> None:
    desk = PaperDesk(book=Book(asks=((100.0, 1.0), (101.0, 1.0), (102.0, 9.0))))
    report = await desk.send(BUY, 5.0, price=101.0, **IOC)
    assert (report.status, report.filled_qty) == (S.EXPIRED, 2.0)
    assert desk.prices == [100.0, 101.0]


# --- what rests -----------------------------------------------------------------------------------


async def test_bh_93_a_limit_rests_below_the_ask_and_is_filled_at_it() -> None:
    case, expected = given_and_expected("BH-93")
    filled = []
    for side, price in case["limits"]:
        desk = PaperDesk(book=book_of(case))
        report = await desk.send(TradeSide(side.upper()), 1.0, price=price)
        filled.append(report.status is S.FILLED)
    assert filled == expected["filled"]


async def test_bh_26_what_has_rested_pays_as_maker_and_what_crosses_as_taker() -> None:
    case, _ = given_and_expected("BH-26")
    rates = {}
    for kind, price in (("market", None), ("limit crossing", 101.0), ("limit resting", 99.0)):
        desk = PaperDesk(linear(maker_bps=case["maker"], taker_bps=case["taker"]))
        await desk.send(BUY, 1.0, **({} if price is None else {"price": price}))
        desk.bar(100, 100, 98, 98)
        (fill,) = desk.fills
        rates[kind] = (round(fill.fee / fill.price * 10_000, 9), fill.maker)
    assert rates["market"] == (case["cases"][0]["rate"], False)
    assert rates["limit crossing"] == (case["cases"][1]["rate"], False)
    assert rates["limit resting"] == (case["cases"][2]["rate"], True)


@pytest.mark.parametrize(("low", "filled"), [(99.5, []), (99.0, [99.0]), (97.0, [99.0])])
async def test_a_limit_is_filled_at_its_price_once_that_is_met(
    low: float, filled: list[float]
) -> None:
    desk = PaperDesk()
    await desk.send(BUY, 1.0, price=99.0)
    desk.bar(100, 101, low, 100)
    assert desk.prices == filled


async def test_a_move_that_begins_beyond_a_price_fills_at_its_beginning() -> None:
    for order, expected in (({"trigger_price": 95.0} | STOP, 90.0),):
        desk = PaperDesk()
        await desk.send(BUY, 1.0)
        await desk.send(SELL, 1.0, **order)
        desk.bar(90, 92, 88, 91)
        assert desk.prices == [100.0, expected]
    desk = PaperDesk()
    await desk.send(BUY, 1.0)
    await desk.send(SELL, 1.0, trigger_price=110.0, **TARGET)
    desk.bar(115, 116, 114, 115)
    assert desk.prices == [100.0, 115.0]


async def test_bh_97_of_a_stop_and_a_target_in_one_candle_the_stop_wins() -> None:
    case, expected = given_and_expected("BH-97")
    desk = PaperDesk(price=case["entry"])
    await desk.send(BUY, 1.0)
    await desk.send(SELL, 1.0, trigger_price=case["target"], **TARGET)
    await desk.send(SELL, 1.0, trigger_price=case["stop"], **STOP)
    bar = case["bar"]
    desk.bar(bar["open"], bar["high"], bar["low"], bar["close"])
    assert desk.prices[1:] == [expected["px"]]
    assert await desk.venue.open_orders() == []
    assert await desk.held() == 0.0


async def test_a_stop_slips_and_a_short_is_protected_from_above() -> None:
    desk = PaperDesk(linear(slippage_bps=100))
    await desk.send(SELL, 1.0)
    await desk.send(BUY, 1.0, trigger_price=110.0, **STOP)
    desk.bar(100, 112, 99, 105)
    assert desk.fills[1].price == pytest.approx(110.0 * 1.01)


async def test_what_was_before_an_order_does_not_touch_it() -> None:
    desk = PaperDesk()
    desk.bar(100, 120, 80, 100)
    await desk.send(BUY, 1.0)
    await desk.send(SELL, 1.0, trigger_price=95.0, **STOP)
    desk.bar(100, 101, 99, 100)
    assert desk.prices == [100.0]


async def test_one_that_reduces_ends_when_there_is_nothing_to_reduce() -> None:
    desk = PaperDesk()
    await desk.send(BUY, 1.0)
    await desk.send(SELL, 1.0, trigger_price=95.0, **STOP)
    await desk.send(SELL, 1.0)
    ends = [event for event in desk.events if isinstance(event, OrderReport)]
    assert [(it.status, it.reason) for it in ends if it.request.reduce_only] == [
        (S.ACCEPTED, ""),
        (S.EXPIRED, "nothing to reduce"),
    ]


async def test_a_reduction_never_flips_and_is_taken_whatever_its_size() -> None:
    rules = linear(filters={BTC: OrderFilter(min_qty=1.0, min_notional=100.0)})
    desk = PaperDesk(rules)
    await desk.send(BUY, 1.000001)
    await desk.send(SELL, 1.0, reduce_only=True)
    await desk.send(SELL, 5.0, reduce_only=True)
    assert await desk.held() == 0.0
    assert await desk.refusal(SELL, 1.0, reduce_only=True) == "nothing to reduce"


async def test_bh_78_and_81_what_is_too_small_to_open_is_refused_with_its_reason() -> None:
    case, _ = given_and_expected("BH-81")
    small = OrderFilter(min_qty=0.001, min_notional=10.0)
    desk = PaperDesk(linear(filters={BTC: small}), price=case["px"], capital=1e6)
    assert await desk.refusal(BUY, case["amount"]) == "below the minimum notional of 10"
    assert await desk.refusal(BUY, 0.0004) == "below the minimum quantity of 0.001"


# --- names ----------------------------------------------------------------------------------------


async def test_a_name_is_refused_while_its_order_rests_and_may_be_used_again_after() -> None:
    desk = PaperDesk()
    await desk.send(BUY, 1.0, price=90.0, client_order_id="x")
    with pytest.raises(OutcomeUnknown, match="duplicate"):
        await desk.send(BUY, 1.0, price=90.0, client_order_id="x")
    await desk.venue.cancel(BTC, "x")
    with pytest.raises(OrderRejected, match="unknown order"):
        await desk.venue.cancel(BTC, "x")
    await desk.send(BUY, 1.0, client_order_id="x")
    found = await desk.venue.lookup(BTC, "x")
    assert found is not None
    assert found.status is S.FILLED
    assert await desk.venue.lookup(BTC, "y") is None


# --- money ----------------------------------------------------------------------------------------


async def test_bh_57_an_order_beyond_balance_times_leverage_is_refused() -> None:
    case, expected = given_and_expected("BH-57")
    accepted = []
    for leverage in case["leverage"]:
        rules = linear(max_leverage=float(leverage))
        desk = PaperDesk(rules, price=1.0, capital=case["balance"])
        accepted.append(not await desk.refusal(BUY, case["order_value"]))
    assert accepted == expected["accept"]


async def test_spot_spends_its_cash_and_sells_what_it_has_and_no_more() -> None:
    desk = PaperDesk(spot(taker_bps=100.0), capital=102.0, price=100.0)
    assert await desk.refusal(BUY, 1.02) == "insufficient balance"
    assert await desk.refusal(SELL, 0.1) == "insufficient balance"
    await desk.send(BUY, 1.0)
    assert await desk.balance() == 1.0
    assert await desk.refusal(SELL, 1.1) == "insufficient balance"
    assert not await desk.refusal(SELL, 1.0)


async def test_what_rests_has_its_money_reserved() -> None:
    desk = PaperDesk(spot(), capital=100.0)
    await desk.send(BUY, 1.0, price=60.0)
    assert await desk.refusal(BUY, 1.0, price=50.0) == "insufficient balance"
    assert not await desk.refusal(BUY, 1.0, price=40.0)


async def test_bh_42_and_funding_is_paid_for_the_hours_that_were_held() -> None:
    case, expected = given_and_expected("BH-42")
    opened, closed = (
        round(datetime.fromisoformat(case[name]).timestamp() * 1000) for name in ("open", "close")
    )
    midnight = opened // 86_400_000 * 86_400_000
    for start, end, times in (
        (opened, closed, expected["events"]),
        (midnight - 60_000, midnight + 60_000, 1),
        (midnight + 8 * 3_600_000, midnight + 17 * 3_600_000, 2),
        (midnight + 8 * 3_600_000 + 60_000, midnight + 15 * 3_600_000, 0),
    ):
        desk = PaperDesk(linear(funding_rate=lambda symbol: 0.001))
        desk.clock.ms = start - MINUTE_MS
        desk.at(100.0)
        await desk.send(BUY, 2.0)
        while desk.clock.ms < end:
            desk.at(100.0)
        payments = [event for event in desk.events if isinstance(event, FundingPayment)]
        assert [payment.amount for payment in payments] == [-0.2] * times
        assert await desk.balance() == pytest.approx(10_000 - 0.2 * times)
        hours = {datetime.fromtimestamp(it.ts / 1000, UTC).hour for it in payments}
        assert hours <= {0, 8, 16}


async def test_bh_56_spot_has_no_price_of_liquidation() -> None:
    _, expected = given_and_expected("BH-56")
    desk = PaperDesk(spot())
    await desk.send(BUY, 1.0)
    assert desk.venue.liquidation_price(BTC) is expected["liq"]


@pytest.mark.parametrize("side", [BUY, SELL])
async def test_an_account_is_liquidated_where_it_was_said(side: TradeSide) -> None:
    desk = PaperDesk(capital=1_000.0)
    await desk.send(side, 90.0)
    await desk.send(
        SELL if side is BUY else BUY, 90.0, trigger_price=1.0 if side is BUY else 999.0, **STOP
    )
    price = desk.venue.liquidation_price(BTC)
    assert price is not None
    desk.at(price + 0.01 * side.sign)
    assert await desk.held() == 90.0 * side.sign
    desk.at(price - 0.01 * side.sign)
    assert await desk.held() == 0.0
    assert desk.fills[-1].client_order_id == ""
    assert await desk.venue.open_orders() == []


def test_nonsense_rules_are_refused() -> None:
    for wrong in ({"slippage_bps": 10_000.0}, {"taker_bps": -1.0}, {"volume_share": 0.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            linear(**wrong)


# --- what is kept ---------------------------------------------------------------------------------


async def test_an_account_goes_on_where_it_was_after_the_engine_has_died(tmp_path: Path) -> None:
    file = tmp_path / "paper.db"
    before = PaperDesk(linear(taker_bps=10.0), keeping=PaperKeeping(file))
    await before.send(BUY, 1.0)
    await before.send(SELL, 1.0, trigger_price=95.0, **STOP)
    after = PaperDesk(linear(taker_bps=10.0), keeping=PaperKeeping(file), capital=1.0)
    assert await after.held() == 1.0
    assert await after.balance() == await before.balance()
    assert await after.venue.open_orders() == await before.venue.open_orders()
    assert await after.venue.fills(0) == before.fills
    after.at(94.0)
    assert await after.held() == 0.0
    assert oct(file.stat().st_mode & 0o777) == "0o600"


# --- whatever is sent -----------------------------------------------------------------------------

sides = st.sampled_from([BUY, SELL])
acts = st.lists(
    st.tuples(
        sides,
        st.integers(1, 40),
        st.sampled_from(["market", "limit", "stop", "target", "reduce"]),
        st.integers(90, 110),
        st.integers(85, 115),
    ),
    max_size=12,
)


def _asked(kind: str, price: int) -> dict[str, object]:
    asked: dict[str, dict[str, object]] = {
        "market": {},
        "reduce": {"reduce_only": True},
        "limit": {"price": float(price)},
        "stop": {"trigger_price": float(price), **STOP},
        "target": {"trigger_price": float(price), **TARGET},
    }
    return asked[kind]


@settings(max_examples=100)
@given(acts, st.booleans(), st.sampled_from([None, 0.01]))
def test_the_wallet_is_the_sum_of_the_fills_and_no_order_does_more_than_it_may(
    acts: list[tuple[TradeSide, int, str, int, int]], on_spot: bool, share: float | None
) -> None:
    async def run() -> None:
        rules = (spot if on_spot else linear)(taker_bps=7.0, maker_bps=3.0, volume_share=share)
        desk = PaperDesk(rules, capital=2_000.0)
        asked: dict[str, float] = {}
        for side, quantity, kind, price, then in acts:
            await desk.refusal(side, float(quantity), **_asked(kind, price))
            asked[f"n{desk._names}"] = float(quantity)
            desk.bar(100, max(100, then), min(100, then), then)
            held = Decimal(0)
            cash = Decimal(2_000)
            done: dict[str, Decimal] = {}
            for fill in desk.fills:
                change = exact(fill.quantity) * fill.side.sign
                held += change
                cash -= change * exact(fill.price) + exact(fill.fee)
                name = fill.client_order_id
                done[name] = done.get(name, Decimal(0)) + exact(fill.quantity)
            assert float(held) == await desk.held()
            assert all(float(quantity) <= asked[name] for name, quantity in done.items() if name)
            position = (await desk.venue.account()).positions.get(BTC)
            cost = Decimal(0) if position is None else exact(position.avg_price or 0) * held
            balance = await desk.balance()
            assert balance == pytest.approx(float(cash + (0 if on_spot else cost)), abs=1e-6)
            if on_spot:
                assert held >= 0
                assert balance >= -1e-6
        for fill, side in ((fill, fill.side) for fill in desk.fills if fill.client_order_id):
            assert fill.quantity > 0
            assert side in (BUY, SELL)

    asyncio.run(run())


def test_the_rules_know_their_market() -> None:
    assert PaperRules("spot", max_leverage=5.0).leverage == 1.0
    assert PaperRules("linear", max_leverage=5.0).leverage == 5.0
