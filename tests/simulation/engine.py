"""What the simulation needs of an engine: to start it, to reach into it, to read its books."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from tui_trader.messages import TradingState
from tui_trader.models import OrderRecord


class ActKind(StrEnum):
    """What an operator does."""

    PAUSE = "pause"
    RESUME = "resume"
    KILL = "kill"
    FLATTEN = "kill and flatten"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Act:
    """One act of the operator; `symbol` is what is to be closed."""

    kind: ActKind
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A target of a decision: signed base currency, where to protect it, the limit of the order
    that leads there (None: at market). Prices in quote currency."""

    symbol: str
    quantity: float
    stop: float | None = None
    target: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the model says in one cycle. It thinks for `thinking` seconds. An unsound one has failed
    the schema: no order may come of it."""

    asked_ms: int
    thinking: float
    wishes: tuple[Wish, ...]
    sound: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What no engine may exceed, and how long it may take.

    Notionals are quote currency; a fill may exceed them by `slack` (a fraction), since the price
    moves while an order travels. An order comes of a decision asked for at most `decision_ms` ago.
    `protect_seconds` without a stop is the longest for a position that nobody is closing (None: no
    stop is required), `resolve_seconds` for an order that nobody knows the fate of once the venue
    answers, `kill_seconds` for an entry that rests after a kill.
    """

    symbol_notional: float
    gross_notional: float
    slack: float = 0.03
    decision_ms: int = 60_000
    protect_seconds: float | None = 45.0
    resolve_seconds: float = 60.0
    kill_seconds: float = 60.0


class Engine(Protocol):
    """One life of an engine, made by a factory that has opened its files (and so may have died).

    What is read of it is read between two turns of the loop and costs it none.
    """

    async def run(self) -> None:
        """Reconcile, then work until `stop`. It ends by itself only where it can't go on."""
        ...

    def stop(self) -> None:
        """Ask for the end."""
        ...

    def abandon(self) -> None:
        """The process is dead: free what the system would free (locks), and nothing else."""
        ...

    async def operate(self, act: Act) -> bool:
        """Carry out an act; True when it was acknowledged (a kill: when it is durable)."""
        ...

    def state(self) -> TradingState:
        """The trading state."""
        ...

    def orders(self) -> Sequence[OrderRecord]:
        """Every order ever meant, as the engine has it."""
        ...

    def fills(self) -> Sequence[tuple[str, str]]:
        """Symbol and trade id of every fill that was booked and kept, as often as it was."""
        ...

    def positions(self) -> Mapping[str, Decimal]:
        """What the engine believes to hold: signed base currency, flat symbols left out."""
        ...

    def cash(self) -> Decimal:
        """Capital less what was bought plus what was sold, less fees, plus funding: exact."""
        ...
