"""Who decides, through which models, and what those have cost."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tui_trader.agent.account import Account
from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.market import Market
from tui_trader.agent.strategy import default_composer, load_agent
from tui_trader.clock import Clock
from tui_trader.config.errors import ConfigError
from tui_trader.config.schema import Config
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.decision.providers.house import ModelHouse, model_house
from tui_trader.decision.providers.spending import DAY_MS, Spending
from tui_trader.messages import Message
from tui_trader.models import UserRequest


@dataclass(frozen=True, slots=True)
class Minds:
    """The agent, the composer that decides, and the house through which it asks models."""

    agent: BaseStrategyAgent
    composer: BaseComposer
    house: ModelHouse
    spending: Spending
    spent_before: float | None

    @property
    def cost_usd(self) -> float | None:
        """What the models of this account have cost so far; None where that is unknown."""
        run = self.spending.run.cost_usd
        return None if run is None or self.spent_before is None else self.spent_before + run


async def gather_minds(
    config: Config,
    request: UserRequest,
    account: Account,
    market: Market,
    wall: Clock,
    publish: Callable[[Message], None],
    *,
    watched: bool,
) -> Minds:
    """Who decides, as configured; `watched` rules speak at a pace that can be read. Raises
    ConfigError."""
    today = account.calls.calls(since_ms=wall.now_ms() - DAY_MS)
    spending = Spending(wall, daily_cap_usd=config.llm.daily_cap_usd, earlier=today)
    house = model_house(
        clock=market.clock,
        wall=wall,
        publish=publish,
        spending=spending,
        record=account.calls.record_call,
        rng=Random(),  # noqa: S311 (spreads retries)
    )
    agent, composer = await make_deciders(config, request, house, watched=watched)
    spent_before = 0.0 if market.afresh else account.calls.spent_since(0)
    return Minds(agent, composer, house, spending, spent_before)


async def make_deciders(
    config: Config, request: UserRequest, house: ModelHouse, *, watched: bool
) -> tuple[BaseStrategyAgent, BaseComposer]:
    """The agent and its composer, which asks its models through `house`. Raises ConfigError."""
    with house.open():
        try:
            agent, composer = load_agent(config.agent.strategy, request)
            composer = composer or await agent._create_decision_composer(request)
            composer = composer or default_composer(config.agent.strategy, request, watched=watched)
        except ValueError as error:
            raise ConfigError(str(error)) from error
    return agent, composer
