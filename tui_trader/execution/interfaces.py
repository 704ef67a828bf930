"""Stage 5: sending orders."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from tui_trader.models import (
    FeatureVector,
    FundingPayment,
    OrderReport,
    OrderRequest,
    TradeInstruction,
    TxResult,
    VenueAccount,
    VenueEvent,
    VenueFill,
)


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


class OrderRejected(Exception):
    """The venue has refused for good: the order does not exist there and never will."""


class OutcomeUnknown(Exception):
    """Nobody has said what became of a request: it may have been carried out, or still be."""


class BaseVenue(ABC):
    """Where orders go: an exchange, or the paper one.

    A failure says nothing of what it was about, unless it is OrderRejected: whatever else a method
    raises (OutcomeUnknown, an error of the network) leaves the outcome unknown. A venue never
    repeats a request by itself.
    """

    #: Whether stops and targets can rest here; where not, the engine keeps them.
    holds_protection: bool = True

    #: How long (ms) after it was sent a request may still be carried out, and its order still be
    #: missing in what is asked: only after that is its absence a proof.
    landing_ms: int = 0

    async def open(self) -> None:  # noqa: B027 (a venue may be ready as it is)
        """Connect."""

    async def close(self) -> None:  # noqa: B027
        """Free connections."""

    @abstractmethod
    async def submit(self, request: OrderRequest) -> OrderReport:
        """Send an order; the answer is the state in which the venue has taken it. Raises
        OrderRejected when it was refused; all else leaves the outcome unknown."""

    @abstractmethod
    async def cancel(self, symbol: str, client_order_id: str) -> None:
        """Ask to cancel. Raises OrderRejected when there is nothing to cancel: it may be filled."""

    @abstractmethod
    async def lookup(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """The order of that id, None when the venue knows of none (yet)."""

    @abstractmethod
    async def open_orders(self) -> list[OrderReport]:
        """Every order of the account that rests, whoever sent it, those that wait included."""

    @abstractmethod
    async def fills(self, since_ms: int) -> list[VenueFill]:
        """Every execution of the account from `since_ms` on, oldest first."""

    @abstractmethod
    async def funding(self, since_ms: int) -> list[FundingPayment]:
        """Every funding payment from `since_ms` on, oldest first."""

    @abstractmethod
    async def account(self) -> VenueAccount:
        """Balance and positions."""

    @abstractmethod
    def listen(self, sink: Callable[[VenueEvent], None]) -> None:
        """Call `sink` with what the venue pushes from now on. It must not raise."""
