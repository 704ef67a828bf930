import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.desk import BTC, ETH, account, target
from tui_trader.models import (
    Action,
    InstrumentRef,
    PriceMode,
    TargetPosition,
    TradeInstruction,
    TradeSide,
)
from tui_trader.models.orders import instructions_toward, split, targets_of

# To eight decimals, as venues have them: below that a float has lost what is left of a difference.
quantities = st.one_of(st.just(0.0), st.floats(-1e6, 1e6).map(lambda value: round(value, 8) + 0.0))
prices = st.none() | st.floats(min_value=1e-9, max_value=1e9)


@st.composite
def decisions(draw: st.DrawFn, held: float) -> TargetPosition:
    """What the formats make of answers: an action that agrees with the way to its quantity."""
    wanted = draw(st.one_of(quantities, st.just(held), st.just(-held)))
    action = Action.LONG if wanted > held else Action.SHORT
    if wanted in (0.0, held):
        action = Action.HOLD if wanted == held else Action.CLOSE
    return TargetPosition(
        instrument=InstrumentRef(symbol=BTC),
        action=action,
        target_qty=wanted,
        size_pct=draw(st.floats(0, 1)),
        confidence=draw(st.none() | st.floats(0, 1)),
        rationale=draw(st.text(max_size=9)),
        leverage=draw(prices),
        stop_loss=draw(prices),
        take_profit=draw(prices),
    )


@given(st.data(), quantities)
def test_the_orders_toward_a_target_lead_to_that_target(data: st.DataObject, held: float) -> None:
    wish = data.draw(decisions(held))
    view = account(BTC=held)
    orders = instructions_toward([wish], view, "c1")
    if wish.action is Action.HOLD:
        assert orders == ()
        return
    (found,) = targets_of(orders, view)
    scale = max(1.0, abs(held), abs(wish.target_qty))
    assert math.isclose(found.target_qty, wish.target_qty, rel_tol=0, abs_tol=1e-12 * scale)
    assert found.model_copy(update={"target_qty": wish.target_qty}) == wish


def test_closes_are_reduce_only_and_a_flip_is_two_orders() -> None:
    view = account(BTC=3, ETH=-2)
    orders = instructions_toward(
        [target(Action.SHORT, -3), target(Action.CLOSE, 0, ETH)], view, "c1"
    )
    assert [
        (order.instruction_id, order.side.value, order.quantity, order.reduce_only)
        for order in orders
    ] == [
        (f"c1:{BTC}", "SELL", 3, True),
        (f"c1:{BTC}:1", "SELL", 3, False),
        (f"c1:{ETH}", "BUY", 2, True),
    ]


@pytest.mark.parametrize(
    ("action", "wanted"),
    [(Action.LONG, -1), (Action.SHORT, 1), (Action.CLOSE, 5), (Action.HOLD, 5)],
)
def test_an_opening_that_contradicts_its_action_has_no_order(action: Action, wanted: float) -> None:
    assert instructions_toward([target(action, wanted)], account(), "c1") == ()


def test_a_contradiction_still_closes() -> None:
    (order,) = instructions_toward([target(Action.LONG, -1)], account(BTC=2), "c1")
    assert (order.reduce_only, order.side, order.quantity) == (True, TradeSide.SELL, 2)


def test_the_way_to_a_target_is_split_at_flat() -> None:
    assert split(0.0, 3.0) == (0.0, 3.0)
    assert split(2.0, 3.0) == (0.0, 1.0)
    assert split(3.0, 2.0) == (-1.0, 0.0)
    assert split(3.0, 0.0) == (-3.0, 0.0)
    assert split(3.0, -2.0) == (-3.0, -2.0)
    assert split(-3.0, 2.0) == (3.0, 2.0)
    assert split(0.3, 0.1) == (-0.2, 0.0)


def order(side: TradeSide, quantity: float, **more: object) -> TradeInstruction:
    return TradeInstruction.model_validate(
        {
            "instruction_id": "c1:x",
            "compose_id": "c1",
            "instrument": InstrumentRef(symbol=BTC),
            "side": side,
            "quantity": quantity,
            **more,
        }
    )


def test_orders_of_a_composer_add_up_to_one_target() -> None:
    orders = [order(TradeSide.BUY, 0.1), order(TradeSide.BUY, 0.2)]
    (found,) = targets_of(orders, account(BTC=0.3))
    assert (found.action, found.target_qty) == (Action.LONG, 0.6)


def test_a_composers_reduce_only_order_stops_at_flat() -> None:
    orders = [order(TradeSide.SELL, 5, reduce_only=True)]
    (found,) = targets_of(orders, account(BTC=2))
    assert (found.action, found.target_qty) == (Action.CLOSE, 0.0)
    (found,) = targets_of(orders, account())
    assert (found.action, found.target_qty) == (Action.HOLD, 0.0)


def test_a_composers_limit_order_is_not_sent_at_market() -> None:
    orders = [order(TradeSide.BUY, 1, price_mode=PriceMode.LIMIT, limit_price=90.0)]
    (found,) = targets_of(orders, account())
    assert found.action is Action.HOLD
    assert "limit orders are not supported" in found.rationale


def test_less_of_a_position_is_called_by_the_direction_of_the_order() -> None:
    (found,) = targets_of([order(TradeSide.SELL, 1)], account(BTC=3))
    assert (found.action, found.target_qty) == (Action.SHORT, 2.0)


BAD: list[dict[str, Any]] = [
    {"confidence": 1.01},
    {"confidence": -0.01},
    {"confidence": math.nan},
    {"confidence": "0.9"},
    {"confidence": True},
    {"confidence": [0.9]},
    {"size_pct": 1.5},
    {"rationale": 7},
    {"stop_loss": 0.0},
    {"take_profit": -1.0},
    {"leverage": math.inf},
]


@pytest.mark.parametrize("meta", BAD)
def test_an_order_with_a_meta_that_is_not_valid_opens_nothing(meta: dict[str, Any]) -> None:
    bad = order(TradeSide.SELL, 5, meta=meta)
    (found,) = targets_of([bad], account())
    assert (found.action, found.target_qty) == (Action.HOLD, 0.0)
    assert found.rationale == f"meta refused: {next(iter(meta))} not valid"
    (found,) = targets_of([bad], account(BTC=2))
    assert (found.action, found.target_qty) == (Action.CLOSE, 0.0)


def test_a_leverage_that_is_not_valid_opens_nothing_either() -> None:
    (found,) = targets_of([order(TradeSide.BUY, 5, leverage=-1.0)], account())
    assert found.action is Action.HOLD


def test_what_a_meta_holds_beside_the_decision_is_its_authors_affair() -> None:
    meta = {"confidence": 0.7, "signal": object(), "stop_loss": None}
    (found,) = targets_of([order(TradeSide.BUY, 5, meta=meta)], account())
    assert (found.action, found.confidence, found.stop_loss) == (Action.LONG, 0.7, None)


def test_orders_together_are_as_sure_as_the_least_sure_of_them() -> None:
    orders = [order(TradeSide.BUY, 1, meta={"confidence": sure}) for sure in (0.9, 0.2, None)]
    (found,) = targets_of(orders, account())
    assert (found.target_qty, found.confidence) == (3.0, 0.2)
