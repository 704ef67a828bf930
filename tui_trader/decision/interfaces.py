"""Stage 3: from what is known to what is wanted."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from tui_trader.models import ComposeAudit, ComposeContext, ComposeResult

OnReasoning = Callable[[str, str], None]
"""Called with the reasoning so far and the answer so far, while a decision is being made."""


@dataclass(slots=True)
class Hearing:
    """What the running cycle hears of its composer, and of those that this one asks in turn: what
    they think, and how the last answer of a model came about."""

    on_reasoning: OnReasoning
    audit: ComposeAudit | None = None

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Whatever composes in a task that is made meanwhile is heard."""
        token = _HEARING.set(self)
        try:
            yield
        finally:
            _HEARING.reset(token)


_HEARING: ContextVar[Hearing | None] = ContextVar("hearing", default=None)


class BaseComposer(ABC):
    """Decides. What it returns is a wish: the risk layer shapes or refuses it."""

    #: Who watches the reasoning arrive; by default the cycle that is running.
    on_reasoning: OnReasoning | None = None

    @abstractmethod
    async def compose(self, context: ComposeContext) -> ComposeResult:
        """One decision. Must not raise for a bad answer: a bad answer is a hold, with its reason in
        the audit."""

    def stream(self, reasoning: str, answer: str = "") -> None:
        """Show what has been thought so far."""
        hearing = _HEARING.get()
        watching = self.on_reasoning or (hearing and hearing.on_reasoning)
        if watching:
            watching(reasoning, answer)

    def account_for(self, audit: ComposeAudit) -> None:
        """Tell the running cycle how an answer came about, whatever becomes of it."""
        if (hearing := _HEARING.get()) is not None:
            hearing.audit = audit

    async def close(self) -> None:  # noqa: B027 (most composers hold nothing to free)
        """Free connections."""
