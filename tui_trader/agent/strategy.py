"""Who decides: the agent and the composer that the configuration names."""

import asyncio
import importlib
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from traceback import walk_tb

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

logger = logging.getLogger(__name__)

SENTENCE_SECONDS = 0.12
"""Between two sentences of the rules, where somebody may be watching."""

_DEADLINES = (20.0, 3_600.0)
"""Seconds that a decision has at least and at most where nobody has set a deadline."""


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
        base_url=llm.address_of(llm.provider),
        prices_usd=_prices(llm),
        format=llm.format or ("simple" if len(symbols) == 1 else "plan"),
        stall_seconds=llm.stall_seconds,
        deadline_seconds=llm.deadline_seconds or _deadline(config.agent.interval_seconds),
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


def _deadline(interval_seconds: float) -> float:
    least, most = _DEADLINES
    return min(max(least, interval_seconds / 2), most)


def _fallback(loaded: LoadedConfig, name: str) -> ModelChoice:
    """A model that is named as `provider:model`."""
    provider, _, model = name.partition(":")
    return ModelChoice(
        provider=provider,
        model_id=model,
        api_key=_key(loaded, provider),
        base_url=loaded.config.llm.address_of(provider),
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

    Raises ConfigError where the class can't be had or made, or is neither agent nor composer.
    """
    if strategy in ("rules", "llm"):
        return BaseStrategyAgent(), None
    module_name, _, class_name = strategy.partition(":")
    with users_code(strategy):
        found = getattr(importlib.import_module(module_name), class_name, None)
        if isinstance(found, type) and issubclass(found, BaseStrategyAgent):
            return found(), None
        if isinstance(found, type) and issubclass(found, BaseComposer):
            # A composer of one's own is made from the request; its type says nothing of that.
            return BaseStrategyAgent(), found(request)  # type: ignore[call-arg]
    what = (
        "has no class of that name" if found is None else "is no BaseComposer or BaseStrategyAgent"
    )
    raise ConfigError(f"agent.strategy = {strategy!r}: {what}")


@contextmanager
def users_code(strategy: str) -> Iterator[None]:
    """What the code behind `module:Class` raises becomes a ConfigError that says where; the whole
    of it goes to the log."""
    module_name = strategy.partition(":")[0]
    try:
        yield
    except (Exception, SystemExit) as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        if _is_missing(module_name, error):
            where, text = "", f"{error}; is the module's folder in PYTHONPATH?"
        else:
            logger.exception("agent.strategy = %r failed", strategy)
            where = _place(module_name, error)
        raise ConfigError(f"agent.strategy = {strategy!r}: {where}{text}") from error


def _is_missing(module_name: str, error: BaseException) -> bool:
    """Whether it is the module itself that is not there, or a package that it lies in."""
    return (
        isinstance(error, ModuleNotFoundError)
        and error.name is not None
        and f"{module_name}.".startswith(f"{error.name}.")
    )


def _place(module_name: str, error: BaseException) -> str:
    """Where in the user's code it happened: file and line, or the file alone; "" if unknown."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f"{error.filename}, line {error.lineno}: "
    package = module_name.partition(".")[0]
    lines = [
        f"{frame.f_code.co_filename}, line {line}: "
        for frame, line in walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package
    ]
    module = getattr(sys.modules.get(module_name), "__file__", None)
    return lines[-1] if lines else f"{module}: " if module else ""


def default_composer(strategy: str, request: UserRequest, *, watched: bool) -> BaseComposer:
    """The composer of `rules` and `llm`; `watched` rules speak at a pace that can be read."""
    if strategy == "llm":
        return LlmComposer(request)
    return RulesComposer(pace=(lambda: asyncio.sleep(SENTENCE_SECONDS)) if watched else None)
