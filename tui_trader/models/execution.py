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


class TradeInstruction(Model):
    """One order to be placed. `quantity` is positive base currency; `instruction_id` is
    `compose_id:symbol`, with `:n` for the n-th further instruction on the same symbol.

    `reduce_only` marks an order that can only bring the position nearer to flat.
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
    meta: dict[str, Any] | None = None


class TxStatus(StrEnum):
    """What became of an instruction."""

    FILLED = "FILLED"
    PARTIAL = "PARTIAL"
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
