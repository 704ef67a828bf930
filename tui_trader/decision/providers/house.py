"""The gateways that the composers of one agent share: one daily cap, one memory of who failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tui_trader.decision.providers.interfaces import BaseModelGateway
from tui_trader.models import LlmModelConfig

MakeGateway = Callable[[LlmModelConfig], BaseModelGateway]


class ModelHouse:
    """Makes the gateway to a model when a composer first asks for it, and keeps it.

    A composer of the user's own makes its `LlmComposer` from nothing but the request; made within
    `open`, it still goes through this house, so that no call escapes the cap.
    """

    def __init__(self, make: MakeGateway) -> None:
        """`make` raises ValueError, naming the setting that is missing."""
        self._make = make
        self._gateways: dict[LlmModelConfig, BaseModelGateway] = {}

    def gateway(self, config: LlmModelConfig) -> BaseModelGateway:
        """The gateway to the models of `config`."""
        if config not in self._gateways:
            self._gateways[config] = self._make(config)
        return self._gateways[config]

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


def current_house() -> ModelHouse | None:
    """The house in which a composer is being made, None where there is none."""
    return _HOUSE.get()
