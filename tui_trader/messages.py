"""The only words between an engine and the outside.

*Facts* are numbered, lossless and written down before they are published. *Levels* carry the latest
value by `key` and may be dropped. *Commands* ask for something and are answered by exactly one
`CommandResult`. The `kind` of each is source document S2's message type where it has one.

All are slotted, frozen dataclasses: they are made thousands of times a second. Times are Unix ms
UTC.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Literal

from tui_trader.models import (
    Candle,
    CycleLog,
    DecisionRecord,
    MetricPoint,
    PortfolioView,
    TargetPosition,
    Ticker,
    TradeDigest,
    TradeInstruction,
    TxResult,
    Verdict,
)


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


# --- levels ---------------------------------------------------------------------------------------


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


# --- facts ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, at `ts`. `seq` is given by the publisher, gapless from 1."""

    kind: ClassVar[str] = "FACT"
    ts: int
    seq: int = field(default=0, kw_only=True)


@dataclass(frozen=True, slots=True)
class CycleStarted(Fact):
    """A decision cycle has begun; `number` counts the cycles of this engine from 1."""

    kind: ClassVar[str] = "CYCLE_STARTED"
    compose_id: str
    number: int


@dataclass(frozen=True, slots=True)
class DecisionMade(Fact):
    """What the composer answered: one target per symbol, and how the answer came about.

    `filtered`, `unwrapped` and `flags` are those of the audit; prompt and raw answer are not here:
    `InspectDecision` asks for them.
    """

    kind: ClassVar[str] = "TRADE_SIGNAL"
    compose_id: str
    number: int
    targets: tuple[TargetPosition, ...]
    provider: str
    model: str | None
    outcome: str
    rationale: str
    reasoning: str = ""
    error: str | None = None
    latency_ms: int | None = None
    token_usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float | None = None
    first_token_ms: int | None = None
    filtered: tuple[str, ...] = ()
    unwrapped: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RiskAssessed(Fact):
    """Every clip, veto and pass of one cycle (or of an operator's order, with an empty
    compose_id)."""

    kind: ClassVar[str] = "RISK_ASSESSMENT"
    compose_id: str
    verdicts: tuple[Verdict, ...]

    @property
    def denials(self) -> int:
        """How many vetoes are among the verdicts."""
        return sum(verdict.outcome == "veto" for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class OrderRequested(Fact):
    """An order is about to be sent; it is already on disk."""

    kind: ClassVar[str] = "ORDER_REQUEST"
    instruction: TradeInstruction


@dataclass(frozen=True, slots=True)
class OrderUpdated(Fact):
    """The outcome of an order."""

    kind: ClassVar[str] = "ORDER_UPDATE"
    result: TxResult

    @property
    def trades(self) -> int:
        """How many executions it brings; one where the venue names the quantity but no fills."""
        return len(self.result.fills) or int(self.result.filled_qty > 0)


@dataclass(frozen=True, slots=True)
class CycleCompleted(Fact):
    """A cycle has ended and is written down; `logs` holds one line per symbol."""

    kind: ClassVar[str] = "CYCLE_COMPLETED"
    compose_id: str
    number: int
    logs: tuple[CycleLog, ...]
    portfolio: PortfolioView
    digest: TradeDigest
    duration_ms: int


@dataclass(frozen=True, slots=True)
class CycleSkipped(Fact):
    """A cycle that was due did not run, and why."""

    kind: ClassVar[str] = "CYCLE_SKIPPED"
    reason: str


@dataclass(frozen=True, slots=True)
class TradingStateChanged(Fact):
    """The engine's trading state is now `state`; `issuer` asked for it."""

    kind: ClassVar[str] = "STATE_CHANGED"
    state: TradingState
    reason: str
    issuer: str


@dataclass(frozen=True, slots=True)
class CommandResult(Fact):
    """The one answer to a command. `detail` says what was done, or why not, and how to mend it."""

    kind: ClassVar[str] = "COMMAND_RESULT"
    command_id: str
    command: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class AlertRaised(Fact):
    """Something that the operator must know."""

    kind: ClassVar[str] = "RISK_ALERT"
    severity: Severity
    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class EngineStopped(Fact):
    """The engine has ended; nothing follows. `error` is None when it ended as asked."""

    kind: ClassVar[str] = "ENGINE_STOPPED"
    reason: str
    error: str | None = None


# --- commands -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """A request.

    `believed` is the trading state that the issuer saw when asking, None if unknown.
    """

    kind: ClassVar[str] = "COMMAND"
    command_id: str
    issuer: str
    believed: TradingState | None = None


@dataclass(frozen=True, slots=True)
class Pause(Command):
    """Open nothing more; closes stay possible (REDUCING)."""

    kind: ClassVar[str] = "PAUSE"


@dataclass(frozen=True, slots=True)
class Resume(Command):
    """Back to ACTIVE, from REDUCING or (after a kill, deliberately) from HALTED."""

    kind: ClassVar[str] = "RESUME"


@dataclass(frozen=True, slots=True)
class Kill(Command):
    """Halt now and durably; with `flatten` also close every position of the agent and verify."""

    kind: ClassVar[str] = "KILL"
    flatten: bool = False


@dataclass(frozen=True, slots=True)
class ClosePosition(Command):
    """Close the position in `symbol`; an empty symbol closes all."""

    kind: ClassVar[str] = "CLOSE_POSITION"
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class DecideNow(Command):
    """Run a cycle now instead of when it is due."""

    kind: ClassVar[str] = "DECIDE_NOW"


@dataclass(frozen=True, slots=True)
class InspectDecision(Command):
    """Show all that was written down of the decision `compose_id`, as `DecisionInspected`."""

    kind: ClassVar[str] = "INSPECT_DECISION"
    compose_id: str = ""


@dataclass(frozen=True, slots=True)
class GoLive(Command):
    """Trade real money on `account`, as the operator typed it."""

    kind: ClassVar[str] = "GO_LIVE"
    account: str = ""


@dataclass(frozen=True, slots=True)
class Stop(Command):
    """End the engine gracefully: the running cycle completes."""

    kind: ClassVar[str] = "STOP"


# --- snapshot -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gap:
    """A subscriber fell behind and lost messages; a fresh `Snapshot` follows."""

    kind: ClassVar[Literal["GAP"]] = "GAP"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a viewer needs to start: the state after fact number `seq`.

    `candles` are closed, oldest first; `facts` the newest facts, oldest first. `earlier_trades`,
    `earlier_denials` and `earlier_cycles` count what happened before the first of them.
    """

    kind: ClassVar[str] = "SNAPSHOT"
    ts: int
    seq: int
    session: SessionInfo
    state: TradingState
    portfolio: PortfolioView | None
    candles: tuple[Candle, ...]
    quotes: tuple[Ticker, ...]
    equity: tuple[MetricPoint, ...]
    facts: tuple[Fact, ...]
    digest: TradeDigest | None = None
    state_reason: str = ""
    earlier_trades: int = 0
    earlier_denials: int = 0
    earlier_cycles: int = 0
    model_status: ModelStatus | None = None


Message = Fact | Level | Snapshot | Gap
