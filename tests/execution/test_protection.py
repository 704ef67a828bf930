"""No position without its stop: placed, confirmed, moved, and cancelled when it is orphaned."""

import pytest

from tests.execution.scripted_venue import ScriptedVenue
from tests.execution.trading import BTC, BUY, DEADLINE_MS, SELL, Trading, order
from tui_trader.models import OrderRole, OrderStatus, OrderType, Protection, TradeSide

STOP, TARGET = OrderRole.STOP, OrderRole.TARGET
BOTH = Protection(stop_loss=95.0, take_profit=110.0)
LONG_AGO = DEADLINE_MS / 1000 + 3


async def opened(
    protection: Protection | None = BOTH,
    *,
    venue: ScriptedVenue | None = None,
    side: TradeSide = BUY,
) -> Trading:
    trading = await Trading(venue=venue or ScriptedVenue()).started()
    await trading.send(order(side, 1.0, protection=protection))
    return trading


def triggers(trading: Trading, role: OrderRole) -> list[tuple[float, float]]:
    """Price and quantity of what rests at the venue in this role."""
    return [
        (round(it.request.trigger_price or 0.0, 9), it.request.quantity)
        for it in trading.resting(role)
    ]


async def test_a_filled_opening_has_its_stop_and_target_at_the_venue() -> None:
    trading = await opened()
    assert triggers(trading, STOP) == [(95.0, 1.0)]
    assert triggers(trading, TARGET) == [(110.0, 1.0)]
    assert all(it.reduce_only for it in trading.venue.sent[1:])
    assert {it.side for it in trading.venue.sent[1:]} == {SELL}
    assert {it.type for it in trading.venue.sent[1:]} == {
        OrderType.STOP_MARKET,
        OrderType.TAKE_PROFIT,
    }
    assert trading.gateway.protection_of(BTC) == (BOTH, True)


async def test_a_position_that_asked_for_nothing_has_nothing() -> None:
    trading = await opened(None)
    assert trading.gateway.protection_of(BTC) == (None, None)
    assert len(trading.venue.sent) == 1


@pytest.mark.parametrize("role", [STOP, TARGET])
async def test_when_one_of_them_closes_the_position_the_other_is_cancelled(
    role: OrderRole,
) -> None:
    trading = await opened()
    (hit,) = trading.resting(role)
    trading.venue.fill(hit.client_order_id, 1.0)
    await trading.after(1)
    assert trading.held == 0
    assert not trading.resting(STOP)
    assert not trading.resting(TARGET)
    assert trading.gateway.protection_of(BTC) == (None, None)


async def test_a_close_cancels_what_protected() -> None:
    trading = await opened()
    await trading.send(order(SELL, 1.0, "c2", reduce_only=True))
    assert not trading.resting(STOP)
    assert not trading.resting(TARGET)


async def test_it_has_the_size_of_what_is_held() -> None:
    trading = await opened()
    await trading.send(order(BUY, 0.5, "c2"))
    assert triggers(trading, STOP) == [(95.0, 1.5)]
    await trading.send(order(SELL, 1.0, "c3", reduce_only=True))
    assert triggers(trading, STOP) == [(95.0, 0.5)]
    assert triggers(trading, TARGET) == [(110.0, 0.5)]


async def test_a_new_stop_is_in_force_before_the_old_one_is_cancelled() -> None:
    trading = await opened()
    resting: list[int] = []
    cancel = trading.venue.cancel

    async def looking(symbol: str, client_order_id: str) -> None:
        resting.append(len(trading.resting(STOP)))
        await cancel(symbol, client_order_id)

    trading.venue.cancel = looking  # type: ignore[method-assign]
    await trading.send(order(BUY, 0.5, "c2"))
    assert resting[0] == 2


async def test_a_later_opening_says_where_the_stop_is_from_then_on() -> None:
    trading = await opened()
    await trading.send(order(BUY, 1.0, "c2", protection=Protection(stop_loss=97.0)))
    assert triggers(trading, STOP) == [(97.0, 2.0)]
    assert not triggers(trading, TARGET)


async def test_a_stop_that_is_refused_is_tried_again_and_then_the_position_is_closed() -> None:
    trading = await opened(venue=ScriptedVenue(protection_answers=["refused"] * 99))
    assert trading.gateway.protection_of(BTC) == (BOTH, False)
    await trading.after(DEADLINE_MS / 1000 - 1)
    assert trading.held == 1.0
    await trading.after(2)
    assert trading.held == trading.venue.held(BTC) == 0
    assert "no stop could be confirmed" in trading.closes[0]


async def test_a_stop_that_is_refused_once_is_in_force_at_the_second_attempt() -> None:
    trading = await opened(venue=ScriptedVenue(protection_answers=["refused", "refused"]))
    await trading.after(1)
    assert trading.gateway.protection_of(BTC) == (BOTH, True)
    assert not trading.closes


@pytest.mark.parametrize("answer", ["lost", "unanswered"])
async def test_a_stop_nobody_has_confirmed_does_not_count(answer: str) -> None:
    trading = await opened(
        Protection(stop_loss=95.0), venue=ScriptedVenue(protection_answers=[answer] * 99, mute=True)
    )
    assert trading.gateway.protection_of(BTC)[1] is False
    await trading.after(LONG_AGO + 40)
    if answer == "lost":
        assert trading.held == 0
    else:  # it was there, and asking has found it
        assert trading.held == 1.0
        assert trading.gateway.protection_of(BTC)[1] is True
    assert len(trading.resting(STOP)) == trading.held


async def test_a_target_that_is_refused_closes_nothing() -> None:
    target = Protection(take_profit=110.0)
    trading = await opened(target, venue=ScriptedVenue(protection_answers=["refused"] * 99))
    await trading.after(LONG_AGO)
    assert trading.held == 1.0
    assert trading.gateway.protection_of(BTC)[1] is False
    trading.venue.price = 110.0
    await trading.after(1)
    assert trading.held == 0
    assert "target at 110 is reached" in trading.closes[0]


async def test_a_price_beyond_a_stop_that_is_not_in_force_closes_at_once() -> None:
    trading = await opened(venue=ScriptedVenue(protection_answers=["refused"] * 99))
    trading.venue.price = 94.0
    await trading.after(1)
    assert trading.held == 0
    assert "stop at 95 is passed" in trading.closes[0]


@pytest.mark.parametrize(("side", "levels"), [(BUY, (95.0, 110.0)), (SELL, (105.0, 90.0))])
@pytest.mark.parametrize("which", [0, 1], ids=["stop", "target"])
async def test_where_the_venue_holds_none_the_engine_keeps_it(
    side: TradeSide, levels: tuple[float, float], which: int
) -> None:
    protection = Protection(stop_loss=levels[0], take_profit=levels[1])
    trading = await opened(protection, venue=ScriptedVenue(holds_protection=False), side=side)
    assert trading.gateway.protection_of(BTC) == (protection, True)
    await trading.after(LONG_AGO)
    assert len(trading.venue.sent) == 1
    trading.venue.price = levels[which]
    await trading.after(1)
    assert trading.held == 0


@pytest.mark.parametrize(
    ("side", "path", "stops"),
    [(BUY, (100, 120, 110), (90, 108, 108)), (SELL, (100, 80, 90), (110, 88, 88))],
)
async def test_a_trailing_stop_follows_and_never_goes_back(
    side: TradeSide, path: tuple[float, ...], stops: tuple[float, ...]
) -> None:
    trading = await opened(Protection(trailing_pct=0.1), side=side)
    for price, stop in zip(path, stops, strict=True):
        trading.venue.price = price
        await trading.after(1)
        assert triggers(trading, STOP) == [(stop, 1.0)]


async def test_a_trailing_stop_makes_no_storm_of_orders() -> None:
    trading = await opened(Protection(trailing_pct=0.1))
    for tick in range(100):
        trading.venue.price = 100.0 + tick * 0.001
        await trading.after(1)
    assert len(trading.venue.sent) <= 5


async def test_a_restart_finds_what_protects_and_doubles_nothing() -> None:
    before = await opened()
    after = await before.again()
    await after.after(40)
    assert len(after.venue.sent) == 3
    assert after.gateway.protection_of(BTC) == (BOTH, True)


async def test_a_restart_protects_what_a_crash_left_without_a_stop() -> None:
    before = await opened(venue=ScriptedVenue(protection_answers=["lost", "lost"]))
    after = await before.again()
    await after.after(LONG_AGO + 20)
    assert len(after.resting(STOP)) == after.held
    assert after.held == after.venue.held(BTC)


async def test_a_restart_does_not_forget_how_far_a_stop_had_followed() -> None:
    before = await opened(Protection(trailing_pct=0.1))
    before.venue.price = 120.0
    await before.after(1)
    before.venue.price = 110.0
    after = await before.again()
    await after.after(5)
    assert triggers(after, STOP) == [(108.0, 1.0)]


async def test_a_stop_of_a_position_that_closed_while_the_engine_was_away_is_cancelled() -> None:
    before = await opened()
    before.venue.mute = True
    (target,) = before.resting(TARGET)
    before.venue.fill(target.client_order_id, 1.0)
    after = await before.again()
    assert after.held == 0
    assert not after.resting(STOP)
    assert after.status() is OrderStatus.FILLED
