import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decision.contexts import BTC, ETH, UPTREND, make_context
from tui_trader.decision.formats import ParsedAnswer, PlanFormat
from tui_trader.decision.parser import FORCED_HOLD_REASON
from tui_trader.decision.situation import situations
from tui_trader.models import Action, ComposeContext, TargetPosition

CONTEXT = make_context(
    {BTC: UPTREND, ETH: UPTREND}, prices={BTC: 100.0, ETH: 50.0}, held={ETH: 4.0}
)


def parse(raw: str, context: ComposeContext = CONTEXT) -> ParsedAnswer:
    return PlanFormat().parse(raw, situations(context))


def plan(*items: dict[str, Any]) -> ParsedAnswer:
    return parse(json.dumps({"items": items}))


def of(answer: ParsedAnswer, symbol: str) -> TargetPosition:
    (target,) = (each for each in answer.targets if each.instrument.symbol == symbol)
    return target


@pytest.mark.parametrize(
    ("action", "target_qty", "logged"),
    [
        ("buy", 6.0, Action.LONG),
        ("sell", 1.5, Action.SHORT),
        ("sell", -2, Action.SHORT),
        ("sell", 0, Action.CLOSE),
        ("flat", 0.0, Action.CLOSE),
        ("noop", 4.0, Action.HOLD),
    ],
)
def test_an_item_names_the_final_position(action: str, target_qty: float, logged: Action) -> None:
    answer = plan({"symbol": ETH, "action": action, "target_qty": target_qty, "rationale": "r"})
    target = of(answer, ETH)
    assert (target.target_qty, target.action, target.rationale) == (target_qty, logged, "r")
    assert answer.error is None
    assert of(answer, BTC).action is Action.HOLD


def test_the_size_is_the_traded_notional_as_a_fraction_of_equity() -> None:
    target = of(plan({"symbol": ETH, "action": "buy", "target_qty": 24.0}), ETH)
    assert target.size_pct == pytest.approx(20 * 50 / 10_000)


@pytest.mark.parametrize("instrument", [ETH, {"symbol": ETH}, {"symbol": ETH, "quote_ccy": "USDT"}])
def test_the_instrument_may_be_text_or_an_object(instrument: Any) -> None:
    answer = plan({"instrument": instrument, "action": "flat", "target_qty": 0})
    assert of(answer, ETH).action is Action.CLOSE


@pytest.mark.parametrize("action", ["flat", "noop"])
def test_flat_and_noop_imply_their_quantity(action: str) -> None:
    target = of(plan({"symbol": ETH, "action": action}), ETH)
    assert target.target_qty == (0.0 if action == "flat" else 4.0)


BAD_ITEMS: dict[str, dict[str, Any]] = {
    "more than the account": {"symbol": ETH, "action": "buy", "target_qty": 1e9},
    "more than any account": {"symbol": ETH, "action": "buy", "target_qty": 1e300},
    "buy that lowers": {"symbol": ETH, "action": "buy", "target_qty": 3},
    "buy that changes nothing": {"symbol": ETH, "action": "buy", "target_qty": 4},
    "sell that raises": {"symbol": ETH, "action": "sell", "target_qty": 5},
    "flat with a quantity": {"symbol": ETH, "action": "flat", "target_qty": 1},
    "noop with a change": {"symbol": ETH, "action": "noop", "target_qty": 5},
    "no quantity": {"symbol": ETH, "action": "buy"},
    "string quantity": {"symbol": ETH, "action": "buy", "target_qty": "6"},
    "bool quantity": {"symbol": ETH, "action": "buy", "target_qty": True},
    "unknown action": {"symbol": ETH, "action": "long", "target_qty": 6},
    "list as action": {"symbol": ETH, "action": ["buy"], "target_qty": 6},
    "confidence in percent": {"symbol": ETH, "action": "buy", "target_qty": 6, "confidence": 85},
    "bool confidence": {"symbol": ETH, "action": "buy", "target_qty": 6, "confidence": True},
    "unknown field": {"symbol": ETH, "action": "buy", "target_qty": 6, "leverage": 9},
    "change instead of target": {"symbol": ETH, "action": "buy", "delta_qty": 2},
    "numeric rationale": {"symbol": ETH, "action": "buy", "target_qty": 6, "rationale": 1},
}


@pytest.mark.parametrize("name", BAD_ITEMS)
def test_a_bad_item_holds_its_symbol_and_the_others_go_on(name: str) -> None:
    answer = plan(BAD_ITEMS[name], {"symbol": BTC, "action": "buy", "target_qty": 1})
    assert (of(answer, ETH).action, of(answer, ETH).target_qty) == (Action.HOLD, 4.0)
    assert of(answer, ETH).rationale.startswith("item refused: ")
    assert of(answer, BTC).target_qty == 1
    assert len(answer.filtered) == 1
    assert "item 1 ('ETH/USDT')" in answer.filtered[0]
    assert answer.error is None


@pytest.mark.parametrize(
    "bad",
    [
        {"symbol": "DOGE/USDT", "action": "buy", "target_qty": 6},
        {"symbol": BTC, "instrument": ETH, "action": "flat"},
        {"action": "flat"},
        {"symbol": None, "action": "flat"},
        {"instrument": {"symbol": ETH, "leverage": 5}, "action": "flat"},
        "flat ETH/USDT",
        None,
    ],
)
def test_an_item_of_no_known_symbol_is_dropped(bad: Any) -> None:
    answer = plan(bad, {"symbol": ETH, "action": "flat", "target_qty": 0})
    assert of(answer, ETH).action is Action.CLOSE
    assert of(answer, BTC).action is Action.HOLD
    assert len(answer.targets) == 2
    assert len(answer.filtered) == 1


def test_two_items_that_contradict_each_other_are_both_refused() -> None:
    answer = plan(
        {"symbol": ETH, "action": "buy", "target_qty": 9},
        {"instrument": {"symbol": ETH}, "action": "noop"},
        {"symbol": BTC, "action": "buy", "target_qty": 1},
    )
    assert of(answer, ETH).target_qty == 4.0
    assert of(answer, BTC).target_qty == 1.0
    assert len(answer.filtered) == 2


def test_of_two_items_that_contradict_each_other_a_close_is_taken() -> None:
    answer = plan(
        {"symbol": ETH, "action": "buy", "target_qty": 9},
        {"instrument": {"symbol": ETH}, "action": "flat", "target_qty": 0},
    )
    assert of(answer, ETH).action is Action.CLOSE
    assert len(answer.filtered) == 1


def test_an_item_about_nearly_a_symbol_lets_nothing_open_but_everything_close() -> None:
    stranger = {"symbol": "ETH", "action": "buy", "target_qty": 6}
    answer = plan(
        stranger,
        {"symbol": ETH, "action": "sell", "target_qty": -2},
        {"symbol": BTC, "action": "buy", "target_qty": 1},
    )
    assert (of(answer, ETH).action, of(answer, ETH).target_qty) == (Action.CLOSE, 0.0)
    assert (of(answer, BTC).action, of(answer, BTC).target_qty) == (Action.HOLD, 0.0)


@pytest.mark.parametrize("spelling", ["ETHUSDT", "ETH-USDT", "ETH_USDT"])
def test_a_symbol_may_be_written_as_exchanges_write_it(spelling: str) -> None:
    answer = plan({"symbol": spelling, "action": "flat"})
    assert of(answer, ETH).action is Action.CLOSE


def test_a_spelling_that_fits_two_symbols_fits_none() -> None:
    perpetual = "ETH/USDT:USDT"
    context = make_context({ETH: UPTREND, perpetual: UPTREND}, held={ETH: 4.0, perpetual: 1.0})

    def closed(symbol: str) -> set[str]:
        raw = json.dumps({"items": [{"symbol": symbol, "action": "flat"}]})
        targets = parse(raw, context).targets
        return {each.instrument.symbol for each in targets if each.action is Action.CLOSE}

    assert closed("ETHUSDT") == set()
    assert closed(ETH) == {ETH}
    assert closed(perpetual) == {perpetual}


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "{}",
        '{"items": {}}',
        '{"items": [], "orders": []}',
        '{"items": [], "notes": 3}',
        '{"items": [{"symbol": "ETH/USDT", "action": "flat"}]',
        '{"items": [], "items": [{"symbol": "ETH/USDT", "action": "flat"}]}',
        '{"items": [{"symbol": "ETH/USDT", "symbol": "BTC/USDT", "action": "flat"}]}',
        '{"items": [{"symbol": "ETH/USDT", "action": "buy", "target_qty": 1e999}]}',
        '{"items": [{"symbol": "DOGE/USDT", "action": "buy", "target_qty": 1}]}',
    ],
)
def test_an_invalid_plan_holds_every_symbol(raw: str) -> None:
    answer = parse(raw)
    assert answer.error
    for target, quantity in ((of(answer, BTC), 0.0), (of(answer, ETH), 4.0)):
        assert (target.action, target.target_qty) == (Action.HOLD, quantity)
        assert target.rationale == FORCED_HOLD_REASON


def test_an_empty_plan_is_a_valid_decision_to_do_nothing() -> None:
    answer = parse('{"items": [], "notes": "quiet"}')
    assert answer.error is None
    assert answer.rationale == "quiet"
    assert {target.action for target in answer.targets} == {Action.HOLD}


def test_nothing_is_opened_blindly_but_everything_can_be_reduced() -> None:
    context = make_context({BTC: UPTREND, ETH: {}}, prices={BTC: 100.0, ETH: 50.0}, held={ETH: 4.0})

    def outcome(action: str, quantity: float) -> float:
        item = {"symbol": ETH, "action": action, "target_qty": quantity}
        raw = json.dumps({"items": [item, {"symbol": BTC, "action": "noop"}]})
        return of(parse(raw, context), ETH).target_qty

    assert outcome("buy", 5) == 4.0
    assert outcome("sell", -1) == 4.0
    assert outcome("sell", 1) == 1.0
    assert outcome("flat", 0) == 0.0


ITEM = st.fixed_dictionaries(
    {},
    optional={
        "symbol": st.sampled_from([BTC, ETH, "DOGE/USDT", "", None, 1]),
        "action": st.sampled_from(["buy", "sell", "flat", "noop", "long", None]),
        "target_qty": st.floats(-50, 50) | st.sampled_from([0, 4, "4", None, 10**400]),
        "confidence": st.floats(-1, 2),
        "rationale": st.text(st.characters(), max_size=5) | st.integers(),
        "stop": st.just(1),
    },
)


@settings(max_examples=200)
@given(st.lists(ITEM, max_size=3).map(lambda items: json.dumps({"items": items})) | st.text())
def test_no_plan_raises_or_moves_a_position_without_a_valid_item(raw: str) -> None:
    for target in parse(raw).targets:
        current = {BTC: 0.0, ETH: 4.0}[target.instrument.symbol]
        if target.target_qty == current:
            continue
        items = [
            each
            for each in json.loads(raw)["items"]
            if each.get("symbol") == target.instrument.symbol
        ]
        if len(items) > 1 and any(each != items[0] for each in items):
            assert target.action is Action.CLOSE
        assert any(_asks_for(item, target.target_qty, current) for item in items)


def _asks_for(item: dict[str, Any], target_qty: float, current: float) -> bool:
    return (
        "stop" not in item
        and item.get("action") in ("buy", "sell", "flat")
        and item.get("target_qty", 0.0) in (target_qty, None)
        and (item["action"] == "buy") == (target_qty > current)
        and 0 <= item.get("confidence", 0) <= 1
    )
