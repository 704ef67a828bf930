"""What a viewer starts with, and starts again with after it has lost messages."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from tui_trader.messages.facts import Fact
from tui_trader.messages.levels import Level, ModelStatus
from tui_trader.messages.states import SessionInfo, TradingState
from tui_trader.models import (
    Candle,
    MetricPoint,
    OrderRecord,
    PortfolioView,
    Ticker,
    TradeDigest,
)


@dataclass(frozen=True, slots=True)
class Gap:
    """A subscriber fell behind and lost messages; a fresh `Snapshot` follows."""

    kind: ClassVar[Literal["GAP"]] = "GAP"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a viewer needs to start: the state after fact number `seq`.

    `candles` are closed, oldest first; `facts` the newest facts, oldest first. `earlier_trades`,
    `earlier_denials` and `earlier_cycles` count what happened before the first of them. `orders`
    are all that are not final and the newest others of this run, oldest first.
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
    orders: tuple[OrderRecord, ...] = ()


Message = Fact | Level | Snapshot | Gap
