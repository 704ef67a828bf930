"""What an agent of one's own is told about the run: the request of source documents S3 and S4."""

from pydantic import ConfigDict, SecretStr

from tui_trader.models.base import Model
from tui_trader.models.history import TradingMode


class LlmModelConfig(Model):
    """The model to ask. Limits are seconds of real time."""

    model_config = ConfigDict(protected_namespaces=())

    provider: str
    model_id: str | None = None
    api_key: SecretStr | None = None
    base_url: str | None = None
    format: str = "plan"
    stall_seconds: float = 5.0
    deadline_seconds: float = 20.0


class ExchangeConfig(Model):
    """Where orders go. `fee_bps` is the simulated fee of virtual trading, in basis points."""

    exchange_id: str | None = None
    trading_mode: TradingMode = TradingMode.VIRTUAL
    api_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    testnet: bool = False
    fee_bps: float = 10.0


class TradingConfig(Model):
    """What to trade. `decide_interval` is seconds; symbols are unified (`BTC/USDT`)."""

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
