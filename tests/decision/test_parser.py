import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_trader.decision.parser import FORCED_HOLD_REASON, DecisionParser
from tui_trader.models import Action, DecisionObject

FORCED = DecisionObject(action=Action.HOLD, size_pct=0.0, reason=FORCED_HOLD_REASON)
VALID = '{"action": "long", "size_pct": 0.25, "reason": "up"}'

# The raw outputs of source document S1's four sample records, and what it says they parse to.
SAMPLES = [
    (
        '{"action": "long", "size_pct": 0.25, "reason": "Strong bullish momentum with'
        ' EMA(20) > EMA(50) and RSI at 58"}',
        ("long", 0.25, "Strong bullish momentum with EMA(20) > EMA(50) and RSI at 58"),
    ),
    (
        '{"action": "long", "size_pct": 0.50, "reason": "Continue building position"}',
        ("long", 0.5, "Continue building position"),
    ),
    (
        '{"action": "hold", "size_pct": 0.0, "reason": "Market consolidating, waiting for'
        ' clearer signal"}',
        ("hold", 0.0, "Market consolidating, waiting for clearer signal"),
    ),
    (
        "I think we should buy more because the trend looks good",
        ("hold", 0.0, "forced hold due to parsing error"),
    ),
]


@pytest.mark.parametrize(("raw", "expected"), SAMPLES)
def test_the_four_sample_answers_parse_as_documented(
    raw: str, expected: tuple[str, float, str]
) -> None:
    decision = DecisionParser().parse(raw)
    assert (decision.action.value, decision.size_pct, decision.reason) == expected


@pytest.mark.parametrize("action", ["long", "short", "close", "hold"])
@pytest.mark.parametrize("size", ["0", "1", "0.0", "1.0", "2.5e-1", "-0.0"])
def test_every_allowed_action_and_size_is_read(action: str, size: str) -> None:
    decision = DecisionParser().parse(f' {{"action": "{action}", "size_pct": {size}}}\n')
    assert decision == DecisionObject(action=Action(action), size_pct=abs(float(size)), reason="")


def test_a_missing_or_null_reason_is_empty() -> None:
    for raw in (
        '{"action": "long", "size_pct": 0.1}',
        '{"action": "long", "size_pct": 0.1, "reason": null}',
    ):
        assert DecisionParser().parse(raw).action is Action.LONG
        assert DecisionParser().parse(raw).reason == ""


def test_a_field_that_only_explains_is_tolerated() -> None:
    raw = '{"action": "long", "size_pct": 0.1, "confidence": 0.8, "analysis": "x"}'
    assert DecisionParser().parse(raw).action is Action.LONG


MALFORMED = {
    "empty": "",
    "whitespace": " \n ",
    "prose": "buy now",
    "two that differ": f"{VALID}\n{VALID.replace('0.25', '0.5')}",
    "a thought after it": f"{VALID}<think>no, wait</think>",
    "a thought that never ends": f"<think>{VALID}",
    "a list": f"[{VALID}]",
    "confidence in percent": '{"action": "long", "size_pct": 0.1, "confidence": 85}',
    "a string": '"long"',
    "null": "null",
    "cut off": VALID[:-5],
    "duplicate key": '{"action": "hold", "size_pct": 0.1, "action": "long"}',
    "duplicate key, nested": '{"action": "long", "size_pct": 0.1, "notes": {"a": 1, "a": 2}}',
    "no action": '{"size_pct": 0.1, "reason": "x"}',
    "unknown action": '{"action": "buy", "size_pct": 0.1}',
    "upper case action": '{"action": "LONG", "size_pct": 0.1}',
    "padded action": '{"action": " long", "size_pct": 0.1}',
    "list as action": '{"action": ["long"], "size_pct": 0.1}',
    "object as action": '{"action": {"long": 1}, "size_pct": 0.1}',
    "no size": '{"action": "long", "reason": "x"}',
    "null size": '{"action": "long", "size_pct": null}',
    "bool size": '{"action": "long", "size_pct": true}',
    "string size": '{"action": "long", "size_pct": "0.1"}',
    "full-width size": '{"action": "long", "size_pct": ０.１}',
    "arabic digits": '{"action": "long", "size_pct": ٠}',
    "size above one": '{"action": "long", "size_pct": 1.5}',
    "size in percent": '{"action": "long", "size_pct": 25}',
    "negative size": '{"action": "long", "size_pct": -0.1}',
    "nan": '{"action": "long", "size_pct": NaN}',
    "infinity": '{"action": "long", "size_pct": Infinity}',
    "overflow": '{"action": "long", "size_pct": 1e999}',
    "overflow elsewhere": '{"action": "long", "size_pct": 0.1, "confidence": -1e999}',
    "huge integer": '{"action": "long", "size_pct": 1' + "0" * 400 + "}",
    "integer beyond the digit limit": '{"action": "long", "size_pct": ' + "9" * 5_000 + "}",
    "leading zero": '{"action": "long", "size_pct": 01}',
    "expression": '{"action": "long", "size_pct": 1/10}',
    "numeric reason": '{"action": "long", "size_pct": 0.1, "reason": 7}',
    "unknown field": '{"action": "long", "size_pct": 0.1, "leverage": 50}',
    "another symbol": '{"action": "long", "size_pct": 0.1, "symbol": "DOGE/USDT"}',
    "deep nesting": "[" * 200_000,
    "deep nesting inside": '{"action": ' * 100_000,
}


WRAPPED = {
    "fence": f"```json\n{VALID}\n```",
    "text before": f"Sure: {VALID}",
    "text after": f"{VALID} Good luck!",
    "the same twice": f"{VALID}\n{VALID}",
    "byte order mark": f"\ufeff{VALID}",
    "single quotes": VALID.replace('"', "'"),
    "trailing comma": VALID.replace("}", ",}"),
    "comment": VALID.replace("}", "\n// yes\n}"),
    "thoughts": f"<think>short? {VALID.replace('long', 'short')}</think>{VALID}",
}


@pytest.mark.parametrize("name", WRAPPED)
def test_what_stands_around_a_valid_decision_is_taken_off(name: str) -> None:
    decision = DecisionParser().parse(WRAPPED[name])
    assert decision == DecisionObject(action=Action.LONG, size_pct=0.25, reason="up")


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_answer_is_a_forced_hold(name: str) -> None:
    assert DecisionParser().parse(MALFORMED[name]) == FORCED


def test_a_half_surrogate_in_the_reason_is_replaced_so_that_it_can_be_written() -> None:
    decision = DecisionParser().parse(r'{"action":"long","size_pct":0.1,"reason":"a\ud83d b"}')
    assert decision.action is Action.LONG
    assert decision.reason.encode() == "a\ufffd b".encode()


def test_a_refused_answer_is_logged_escaped_and_capped(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        DecisionParser().parse("\x1b[2Jsell\n" + "x" * 50_000)
    (record,) = caplog.records
    message = record.getMessage()
    assert "not JSON" in message
    assert r"\u001b[2Jsell\n" in message
    assert "\n" not in message
    assert "\x1b" not in message
    assert len(message) < 3_000


ANY_TEXT = st.text(st.characters(), max_size=200)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["long", "short", "buy", "", "hold "]) | JSON,
        "size_pct": st.floats() | JSON,
        "reason": JSON,
        "extra": JSON,
    },
).map(json.dumps)


@settings(max_examples=200)
@given(ANY_TEXT | JSON.map(json.dumps) | NEARLY)
def test_no_text_raises_and_none_acts_unless_it_holds_a_whole_valid_decision(raw: str) -> None:
    decision = DecisionParser().parse(raw)
    if decision != FORCED:
        fields = json.loads(raw)
        assert fields["action"] == decision.action.value
        assert type(fields["size_pct"]) in (int, float)
        assert 0 <= fields["size_pct"] == decision.size_pct <= 1
        assert "extra" not in fields


@given(st.integers(0, len(VALID) - 1), st.integers(1, len(VALID)))
def test_no_part_of_a_valid_answer_is_an_answer(start: int, length: int) -> None:
    part = VALID[start : start + length]
    decision = DecisionParser().parse(part)
    assert decision == FORCED or part == VALID
