"""One model of the chain: how it is reached, what it costs, and how it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from tui_trader.decision.interfaces import OnReasoning
from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers.breaker import Breaker
from tui_trader.decision.providers.catalogue import Prices, provider_spec
from tui_trader.decision.providers.completion import NEEDS_OPERATOR, Completion, FailureKind
from tui_trader.decision.providers.spending import cost_of, tokens_of


class ModelClient(Protocol):
    """Asks one endpoint once."""

    async def complete(
        self,
        prompt: Prompt,
        schema: Mapping[str, Any],
        on_delta: OnReasoning,
        *,
        deadline_seconds: float,
    ) -> Completion:
        """The completion, within `deadline_seconds`; raises nothing but CancelledError."""

    async def close(self) -> None:
        """Free connections."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A client, and what its endpoint charges: `prices` are None where nobody knows them,
    `reports_cost` says that it names the cost of its answers itself."""

    client: ModelClient
    prices: Prices | None
    reports_cost: bool = False


class Credentials:
    """An API key at one address, whoever asks with it. `stopped` says why nothing is asked with it
    until the operator acts, "" where it may be."""

    def __init__(self) -> None:
        self.stopped = ""


class Standing:
    """How a model does, whoever asks it. `trouble` is how its last call failed, "" where it
    answered; `found` is what the probe found, "" before. It is stopped where its credentials
    are."""

    def __init__(self, breaker: Breaker, credentials: Credentials) -> None:
        self.breaker = breaker
        self.credentials = credentials
        self.trouble = ""
        self.found = ""

    @property
    def stopped(self) -> str:
        """Why nothing is asked of it until the operator acts, "" where it may be asked."""
        return self.credentials.stopped

    @property
    def available(self) -> bool:
        """Whether it may be asked now."""
        return not self.stopped and not self.breaker.wait

    @property
    def why_not(self) -> str:
        """Why it gives no answer, "" where it does."""
        return self.stopped or self.trouble

    def operator_acted(self) -> None:
        """Whatever was wrong, it may be tried again."""
        self.credentials.stopped = ""
        self.breaker.try_now()


class Route:
    """The way to one model, whose `standing` it shares with all other ways to it."""

    def __init__(
        self, provider: str, model: str, connection: Connection, standing: Standing
    ) -> None:
        self.provider = provider
        self.model = model
        self.client = connection.client
        self.standing = standing
        self._prices = connection.prices
        self._reports_cost = connection.reports_cost
        self._dearest: Decimal | None = None

    @property
    def name(self) -> str:
        """As it is configured: `provider:model`."""
        return f"{self.provider}:{self.model}"

    @property
    def priced(self) -> bool:
        """Whether what an answer costs will be known."""
        return self._prices is not None or self._reports_cost

    def cost(
        self, usage: Mapping[str, int], reported_usd: float | None = None
    ) -> tuple[float | None, bool]:
        """USD for the tokens of a call, None where that is unknown, and whether it is estimated.

        Where the provider names costs but not this one, the dearest token that it has named so far
        is taken for all.
        """
        cost, tokens = cost_of(usage, self._prices, reported_usd), tokens_of(usage)
        if cost is None and self._dearest is not None:
            return float(tokens * self._dearest), True
        if cost is not None and reported_usd is not None and tokens:
            self._dearest = max(self._dearest or Decimal(0), cost / tokens)
        at_most = self._prices is not None and self._prices.at_most and reported_usd is None
        return (None if cost is None else float(cost)), at_most and bool(tokens)

    def take_in(self, completion: Completion) -> None:
        """Remember how a call went."""
        standing = self.standing
        if completion.error is None:
            standing.trouble = ""
            standing.breaker.succeeded()
            return
        standing.trouble = completion.error
        if completion.failure in NEEDS_OPERATOR:
            remedy = self._remedy(completion.failure)
            standing.credentials.stopped = (
                f"{completion.error}: {remedy}, then decide now (d), or restart"
            )
            return
        if completion.failure is not FailureKind.FORMAT:  # the client asks otherwise from now on
            standing.breaker.failed()
        if completion.retry_after is not None:
            standing.breaker.asked_to_wait(completion.retry_after)

    def _remedy(self, failure: FailureKind | None) -> str:
        if failure is FailureKind.PAYMENT:
            return f"pay {self.provider}"
        return f"check {provider_spec(self.provider).key_env or 'who may use it'}"
