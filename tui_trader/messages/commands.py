"""Commands: what somebody asks of the engine; each is answered by exactly one CommandResult."""

from dataclasses import dataclass
from typing import ClassVar

from tui_trader.messages.states import TradingState


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
class CancelOrder(Command):
    """Cancel the order `client_order_id`; an empty id cancels every resting order but those that
    protect a position."""

    kind: ClassVar[str] = "CANCEL_ORDER"
    client_order_id: str = ""


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
