"""What every vocabulary has to offer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tui_trader.decision.json_reader import AnswerError
from tui_trader.decision.parser import FORCED_HOLD_REASON, log_refusal
from tui_trader.decision.situation import Situation
from tui_trader.decision.unwrap import one_value
from tui_trader.models import Constraints, TargetPosition


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What an answer asks for. `unwrapped` lists what was taken off or forgiven, `filtered` what
    was dropped and why; `error` says why nothing of it was used, None when it was."""

    targets: tuple[TargetPosition, ...]
    rationale: str | None = None
    unwrapped: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()
    error: str | None = None


class AnswerFormat(ABC):
    """A vocabulary: told to the model by `actions`, `describe` and `schema`, read by `parse`."""

    name: ClassVar[str]
    idle: ClassVar[str]
    """The action that changes nothing."""
    one_symbol: ClassVar[bool] = False

    @abstractmethod
    def actions(self, allow_short: bool) -> dict[str, str]:
        """Each allowed action with its meaning."""

    @abstractmethod
    def describe(self) -> str:
        """The form of the answer, for the prompt."""

    @abstractmethod
    def schema(self, symbols: Sequence[str]) -> dict[str, Any]:
        """The JSON schema of an answer on `symbols`, for endpoints that can be held to one: every
        field required, none beside them."""

    @abstractmethod
    def read(self, value: Any, known: Sequence[Situation], limits: Constraints) -> ParsedAnswer:
        """What a JSON value asks for. Raises AnswerError when none of it may be used."""

    def parse(
        self, raw: str, known: Sequence[Situation], limits: Constraints | None = None
    ) -> ParsedAnswer:
        """What `raw` asks for, about the symbols in `known`; an invalid answer holds them all."""
        try:
            unwrapped = one_value(raw)
            answer = self.read(unwrapped.value, known, limits or Constraints())
        except AnswerError as error:
            log_refusal(raw, str(error))
            holds = tuple(situation.hold(FORCED_HOLD_REASON) for situation in known)
            return ParsedAnswer(holds, FORCED_HOLD_REASON, error=str(error))
        if answer.filtered:
            log_refusal(raw, "; ".join(answer.filtered))
        return replace(answer, unwrapped=(*unwrapped.notes, *answer.unwrapped))


def strict_object(properties: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with exactly these properties, as strict endpoints want it."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
