"""What a console shows, as values. Nothing here knows a widget.

Unknown is None, never zero. All sequences are oldest first and bounded.
"""

from dataclasses import dataclass, field
from enum import Flag, StrEnum, auto

from tui_trader.messages import (
    EngineHealth,
    EngineStopped,
    ModelStatus,
    SessionInfo,
    Severity,
    TradingState,
)
from tui_trader.models import (
    Candle,
    DecisionRecord,
    MetricPoint,
    PortfolioView,
    TargetPosition,
    Ticker,
    TradeDigest,
    TradeSide,
    TxResult,
    Verdict,
)

MAX_CANDLES = 600
MAX_EVENTS = 500
MAX_DECISIONS = 200
MAX_EQUITY = 2_000
MAX_MARKERS = 200
MAX_INSPECTIONS = 4


class LinkState(StrEnum):
    """Whether the console hears the engine."""

    CONNECTING = "connecting"
    ATTACHED = "attached"
    LOST = "lost"
    ENDED = "ended"


class Dirty(Flag):
    """Which parts of the view a message has changed."""

    NONE = 0
    SESSION = auto()
    STATE = auto()
    QUOTE = auto()
    CANDLES = auto()
    PORTFOLIO = auto()
    EQUITY = auto()
    DECISION = auto()
    REASONING = auto()
    EVENTS = auto()
    HEALTH = auto()
    COMMANDS = auto()
    MODEL = auto()
    INSPECTION = auto()
    ALL = (
        SESSION
        | STATE
        | QUOTE
        | CANDLES
        | PORTFOLIO
        | EQUITY
        | DECISION
        | REASONING
        | EVENTS
        | HEALTH
        | COMMANDS
        | MODEL
        | INSPECTION
    )


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line of the event tail.

    `text` comes from models and venues too: it is not to be trusted.
    """

    ts: int
    severity: Severity
    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class TradeMarker:
    """A fill to be drawn on the chart, at the candle that holds `ts` (ms)."""

    ts: int
    side: TradeSide
    price: float


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision with what became of it. `results` is empty until orders were answered.

    `unwrapped`, `filtered` and `flags` are remarks on the answer; what the model thought is in
    `ViewModel.reasoning` for the newest decision, and in the record of any.
    """

    number: int
    compose_id: str
    ts: int
    provider: str
    model: str | None
    outcome: str
    rationale: str
    targets: tuple[TargetPosition, ...]
    error: str | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    token_usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float | None = None
    unwrapped: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    results: tuple[TxResult, ...] = ()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The reasoning being streamed (`live`) or, once decided, the last one.

    `text` is the end of it, `cut` how many characters of its beginning are not there.
    """

    compose_id: str
    text: str
    answer: str
    live: bool
    cut: int = 0
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """A decision's record as this console asked for it: on its way, here, or refused.

    The record's texts are clean; `cut` says how many characters of its `prompt`, `raw_output` and
    `reasoning` were too many to show.
    """

    compose_id: str
    command_id: str
    record: DecisionRecord | None = None
    cut: dict[str, int] = field(default_factory=dict)
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A command without an answer yet; `sent` is the console's monotonic time in seconds."""

    command_id: str
    kind: str
    sent: float


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """The newest answer to a command of this console."""

    command: str
    ok: bool
    detail: str
    ts: int


@dataclass(frozen=True, slots=True)
class ViewModel:
    """All that a screen can show. `state` is None while the engine's state is unknown."""

    link: LinkState = LinkState.CONNECTING
    session: SessionInfo | None = None
    state: TradingState | None = None
    state_reason: str = ""
    quotes: dict[str, Ticker] = field(default_factory=dict)
    candles: dict[str, tuple[Candle, ...]] = field(default_factory=dict)
    markers: dict[str, tuple[TradeMarker, ...]] = field(default_factory=dict)
    portfolio: PortfolioView | None = None
    equity: tuple[MetricPoint, ...] = ()
    digest: TradeDigest | None = None
    decisions: tuple[DecisionView, ...] = ()
    cycle_number: int = 0
    reasoning: Reasoning | None = None
    events: tuple[EventLine, ...] = ()
    denials: int = 0
    trades: int = 0
    health: EngineHealth | None = None
    model_status: ModelStatus | None = None
    pending: tuple[PendingCommand, ...] = ()
    outcome: CommandOutcome | None = None
    inspections: tuple[Inspection, ...] = ()
    stopped: EngineStopped | None = None
    last_seq: int = 0
    gaps: int = 0

    @property
    def decision(self) -> DecisionView | None:
        """The newest decision."""
        return self.decisions[-1] if self.decisions else None

    def inspection(self, compose_id: str) -> Inspection | None:
        """What is known of the record of one decision, None while nobody has asked for it."""
        return next((it for it in self.inspections if it.compose_id == compose_id), None)
