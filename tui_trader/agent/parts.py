"""What a running agent is made of."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.closing import Closer
from tui_trader.agent.control import OperatorControl
from tui_trader.agent.coordinator import DecisionCoordinator
from tui_trader.agent.publisher import Publisher
from tui_trader.clock import Clock
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.execution.interfaces import BaseExecutionGateway
from tui_trader.features.interfaces import BaseFeaturesPipeline
from tui_trader.market_data.interfaces import BaseMarketDataSource
from tui_trader.messages import SessionInfo, TradingState
from tui_trader.models import PortfolioView, StrategySummary, UserRequest
from tui_trader.portfolio.interfaces import BasePortfolioService


@dataclass(frozen=True, slots=True)
class Pace:
    """When cycles run: at every closed candle, or every `interval_ms` where that is longer.

    `candle_ms` is the length of the agent's candles; `max_cycles` ends the run, None never does.
    """

    interval_ms: int
    candle_ms: int
    max_cycles: int | None = None


StopPolicy = Literal["keep", "keep_protected", "flatten"]
"""What becomes of positions when the engine ends: they stay, only those with a stop in force stay,
or all are closed. Openings that wait are cancelled in any case."""


class Models(Protocol):
    """What the loop needs of whoever asks models."""

    def open(self) -> AbstractContextManager[None]:
        """Composers that are made meanwhile ask through it."""
        ...

    async def prepare(self) -> None:
        """Find out what the endpoints really do."""
        ...

    async def close(self) -> None:
        """Free connections."""
        ...


@dataclass(frozen=True, slots=True)
class RuntimeParts:
    """Everything a runtime sets in motion; made by `assembly`.

    `protected` tells whether the position in a symbol has its stop in force. `halted_outside` says
    whether somebody asked for a halt by the kill file; `release` frees files and locks at the end.
    """

    session: SessionInfo
    request: UserRequest
    agent: BaseStrategyAgent
    pace: Pace
    stop_policy: StopPolicy
    clock: Clock
    source: BaseMarketDataSource
    features: BaseFeaturesPipeline
    composer: BaseComposer
    portfolio: BasePortfolioService
    gateway: BaseExecutionGateway
    closer: Closer
    coordinator: DecisionCoordinator
    control: OperatorControl
    publisher: Publisher
    state: Callable[[], TradingState]
    protected: Callable[[str], bool]
    halted_outside: Callable[[], bool]
    models: Models
    summarise: Callable[[PortfolioView], StrategySummary]
    release: Callable[[], None]
