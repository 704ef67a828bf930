"""What the composer needs of whoever asks a model for it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from tui_trader.decision.interfaces import OnReasoning
from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers.completion import Completion
from tui_trader.messages import ModelStatus
from tui_trader.models import ModelCall, Outcome


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a model: the prompt of cycle `compose_id`, and the JSON schema of an answer
    (for endpoints that can be held to one)."""

    compose_id: str
    prompt: Prompt
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a question. `outcome` is `ok` with an answer in `completion`; else its `error`
    says why not. `provider` names who gave the completion; `calls` is every call that was made."""

    outcome: Outcome
    provider: str
    completion: Completion
    calls: tuple[ModelCall, ...] = ()


class BaseModelGateway(ABC):
    """The one way to a model: it keeps the limits of time and money, and remembers who failed."""

    #: What had come of the last question, where it was cancelled.
    broken_off: Reply | None = None

    @property
    @abstractmethod
    def status(self) -> ModelStatus:
        """How the model does now."""

    async def prepare(self) -> None:  # noqa: B027 (a gateway may have nothing to prepare)
        """Find out, before the first question, what the endpoint really does. Raises nothing."""

    @abstractmethod
    async def ask(self, question: Question, on_delta: OnReasoning) -> Reply:
        """Ask; `on_delta` gets reasoning and answer so far. Raises nothing but CancelledError,
        which closes the connection at once."""

    def operator_acted(self) -> None:  # noqa: B027
        """The operator resumed, or asked for a decision: what was stopped may be tried again."""

    async def close(self) -> None:  # noqa: B027
        """Free connections."""
