"""Taking in an answer, piece by piece or whole."""

import json
import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from pydantic import BaseModel

from tui_trader.decision.providers.catalogue import ProviderSpec
from tui_trader.decision.providers.completion import FailureKind

_MOST_CHARS = 2_000_000
_MOST_OF_ANSWER = 200_000
_INCOMPLETE = {
    "length": "it reached its limit of tokens; raise llm.max_tokens",
    "content_filter": "the provider's filter stopped it",
    "tool_calls": "the model asked for a tool",
    "function_call": "the model asked for a tool",
}


class NoAnswer(Exception):
    """What came is no answer. Its text says why in one line."""

    def __init__(self, kind: FailureKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class ReportedError(Exception):
    """The server said, with status 200, that it failed: `error` is what it sent."""

    def __init__(self, error: object) -> None:
        super().__init__("the server reported an error")
        self.error = error


class Reading:
    """What has arrived of one answer. It costs as much as there is text, however small the pieces.

    Where several fields bring the same reasoning, it is taken once. `streamed` says whether it came
    in pieces, None before anything came.
    """

    def __init__(self, spec: ProviderSpec) -> None:
        self.model: str | None = None
        self.finish_reason: str | None = None
        self.usage: dict[str, int] = {}
        self.cost_usd: float | None = None
        self.reasoning_field: str | None = None
        self.streamed: bool | None = None
        self._spec = spec
        self._reasoning: list[str] = []
        self._answer: list[str] = []
        self._chars = 0
        self._answer_chars = 0

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    @property
    def answer(self) -> str:
        return "".join(self._answer)

    def add(self, chunk: Any) -> bool:
        """Take in a chunk, or a whole completion; True if it brought text.

        A chunk of usage has no choices; usage may also stand on the last one that has. Nothing is
        left out of a text: NoAnswer is raised for a chunk in which it can't be found, and when
        there is more text than any answer has; ReportedError for an error in place of one.
        """
        if self.streamed is None:
            self.streamed = True
        if not isinstance(chunk, BaseModel):
            raise NoAnswer(FailureKind.PROTOCOL, "a chunk of the answer is no object")
        model = getattr(chunk, "model", None)
        if model and isinstance(model, str):
            self.model = model
        usage = getattr(chunk, "usage", None)
        if isinstance(usage, BaseModel):
            self._count(usage.model_dump(warnings=False))
        choices = getattr(chunk, "choices", None)
        if not choices:
            _check_error(chunk.model_dump(warnings=False))
            return False
        choice = _first(choices)
        if choice is None:
            return False
        if error := getattr(choice, "error", None):
            raise ReportedError(error)
        reason = getattr(choice, "finish_reason", None)
        if reason and isinstance(reason, str) and self.finish_reason in (None, "stop"):
            self.finish_reason = reason
        message = getattr(choice, "delta", None) or getattr(choice, "message", None)
        if message is not None and not isinstance(message, BaseModel):
            raise NoAnswer(FailureKind.PROTOCOL, "a piece of the answer is no object")
        return message is not None and self._take(message)

    def add_whole(self, body: bytes) -> bool:
        """Take in the JSON that a server sent instead of a stream; True if it brought text.

        Raises NoAnswer where it is no chat completion, ReportedError where it is an error.
        """
        from openai.types.chat import ChatCompletion

        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            raise NoAnswer(FailureKind.PROTOCOL, "the server sent broken JSON") from None
        if isinstance(value, dict) and not value.get("choices"):
            _check_error(value)
        if isinstance(value, dict) and value.get("error"):
            raise ReportedError(value["error"])
        if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
            raise NoAnswer(FailureKind.PROTOCOL, "the server sent JSON that is no chat completion")
        self.streamed = False
        return self.add(ChatCompletion.construct(**value))

    def check(self, media_type: str) -> None:
        """Raises NoAnswer unless all of an answer is here; `media_type` is what the server called
        that which it sent."""
        if self.streamed is None and media_type != "text/event-stream":
            sent = media_type or "something"
            text = f"the server sent {sent}, not a stream of events: is llm.base_url right?"
            raise NoAnswer(FailureKind.PROTOCOL, text)
        if self.finish_reason is None:
            raise NoAnswer(FailureKind.INCOMPLETE, "the stream ended before the answer did")
        if self.finish_reason != "stop":
            why = _INCOMPLETE.get(self.finish_reason)
            text = f"the answer was broken off ({self.finish_reason})"
            raise NoAnswer(FailureKind.INCOMPLETE, f"{text}: {why}" if why else text)
        if not self.answer.strip():
            raise NoAnswer(FailureKind.INCOMPLETE, "the answer is empty")

    def _take(self, message: Any) -> bool:
        thought = ""
        for field in self._spec.reasoning_fields:
            found = getattr(message, field, None)
            if found and isinstance(found, str):
                thought, self.reasoning_field = found, field
                self._reasoning.append(thought)
                break
        said = getattr(message, "content", None)
        if said is None:
            said = ""
        elif not isinstance(said, str):
            raise NoAnswer(FailureKind.PROTOCOL, "a piece of the answer is no text")
        if said:
            self._answer.append(said)
        self._chars += len(thought) + len(said)
        self._answer_chars += len(said)
        if self._chars > _MOST_CHARS or self._answer_chars > _MOST_OF_ANSWER:
            text = f"there are {self._chars:,} characters, and no end: that is no decision"
            raise NoAnswer(FailureKind.PROTOCOL, text)
        return bool(thought or said)

    def _count(self, report: Mapping[str, Any]) -> None:
        self.usage = _token_counts(report)
        if self._spec.reports_cost:
            self.cost_usd = _cost(report)


def _first(choices: Any) -> Any:
    """The first choice, None where there are only others. Raises NoAnswer for what is no list of
    choices."""
    if not isinstance(choices, list) or not all(isinstance(each, BaseModel) for each in choices):
        raise NoAnswer(FailureKind.PROTOCOL, "a chunk of the answer has no valid choices")
    return next((each for each in choices if not getattr(each, "index", 0)), None)


def _check_error(sent: Mapping[str, Any]) -> None:
    """Raises ReportedError where something without a choice says that it failed."""
    if sent.get("error"):
        raise ReportedError(sent["error"])
    if sent.get("object") == "error" or sent.get("code") or sent.get("message"):
        raise ReportedError(dict(sent))


def _token_counts(report: Mapping[str, Any]) -> dict[str, int]:
    """All counts of a usage report, those of its details among them."""
    details = map(report.get, ("prompt_tokens_details", "completion_tokens_details"))
    parts = [report, *(part for part in details if isinstance(part, Mapping))]
    return {
        name: count
        for part in parts
        for name, count in part.items()
        if name.endswith("_tokens") and _is_amount(count) and isinstance(count, int)
    }


def _cost(report: Mapping[str, Any]) -> float | None:
    """The cost that a usage report names. With a key of the user's own at the host (`is_byok`), the
    host is paid beside it."""
    parts: list[Any] = [report.get("cost")]
    details = report.get("cost_details")
    if report.get("is_byok") is True and isinstance(details, Mapping):
        parts.append(details.get("upstream_inference_cost"))
    return float(sum(parts)) if all(map(_is_amount, parts)) else None


def _is_amount(value: Any) -> TypeGuard[int | float]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < math.inf
