"""What every vocabulary has to offer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tui_trader.decision.parser import FORCED_HOLD_REASON, AnswerError, log_refusal
from tui_trader.decision.situation import Situation
from tui_trader.models import TargetPosition


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What an answer asks for. `filtered` lists what was dropped and why; `error` says why nothing
    of it was used, None when it was."""

    targets: tuple[TargetPosition, ...]
    rationale: str | None = None
    filtered: tuple[str, ...] = ()
    error: str | None = None


class AnswerFormat(ABC):
    """A vocabulary: told to the model by `actions` and `describe`, read back by `parse`."""

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
    def read(self, raw: str, known: Sequence[Situation]) -> ParsedAnswer:
        """What `raw` asks for. Raises AnswerError when none of it may be used."""

    def parse(self, raw: str, known: Sequence[Situation]) -> ParsedAnswer:
        """What `raw` asks for, about the symbols in `known`; an invalid answer holds them all."""
        try:
            return self.read(raw, known)
        except AnswerError as error:
            log_refusal(raw, str(error))
            holds = tuple(situation.hold(FORCED_HOLD_REASON) for situation in known)
            return ParsedAnswer(holds, FORCED_HOLD_REASON, error=str(error))
