"""Who decides: the agent and the composer that the configuration names."""

import asyncio
import importlib

from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.market import Market
from tui_trader.clock import Clock
from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import LoadedConfig
from tui_trader.decision.composer import LlmComposer
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.decision.providers import PROVIDERS
from tui_trader.decision.rules import RulesComposer
from tui_trader.models import (
    ExchangeConfig,
    LlmModelConfig,
    TradingConfig,
    TradingMode,
    UserRequest,
)

SENTENCE_SECONDS = 0.12
"""Between two sentences of the rules, where somebody may be watching."""


def make_request(loaded: LoadedConfig, market: Market) -> UserRequest:
    """The configuration as an agent of one's own is told it."""
    config, secrets = loaded.config, loaded.secrets
    llm = config.llm
    key_name = PROVIDERS[llm.provider].key_env
    return UserRequest(
        llm_model_config=LlmModelConfig(
            provider=llm.provider,
            model_id=llm.model,
            api_key=secrets.by_name.get(key_name) if key_name else None,
            base_url=llm.base_url,
            format=llm.format or ("simple" if len(market.symbols) == 1 else "plan"),
            stall_seconds=llm.stall_seconds,
            deadline_seconds=llm.deadline_seconds or max(20.0, config.agent.interval_seconds / 2),
        ),
        exchange_config=ExchangeConfig(
            exchange_id=config.exchange.type,
            trading_mode=TradingMode.VIRTUAL,
            testnet=config.agent.mode == "testnet",
            fee_bps=config.paper.fee_bps,
        ),
        trading_config=TradingConfig(
            strategy_name=config.agent.name,
            initial_capital=config.paper.initial_capital,
            max_leverage=config.risk.max_leverage,
            max_positions=config.risk.max_positions,
            symbols=market.symbols,
            decide_interval=config.agent.interval_seconds,
            custom_prompt=config.agent.prompt or None,
        ),
    )


def load_agent(
    strategy: str, request: UserRequest
) -> tuple[BaseStrategyAgent, BaseComposer | None]:
    """The agent, and the composer where `strategy` names one as `module:Class`.

    Raises ConfigError where the class can't be had, or is neither agent nor composer.
    """
    if strategy in ("rules", "llm"):
        return BaseStrategyAgent(), None
    module_name, _, class_name = strategy.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"agent.strategy = {strategy!r}: {error}; is the module's folder in PYTHONPATH?"
        ) from None
    if isinstance(found, type) and issubclass(found, BaseStrategyAgent):
        return found(), None
    if isinstance(found, type) and issubclass(found, BaseComposer):
        # A composer of one's own is made from the request; its type says nothing of that.
        return BaseStrategyAgent(), found(request)  # type: ignore[call-arg]
    raise ConfigError(
        f"agent.strategy = {strategy!r} is neither a BaseComposer nor a BaseStrategyAgent"
    )


def default_composer(
    strategy: str, request: UserRequest, clock: Clock, *, watched: bool
) -> BaseComposer:
    """The composer of `rules` and `llm`; `watched` rules speak at a pace that can be read."""
    if strategy == "llm":
        return LlmComposer(request, clock=clock)
    return RulesComposer(pace=(lambda: asyncio.sleep(SENTENCE_SECONDS)) if watched else None)
