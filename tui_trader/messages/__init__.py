"""The only words between an engine and the outside.

*Facts* are numbered, lossless and written down before they are published. *Levels* carry the latest
value by `key` and may be dropped. *Commands* ask for something and are answered by exactly one
`CommandResult`. The `kind` of each is source document S2's message type where it has one.

All are slotted, frozen dataclasses: they are made thousands of times a second. Times are Unix ms
UTC.
"""

from tui_trader.messages.commands import (
    CancelOrder,
    ClosePosition,
    Command,
    DecideNow,
    GoLive,
    InspectDecision,
    Kill,
    Pause,
    Resume,
    Stop,
)
from tui_trader.messages.facts import (
    AlertRaised,
    CommandResult,
    CycleCompleted,
    CycleSkipped,
    CycleStarted,
    DecisionMade,
    EngineStopped,
    Fact,
    OrderChanged,
    OrderRequested,
    OrderUpdated,
    RiskAssessed,
    TradingStateChanged,
)
from tui_trader.messages.levels import (
    CandleChanged,
    DecisionInspected,
    EngineHealth,
    Level,
    ModelStatus,
    PortfolioMarked,
    QuoteChanged,
    ReasoningStreamed,
)
from tui_trader.messages.snapshot import (
    Gap,
    Message,
    Snapshot,
)
from tui_trader.messages.states import (
    ModelState,
    SessionInfo,
    Severity,
    TradingState,
)

__all__ = [
    "AlertRaised",
    "CancelOrder",
    "CandleChanged",
    "ClosePosition",
    "Command",
    "CommandResult",
    "CycleCompleted",
    "CycleSkipped",
    "CycleStarted",
    "DecideNow",
    "DecisionInspected",
    "DecisionMade",
    "EngineHealth",
    "EngineStopped",
    "Fact",
    "Gap",
    "GoLive",
    "InspectDecision",
    "Kill",
    "Level",
    "Message",
    "ModelState",
    "ModelStatus",
    "OrderChanged",
    "OrderRequested",
    "OrderUpdated",
    "Pause",
    "PortfolioMarked",
    "QuoteChanged",
    "ReasoningStreamed",
    "Resume",
    "RiskAssessed",
    "SessionInfo",
    "Severity",
    "Snapshot",
    "Stop",
    "TradingState",
    "TradingStateChanged",
]
