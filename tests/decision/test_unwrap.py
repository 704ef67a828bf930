"""The one JSON value of an answer: what is taken off, what is forgiven, what is no answer."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.decision.fuzz import answer
from tui_trader.decision.json_reader import AnswerError, Flaw, JsonReader
from tui_trader.decision.unwrap import one_value

OPEN = '{"action": "open", "size": 1000}'
VALUE = {"action": "open", "size": 1000}
HOLD = '{"action": "hold"}'

TYPOGRAPHIC = ("typographic quotes",)
TAKEN_OFF = {
    "code fence": (f"```json\n{OPEN}\n```", ("a code fence",)),
    "fence without a language": (f"```\n{OPEN}\n```\n", ("a code fence",)),
    "tilde fence": (f"~~~JSON\n{OPEN}\n~~~", ("a code fence",)),
    "fence that is not closed": (f"```json\n{OPEN}", ("a code fence",)),
    "prose before": (f"My decision (final): {OPEN}", ("text before the answer",)),
    "prose after": (f"{OPEN}\nThat is all.", ("text after the answer",)),
    "braces in the prose": (f"The set {{a, b}} and [BTC]: {OPEN}", ("text before the answer",)),
    "a list of numbers in the prose": (f"Levels [1, 2]: {OPEN}", ("text before the answer",)),
    "thoughts": (f"<think>{HOLD}?</think>\n{OPEN}", ("thoughts before the answer",)),
    "thoughts in capitals": (f"<THINKING>no</THINKING>{OPEN}", ("thoughts before the answer",)),
    "thoughts within thoughts": (
        f"<think>a<think>b</think>{HOLD}</think>{OPEN}",
        ("thoughts before the answer",),
    ),
    "other brackets": (f"◁think▷{HOLD}◁/think▷{OPEN}", ("thoughts before the answer",)),
    "capital brackets": (f"[THINK]{HOLD}[/THINK]{OPEN}", ("thoughts before the answer",)),
    "only the end of a thought": (f"{HOLD}</think>{OPEN}", ("thoughts before the answer",)),
    "an element that marks an answer": (
        f"<decision>{OPEN}</decision>",
        ("text before the answer", "text after the answer"),
    ),
    "an element of how it looks": (
        f"<b>Decision</b><br>{OPEN}</s>",
        ("text before the answer", "text after the answer"),
    ),
    "an element of something else": (
        f"<example>{HOLD}</example>{OPEN}",
        ("thoughts before the answer",),
    ),
    "a comment of markup": (f"<!-- {HOLD} -->{OPEN}", ("thoughts before the answer",)),
    "the final channel": (
        f"<|channel|>analysis<|message|>{HOLD}<|end|><|channel|>final<|message|>{OPEN}",
        ("thoughts before the answer", "text before the answer"),
    ),
    "a typographic text that ends as it began": ("{“action“: “open“, “size“: 1000}", TYPOGRAPHIC),
    "zero-width characters": (f"\ufeff{OPEN}\u200b", ("zero-width characters",)),
    "zero-width characters inside": (
        OPEN.replace(":", ":\u200b\u2060"),
        ("zero-width characters",),
    ),
    "single quotes": (OPEN.replace('"', "'"), ("single quotes",)),
    "typographic quotes": ("{“action”: “open”, “size”: 1000}", ("typographic quotes",)),
    "names without quotes": ('{action: "open", size: 1000}', ("names without quotes",)),
    "a trailing comma": ('{"action": "open", "size": 1000,}', ("a comma after the last entry",)),
    "a line comment": ('{"action": "open", // buy\n"size": 1000}', ("comments",)),
    "a block comment": ('{"action": "open", /* } */ "size": 1000}', ("comments",)),
    "a hash comment": ('{"action": "open", # }\n"size": 1000}', ("comments",)),
    "full-width punctuation": ('｛"action"："open"，"size"：1000｝', ("full-width punctuation",)),
    "the same value again": (f"{OPEN} {OPEN}", ("the same value several times",)),
    "nothing": (OPEN, ()),
}


@pytest.mark.parametrize("name", TAKEN_OFF)
def test_what_can_be_read_in_one_way_only_is_read_and_noted(name: str) -> None:
    raw, notes = TAKEN_OFF[name]
    unwrapped = one_value(raw)
    assert unwrapped.value == VALUE
    assert unwrapped.notes == notes


NO_ANSWER = {
    "nothing": "",
    "prose": "I would go long.",
    "no object": "[1, 2, 3]",
    "two values that differ": f"{OPEN} {HOLD}",
    "an example before the answer": f"Format: {HOLD}. Answer: {OPEN}",
    "a broken value before a good one": f'{{"action": }} {OPEN}',
    "a broken value after a good one": f'{OPEN} {{"action": "ho',
    "a list that is cut": f"[{OPEN}, {HOLD}",
    "a list that is cut in an item": f'[{OPEN}, {{"action": "clo',
    "more of it after its end": f'{OPEN}, "size": 2}}',
    "one bracket too many": f"{OPEN}}}",
    "a thought that never ends": f"<think>{OPEN}",
    "a thought after the answer": f"{OPEN}<think>no!</think>",
    "everything was a thought": f"{OPEN}</think>",
    **{
        f"a hold before {end}": f"{HOLD}{end}{OPEN}"
        for end in ("</ol>", "</a>", "</details>", "</h2>", "</function>", "<|end_of_the_turn|>")
    },
    "a hold before the final channel": f"{HOLD}<|channel|>final<|message|>{OPEN}",
    "an element ended by another": f"<think>{HOLD} <b>or</a> {OPEN}",
    "an example ended by another": f"<example>{OPEN}</quote>{OPEN}",
    "another channel than the final one": f"<|channel|>analysis<|message|>{OPEN}",
    "a channel that ended": f"<|channel|>analysis<|message|>Maybe {OPEN}<|end|>",
    "a thought of tokens": f"<|begin_of_thought|>{OPEN}",
    "a thought of another name": f"<thought_process>{OPEN}",
    "an example": f"<example>{OPEN}</example>",
    "markup's comment": f"<!-- {OPEN} -->",
    "markup's comment that never ends": f"<!-- {OPEN}",
    "a thought whose tag was cut": f"<think\nMaybe {OPEN}",
    "full-width tags": f"＜think＞{OPEN}",
    "a bracket open before": f"{{ {OPEN}",
    "a list that is cut before": f'["outlook", {OPEN}',
    "a list of more": f"[1, {OPEN}, 2]",
    "a value that begins after": f"{OPEN}\n{{",
    "a list that begins after": f"{OPEN} [",
    "brackets that do not match": f"] {OPEN}",
    "1 and true": '{"size": 1} {"size": true}',
    "a comment that a line feed of another kind ends": (
        '{"action": "open", // x\r"only_if": 1, "size" 1000}'
    ),
    "no comma between": '{"action": "open" "size": 1000}',
    "two commas": '{"action": "open",, "size": 1000}',
    "no colon": '{"action" "open"}',
    "no value": '{"action": , "size": 1}',
    "a word as value": '{"action": open}',
    "an ellipsis": f"[{OPEN}, ...]",
    "a plus sign": '{"size": +1000}',
    "a point first": '{"size": .5}',
    "a point last": '{"size": 5.}',
    "a leading zero": '{"size": 01}',
    "thousands": '{"size": 1,000}',
    "an underscore": '{"size": 1_000}',
    "a fraction": '{"size": 1/3}',
    "hexadecimal": '{"size": 0x10}',
    "full-width digits": '{"size": １０}',
    "quotes within a text": '{"reason": "the "breakout" is real"}',
    "an apostrophe in single quotes": "{'reason': 'it's up'}",
    "an unknown escape": '{"reason": "C:\\users"}',
    "a text that never ends": '{"reason": "x',
    "a comment that never ends": '{"action": "open" /* }',
    "too deep": '{"a":' * 40 + "1" + "}" * 40,
}


@pytest.mark.parametrize("name", NO_ANSWER)
def test_what_would_have_to_be_guessed_is_no_answer(name: str) -> None:
    with pytest.raises(AnswerError):
        one_value(NO_ANSWER[name])


def test_a_comment_ends_with_its_line_whatever_ends_that() -> None:
    for end in "\n\r\x85\u2028\u2029":
        value = one_value(f'{{"size": 1, // note{end}"only_if": "later"}}').value
        assert value == {"size": 1, "only_if": "later"}


def test_depth_is_counted_not_length() -> None:
    values: list[object] = [{"a": [{}]}] * 40
    assert one_value(json.dumps(values)).value == values


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5_000, "nan", "inf"]
)
def test_a_number_that_is_none_spoils_only_what_holds_it(number: str) -> None:
    value = one_value(f'[{{"a": {number}}}, {{"b": 1}}]').value
    assert isinstance(value[0]["a"], Flaw)
    assert value[1] == {"b": 1}


def test_a_key_that_stands_twice_spoils_only_its_object() -> None:
    value = one_value('[{"action": "hold", "action": "open"}, {"b": 1}]').value
    assert isinstance(value[0], Flaw)
    assert "'action' stands twice" in value[0].reason
    assert value[1] == {"b": 1}


@pytest.mark.parametrize(
    "inner",
    [
        "</think>" + OPEN.replace('"', "'"),
        "<think>",
        "```json " + OPEN.replace('"', "'") + " ```",
        "// no */",
        "]}" + OPEN.replace('"', "'"),
    ],
)
def test_what_stands_in_a_text_is_text(inner: str) -> None:
    """A quoted piece of news can't close the thought or open an answer of its own."""
    raw = json.dumps({"action": "hold", "reason": inner})
    assert one_value(raw).value == {"action": "hold", "reason": inner}


def test_an_answer_quoted_in_a_thought_that_quotes_its_own_end_is_not_taken() -> None:
    raw = f"<think>the news says: </think>{OPEN}, so I hold</think>{HOLD}"
    assert one_value(raw).value == {"action": "hold"}


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
OBJECTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner)
    ),
    max_leaves=12,
).map(lambda value: {"value": value})


@given(OBJECTS, st.sampled_from([None, 2]), st.booleans())
def test_whatever_is_json_is_read_as_json(value: Any, indent: int | None, ascii_only: bool) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    unwrapped = one_value(raw)
    assert unwrapped.value == value
    assert json.dumps(unwrapped.value) == json.dumps(value)
    assert unwrapped.notes in ((), ("zero-width characters",))


def test_json_to_the_letter_is_read_alike_by_either_reader() -> None:
    """The standard library's is left out where something is not ASCII; broken answers by the
    thousand come to the same value or the same refusal."""

    def read(text: str, start: int) -> tuple[object, ...]:
        reader = JsonReader(text)
        try:
            value, end = reader.read(start)
        except AnswerError as error:
            return (str(error).partition(" (line ")[0],)
        return repr(value), end - start, tuple(reader.notes)

    read_ones = 0
    for seed in range(2_000):
        _, raw = answer(seed)
        if "{" in raw:
            start = raw.index("{")
            came = read(raw, start)
            assert came == read("é" + raw, start + 1), raw
            read_ones += len(came) == 3
    assert read_ones > 200


@given(OBJECTS, st.data())
def test_no_cut_of_a_value_is_a_value(value: Any, data: st.DataObject) -> None:
    raw = json.dumps(value)
    end = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(AnswerError):
        one_value(raw[:end])


SIGNS = "{}[]\"'“”:,/*#<>\\think \n1a-`｛｝：，\u200b"


@settings(max_examples=300)
@given(st.text(st.sampled_from(SIGNS), max_size=60) | st.text())
@example('{"a"' + "\\" * 9)
def test_no_text_raises_anything_but_that_it_is_no_answer(raw: str) -> None:
    with suppress(AnswerError):
        assert isinstance(one_value(raw).value, dict | list | Flaw)


@pytest.mark.parametrize(
    "raw",
    [
        "[" * 1_000_000,
        "{" * 1_000_000,
        '{"a":' * 500_000,
        "[ " * 500_000,
        "[{" * 500_000,
        ("{" + " " * 1_000) * 1_000,
        '"' * 1_000_000,
        "<think>" * 300_000,
        '{"a": "' + "\\" * 1_000_001,
        '{"a": ' + "9" * 500_000 + "}",
        "{/*" * 500_000,
        "{" + ",".join(f'"k{number}":0' for number in range(80_000)) + ',"k79999":1}',
        "[" + ",".join("[]" for _ in range(200_000)) + "]",
        "<a>" * 300_000,
        "<!--" * 300_000,
        "<|channel|>" * 100_000,
        "[" + "{}," * 200_000 + "{}]",
    ],
    ids=lambda raw: raw[:6].strip(),
)
def test_a_hostile_text_is_done_with_at_once(raw: str) -> None:
    """What takes quadratic time runs into the test's time-out at this length."""
    with suppress(AnswerError):
        assert isinstance(one_value(raw).value, dict | list | Flaw)
