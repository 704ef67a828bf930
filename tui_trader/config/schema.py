"""Every configuration key, with its type, range, default and meaning.

Values are strict: a string is not a number and `"false"` is not a boolean. An unknown key is
refused.
"""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from tui_trader.config.addresses import is_near
from tui_trader.decision.providers import PROVIDERS, provider_spec
from tui_trader.timeframes import timeframe_ms

Mode = Literal["paper", "testnet", "live"]
ExchangeType = Literal["paper", "binance_testnet", "binance", "hyperliquid"]


class Section(BaseModel):
    """One table of the configuration file."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True
    )


class AgentConfig(Section):
    """What is traded, how often, and who decides."""

    name: str = Field(
        "agent",
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        description="letters, digits, - and _; at most 32",
    )
    mode: Mode = Field("paper", description="paper, testnet or live")
    symbols: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="instruments, as BTC/USDT; one quote currency for all"
    )
    interval_seconds: float = Field(
        30.0, ge=1, le=86_400, description="seconds between decisions, where longer than a candle"
    )
    timeframe: str | None = Field(
        None, description="candle length, as 5m; by default that of the data"
    )
    strategy: str = Field(
        "rules",
        pattern=r"^(rules|llm|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$",
        description="rules, llm, or module:Class of a composer of your own",
    )
    prompt: str = Field("", max_length=20_000, description="your strategy, in words, for the model")
    stop_policy: Literal["keep", "keep_protected", "flatten"] = Field(
        "keep", description="positions at the end: all stay, those with a stop stay, or none does"
    )

    @field_validator("symbols")
    @classmethod
    def _symbols_look_right(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        for symbol in symbols:
            base, _, quote = symbol.partition(":")[0].partition("/")
            if not (base.isalnum() and quote.isalnum()) or symbol != symbol.upper():
                raise ValueError(f"{symbol!r} is not a symbol: write it as BTC/USDT")
        if len(set(symbols)) != len(symbols):
            raise ValueError("a symbol is listed twice")
        if len({symbol.partition(":")[0].partition("/")[2] for symbol in symbols}) > 1:
            raise ValueError("all symbols must share one quote currency: one account, one money")
        return symbols

    @field_validator("timeframe")
    @classmethod
    def _timeframe_is_one(cls, timeframe: str | None) -> str | None:
        if timeframe is not None:
            timeframe_ms(timeframe)
        return timeframe


class MarketConfig(Section):
    """Where candles and quotes come from."""

    source: str = Field(
        "simulated",
        pattern=r"^(simulated|exchange|replay:.+)$",
        description="simulated, replay:FILE[,FILE...] or exchange",
    )
    speed: float | Literal["max"] = Field(
        1.0, description="of a replay or simulation: times real time, or max"
    )
    seed: int = Field(7, ge=0, description="of the simulated market")
    spread_bps: float = Field(
        2.0, ge=0, le=1_000, description="bid to ask where the data has none, in basis points"
    )
    max_age_seconds: float = Field(
        90.0, gt=0, description="older quotes, or candles so long overdue, open nothing"
    )

    @field_validator("speed", mode="before")
    @classmethod
    def _speed_moves(cls, speed: Any) -> Any:
        number = isinstance(speed, int | float) and not isinstance(speed, bool)
        if speed == "max" or (number and 0 < speed < math.inf):
            return speed
        raise ValueError("must be a number greater than 0, or max")


class ExchangeConfig(Section):
    """The venue."""

    type: ExchangeType = Field("paper", description="paper, binance_testnet, binance, hyperliquid")
    market: Literal["spot", "linear"] = Field(
        "spot", description="spot (never short) or linear perpetual"
    )


class LlmConfig(Section):
    """The model that decides when `agent.strategy` is `llm`."""

    provider: str = Field("deepseek", description=f"who serves the model: {', '.join(PROVIDERS)}")
    model: str | None = Field(None, description="by default the provider's")
    base_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="http:// or https:// and the path, of an OpenAI-compatible endpoint",
    )
    format: Literal["simple", "plan", "orders"] | None = Field(
        None, description="vocabulary of answers; by default simple for one symbol, else plan"
    )
    template: str = Field(
        "default",
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        description="of the prompt: a name in the templates folder beside config.toml, or default",
    )
    stall_seconds: float = Field(5.0, gt=0, le=600, description="silence that ends a call")
    deadline_seconds: float | None = Field(
        None,
        gt=0,
        le=3_600,
        description="for a decision, retries included; by default half the interval, 20 to 3600",
    )
    structured: Literal["auto", "json_schema", "json_object", "plain"] = Field(
        "auto", description="how an answer's form is asked for; auto: as the endpoint can"
    )
    thinking: Literal["auto", "on", "off"] = Field(
        "auto", description="the model's reasoning before it answers, where it can be switched"
    )
    temperature: float | None = Field(None, ge=0, le=2, description="by default the provider's")
    max_tokens: int | None = Field(
        None, ge=64, le=1_000_000, description="of an answer; by default the provider's"
    )
    max_attempts: int = Field(
        3, ge=1, le=10, description="calls to one model for one decision, within the deadline"
    )
    fallback_models: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="asked where the model fails, in order, each as provider:model"
    )
    fallback: Literal["hold", "rules"] = Field(
        "hold", description="who decides when no model does: nobody, or the rules, closes only"
    )
    breaker_failures: int = Field(
        5, ge=1, le=100, description="failures in a row after which a model is left alone"
    )
    breaker_seconds: float = Field(60.0, gt=0, le=86_400, description="for so long")
    daily_cap_usd: float | None = Field(
        None, gt=0, le=100_000, description="money for calls in a UTC day; then none is made"
    )
    price_input_usd: float | None = Field(
        None, ge=0, description="a million tokens of prompt; by default the catalogue's"
    )
    price_cached_usd: float | None = Field(
        None, ge=0, description="of prompt in the provider's cache; by default as input"
    )
    price_output_usd: float | None = Field(None, ge=0, description="of answer and reasoning")
    recorded: str | None = Field(
        None, description="state.db of an earlier run, that provider recorded answers from"
    )

    @field_validator("provider")
    @classmethod
    def _provider_is_known(cls, provider: str) -> str:
        return provider_spec(provider).name

    @field_validator("fallback_models")
    @classmethod
    def _fallbacks_name_provider_and_model(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            provider, colon, model = name.partition(":")
            if not colon or not model:
                raise ValueError(f"{name!r} is not of the form provider:model")
            if provider not in PROVIDERS:
                raise ValueError(f"{name!r}: choose the provider from {', '.join(PROVIDERS)}")
            if not PROVIDERS[provider].network:
                raise ValueError(f"{name!r}: {provider} can't stand in for a model")
        return names

    @model_validator(mode="after")
    def _prices_come_together(self) -> Self:
        if self.price_input_usd is None:
            for name in ("price_output_usd", "price_cached_usd"):
                if getattr(self, name) is not None:
                    raise _blame(name, "needs price_input_usd too")
        elif self.price_output_usd is None:
            raise _blame("price_input_usd", "needs price_output_usd too")
        return self

    @model_validator(mode="after")
    def _no_key_goes_in_the_clear(self) -> Self:
        url = self.base_url or ""
        if not url.startswith("http://") or is_near(url):
            return self
        asked = (self.provider, *(name.partition(":")[0] for name in self.fallback_models))
        keys = [PROVIDERS[it].key_env for it in asked if self.address_of(it) == url]
        if any(keys) or "@" in url:
            raise _blame(
                "base_url",
                "would send a key over the open net in the clear: write https://, unless it is "
                "this machine or one of a private network",
            )
        return self

    def address_of(self, provider: str) -> str | None:
        """The address to ask `provider` at, None for its own: `base_url` is that of the first
        model's provider, and of those that have none."""
        mine = provider == self.provider or PROVIDERS[provider].base_url is None
        return self.base_url if mine else None


def _blame(name: str, message: str) -> PydanticCustomError:
    """What is wrong between keys of a section, and which of them to tell of."""
    return PydanticCustomError("between_keys", message, {"blamed": name})


class RiskConfig(Section):
    """Limits. Nothing here ever refuses an order that reduces exposure."""

    max_equity_usage_pct: float = Field(
        0.10, ge=0, le=1, description="largest position, as a fraction of equity"
    )
    max_leverage: float = Field(
        3.0, gt=0, le=125, description="all positions together, as a multiple of equity"
    )
    max_gross_pct: float | None = Field(
        None, gt=0, le=125, description="all positions and open orders, as a fraction of equity"
    )
    max_net_pct: float | None = Field(
        None, gt=0, le=125, description="longs less shorts, or the other way, of equity"
    )
    daily_loss_cap_pct: float | None = Field(
        None, gt=0, lt=1, description="loss of a UTC day, as a fraction of its first equity"
    )
    max_drawdown_pct: float | None = Field(
        None, gt=0, lt=1, description="fall from the highest equity; then none until you resume"
    )
    cooldown_seconds: int | None = Field(
        None, ge=0, description="between two openings in one symbol"
    )
    cooldown_after_close_seconds: int | None = Field(
        None, ge=0, description="from a close to the next opening in its symbol"
    )
    max_positions: int | None = Field(None, ge=1, description="held at the same time")
    min_confidence: float = Field(
        0.5, ge=0, le=1, description="a decision that is less sure of itself opens nothing"
    )
    min_hold_seconds: int | None = Field(
        None, ge=0, description="after an opening, before the other side may be opened"
    )
    max_opens_per_hour: int | None = Field(
        None, ge=1, description="opening orders of all symbols together"
    )
    weak_score: float = Field(
        -0.5, ge=-1, le=1, description="recent score of a symbol below which openings are cut"
    )
    weak_size_factor: float = Field(
        0.5, ge=0, le=1, description="to this part of their size; 0 opens nothing there"
    )
    require_stop: bool = Field(False, description="true: open nothing without a stop-loss")
    trailing_stop_pct: float | None = Field(
        None, gt=0, lt=1, description="a stop that follows the best price, as a fraction of it"
    )
    min_liquidation_distance_pct: float | None = Field(
        None, ge=0, lt=1, description="from the price to an opening's liquidation, of the price"
    )
    max_spread_bps: float = Field(
        100.0, gt=0, le=10_000, description="bid to ask; a wider or crossed quote opens nothing"
    )
    max_tick_jump_pct: float = Field(
        0.2, gt=0, le=10, description="of a price from those before it; more waits for the next"
    )
    max_slippage_bps: int = Field(
        100, ge=1, le=10_000, description="worst price of an opening, from the mark"
    )
    trading_enabled: bool = Field(True, description="false: decide and log, open nothing")


class PaperConfig(Section):
    """The paper venue."""

    initial_capital: float = Field(10_000.0, gt=0, description="in quote currency")
    fee_bps: float = Field(10.0, ge=0, le=1_000, description="of the notional")
    slippage_bps: float = Field(2.0, ge=0, le=1_000, description="worse than bid or ask")
    quantity_step: float | None = Field(
        None, gt=0, description="smallest change of quantity, base; by default from the price"
    )
    min_notional: float = Field(0.0, ge=0, description="smallest opening order, in quote currency")
    maker_fee_bps: float | None = Field(
        None, ge=0, le=1_000, description="of what had rested; by default as fee_bps"
    )
    latency_ms: int = Field(0, ge=0, le=60_000, description="until an order arrives")
    volume_share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="of a move's volume an order may take; by default all of it",
    )
    maintenance_margin_pct: float = Field(
        0.005, ge=0, lt=1, description="equity below this fraction of what is held is liquidated"
    )
    funding_rate_pct: float = Field(
        0.0, ge=-0.1, le=0.1, description="fraction that longs pay shorts every 8 hours"
    )


class ExecutionConfig(Section):
    """How orders are sent and looked after."""

    protect_deadline_seconds: float = Field(
        5.0, gt=0, le=600, description="a stop not confirmed so long after a fill: close"
    )
    answer_seconds: float = Field(4.0, gt=0, le=60, description="for the venue's answer")
    resting_entry_seconds: float | None = Field(
        60.0, gt=0, description="an opening that rests longer is cancelled"
    )


class FeaturesConfig(Section):
    """What is computed from the candles."""

    lookback: int = Field(250, ge=60, le=5_000, description="closed candles used")
    indicators: Annotated[tuple[str | dict[str, Any], ...], Field(strict=False)] = Field(
        (), description="further ones, by pandas-ta name: sma_100, or {kind = 'sma', length = 100}"
    )


class LoggingConfig(Section):
    """What is written beside the trades."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="of the application log"
    )
    retention_days: int = Field(30, ge=1, le=3_650, description="how long logs are kept")


class Config(Section):
    """The whole configuration."""

    agent: AgentConfig = Field(default_factory=AgentConfig)
    market: MarketConfig = Field(default_factory=MarketConfig)
    exchange: ExchangeConfig = Field(default_factory=ExchangeConfig)
    llm: LlmConfig = Field(default_factory=LlmConfig)
    risk: RiskConfig = Field(default_factory=RiskConfig)
    paper: PaperConfig = Field(default_factory=PaperConfig)
    execution: ExecutionConfig = Field(default_factory=ExecutionConfig)
    features: FeaturesConfig = Field(default_factory=FeaturesConfig)
    logging: LoggingConfig = Field(default_factory=LoggingConfig)


def known_keys() -> dict[str, Any]:
    """Every dotted key with its pydantic field, in the order of the schema."""
    keys: dict[str, Any] = {}
    for section, outer in Config.model_fields.items():
        model = outer.annotation
        if not (isinstance(model, type) and issubclass(model, Section)):
            raise TypeError(f"{section} is not a section")
        for name, inner in model.model_fields.items():
            keys[f"{section}.{name}"] = inner
    return keys
