"""Levels: the latest value of something, by key; may be overtaken before it is seen."""

from dataclasses import dataclass
from typing import ClassVar

from tui_trader.messages.states import ModelState
from tui_trader.models import (
    Candle,
    DecisionRecord,
    PortfolioView,
    Ticker,
)


@dataclass(frozen=True, slots=True)
class Level:
    """The latest value of something; may be overtaken before it is seen."""

    kind: ClassVar[str] = "LEVEL"
    ts: int

    @property
    def key(self) -> tuple[str, ...]:
        """Levels of one key replace each other."""
        return (self.kind,)


@dataclass(frozen=True, slots=True)
class QuoteChanged(Level):
    """A new best bid, ask and last price of one symbol."""

    kind: ClassVar[str] = "TICKER_UPDATE"
    ticker: Ticker

    @property
    def key(self) -> tuple[str, ...]:
        return (self.kind, self.ticker.symbol)


@dataclass(frozen=True, slots=True)
class CandleChanged(Level):
    """A candle that forms, or (`closed`) has just closed. Each candle has its own key."""

    kind: ClassVar[str] = "MARKET_DATA"
    candle: Candle
    closed: bool

    @property
    def key(self) -> tuple[str, ...]:
        candle = self.candle
        return (self.kind, candle.instrument.symbol, candle.interval, str(candle.ts))


@dataclass(frozen=True, slots=True)
class PortfolioMarked(Level):
    """The account marked to the newest prices."""

    kind: ClassVar[str] = "POSITION_UPDATE"
    view: PortfolioView


@dataclass(frozen=True, slots=True)
class ReasoningStreamed(Level):
    """The reasoning of the running decision so far (`text` is all of it), and the answer so far."""

    kind: ClassVar[str] = "REASONING"
    compose_id: str
    text: str
    answer: str = ""
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class EngineHealth(Level):
    """Sign of life, once a second. `feed_age_ms` is None before the first quote; `next_cycle_ts`
    None when no cycle is due (paused flat, halted, ended).
    """

    kind: ClassVar[str] = "HEALTH"
    feed_age_ms: int | None
    next_cycle_ts: int | None
    cycle_running: bool
    llm_latency_ms: int | None = None
    loop_lag_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelStatus(Level):
    """How the language model does, after every call and whenever that changes.

    `detail` says in words why it is not ready, or what the probe found. Calls, tokens and money
    (US dollars) are of this UTC day and of this run; money is None where no price is known.
    """

    kind: ClassVar[str] = "MODEL_STATUS"
    state: ModelState
    provider: str
    model: str
    detail: str = ""
    calls_today: int = 0
    tokens_today: int = 0
    cost_today_usd: float | None = None
    calls_run: int = 0
    tokens_run: int = 0
    cost_run_usd: float | None = None
    daily_cap_usd: float | None = None


@dataclass(frozen=True, slots=True)
class DecisionInspected(Level):
    """What was written down of one decision, as a viewer asked for it."""

    kind: ClassVar[str] = "DECISION_INSPECTED"
    record: DecisionRecord

    @property
    def key(self) -> tuple[str, ...]:
        return (self.kind, self.record.compose_id)
