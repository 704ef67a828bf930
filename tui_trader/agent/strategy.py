"""Who decides: the agent and the composer that the configuration names."""

import asyncio
import importlib
from collections.abc import Sequence

from pydantic import SecretStr

from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.market import Market
from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import LoadedConfig
from tui_trader.config.schema import LlmConfig
from tui_trader.decision.composer import LlmComposer
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.decision.providers import PROVIDERS
from tui_trader.decision.rules import RulesComposer
from tui_trader.models import (
    ExchangeConfig,
    LlmModelConfig,
    ModelChoice,
    TradingConfig,
    TradingMode,
    UserRequest,
)

SENTENCE_SECONDS = 0.12
"""Between two sentences of the rules, where somebody may be watching."""


def make_request(loaded: LoadedConfig, market: Market) -> UserRequest:
    """The configuration as an agent of one's own is told it."""
    config = loaded.config
    return UserRequest(
        llm_model_config=model_config(loaded, market.symbols),
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
            template_id=config.llm.template,
            custom_prompt=config.agent.prompt or None,
        ),
    )


def model_config(loaded: LoadedConfig, symbols: Sequence[str]) -> LlmModelConfig:
    """The models to ask about `symbols`, the first one and those that stand in for it, with their
    keys."""
    config, llm = loaded.config, loaded.config.llm
    return LlmModelConfig(
        provider=llm.provider,
        model_id=llm.model,
        api_key=_key(loaded, llm.provider),
        base_url=llm.base_url,
        prices_usd=_prices(llm),
        format=llm.format or ("simple" if len(symbols) == 1 else "plan"),
        stall_seconds=llm.stall_seconds,
        deadline_seconds=llm.deadline_seconds or max(20.0, config.agent.interval_seconds / 2),
        fallbacks=tuple(_fallback(loaded, name) for name in llm.fallback_models),
        max_attempts=llm.max_attempts,
        breaker_failures=llm.breaker_failures,
        breaker_seconds=llm.breaker_seconds,
        fallback=llm.fallback,
        daily_cap_usd=llm.daily_cap_usd,
        structured=llm.structured,
        thinking=llm.thinking,
        temperature=llm.temperature,
        max_tokens=llm.max_tokens,
        recorded=llm.recorded,
    )


def _fallback(loaded: LoadedConfig, name: str) -> ModelChoice:
    """A model that is named as `provider:model`; the address of a provider that has none of its own
    is the configured one."""
    provider, _, model = name.partition(":")
    own = PROVIDERS[provider].base_url
    return ModelChoice(
        provider=provider,
        model_id=model,
        api_key=_key(loaded, provider),
        base_url=None if own else loaded.config.llm.base_url,
    )


def _key(loaded: LoadedConfig, provider: str) -> SecretStr | None:
    name = PROVIDERS[provider].key_env
    return loaded.secrets.by_name.get(name) if name else None


def _prices(llm: LlmConfig) -> tuple[float, float, float] | None:
    """What was configured, in USD for a million tokens; cached prompt costs what any does where
    nothing else is said."""
    if llm.price_input_usd is None or llm.price_output_usd is None:
        return None
    cached = llm.price_input_usd if llm.price_cached_usd is None else llm.price_cached_usd
    return (llm.price_input_usd, cached, llm.price_output_usd)


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


def default_composer(strategy: str, request: UserRequest, *, watched: bool) -> BaseComposer:
    """The composer of `rules` and `llm`; `watched` rules speak at a pace that can be read."""
    if strategy == "llm":
        return LlmComposer(request)
    return RulesComposer(pace=(lambda: asyncio.sleep(SENTENCE_SECONDS)) if watched else None)
