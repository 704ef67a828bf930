"""Strict reading of what a model answered: all of it is valid, or it is not used."""

import json
import logging
import math
import reprlib
from collections.abc import Collection
from typing import Any

from tui_trader.models import Action, DecisionObject

logger = logging.getLogger(__name__)

FORCED_HOLD_REASON = "forced hold due to parsing error"
COMMENTS = frozenset(
    {
        "analysis",
        "comment",
        "comments",
        "confidence",
        "explanation",
        "notes",
        "rationale",
        "reason",
        "reasoning",
        "thinking",
        "thoughts",
    }
)
"""Fields that models add to explain themselves. They carry no order, so they may stand anywhere."""

_LOGGED_CHARS = 2_000


class AnswerError(ValueError):
    """An answer, or an item of one, that must not be acted on. Its text says why in one line."""


def printable(text: str) -> str:
    """`text` with surrogate halves joined or replaced: what can be written as UTF-8."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def quoted(text: str) -> str:
    """Model text as one capped, escaped line for the log."""
    return json.dumps(text if len(text) <= _LOGGED_CHARS else text[:_LOGGED_CHARS] + "…")


def log_refusal(raw: str, error: str) -> None:
    """Write down why an answer was refused, with the answer."""
    logger.warning("answer refused: %s; the answer was %s", error, quoted(raw))


def strict_json(raw: str) -> Any:
    """The one JSON value that `raw` is, whitespace around it apart.

    Raises AnswerError for anything else: prose or a second value beside it, a key twice in one
    object, NaN or infinity, numbers that overflow, nesting too deep to read.
    """
    try:
        return json.loads(
            raw, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
    except AnswerError:
        raise
    except json.JSONDecodeError as error:
        raise AnswerError(
            f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"not JSON: {type(error).__name__}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise AnswerError("a key stands twice in one object")
    return fields


def _constant(name: str) -> float:
    raise AnswerError(f"{name} is not a number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise AnswerError(f"the number {reprlib.repr(text)} is too large")
    return value


def as_object(value: Any, known: Collection[str], what: str) -> dict[str, Any]:
    """`value` if it is an object with no other fields than `known` and comments."""
    if not isinstance(value, dict):
        raise AnswerError(f"{what} is not a JSON object")
    for name in value:
        if name not in known and name not in COMMENTS:
            raise AnswerError(f"{what} has an unknown field {reprlib.repr(name)}")
    return value


def as_number(value: Any, name: str) -> float:
    """`value` as a finite float; a bool or a string is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnswerError(f"{name} is not a number: {reprlib.repr(value)}")
    try:
        return float(value) + 0.0  # makes -0.0 a plain zero
    except OverflowError:
        raise AnswerError(f"{name} is too large") from None


def as_fraction(value: Any, name: str) -> float:
    """`value` as a number between 0 and 1; a larger one is not taken for a percentage."""
    number = as_number(value, name)
    if not 0.0 <= number <= 1.0:
        raise AnswerError(f"{name} is not between 0 and 1: {number:g}")
    return number


def as_text(value: Any, name: str) -> str:
    """`value` as text; missing or null is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AnswerError(f"{name} is not text: {reprlib.repr(value)}")
    return printable(value)


class DecisionParser:
    """Reads S0's decision: `{"action", "size_pct", "reason"}`."""

    ALLOWED_ACTIONS = frozenset(action.value for action in Action)
    FIELDS = frozenset({"action", "size_pct", "reason"})

    def parse(self, raw: str) -> DecisionObject:
        """The decision in `raw`; always succeeds: what is not valid is a logged, forced hold."""
        try:
            return self.read(raw)
        except AnswerError as error:
            log_refusal(raw, str(error))
            return DecisionObject(action=Action.HOLD, size_pct=0.0, reason=FORCED_HOLD_REASON)

    def read(self, raw: str) -> DecisionObject:
        """The decision in `raw`. Raises AnswerError, saying what is wrong with it."""
        fields = as_object(strict_json(raw), self.FIELDS, "the answer")
        action = fields.get("action")
        if not isinstance(action, str) or action not in self.ALLOWED_ACTIONS:
            raise AnswerError(f"unknown action {reprlib.repr(action)}")
        return DecisionObject(
            action=Action(action),
            size_pct=as_fraction(fields.get("size_pct"), "size_pct"),
            reason=as_text(fields.get("reason"), "reason"),
        )
