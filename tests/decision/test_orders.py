"""The `orders` vocabulary: an opening is complete and within bounds, or it is not made."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decision.contexts import BTC, ETH, UPTREND, make_context
from tui_trader.decision.formats import OrdersFormat, ParsedAnswer
from tui_trader.decision.situation import situations
from tui_trader.models import Action, ComposeContext, Constraints, TargetPosition

LIMITS = Constraints(max_leverage=10.0, allow_short=True)
PRICES = {BTC: 100.0, ETH: 50.0}
CONTEXT = make_context({BTC: UPTREND, ETH: UPTREND}, prices=PRICES)
LONG: dict[str, Any] = {
    "symbol": BTC,
    "action": "open_long",
    "leverage": 2,
    "position_size_usd": 1000,
    "stop_loss": 95,
    "take_profit": 110,
    "confidence": 75,
    "reasoning": "up",
}
SHORT = LONG | {"action": "open_short", "stop_loss": 105, "take_profit": 90}


def parse(*orders: Any, context: ComposeContext = CONTEXT) -> ParsedAnswer:
    return OrdersFormat().parse(json.dumps({"decisions": orders}), situations(context), LIMITS)


def of(answer: ParsedAnswer, symbol: str = BTC) -> TargetPosition:
    (target,) = (each for each in answer.targets if each.instrument.symbol == symbol)
    return target


@pytest.mark.parametrize(("order", "sign"), [(LONG, 1), (SHORT, -1)])
def test_an_opening_names_notional_stop_target_and_leverage(
    order: dict[str, Any], sign: int
) -> None:
    target = of(parse(order))
    assert target.action is (Action.LONG if sign > 0 else Action.SHORT)
    assert target.target_qty == pytest.approx(sign * 10.0)
    assert target.size_pct == pytest.approx(0.1)
    assert target.confidence == 0.75
    assert (target.stop_loss, target.take_profit) == (order["stop_loss"], order["take_profit"])
    assert target.leverage == 2
    assert target.rationale == "up"


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(LONG),
        json.dumps([LONG]),
        json.dumps({"decisions": [LONG]}),
        json.dumps({"decision": LONG, "notes": "x"}),
    ],
)
def test_an_answer_has_one_of_its_forms(raw: str) -> None:
    answer = OrdersFormat().parse(raw, situations(CONTEXT), LIMITS)
    assert of(answer).action is Action.LONG
    assert of(answer, ETH).action is Action.HOLD


NO_NUMBERS: list[Any] = [None, True, -1, [1], {}, "one", "1,000", "１", "1 ", "", "$5", "5x"]
BAD: dict[str, dict[str, Any]] = {
    **{f"no {name}": {name: ...} for name in LONG if name not in ("symbol", "reasoning")},
    **{
        f"{name} is {value!r}": {name: value}
        for name in ("leverage", "position_size_usd", "stop_loss", "take_profit", "confidence")
        for value in NO_NUMBERS
    },
    "size of nothing": {"position_size_usd": 0},
    "size beyond the account": {"position_size_usd": 100_001},
    "leverage below one": {"leverage": 0.5},
    "leverage above the limit": {"leverage": 10.5},
    "confidence above 100": {"confidence": 101},
    "stop on the wrong side": {"stop_loss": 101},
    "stop at the price": {"stop_loss": 100},
    "stop of another coin": {"stop_loss": 3.5},
    "stop beyond the liquidation": {"leverage": 10, "stop_loss": 89},
    "target on the wrong side": {"take_profit": 99},
    "target at the price": {"take_profit": 100},
    "target of another coin": {"take_profit": 60_000},
    "unknown action": {"action": "OPEN_LONG"},
    "negated action": {"action": "do not open_long"},
    "action with a blank": {"action": "open_long "},
    "action as a list": {"action": ["open_long"]},
    "unknown field": {"quantity": 3},
    "condition": {"only_if": "price above 120"},
    "meant for paper": {"paper": True},
    "meant for no account": {"mode": "dry_run"},
    "size of dust": {"position_size_usd": 0.5},
    "size beyond its own leverage": {"leverage": 1, "position_size_usd": 10_001},
    "short target of another coin": {"action": "open_short", "stop_loss": 105, "take_profit": 49},
    "stop out of reach": {"leverage": 1, "stop_loss": 49.9},
}


@pytest.mark.parametrize("name", BAD)
def test_an_opening_that_is_not_complete_and_in_bounds_is_not_made(name: str) -> None:
    changed = LONG | BAD[name]
    order = {key: value for key, value in changed.items() if value is not ...}
    other = LONG | {"symbol": ETH, "stop_loss": 48, "take_profit": 55}
    answer = parse(order, other)
    assert (of(answer).action, of(answer).target_qty) == (Action.HOLD, 0.0)
    assert of(answer, ETH).action is Action.LONG
    assert len(answer.filtered) == 1
    assert answer.filtered[0].startswith(f"item 1 ('{BTC}'): ")


def test_a_number_may_stand_in_quotes_where_nothing_else_does() -> None:
    target = of(parse(LONG | {"position_size_usd": "1000", "stop_loss": "95.0"}))
    assert target.target_qty == pytest.approx(10.0)
    assert target.stop_loss == 95.0


def test_what_is_held_counts_towards_what_the_account_allows() -> None:
    context = make_context({BTC: UPTREND}, prices={BTC: 100.0}, held={BTC: 150.0})
    assert of(parse(LONG | {"position_size_usd": 5_000}, context=context)).target_qty == 200.0
    assert of(parse(LONG | {"position_size_usd": 5_100}, context=context)).target_qty == 150.0


def test_without_a_limit_there_is_no_leverage() -> None:
    raw = json.dumps(LONG)
    held = OrdersFormat().parse(raw, situations(CONTEXT), Constraints(allow_short=True))
    assert "above the limit of 1" in (held.error or "")


def test_a_stop_at_the_liquidation_is_the_furthest() -> None:
    order = LONG | {"leverage": 10, "stop_loss": 90}
    assert of(parse(order)).action is Action.LONG


@pytest.mark.parametrize("words", [None, 7, ["a"], {"b": 1}])
def test_what_only_explains_may_be_anything(words: object) -> None:
    target = of(parse(LONG | {"reasoning": words, "risk_usd": words}))
    assert (target.action, target.rationale) == (Action.LONG, "")


@pytest.mark.parametrize("field", ["max_leverage", "override_risk", "api_key", "skip_checks"])
def test_what_would_change_the_limits_changes_nothing(field: str) -> None:
    answer = parse(LONG | {field: 125})
    assert of(answer).leverage == 2
    assert any(field in text for text in answer.filtered)


@pytest.mark.parametrize(
    "field", ["skip", "ignore", "disable", "skip_trade", "ignore_this_order", "disable_order"]
)
def test_what_takes_an_order_back_is_not_left_out_of_it(field: str) -> None:
    assert of(parse(LONG | {field: True})).action is Action.HOLD
    whole = json.dumps({"decisions": [LONG], field: True})
    assert of(OrdersFormat().parse(whole, situations(CONTEXT), LIMITS)).action is Action.HOLD


def test_an_override_that_says_an_action_is_not_left_out() -> None:
    assert of(parse(LONG | {"override": "hold"})).action is Action.HOLD


@pytest.mark.parametrize("other", [None, 42, {}, {"symbol": "FAKE/USDT", "action": "wait"}])
def test_what_is_no_order_of_ours_is_left_out_alone(other: object) -> None:
    answer = parse(LONG, other)
    assert of(answer).action is Action.LONG
    assert len(answer.filtered) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"action": "open_short"},
        *({"symbol": said} for said in ("btc", "BTC/USD", ["BTC/USDT"], "", "*", "ALL")),
        *({"symbol": said} for said in ("PORTFOLIO", "Bitcoin", "XBTUSDT", "BTCUSDT_PERP")),
        "hold",
        json.dumps(LONG | {"action": "hold"}),
        [LONG | {"action": "close_long"}],
    ],
)
def test_an_order_that_may_be_about_any_symbol_lets_nothing_open(other: object) -> None:
    answer = parse(LONG, other)
    assert of(answer).action is Action.HOLD


def test_a_broken_order_of_another_symbol_is_left_out_alone() -> None:
    twice = f'{{"symbol": "{ETH}", "action": "hold", "action": "open_long"}}'
    raw = f"[{json.dumps(LONG)}, {twice}]"
    answer = OrdersFormat().parse(raw, situations(CONTEXT), LIMITS)
    assert of(answer).action is Action.LONG
    assert of(answer, ETH).action is Action.HOLD


@pytest.mark.parametrize(
    "said", ["AB/C", "-BTCUSDT", "BTC//USDT", "BTCUS/DT", "BTC/USDT:USDT", "btcusdt", "BTC"]
)
def test_no_other_spelling_is_taken_for_a_symbol(said: str) -> None:
    known = situations(make_context({BTC: UPTREND, "A/BC": UPTREND}, prices={BTC: 100.0}))
    answer = OrdersFormat().parse(json.dumps(LONG | {"symbol": said}), known, LIMITS)
    assert {target.action for target in answer.targets} == {Action.HOLD}


def test_a_pair_is_not_taken_for_its_dated_future() -> None:
    future = "BTC/USDT:USDT-260327"
    known = situations(make_context({future: UPTREND}, prices={future: 100.0}))
    answer = OrdersFormat().parse(json.dumps(LONG | {"symbol": "BTCUSDT"}), known, LIMITS)
    assert {target.action for target in answer.targets} == {Action.HOLD}


def test_far_too_many_orders_are_no_decision() -> None:
    answer = parse(*[{}] * 1_000)
    assert len(answer.error or "") < 200


def test_a_model_has_no_say_in_where_it_trades() -> None:
    answer = parse(LONG | {"exchange": "live", "paper": False, "mode": "LIVE"})
    assert of(answer).action is Action.LONG
    assert [text.rpartition("says ")[2] for text in answer.filtered] == [
        "'exchange', in which a model has no say",
        "'paper', in which a model has no say",
        "'mode', in which a model has no say",
    ]


@pytest.mark.parametrize("filler", [None, 0, "", "n/a"])
def test_what_an_order_that_opens_nothing_fills_in_has_no_meaning(filler: object) -> None:
    context = make_context({BTC: UPTREND}, prices={BTC: 100.0}, held={BTC: 3.0})
    fillers = dict.fromkeys(
        ("leverage", "position_size_usd", "stop_loss", "take_profit", "confidence"), filler
    )
    closed = of(parse({"symbol": BTC, "action": "close_long"} | fillers, context=context))
    assert (closed.action, closed.target_qty) == (Action.CLOSE, 0.0)
    held = of(parse({"symbol": BTC, "action": "hold"} | fillers, context=context))
    assert (held.action, held.target_qty) == (Action.HOLD, 3.0)


def test_a_close_of_the_other_side_contradicts_the_position() -> None:
    context = make_context({BTC: UPTREND}, prices={BTC: 100.0}, held={BTC: 3.0})
    answer = parse({"symbol": BTC, "action": "close_short"}, context=context)
    assert (of(answer).action, of(answer).target_qty) == (Action.HOLD, 3.0)
    assert answer.error is not None


def test_an_opening_against_a_position_asks_for_a_close_first() -> None:
    context = make_context({BTC: UPTREND}, prices={BTC: 100.0}, held={BTC: -3.0})
    answer = parse(LONG, context=context)
    assert of(answer).target_qty == -3.0
    assert "close that first" in (answer.error or "")


def test_a_close_goes_on_beside_an_opening_of_the_same_symbol() -> None:
    context = make_context({BTC: UPTREND}, prices={BTC: 100.0}, held={BTC: -3.0})
    answer = parse({"symbol": BTC, "action": "close_short"}, LONG, context=context)
    assert of(answer).action is Action.CLOSE


@pytest.mark.parametrize("unknown", ["price", "equity", "features"])
def test_nothing_is_opened_blindly(unknown: str) -> None:
    context = make_context(
        {BTC: {} if unknown == "features" else UPTREND},
        prices={BTC: 0.0 if unknown == "price" else 100.0},
        equity=None if unknown == "equity" else 10_000.0,
    )
    assert of(parse(LONG, context=context)).target_qty == 0.0


def test_the_schema_wants_every_field_and_no_other() -> None:
    schema = OrdersFormat().schema([BTC, ETH])
    item = schema["properties"]["decisions"]["items"]
    assert item["required"] == list(item["properties"]) == list(LONG)
    assert item["additionalProperties"] is False
    assert item["properties"]["symbol"]["enum"] == [BTC, ETH]


NUMBERS = st.one_of(
    st.sampled_from([1, 2, 95, 110, 1000, "95", None, True, 10**30]),
    st.floats(),
    st.text(max_size=3),
)
ORDER = st.fixed_dictionaries(
    {},
    optional={
        "symbol": st.sampled_from([BTC, "BTCUSDT", ETH, "DOGE", None]),
        "action": st.sampled_from(["open_long", "open_short", "close_long", "hold", "buy", 1]),
        "leverage": NUMBERS,
        "position_size_usd": NUMBERS,
        "stop_loss": NUMBERS,
        "take_profit": NUMBERS,
        "confidence": NUMBERS,
        "reasoning": st.text(max_size=5) | st.none(),
        "quantity": st.just(1),
    },
)


@settings(max_examples=300)
@given(st.lists(ORDER | st.just(LONG) | st.just(SHORT), max_size=3))
def test_whatever_opens_was_asked_for_by_a_complete_order(orders: list[dict[str, Any]]) -> None:
    answer = OrdersFormat().parse(json.dumps(orders), situations(CONTEXT), LIMITS)
    for target in answer.targets:
        if target.action not in (Action.LONG, Action.SHORT):
            assert target.target_qty == 0.0
            continue
        price = PRICES[target.instrument.symbol]
        side = 1 if target.action is Action.LONG else -1
        assert target.target_qty * side > 0
        assert abs(target.target_qty) * price <= 100_000 * (1 + 1e-9)
        assert target.stop_loss is not None
        assert target.take_profit is not None
        assert side * (price - target.stop_loss) > 0
        assert side * (target.take_profit - price) > 0
        assert 1 <= (target.leverage or 0) <= 10
        asked = [
            order
            for order in orders
            if order.get("action") == f"open_{target.action.value}"
            and set(LONG) - {"reasoning"} <= set(order)
            and "quantity" not in order
        ]
        assert asked
