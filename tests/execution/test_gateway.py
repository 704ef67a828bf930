"""No order twice, none forgotten: what the gateway does when a venue does not do as it should."""

import pytest

from tests.execution.scripted_venue import PRICE
from tests.execution.trading import BTC, BUY, SELL, Trading, order
from tui_trader.models import (
    OrderRole,
    OrderStatus,
    OrderType,
    PriceMode,
    TimeInForce,
    TxStatus,
    VenueFill,
)
from tui_trader.trading_history.database import StoreError

ENDS = [
    ("lost", 0.0, OrderStatus.REJECTED),
    ("unanswered", 1.0, OrderStatus.FILLED),
    ("refused", 0.0, OrderStatus.REJECTED),
    ("filled", 1.0, OrderStatus.FILLED),
]


@pytest.mark.parametrize("mute", [False, True], ids=["pushed", "mute"])
@pytest.mark.parametrize(("answer", "held", "status"), ENDS)
async def test_whatever_is_answered_an_order_is_sent_once_and_known_in_the_end(
    answer: str, held: float, status: OrderStatus, mute: bool
) -> None:
    trading = await Trading().started()
    trading.venue.mute, trading.venue.answers = mute, [answer]
    await trading.send(order(BUY, 1.0))
    await trading.after(40)
    assert len(trading.venue.sent) == 1
    assert trading.held == trading.venue.held(BTC) == held
    assert trading.status() is status
    assert not trading.store.orders(live=True)
    assert trading.gateway.outstanding().pending == {}


async def test_an_intent_is_on_the_disk_before_anything_is_sent() -> None:
    trading = await Trading().started()
    seen: list[bool] = []
    submit = trading.venue.submit

    async def looking(request):  # type: ignore[no-untyped-def]
        seen.append(trading.store.order(request.client_order_id) is not None)
        return await submit(request)

    trading.venue.submit = looking  # type: ignore[method-assign]
    await trading.send(order(BUY, 1.0))
    assert seen == [True]


async def test_an_instruction_is_never_sent_twice() -> None:
    trading = await Trading().started()
    first = await trading.send(order(BUY, 1.0))
    assert await trading.send(order(BUY, 1.0)) == first
    assert len(trading.venue.sent) == 1


async def test_an_unknown_outcome_blocks_openings_in_its_symbol_and_no_close() -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0))
    trading.venue.answers, trading.venue.hidden = ["lost"], True
    (unknown,) = await trading.send(order(BUY, 1.0, "c2"))
    assert unknown.status is TxStatus.UNKNOWN
    assert trading.gateway.outstanding().unknown == {BTC}
    (refused,) = await trading.send(order(BUY, 1.0, "c3"))
    assert refused.status is TxStatus.REJECTED
    assert "not known" in (refused.reason or "")
    (closed,) = await trading.send(order(SELL, 1.0, "c4", reduce_only=True))
    assert closed.status is TxStatus.FILLED
    assert trading.held == 0


async def test_an_unknown_order_reserves_what_it_may_still_buy() -> None:
    trading = await Trading().started()
    trading.venue.answers, trading.venue.dead = ["lost"], True
    await trading.send(order(BUY, 1.0))
    assert trading.gateway.outstanding().pending == {BTC: (1.0, 0.0)}


async def test_absence_is_proven_only_after_the_order_could_land_no_more() -> None:
    trading = await Trading().started()
    trading.venue.hidden, trading.venue.answers = True, ["unanswered"]
    trading.venue.mute = True
    await trading.send(order(BUY, 1.0))
    await trading.after(4)  # landing_ms is 5 s: it is said that there is no such order
    assert trading.status() is OrderStatus.UNKNOWN
    trading.venue.hidden = False
    await trading.after(4)
    assert trading.status() is OrderStatus.FILLED
    assert trading.held == 1.0


async def test_an_error_of_the_network_is_evidence_of_nothing() -> None:
    trading = await Trading().started()
    trading.venue.answers, trading.venue.dead = ["unanswered"], True
    await trading.send(order(BUY, 1.0))
    await trading.after(300)
    assert trading.status() is OrderStatus.UNKNOWN
    assert trading.gateway.outstanding().unknown == {BTC}


async def test_a_fill_counts_once_however_often_it_is_told() -> None:
    trading = await Trading().started()
    trading.venue.answers = ["silent"]
    await trading.send(order(BUY, 1.0))
    name = trading.venue.sent[0].client_order_id
    trading.venue.fill(name, 0.4, times=3)
    trading.venue.fill(name, 0.6, times=2)
    await trading.after(60)
    assert trading.held == 1.0
    assert [news.filled_qty for news in trading.booked] == [0.4, 0.6]
    assert len(list(trading.store.fills())) == 2


async def test_a_partial_fill_then_silence_is_heard_of_all_the_same() -> None:
    trading = await Trading().started()
    trading.venue.answers, trading.venue.mute = ["half"], True
    await trading.send(order(BUY, 1.0))
    await trading.after(3)
    assert trading.held == 0.5
    assert trading.status() is OrderStatus.PARTIALLY_FILLED
    trading.venue.end(trading.venue.sent[0].client_order_id, OrderStatus.EXPIRED, "no liquidity")
    await trading.after(3)
    assert trading.status() is OrderStatus.EXPIRED
    assert trading.gateway.outstanding().pending == {}


async def test_a_fill_from_before_a_cancel_that_is_told_after_it_is_booked() -> None:
    trading = await Trading().started()
    trading.venue.answers = ["silent"]
    await trading.send(order(BUY, 1.0))
    name = trading.venue.sent[0].client_order_id
    trading.venue.mute = True
    trading.venue.fill(name, 0.25)
    trading.venue.mute = False
    trading.venue.push(
        trading.venue.report(trading.venue.orders[name]).model_copy(
            update={"status": OrderStatus.CANCELLED, "filled_qty": 0.0}
        )
    )
    assert trading.status() is OrderStatus.CANCELLED
    await trading.after(60)
    assert trading.held == 0.25
    assert trading.status() is OrderStatus.CANCELLED


async def test_what_the_venue_says_out_of_order_never_goes_back() -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0))
    placed = trading.venue.orders[trading.venue.sent[0].client_order_id]
    late = trading.venue.report(placed).model_copy(update={"status": OrderStatus.ACCEPTED})
    trading.venue.push(late)
    assert trading.status() is OrderStatus.FILLED


async def test_an_order_of_somebody_else_is_none_of_ours() -> None:
    trading = await Trading().started()
    trading.venue.push(
        VenueFill(
            trade_id="x",
            client_order_id="web-1",
            symbol=BTC,
            side=BUY,
            quantity=3.0,
            price=1.0,
            ts=1,
        )
    )
    assert trading.held == 0


async def test_nothing_is_opened_after_a_close_that_was_not_filled() -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0))
    trading.venue.answers = ["refused"]
    flip = [order(SELL, 1.0, "c2", reduce_only=True), order(SELL, 1.0, "c3")]
    _, opened = await trading.send(*flip)
    assert opened.status is TxStatus.REJECTED
    assert "a close before it" in (opened.reason or "")
    assert trading.held == 1.0


async def test_a_close_of_nothing_holds_nothing_up_and_sends_nothing() -> None:
    trading = await Trading().started()
    closed, opened = await trading.send(
        order(SELL, 1.0, "c2", reduce_only=True), order(BUY, 1.0, "c3")
    )
    assert (closed.status, closed.reason) == (TxStatus.REJECTED, "nothing to reduce")
    assert opened.status is TxStatus.FILLED


async def test_a_reduction_is_never_more_than_what_is_held() -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0))
    await trading.send(order(SELL, 5.0, "c2", reduce_only=True))
    assert trading.venue.sent[-1].quantity == 1.0
    assert trading.held == 0


async def test_what_is_meant_is_not_sent_once_the_engine_is_halted() -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0))
    trading.halted = "halted"
    close, opening = order(SELL, 1.0, "c2", reduce_only=True), order(BUY, 1.0, "c3")
    closed, opened = await trading.send(close, opening)
    assert closed.status is TxStatus.FILLED
    assert (opened.status, opened.reason) == (TxStatus.REJECTED, "not sent: halted")
    assert len(trading.venue.sent) == 2


async def test_before_the_venues_books_are_read_nothing_is_opened() -> None:
    trading = Trading()
    trading.venue.dead = True
    with pytest.raises(Exception, match="nobody answers"):
        await trading.gateway.open()
    (result,) = await trading.send(order(BUY, 1.0))
    assert "have not been read" in (result.reason or "")
    assert not trading.venue.sent
    trading.venue.dead = False
    await trading.after(1)
    (result,) = await trading.send(order(BUY, 1.0, "c2"))
    assert result.status is TxStatus.FILLED


async def test_a_disk_that_refuses_an_intent_opens_nothing_and_closes_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0))

    def full(*given: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(trading.store, "record_intent", full)
        patch.setattr(trading.store, "record_step", full)
        (opened,) = await trading.send(order(BUY, 1.0, "c2"))
        assert (opened.status, opened.reason) == (TxStatus.ERROR, "not sent: the disk is full")
        (closed,) = await trading.send(order(SELL, 1.0, "c3", reduce_only=True))
        assert closed.status is TxStatus.FILLED
        assert trading.troubles
    trading.gateway.save()
    assert len(list(trading.store.fills())) == 2
    assert trading.status("c3") is OrderStatus.FILLED


async def test_a_bound_for_slippage_is_sent_along_and_a_close_has_none() -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0, max_slippage_bps=50))
    (request,) = trading.venue.sent
    assert (request.type, request.time_in_force) == (OrderType.LIMIT, TimeInForce.IOC)
    assert request.price == pytest.approx(PRICE * 1.005)
    trading.venue.fill(request.client_order_id, 1.0)
    await trading.send(order(SELL, 1.0, "c2", reduce_only=True, max_slippage_bps=50))
    assert trading.venue.sent[-1].type is OrderType.MARKET


async def test_an_opening_that_rests_too_long_is_cancelled() -> None:
    trading = await Trading().started()
    limit = order(BUY, 1.0, price_mode=PriceMode.LIMIT, limit_price=90.0)
    (result,) = await trading.send(limit)
    assert result.status is TxStatus.WORKING
    await trading.after(30)
    assert trading.status() is OrderStatus.ACCEPTED
    await trading.after(70)
    assert trading.status() is OrderStatus.CANCELLED


async def test_a_cancel_that_races_a_fill_ends_with_the_fill() -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0, price_mode=PriceMode.LIMIT, limit_price=90.0))
    name = trading.venue.sent[0].client_order_id
    trading.venue.mute = True
    trading.venue.fill(name, 1.0)
    assert await trading.gateway.cancel(name, "the operator's wish") == OrderStatus.FILLED
    assert trading.held == 1.0
    with pytest.raises(ValueError, match="filled already"):
        await trading.gateway.cancel(name, "again")
    with pytest.raises(KeyError):
        await trading.gateway.cancel("tt-unknown", "what is that?")


# --- after a crash --------------------------------------------------------------------------------


@pytest.mark.parametrize("mute", [False, True], ids=["pushed", "mute"])
@pytest.mark.parametrize(("answer", "held", "status"), ENDS)
async def test_what_was_on_its_way_in_a_crash_is_found_and_never_sent_again(
    answer: str, held: float, status: OrderStatus, mute: bool
) -> None:
    before = await Trading().started()
    before.venue.mute, before.venue.answers = mute, [answer]
    await before.send(order(BUY, 1.0))
    after = await before.again()
    await after.after(60)
    assert len(after.venue.sent) == 1
    assert after.held == after.venue.held(BTC) == held
    assert after.status() is status


async def test_an_intent_that_was_never_sent_is_proven_to_be_nowhere() -> None:
    before = await Trading().started()
    before.venue.answers = ["lost"]

    class Crash(BaseException):
        pass

    async def dies(request: object) -> None:
        raise Crash

    before.venue.submit = dies  # type: ignore[assignment,method-assign]
    with pytest.raises(Crash):
        await before.send(order(BUY, 1.0))
    del before.venue.submit
    after = await before.again()
    assert after.status() is OrderStatus.UNKNOWN
    assert after.gateway.outstanding().unknown == {BTC}
    await after.after(20)
    assert after.status() is OrderStatus.REJECTED
    assert "never accepted" in after.orders()[0].record.steps[-1].reason


async def test_what_happened_while_the_engine_was_away_is_in_the_books_after_its_start() -> None:
    before = await Trading().started()
    before.venue.answers = ["half"]
    await before.send(order(BUY, 1.0))
    before.venue.mute = True
    before.venue.fill(before.venue.sent[0].client_order_id, 0.5)
    after = await before.again()
    assert after.held == 1.0
    assert after.status() is OrderStatus.FILLED


async def test_an_external_position_is_seen_counted_and_left_alone() -> None:
    trading = Trading()
    trading.venue.strangers = {BTC: 2.0}
    await trading.started()
    assert trading.gateway.external == {BTC: 2.0}
    assert trading.held == 0
    await trading.after(100)
    assert not trading.venue.sent
    assert BTC in trading.gateway.outstanding().unknown, "nothing is opened beside it"


async def test_an_order_of_ours_that_nobody_wrote_down_is_cancelled_and_told() -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0, price_mode=PriceMode.LIMIT, limit_price=90.0))
    other = Trading(venue=trading.venue, clock=trading.clock)
    await other.started()
    assert "never written down" in other.troubles[0]
    assert all(it.status is OrderStatus.CANCELLED for it in trading.venue.orders.values())


async def test_a_liquidation_is_booked_and_told() -> None:
    trading = await Trading().started()
    await trading.send(order(BUY, 1.0))
    gone = VenueFill(
        trade_id="liq", client_order_id="", symbol=BTC, side=SELL, quantity=1.0, price=50.0, ts=9
    )
    trading.venue.trades.append(gone.model_copy(update={"ts": trading.clock.ms}))
    trading.venue.push(gone)
    trading.venue.push(gone)
    assert trading.held == 0
    assert "the venue has closed 1 at 50: by itself" in trading.troubles[0]
    again = await trading.again()
    assert again.held == 0
    assert [kept.record.role for kept in again.orders()] == [OrderRole.ENTRY, OrderRole.EXIT]


async def test_a_close_that_was_sent_while_the_disk_refused_is_in_the_books_after_a_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = await Trading().started()
    await before.send(order(BUY, 1.0))

    def full(*given: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(before.store, "record_intent", full)
        patch.setattr(before.store, "record_step", full)
        await before.send(order(SELL, 1.0, "c2", reduce_only=True))
    after = await before.again()
    assert after.held == after.venue.held(BTC) == 0
    assert "never written down" in after.troubles[0]
    assert len(list(after.store.fills())) == 2
