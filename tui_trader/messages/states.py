"""The states of an engine and of its model, and what does not change while it runs."""

from dataclasses import dataclass
from enum import StrEnum


class TradingState(StrEnum):
    """What the engine may do: everything, reduce only (paused), or nothing but the operator's
    orders (killed)."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class ModelState(StrEnum):
    """Whether the model can be asked: yes; not now, it fails; not today, the money is spent; not
    until the operator acts, it refused our credentials."""

    READY = "ready"
    BROWN_OUT = "brown-out"
    CAPPED = "capped"
    STOPPED = "stopped"


class Severity(StrEnum):
    """How loudly something is said."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What does not change while an engine runs.

    `demo` is True when nothing was configured; `warnings` are shown until read (rows skipped on
    load, a cap that is missing).
    """

    name: str
    mode: str
    venue: str
    market: str
    symbols: tuple[str, ...]
    timeframe: str
    interval_seconds: float
    strategy: str
    model: str | None
    source: str
    initial_capital: float
    quote_ccy: str
    pid: int
    started_ts: int
    data_folder: str
    max_equity_usage_pct: float
    max_leverage: float
    daily_loss_cap_pct: float | None
    cooldown_seconds: int | None
    trading_enabled: bool
    demo: bool = False
    warnings: tuple[str, ...] = ()
