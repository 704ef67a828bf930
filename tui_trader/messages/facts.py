"""Facts: what happened; numbered, lossless, written down before they are published."""

from dataclasses import dataclass, field
from typing import ClassVar

from tui_trader.messages.states import Severity, TradingState
from tui_trader.models import (
    CycleLog,
    OrderRecord,
    PortfolioView,
    TargetPosition,
    TradeDigest,
    TradeInstruction,
    TxResult,
    Verdict,
)


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
class OrderChanged(Fact):
    """An order of ours, at any venue, has taken a step: the last of `order.steps`."""

    kind: ClassVar[str] = "ORDER_CHANGED"
    order: OrderRecord


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
