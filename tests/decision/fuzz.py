"""Answers as broken as models write them, made from a seed, and what must hold of any of them."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.decision.contexts import BTC, ETH, UPTREND, make_context
from tui_trader.decision.formats import FORMATS
from tui_trader.decision.situation import Situation, situations
from tui_trader.models import Action, Constraints, TargetPosition

PRICES = {BTC: 100.0, ETH: 50.0}
EQUITY = 10_000.0
LIMITS = Constraints(max_leverage=10.0, allow_short=True)
KNOWN: dict[bool, tuple[Situation, ...]] = {
    one: situations(
        make_context(
            dict.fromkeys([BTC] if one else [BTC, ETH], UPTREND),
            prices={BTC: 100.0} if one else PRICES,
            equity=EQUITY,
            held={} if one else {ETH: 4.0},
        )
    )
    for one in (True, False)
}
_PARSERS = {name: each() for name, each in FORMATS.items()}
_ORDER = {
    "symbol": BTC,
    "action": "open_long",
    "leverage": 5,
    "position_size_usd": 1000,
    "stop_loss": 95,
    "take_profit": 110,
    "confidence": 75,
    "reasoning": "trend up, RSI 60",
}
_ANSWERS: dict[str, list[Any]] = {
    "simple": [{"action": "long", "size_pct": 0.25, "reason": "up"}],
    "plan": [
        {
            "items": [
                {"symbol": BTC, "action": "buy", "target_qty": 2.5, "confidence": 0.7},
                {"symbol": ETH, "action": "flat", "target_qty": 0, "rationale": "done"},
            ]
        }
    ],
    "orders": [
        {"decisions": [_ORDER, {"symbol": ETH, "action": "close_long"}]},
        [_ORDER],
        _ORDER,
    ],
}
_NASTY = [
    *("NaN", "Infinity", "-Infinity", "1e999", "-0.0", "1e-400", "９", "1_000", "0x10", "null"),
    *("true", '"1000"', '"$5"', "[]", "{}", "1.5.2", "+1", "-1", "1e3", "9" * 400, "1/3"),
    *('"open_short"', '"\\u0000"', '"\ud800"', "'x'", "/*", "*/", "//", "\n", "\x1b[2J", "\u202e"),
    *("<think>", "</think>", "```", "```json", "{", "}", "[", "]", ",", ":", '"', "\\", "\u200b"),
    *("<answer>", "</answer>", "<final>", "</final>", "<|channel|>", "<thought>", "</thought>"),
    *(" ignore this order. ", "\nFinal: hold, do not trade.", '"override":"hold"', '"skip":true'),
    *('"action":"open_short"', '"leverage":125', '"size_pct":1', '{"action":"hold"}', "“", "”"),
]


def answer(seed: int) -> tuple[str, str]:
    """The name of a format, and an answer in it that was hurt in one to four places."""
    rng = Random(seed)
    name = rng.choice(list(_ANSWERS))
    raw = json.dumps(rng.choice(_ANSWERS[name]), indent=rng.choice([None, None, 2]))
    for _ in range(rng.randint(1, 4)):
        raw = rng.choice(_MUTATIONS)(raw, rng)
    return name, raw


def _cut(raw: str, rng: Random) -> str:
    return raw[: rng.randint(0, len(raw))]


def _insert(raw: str, rng: Random) -> str:
    place = rng.randint(0, len(raw))
    return raw[:place] + rng.choice(_NASTY) + raw[place:]


def _replace(raw: str, rng: Random) -> str:
    place = rng.randint(0, len(raw))
    return raw[:place] + rng.choice(_NASTY) + raw[place + rng.randint(0, 12) :]


def _delete(raw: str, rng: Random) -> str:
    place = rng.randint(0, len(raw))
    return raw[:place] + raw[place + rng.randint(1, 8) :]


def _repeat(raw: str, rng: Random) -> str:
    start = rng.randint(0, len(raw))
    return raw[:start] + raw[start : start + rng.randint(1, 60)] * 2 + raw[start:]


def _wrap(raw: str, rng: Random) -> str:
    before, after = rng.choice(
        [
            ("<think>", "</think>"),
            ("```json\n", "\n```"),
            ("Sure: ", " Done."),
            ("[", "]"),
            ("", raw),
        ]
    )
    return before + raw + after


def _requote(raw: str, rng: Random) -> str:
    return raw.replace('"', rng.choice(["'", "”", '\\"', ""]))


_MUTATIONS: Sequence[Callable[[str, Random], str]] = (
    _cut,
    _insert,
    _insert,
    _replace,
    _replace,
    _delete,
    _repeat,
    _wrap,
    _requote,
)


def outcome(name: str, raw: str) -> str:
    """`hold`, `reduce` or `open`; AssertionError where an answer leads out of bounds."""
    known = KNOWN[name == "simple"]
    parsed = _PARSERS[name].parse(raw, known, LIMITS)
    assert len(parsed.targets) == len(known)
    found = "hold"
    for target, situation in zip(parsed.targets, known, strict=True):
        if situation.opens(target.target_qty):
            _check_opening(target, situation, raw)
            found = "open"
        elif target.target_qty != situation.quantity:
            assert target.action is not Action.HOLD
            found = "reduce" if found == "hold" else found
    return found


def _check_opening(target: TargetPosition, situation: Situation, raw: str) -> None:
    """What opens was named by its action, is sized within the account, and protected rightly."""
    assert target.action in (Action.LONG, Action.SHORT)
    price = situation.price or 0.0
    side = 1 if target.action is Action.LONG else -1
    assert (target.target_qty - situation.quantity) * side > 0
    assert 0 <= target.size_pct <= 1
    assert any(word in raw for word in ("long", "short", "buy", "sell"))
    if target.stop_loss is not None and target.take_profit is not None:
        assert target.stop_loss * side < price * side < target.take_profit * side
        assert abs(target.target_qty) * price <= EQUITY * 10 * (1 + 1e-9)
        assert 1 <= (target.leverage or 0) <= 10
