"""What an agent of one's own is told about the run: the request of source documents S3 and S4."""

from typing import Literal

from pydantic import ConfigDict, SecretStr

from tui_trader.models.base import Model
from tui_trader.models.history import TradingMode


class ModelChoice(Model):
    """One model that can be asked. `prices_usd` are for a million tokens of prompt, of prompt that
    the provider had cached, and of answer; None takes those that the catalogue knows."""

    model_config = ConfigDict(protected_namespaces=())

    provider: str
    model_id: str | None = None
    api_key: SecretStr | None = None
    base_url: str | None = None
    prices_usd: tuple[float, float, float] | None = None


class LlmModelConfig(ModelChoice):
    """The model to ask, and what to do where it fails. Limits are seconds of real time.

    `fallbacks` are asked in their order where the model before them fails; `max_attempts` bounds
    the calls of one decision to each. After `breaker_failures` failures in a row a model is left
    alone for `breaker_seconds`. `fallback` says what decides when no model does: nobody (`hold`),
    or the rules, for closes only. `daily_cap_usd` ends the day's calls, None never does.
    `structured` and `thinking` are `auto` where the catalogue and the probe decide. `recorded` is
    the file that provider `recorded` answers from.
    """

    format: str = "plan"
    stall_seconds: float = 5.0
    deadline_seconds: float = 20.0
    fallbacks: tuple[ModelChoice, ...] = ()
    max_attempts: int = 3
    breaker_failures: int = 5
    breaker_seconds: float = 60.0
    fallback: Literal["hold", "rules"] = "hold"
    daily_cap_usd: float | None = None
    structured: Literal["auto", "json_schema", "json_object", "plain"] = "auto"
    thinking: Literal["auto", "on", "off"] = "auto"
    temperature: float | None = None
    max_tokens: int | None = None
    recorded: str | None = None


class ExchangeConfig(Model):
    """Where orders go. `fee_bps` is the simulated fee of virtual trading, in basis points."""

    exchange_id: str | None = None
    trading_mode: TradingMode = TradingMode.VIRTUAL
    api_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    testnet: bool = False
    fee_bps: float = 10.0


class TradingConfig(Model):
    """What to trade. `decide_interval` is seconds; symbols are unified (`BTC/USDT`); `template_id`
    names the prompt's template, None the default one."""

    strategy_name: str | None = None
    initial_capital: float = 10_000.0
    max_leverage: float = 1.0
    max_positions: int | None = None
    symbols: tuple[str, ...]
    decide_interval: float = 30.0
    template_id: str | None = None
    custom_prompt: str | None = None
    prompt_text: str | None = None


class UserRequest(Model):
    """Everything that a user asked for."""

    llm_model_config: LlmModelConfig
    exchange_config: ExchangeConfig
    trading_config: TradingConfig
