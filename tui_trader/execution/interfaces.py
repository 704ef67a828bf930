"""Stage 5: sending orders."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tui_trader.market_data.interfaces import MarketUpdate
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


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What orders may still do, by symbol: `pending` tells how much those that open may still buy
    and sell (positive, base currency), `unknown` names symbols with an order of which nobody has
    said what became."""

    pending: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


class BaseExecutionGateway(ABC):
    """Executes instructions at a venue, in the order given, and reports on every one of them.

    All but `execute` is for what goes on after it has returned: a gateway whose orders are over
    then needs nothing of it.
    """

    @abstractmethod
    async def execute(
        self,
        instructions: Sequence[TradeInstruction],
        market_features: Sequence[FeatureVector] = (),
    ) -> list[TxResult]:
        """One result per instruction, also for those refused.

        Never raises for what a venue says.
        """

    async def open(self) -> None:  # noqa: B027
        """Connect, and find out what is there. Raises what the venue raises."""

    async def close(self) -> None:  # noqa: B027 (a gateway may hold nothing)
        """Free connections."""

    async def tend(self) -> None:  # noqa: B027
        """Do what is due: ask what became of orders, keep protection in force. Called once a second
        and after every move of a market that waits for us."""

    def on_market(self, update: MarketUpdate) -> None:  # noqa: B027
        """The market has moved; told before anything acts on it."""

    def outstanding(self) -> Outstanding:
        """What may still come of orders."""
        return Outstanding()

    def withdraw(self, symbol: str | None, because: str) -> None:  # noqa: B027
        """Send nothing more of what is meant to open in `symbol` (None: in any), and have those
        that were sent cancelled."""

    async def cancel(self, client_order_id: str, because: str) -> str:
        """Cancel one order, and say where it stands then. Raises KeyError for one that is not
        known, ValueError for one that is over."""
        raise KeyError(client_order_id)

    async def account(self) -> VenueAccount | None:
        """What the venue itself has; None where it can't be asked."""
        return None


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

    def liquidation_price(self, symbol: str) -> float | None:
        """At which mark it would close `symbol` by itself (quote currency); None where there is no
        such price, or it does not tell."""
        return None

    def on_market(self, update: MarketUpdate) -> None:  # noqa: B027
        """The market has moved: for a venue that lives in this process."""
