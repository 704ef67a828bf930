"""Orders, seen from the agent: what is asked of a venue and what came of it."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from tui_trader.models.base import Model
from tui_trader.models.market import InstrumentRef


class TradeSide(StrEnum):
    """The side of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is TradeSide.BUY else -1


class PriceMode(StrEnum):
    """How an order is priced."""

    MARKET = "market"
    LIMIT = "limit"


class Protection(Model):
    """Where a position is to be closed, in quote currency: `stop_loss` against it, `take_profit`
    for it. The stop follows the best price since the opening at `trailing_pct` of that price (a
    fraction), never back. None: not asked for."""

    stop_loss: float | None = Field(None, gt=0)
    take_profit: float | None = Field(None, gt=0)
    trailing_pct: float | None = Field(None, gt=0, lt=1)

    def __bool__(self) -> bool:
        return bool(self.stop_loss or self.take_profit or self.trailing_pct)


class TradeInstruction(Model):
    """One order to be placed. `quantity` is positive base currency; `instruction_id` is
    `compose_id:symbol`, with `:n` for the n-th further instruction on the same symbol.

    `reduce_only` marks an order that can only bring the position nearer to flat. `protection` is
    what the position that it opens is to be protected by.
    """

    instruction_id: str
    compose_id: str
    instrument: InstrumentRef
    side: TradeSide
    quantity: float = Field(gt=0)
    price_mode: PriceMode = PriceMode.MARKET
    limit_price: float | None = None
    leverage: float | None = None
    max_slippage_bps: int | None = None
    reduce_only: bool = False
    protection: Protection | None = None
    meta: dict[str, Any] | None = None


class TxStatus(StrEnum):
    """What became of an instruction. WORKING rests at the venue; UNKNOWN was sent, and nobody has
    said what became of it."""

    FILLED = "FILLED"
    PARTIAL = "PARTIAL"
    WORKING = "WORKING"
    UNKNOWN = "UNKNOWN"
    REJECTED = "REJECTED"
    ERROR = "ERROR"


class Fill(Model):
    """One execution at the venue. `quantity` is positive base currency, `fee` in quote currency.

    `trade_id` is the venue's; a fill with an id already booked changes nothing.
    """

    trade_id: str
    order_id: str
    instruction_id: str
    compose_id: str
    symbol: str
    side: TradeSide
    quantity: float = Field(gt=0)
    price: float = Field(gt=0)
    fee: float = 0.0
    ts: int


class TxResult(Model):
    """The outcome of one instruction, also of a refused one (`reason` says why).

    Quantities are base currency, `avg_exec_price` and `fee_cost` quote currency.
    """

    instruction_id: str
    instrument: InstrumentRef
    side: TradeSide
    status: TxStatus
    requested_qty: float
    filled_qty: float
    avg_exec_price: float | None = None
    fee_cost: float | None = None
    leverage: float | None = None
    order_id: str | None = None
    reason: str | None = None
    fills: tuple[Fill, ...] = ()


class ExecutionResult(Model):
    """S0's view of an execution, one symbol and cycle."""

    executed: bool
    order_id: str | None = None
    filled_size: float | None = None
    fill_price: float | None = None
    error: str | None = None


class RiskResult(Model):
    """S0's risk answer: approved, or denied with the reason (empty when approved)."""

    approved: bool
    reason: str = ""


class Verdict(Model):
    """What the risk layer did to one symbol's target, and why. Every clip and veto is one.

    `requested_qty` and `allowed_qty` are signed target quantities in base currency.
    """

    symbol: str
    rule: str
    outcome: Literal["pass", "clip", "veto"]
    reason: str = ""
    requested_qty: float = 0.0
    allowed_qty: float = 0.0
