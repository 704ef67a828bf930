"""Orders, seen from a venue: what is sent there, and what it says.

Quantities are positive base currency, prices quote currency for one unit of base, fees and funding
quote currency, times Unix milliseconds UTC.
"""

from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from tui_trader.models.base import Model
from tui_trader.models.execution import Fill, TradeInstruction, TradeSide


class OrderType(StrEnum):
    """How an order finds its price. The last two wait until the mark touches `trigger_price`, then
    act as market orders."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    TAKE_PROFIT = "take_profit"

    @property
    def waits(self) -> bool:
        """Whether it waits for a trigger."""
        return self in (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT)


class TimeInForce(StrEnum):
    """How long an order may rest: until it is cancelled, or not at all (what is not filled at once
    expires)."""

    GTC = "GTC"
    IOC = "IOC"


class OrderStatus(StrEnum):
    """Where an order stands.

    INTENDED is on our disk only, SUBMITTED on its way. UNKNOWN was sent and nobody has said what
    became of it: it may be at the venue, or filled. The last four are final.
    """

    INTENDED = "intended"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self in (
            OrderStatus.FILLED,
            OrderStatus.CANCELLED,
            OrderStatus.REJECTED,
            OrderStatus.EXPIRED,
        )


class OrderRole(StrEnum):
    """What an order is for."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    TARGET = "target"

    @property
    def protects(self) -> bool:
        """Whether it rests to close a position when a price is touched."""
        return self in (OrderRole.STOP, OrderRole.TARGET)


class OrderRequest(Model):
    """What is sent to a venue. `price` is the limit of a limit order, `trigger_price` what an order
    waits for that waits. A `reduce_only` order only ever brings the position nearer to flat."""

    client_order_id: str
    symbol: str
    side: TradeSide
    quantity: float = Field(gt=0)
    type: OrderType = OrderType.MARKET
    price: float | None = Field(None, gt=0)
    trigger_price: float | None = Field(None, gt=0)
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False

    @model_validator(mode="after")
    def _prices_fit_the_type(self) -> Self:
        if (self.price is not None) is not (self.type is OrderType.LIMIT):
            raise ValueError("a limit order has a price, no other order has one")
        if (self.trigger_price is not None) is not self.type.waits:
            raise ValueError("an order that waits for a trigger has one, no other order has one")
        return self


class OrderReport(Model):
    """What a venue says of one order, as of `ts`. `status` is one that a venue can know: accepted,
    partially filled, or a final one. `reason` says why it was rejected or has expired."""

    request: OrderRequest
    status: OrderStatus
    filled_qty: float = Field(0.0, ge=0)
    reason: str = ""
    ts: int


class VenueFill(Model):
    """One execution at a venue. `trade_id` is unique within its symbol. `client_order_id` is empty
    where no order stands behind it (a liquidation). `maker` tells that the order had rested."""

    trade_id: str
    client_order_id: str
    symbol: str
    side: TradeSide
    quantity: float = Field(gt=0)
    price: float = Field(gt=0)
    fee: float = 0.0
    maker: bool = False
    ts: int


class FundingPayment(Model):
    """Funding received (paid when negative) on what was held of `symbol` at `ts`."""

    symbol: str
    amount: float
    ts: int


VenueEvent = OrderReport | VenueFill | FundingPayment
"""What a venue pushes. Events may be lost, doubled, late, and in another order than they came
about."""


class VenuePosition(Model):
    """A position as the venue has it; `quantity` is signed base currency. `liquidation_price` is
    None where there is none or the venue does not tell."""

    symbol: str
    quantity: float
    avg_price: float | None = None
    liquidation_price: float | None = None


class VenueAccount(Model):
    """The account as the venue has it at `ts`. `balance` is quote currency: on a linear account
    the wallet (initial capital plus realised profit and funding less fees), on spot the cash."""

    ts: int
    balance: float
    positions: dict[str, VenuePosition] = Field(default_factory=dict)


class OrderStep(Model):
    """One transition in an order's life: where it stood from `ts` on, and why."""

    ts: int
    status: OrderStatus
    filled_qty: float = 0.0
    reason: str = ""


class OrderRecord(Model):
    """An order of ours with its life so far, oldest step first. `avg_price` is None while nothing
    is filled; `instruction_id` names what asked for it, `compose_id` the cycle (or the operator's
    act) behind that."""

    request: OrderRequest
    role: OrderRole
    instruction_id: str
    compose_id: str
    status: OrderStatus = OrderStatus.INTENDED
    filled_qty: float = 0.0
    avg_price: float | None = None
    fee: float = 0.0
    steps: tuple[OrderStep, ...] = ()

    @property
    def client_order_id(self) -> str:
        """The name under which the venue knows it."""
        return self.request.client_order_id

    @property
    def symbol(self) -> str:
        """The symbol that it is in."""
        return self.request.symbol

    @property
    def created_ms(self) -> int:
        """When it was meant."""
        return self.steps[0].ts if self.steps else 0


class KeptOrder(NamedTuple):
    """An order as it was written down: its life so far, what asked for it, its fills."""

    record: OrderRecord
    instruction: TradeInstruction
    fills: tuple[Fill, ...] = ()
