"""What may be held at worst, what protects it, and with how much leverage."""

import math
from dataclasses import replace

import pytest

from tests.behaviours import given_and_expected
from tests.risk.desk import BTC, ETH, LINEAR, NOON, account, market, said, target
from tui_trader.models import (
    Action,
    InstrumentRef,
    OrderRecord,
    OrderRequest,
    OrderRole,
    OrderStatus,
    Protection,
    TargetPosition,
    TradeInstruction,
    TradeSide,
)
from tui_trader.risk import exposure, guardrails, reserved
from tui_trader.risk.interfaces import Assessment, RiskMarket
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.manager import RiskManager
from tui_trader.risk.proposal import Proposal

WIDE = replace(LINEAR, max_equity_usage_pct=1.0, max_leverage=None)


def named(
    action: Action,
    quantity: float,
    *,
    stop_loss: float | None = None,
    take_profit: float | None = None,
    leverage: float | None = None,
) -> TargetPosition:
    return TargetPosition(
        instrument=InstrumentRef(symbol=BTC),
        action=action,
        target_qty=quantity,
        stop_loss=stop_loss,
        take_profit=take_profit,
        leverage=leverage,
    )


def assess(
    wish: TargetPosition,
    limits: RiskLimits = WIDE,
    view: RiskMarket | None = None,
    **held: float,
) -> Assessment:
    return RiskManager(limits).assess("c", [wish], account(**held), view or market())


def refused(wish: TargetPosition, limits: RiskLimits = WIDE, view: RiskMarket | None = None) -> str:
    return assess(wish, limits, view).results[BTC].reason


def test_bh_57_an_order_beyond_equity_times_leverage_is_refused() -> None:
    case, expected = given_and_expected("BH-57")
    accepted = []
    for leverage in case["leverage"]:
        limits = replace(WIDE, max_leverage=leverage)
        held = market({BTC: 1.0, ETH: 1.0})
        wishes = [
            target(Action.LONG, case["balance"] / 2),
            target(Action.LONG, case["order_value"] - case["balance"] / 2, ETH),
        ]
        answer = RiskManager(limits).assess("c", wishes, account(case["balance"]), held)
        accepted.append(len(answer.instructions) == 2)
    assert accepted == expected["accept"]


def test_bh_b0_leverage_is_cut_to_the_limit_and_none_is_refused() -> None:
    case, expected = given_and_expected("BH-B0")
    limits = replace(LINEAR, max_leverage=case["cap"])
    given = [guardrails.clamp_leverage(asked, limits) for asked in case["requests"]]
    assert ["reject" if leverage is None else leverage for leverage in given] == expected["result"]
    spot = RiskLimits(max_leverage=case["cap"])
    on_spot = [guardrails.clamp_leverage(asked, spot) for asked in case["requests"]]
    assert on_spot == [1, 1, 1, None, None]


def test_an_opening_carries_its_leverage_and_a_cut_is_said() -> None:
    cut = assess(named(Action.LONG, 1, leverage=20), replace(WIDE, max_leverage=10))
    assert [order.leverage for order in cut.instructions] == [10]
    assert said(cut.verdicts) == [("clip", "leverage 20: cut to 10"), ("pass", "")]
    asked = assess(named(Action.LONG, 1, leverage=5), replace(WIDE, max_leverage=10))
    assert [order.leverage for order in asked.instructions] == [5]
    assert [order.leverage for order in assess(named(Action.LONG, 1)).instructions] == [None]


@pytest.mark.parametrize("leverage", [0.0, -1.0, -20.0])
def test_no_leverage_opens_nothing_and_closes(leverage: float) -> None:
    assert refused(named(Action.LONG, 1, leverage=leverage)).endswith("is not above 0")
    out = assess(named(Action.CLOSE, 0, leverage=leverage), BTC=2)
    assert [(order.quantity, order.leverage) for order in out.instructions] == [(2, None)]


@pytest.mark.parametrize(
    ("cap", "action", "pending", "reason"),
    [
        # 60 of BTC at 100 on an equity of 10,000; ETH at 10
        ({"max_gross_pct": 0.8}, Action.LONG, {ETH: (200.0, 0.0)}, ""),
        ({"max_gross_pct": 0.8}, Action.LONG, {ETH: (201.0, 0.0)}, "exceeds max gross exposure"),
        ({"max_gross_pct": 0.8}, Action.SHORT, {ETH: (0.0, 201.0)}, "exceeds max gross exposure"),
        ({"max_leverage": 0.8}, Action.LONG, {ETH: (0.0, 201.0)}, "exceeds max leverage"),
        ({"max_net_pct": 0.8}, Action.LONG, {ETH: (200.0, 0.0)}, ""),
        ({"max_net_pct": 0.8}, Action.LONG, {ETH: (201.0, 0.0)}, "exceeds max net exposure"),
        ({"max_net_pct": 0.8}, Action.LONG, {ETH: (0.0, 900.0)}, ""),
        ({"max_net_pct": 0.8}, Action.SHORT, {ETH: (0.0, 201.0)}, "exceeds max net exposure"),
        ({"max_net_pct": 0.8}, Action.SHORT, {ETH: (900.0, 0.0)}, ""),
        ({"max_net_pct": 0.5}, Action.SHORT, {}, "exceeds max net exposure"),
        ({}, Action.LONG, {BTC: (40.0, 0.0)}, ""),
        ({}, Action.LONG, {BTC: (40.1, 0.0)}, "exceeds max position size"),
        ({}, Action.LONG, {BTC: (0.0, 100.1)}, "exceeds max position size"),
        ({"max_positions": 1}, Action.LONG, {ETH: (0.1, 0.0)}, "max positions reached"),
        ({"max_gross_pct": 9.0}, Action.LONG, {"X/USDT": (1.0, 0.0)}, "exceeds max gross exposure"),
        ({"max_net_pct": 9.0}, Action.LONG, {"X/USDT": (1.0, 0.0)}, "exceeds max net exposure"),
    ],
)
def test_open_orders_count_on_their_worse_side(
    cap: dict[str, float],
    action: Action,
    pending: dict[str, tuple[float, float]],
    reason: str,
) -> None:
    limits = replace(WIDE, **cap)  # type: ignore[arg-type]
    wish = named(action, 60.0 if action is Action.LONG else -60.0)
    assert refused(wish, limits, replace(market(), pending=pending)) == reason


def test_two_openings_of_one_cycle_do_not_balance_each_other() -> None:
    """Either may be filled without the other."""
    wishes = [target(Action.SHORT, -50), target(Action.LONG, 600, ETH)]
    limits = replace(WIDE, max_net_pct=0.5)
    answer = RiskManager(limits).assess("c", wishes, account(), market())
    assert [order.instrument.symbol for order in answer.instructions] == [BTC]
    assert answer.results[ETH].reason == "exceeds max net exposure"


def test_an_unknown_order_bars_openings_in_its_symbol_and_no_close() -> None:
    view = replace(market(), unknown=frozenset({BTC}), pending={BTC: (0.0, 900.0)})
    wishes = [target(Action.SHORT, -1), target(Action.LONG, 1, ETH)]
    answer = RiskManager(WIDE).assess("c", wishes, account(BTC=3), view)
    orders = [(order.instrument.symbol, order.reduce_only) for order in answer.instructions]
    assert orders == [(BTC, True), (ETH, False)]
    assert ("veto", "an order's outcome is unknown") in said(answer.verdicts)
    (bar,) = RiskManager(WIDE).bars([BTC, ETH], account(), view)
    assert (bar.symbol, bar.reason) == (BTC, "an order's outcome is unknown")


def test_an_opening_is_told_what_protects_it_and_a_close_is_not() -> None:
    wish = named(Action.SHORT, -2, stop_loss=110, take_profit=80)
    answer = assess(wish, replace(WIDE, trailing_stop_pct=0.02), BTC=1)
    wanted = Protection(stop_loss=110, take_profit=80, trailing_pct=0.02)
    assert [order.protection for order in answer.instructions] == [None, wanted]
    bare = assess(named(Action.LONG, 1))
    assert [order.protection for order in bare.instructions] == [None]


def test_a_composers_own_order_keeps_its_stop() -> None:
    own = TradeInstruction(
        instruction_id="mine",
        compose_id="c",
        instrument=InstrumentRef(symbol=BTC),
        side=TradeSide.BUY,
        quantity=1,
        protection=Protection(stop_loss=90),
    )
    manager = RiskManager(replace(WIDE, require_stop=True))
    answer = manager.assess("c", manager.targets_of([own], account()), account(), market())
    assert [order.protection for order in answer.instructions] == [Protection(stop_loss=90)]


@pytest.mark.parametrize(
    ("action", "stop_loss", "take_profit", "wrong"),
    [
        (Action.LONG, 99.0, 101.0, ""),
        (Action.LONG, 100.0, None, "stop_loss 100"),
        (Action.LONG, 101.0, None, "stop_loss 101"),
        (Action.LONG, 0.0, None, "stop_loss 0"),
        (Action.LONG, -5.0, None, "stop_loss -5"),
        (Action.LONG, 99.0, 99.5, "take_profit 99.5"),
        (Action.SHORT, 101.0, 99.0, ""),
        (Action.SHORT, 99.0, None, "stop_loss 99"),
        (Action.SHORT, None, 101.0, "take_profit 101"),
    ],
)
def test_a_stop_lies_against_the_position_and_a_target_for_it(
    action: Action, stop_loss: float | None, take_profit: float | None, wrong: str
) -> None:
    quantity = 1.0 if action is Action.LONG else -1.0
    wish = named(action, quantity, stop_loss=stop_loss, take_profit=take_profit)
    assert refused(wish) == (f"{wrong} on the wrong side of the price" if wrong else "")
    out = assess(wish, BTC=-3 * quantity)
    assert out.instructions[0].reduce_only


def test_where_a_stop_is_required_nothing_opens_without_one() -> None:
    limits = replace(WIDE, require_stop=True)
    assert refused(named(Action.LONG, 1), limits) == "no stop-loss"
    assert refused(named(Action.LONG, 1, take_profit=120), limits) == "no stop-loss"
    assert refused(named(Action.LONG, 1, stop_loss=90), limits) == ""
    assert refused(named(Action.LONG, 1), replace(limits, trailing_stop_pct=0.01)) == ""
    flip = assess(named(Action.SHORT, -1), limits, BTC=2)
    assert [order.reduce_only for order in flip.instructions] == [True]


def test_the_liquidation_must_be_far_enough_and_beyond_the_stop() -> None:
    # An equity of 10,000 on 100 coins at 200: a loss of 50 % less the margin of 0.5 % ends it.
    view = market({BTC: 200.0, ETH: 10.0})
    limits = replace(WIDE, min_liquidation_distance_pct=0.3)
    near = replace(view, pending={ETH: (2_500.0, 0.0)})
    wish = named(Action.LONG, 50.0)
    assert refused(wish, limits, view) == ""
    assert refused(wish, limits, near) == "liquidation 28.1% away, less than 30.0%"
    assert refused(wish, replace(limits, market="spot", allow_short=False), near) == ""
    assert refused(wish, replace(limits, min_liquidation_distance_pct=None), near) == ""
    stopped = named(Action.LONG, 50.0, stop_loss=140.0)
    assert refused(stopped, WIDE, view) == ""
    assert refused(stopped, WIDE, near) == "stop_loss 140 beyond the liquidation"


def test_what_is_not_known_has_no_distance_to_its_liquidation() -> None:
    blind = replace(market(), pending={"X/USDT": (1.0, 0.0)})
    limits = replace(WIDE, min_liquidation_distance_pct=0.1)
    assert refused(named(Action.LONG, 1), limits, blind).startswith("liquidation 0.0% away")


def record(
    symbol: str,
    side: TradeSide,
    quantity: float,
    status: OrderStatus = OrderStatus.ACCEPTED,
    *,
    filled: float = 0.0,
    reduce_only: bool = False,
) -> OrderRecord:
    return OrderRecord(
        request=OrderRequest(
            client_order_id="x",
            symbol=symbol,
            side=side,
            quantity=quantity,
            reduce_only=reduce_only,
        ),
        role=OrderRole.ENTRY,
        instruction_id="i",
        compose_id="c",
        status=status,
        filled_qty=filled,
    )


def test_what_orders_may_still_add_is_reserved() -> None:
    orders = [
        record(BTC, TradeSide.BUY, 1.0, filled=0.4, status=OrderStatus.PARTIALLY_FILLED),
        record(BTC, TradeSide.BUY, 2.0, status=OrderStatus.UNKNOWN),
        record(BTC, TradeSide.SELL, 0.5, status=OrderStatus.SUBMITTED),
        record(BTC, TradeSide.SELL, 9.0, reduce_only=True),
        record(ETH, TradeSide.BUY, 5.0, status=OrderStatus.CANCELLED),
        record(ETH, TradeSide.SELL, 5.0, status=OrderStatus.UNKNOWN, reduce_only=True),
    ]
    assert reserved.pending(orders) == {BTC: (2.6, 0.5)}
    assert reserved.unknown(orders) == {BTC, ETH}
    assert reserved.unknown(orders[2:5]) == frozenset()


def test_spot_is_never_liquidated() -> None:
    proposal = Proposal(
        action=Action.LONG,
        symbol=BTC,
        ts=NOON,
        base=0.0,
        quantity=1.0,
        price=100.0,
        equity=1.0,
        other_notional=0.0,
        other_positions=0,
        stale=False,
        state=RiskManager(WIDE).state,
    )
    assert exposure.liquidation_distance(proposal, RiskLimits()) == math.inf
    assert exposure.liquidation_distance(proposal, LINEAR) == pytest.approx(0.01 - 0.005)
