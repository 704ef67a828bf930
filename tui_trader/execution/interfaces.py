"""Stage 5: sending orders."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tui_trader.models import FeatureVector, TradeInstruction, TxResult


class BaseExecutionGateway(ABC):
    """Executes instructions at a venue, in the order given, and reports on every one of them."""

    @abstractmethod
    async def execute(
        self,
        instructions: Sequence[TradeInstruction],
        market_features: Sequence[FeatureVector] = (),
    ) -> list[TxResult]:
        """One result per instruction, also for those refused.

        Never raises for what a venue says.
        """

    async def close(self) -> None:  # noqa: B027 (a gateway may hold nothing)
        """Free connections."""
