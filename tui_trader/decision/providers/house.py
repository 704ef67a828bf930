"""The gateways that the composers of one agent share: one daily cap, one memory of who failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random

from tui_trader.clock import Clock, SystemClock
from tui_trader.decision.providers.book import CallBook, Record
from tui_trader.decision.providers.catalogue import Endpoint
from tui_trader.decision.providers.chat import ChatClient
from tui_trader.decision.providers.completion import Counted
from tui_trader.decision.providers.factory import make_gateway
from tui_trader.decision.providers.interfaces import BaseModelGateway
from tui_trader.decision.providers.probe import Capabilities, probe
from tui_trader.decision.providers.route import Connection, ModelClient, Standing
from tui_trader.decision.providers.spending import Spending
from tui_trader.messages import AlertRaised, Message, ModelState, ModelStatus, Severity
from tui_trader.models import LlmModelConfig

PROBE_SECONDS = 10.0
"""What one call of the probe may take."""

_BAD_TO_WORSE = (ModelState.READY, ModelState.BROWN_OUT, ModelState.CAPPED, ModelState.STOPPED)

MakeGateway = Callable[[LlmModelConfig], BaseModelGateway]
Say = Callable[[Severity, str], None]


class ModelHouse:
    """Makes the gateway to a model when a composer first asks for it, and keeps it.

    A composer of the user's own makes its `LlmComposer` from nothing but the request; made within
    `open`, it still goes through this house, so that no call escapes the cap. `say` tells the
    operator something about the prompt.
    """

    def __init__(self, make: MakeGateway, say: Say) -> None:
        self.say = say
        self._make = make
        self._gateways: dict[LlmModelConfig, BaseModelGateway] = {}

    def gateway(self, config: LlmModelConfig) -> BaseModelGateway:
        """The gateway to the models of `config`. Raises ValueError, naming the setting that is
        missing."""
        if config not in self._gateways:
            self._gateways[config] = self._make(config)
        return self._gateways[config]

    @property
    def in_use(self) -> bool:
        """Whether any composer has asked for a model."""
        return bool(self._gateways)

    def worst(self, status: ModelStatus) -> ModelStatus:
        """What to show where only one status can be: `status` of one gateway, or a worse one of
        another, which it must not hide."""
        others = [gateway.status for gateway in self._gateways.values()]
        return max([status, *others], key=lambda each: _BAD_TO_WORSE.index(each.state))

    @contextmanager
    def open(self) -> Iterator[None]:
        """Composers that are made meanwhile use the gateways of this house."""
        token = _HOUSE.set(self)
        try:
            yield
        finally:
            _HOUSE.reset(token)

    async def prepare(self) -> None:
        """Find out what the endpoints really do."""
        for gateway in self._gateways.values():
            await gateway.prepare()

    def operator_acted(self) -> None:
        """The operator resumed, or asked for a decision: what was stopped may be tried again."""
        for gateway in self._gateways.values():
            gateway.operator_acted()

    async def close(self) -> None:
        """Free all connections."""
        for gateway in self._gateways.values():
            await gateway.close()


_HOUSE: ContextVar[ModelHouse | None] = ContextVar("house", default=None)


def current_house() -> ModelHouse:
    """The house in which a composer is being made; outside of any agent, one of its own."""
    return _HOUSE.get() or model_house(
        clock=SystemClock(),
        wall=SystemClock(),
        publish=_nobody_listens,
        spending=Spending(SystemClock()),
        record=_nobody_records,
        rng=Random(),  # noqa: S311 (spreads retries)
    )


def model_house(
    *,
    clock: Clock,
    wall: Clock,
    publish: Callable[[Message], None],
    spending: Spending,
    record: Record,
    rng: Random,
) -> ModelHouse:
    """A house whose gateways speak to real endpoints. `clock` is market time, `wall` the time of
    day; `record` keeps a call, on the disk when it returns; `rng` spreads retries."""

    book = CallBook(spending, wall, record)
    standings: dict[Endpoint, Standing] = {}

    def make(config: LlmModelConfig) -> BaseModelGateway:
        return make_gateway(
            config,
            clock=clock,
            wall=wall,
            publish=tell,
            book=book,
            standings=standings,
            rng=rng,
            connect=lambda found: Connection(
                client_of(found, config, clock), found.prices, found.spec.reports_cost
            ),
            probe=_probe,
        )

    def say(severity: Severity, text: str) -> None:
        publish(AlertRaised(clock.now_ms(), severity, "prompt", text))

    def tell(message: Message) -> None:
        publish(house.worst(message) if isinstance(message, ModelStatus) else message)

    house = ModelHouse(make, say)
    return house


def client_of(found: Endpoint, config: LlmModelConfig, clock: Clock) -> ChatClient:
    """What asks an endpoint, in the way that `config` wants."""
    return ChatClient(
        found,
        clock,
        stall_seconds=config.stall_seconds,
        thinking=config.thinking,
        structured=config.structured,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
    )


async def _probe(client: ModelClient, counted: Counted) -> Capabilities:
    if not isinstance(client, ChatClient):
        raise TypeError(f"{type(client).__name__} can't be probed")
    return await probe(client, counted, deadline_seconds=PROBE_SECONDS)


def _nobody_listens(_message: Message) -> None:
    """A composer by itself has nobody to tell."""


def _nobody_records(_call: object) -> None:
    """A composer by itself has no store."""
