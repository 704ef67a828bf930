"""Stage 3: from what is known to what is wanted."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from tui_trader.models import ComposeContext, ComposeResult

OnReasoning = Callable[[str, str], None]
"""Called with the reasoning so far and the answer so far, while a decision is being made."""


class BaseComposer(ABC):
    """Decides. What it returns is a wish: the risk layer shapes or refuses it."""

    #: Set by the coordinator: call it as reasoning arrives, so that the operator can watch.
    on_reasoning: OnReasoning | None = None

    @abstractmethod
    async def compose(self, context: ComposeContext) -> ComposeResult:
        """One decision. Must not raise for a bad answer: a bad answer is a hold, with its reason in
        the audit."""

    def stream(self, reasoning: str, answer: str = "") -> None:
        """Show what has been thought so far."""
        if self.on_reasoning is not None:
            self.on_reasoning(reasoning, answer)

    async def close(self) -> None:  # noqa: B027 (most composers hold nothing to free)
        """Free connections."""
