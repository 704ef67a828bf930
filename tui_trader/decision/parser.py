"""Strict reading of what a model answered: an item is valid to the letter, or it is not used."""

import json
import logging
import re
import reprlib
from collections.abc import Collection
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tui_trader.decision.json_reader import AnswerError, Flaw
from tui_trader.decision.unwrap import one_value
from tui_trader.models import Action, Constraints, DecisionObject

logger = logging.getLogger(__name__)

FORCED_HOLD_REASON = "forced hold due to parsing error"
COMMENTS = frozenset(
    {
        "analysis",
        "chain_of_thought",
        "comment",
        "comments",
        "cot",
        "explanation",
        "invalidation_condition",
        "justification",
        "market_analysis",
        "notes",
        "rationale",
        "reason",
        "reasoning",
        "risk_usd",
        "summary",
        "thinking",
        "thoughts",
        "timestamp",
    }
)
"""Fields that models add to explain themselves. They carry no order, so they may stand anywhere."""

NO_SAY: frozenset[str] = frozenset(
    {
        *("account", "environment", "exchange", "exchange_id", "network", "venue"),
        *("api_key", "api_secret", "base_url"),
        *Constraints.model_fields,
    }
)
"""Fields about where the agent trades and within which limits: a model has no say in them. They are
dropped, and recorded."""

NOT_RESTRICTING: dict[str, frozenset[object]] = {
    **dict.fromkeys(("paper", "sandbox", "testnet", "dry_run", "simulated"), frozenset({False})),
    "live": frozenset({True}),
    **dict.fromkeys(("mode", "run_mode", "trading_mode"), frozenset({"live", "LIVE", "real"})),
}
"""Likewise, but only with these values: with others (`"paper": true`) no real order was meant."""

_OVERRIDE = re.compile(
    r"(?:^|_)(?:override|bypass|admin|unlimited)(?:_|$)"
    r"|(?:^|_)(?:ignore|disable|skip)_(?:all_)?(?:risk|limit|check|cap|guard|rule|safety|validation)"
)
"""In the name of a field: it would change what a model has no say in. `skip` alone would not: that
takes the order back."""

_LOGGED_CHARS = 2_000
_HOLDERS = (Flaw, dict, list)


class Answer(BaseModel):
    """An answer of a model, or an item of one: exact types, no unknown field, finite numbers."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def _empty_if_null(value: Any) -> Any:
    return "" if value is None else value


Text = Annotated[str, BeforeValidator(_empty_if_null)]
"""Text that may be missing or null, which is empty."""

AnswerFraction = Annotated[float, Field(ge=0.0, le=1.0)]
"""A number between 0 and 1; a larger one is not taken for a percentage."""

AnswerT = TypeVar("AnswerT", bound=Answer)


def quoted(text: str) -> str:
    """Model text as one capped, escaped line for the log."""
    return json.dumps(text if len(text) <= _LOGGED_CHARS else text[:_LOGGED_CHARS] + "…")


def log_refusal(raw: str, error: str) -> None:
    """Write down why an answer was refused, with the answer."""
    logger.warning("answer refused: %s; the answer was %s", error, quoted(raw))


def checked(model: type[AnswerT], value: Any, what: str) -> tuple[AnswerT, tuple[str, ...]]:
    """`value` as a `model`, and the fields that were dropped because a model has no say in them.

    Raises AnswerError, naming the field, for anything that is not valid to the letter; `what` names
    the whole in it.
    """
    if reason := _flaw_in(value):
        raise AnswerError(reason)
    if not isinstance(value, dict):
        raise AnswerError(f"{what} is not a JSON object")
    fields = {name: value[name] for name in value if name in model.model_fields}
    beside = [name for name in value if name not in fields and name not in COMMENTS]
    for name in beside:
        if name in NOT_RESTRICTING:
            if not _is_one_of(value[name], NOT_RESTRICTING[name]):
                raise AnswerError(f"{what} says {name} = {reprlib.repr(value[name])}")
        elif name not in NO_SAY and (isinstance(value[name], str) or not _OVERRIDE.search(name)):
            raise AnswerError(f"{what} has an unknown field {reprlib.repr(name)}")
    try:
        return model.model_validate(fields), tuple(beside)
    except ValidationError as error:
        raise AnswerError(_first(error)) from None


def _is_one_of(value: Any, harmless: Collection[object]) -> bool:
    return isinstance(value, bool | str) and value in harmless


def _first(error: ValidationError) -> str:
    """The first complaint of a validation, in one line."""
    detail = error.errors(include_url=False, include_context=False)[0]
    name = ".".join(map(str, detail["loc"]))
    if detail["type"] == "missing":
        return f"{name} is missing"
    problem = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {problem[:1].lower()}{problem[1:]} (it is {reprlib.repr(detail['input'])})"


def _flaw_in(value: Any) -> str | None:
    """Why something within `value` must not be used, None when nothing is wrong."""
    if isinstance(value, Flaw):
        return value.reason
    within = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for each in within:
            if isinstance(each, _HOLDERS) and (reason := _flaw_in(each)):
                return reason
    return None


class SimpleAnswer(Answer):
    """S0's decision, with the confidence that some models add to it (0 to 1)."""

    action: str
    size_pct: AnswerFraction
    reason: Text = ""
    confidence: AnswerFraction | None = None

    @property
    def decision(self) -> DecisionObject:
        """S0's object. Raises AnswerError for an action that there is not."""
        if self.action not in DecisionParser.ALLOWED_ACTIONS:
            raise AnswerError(f"unknown action {reprlib.repr(self.action)}")
        return DecisionObject(
            action=Action(self.action), size_pct=self.size_pct + 0.0, reason=self.reason
        )


class DecisionParser:
    """Reads S0's decision: `{"action", "size_pct", "reason"}`."""

    ALLOWED_ACTIONS = frozenset(action.value for action in Action)

    def parse(self, raw: str) -> DecisionObject:
        """The decision in `raw`; always succeeds: what is not valid is a logged, forced hold."""
        try:
            answer, _ = checked(SimpleAnswer, one_value(raw).value, "the answer")
            return answer.decision
        except AnswerError as error:
            log_refusal(raw, str(error))
            return DecisionObject(action=Action.HOLD, size_pct=0.0, reason=FORCED_HOLD_REASON)
