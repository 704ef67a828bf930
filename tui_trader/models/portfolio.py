"""What is held. Quantities are signed base currency (+ long, - short); money is quote currency."""

from enum import StrEnum

from pydantic import Field

from tui_trader.models.base import Model
from tui_trader.models.execution import Protection
from tui_trader.models.market import InstrumentRef


class TradeType(StrEnum):
    """The direction of a position."""

    LONG = "LONG"
    SHORT = "SHORT"


class Constraints(Model):
    """The limits in force, told to the composer and kept by the risk layer.

    `max_equity_usage_pct` is a fraction (0.1 = 10 %) of equity for one position's notional,
    `max_gross_pct` and `max_net_pct` fractions of it (2.0 = twice) for all notionals together and
    for what longs and shorts don't balance, `daily_loss_cap_pct` a fraction of the day's starting
    equity, `max_drawdown_pct` one of the highest equity, `trailing_stop_pct` and
    `min_liquidation_distance_pct` fractions of the price, `min_confidence` 0 to 1; None means no
    such limit.
    """

    max_positions: int | None = None
    max_leverage: float | None = None
    max_equity_usage_pct: float | None = None
    max_gross_pct: float | None = None
    max_net_pct: float | None = None
    daily_loss_cap_pct: float | None = None
    max_drawdown_pct: float | None = None
    cooldown_seconds: int | None = None
    cooldown_after_close_seconds: int | None = None
    min_confidence: float | None = None
    min_hold_seconds: int | None = None
    max_opens_per_hour: int | None = None
    require_stop: bool = False
    trailing_stop_pct: float | None = None
    min_liquidation_distance_pct: float | None = None
    allow_short: bool = False
    quantity_step: float | None = None
    min_trade_qty: float | None = None
    min_notional: float | None = None


class PositionSnapshot(Model):
    """One position, marked. `pnl_pct` is a fraction of the entry value; `entry_ts` in ms;
    `opened_by` the `compose_id` of the cycle that opened it. `protection` is what it is to be
    closed by; `protected` tells whether that is confirmed to be in force (None: nothing is asked
    for). `liquidation_price` is None where there is none, or it is not known. `external` is what of
    the quantity the agent has not traded itself: it is counted, and never touched."""

    instrument: InstrumentRef
    quantity: float
    avg_price: float | None = None
    mark_price: float | None = None
    unrealized_pnl: float | None = None
    realized_pnl: float | None = None
    notional: float | None = None
    leverage: float | None = None
    entry_ts: int | None = None
    pnl_pct: float | None = None
    trade_type: TradeType | None = None
    opened_by: str | None = None
    protection: Protection | None = None
    protected: bool | None = None
    liquidation_price: float | None = None
    external: float = 0.0


class PortfolioView(Model):
    """The whole account at `ts` (ms). None means unknown (a missing mark price), never zero.

    `cash` and `account_balance` are initial capital plus `transferred` (deposits less withdrawals,
    never profit) plus realised profit less fees; `total_value` is that plus unrealised profit
    (equity). `gross_exposure` and `net_exposure` count what others hold on the account too, where
    it is known. `available_cash` and `buying_power` are what can still
    be put into new positions, before and after leverage. `fees_paid` counts from the start of the
    account.
    """

    strategy_id: str = ""
    ts: int
    cash: float
    account_balance: float
    positions: dict[str, PositionSnapshot] = Field(default_factory=dict)
    gross_exposure: float | None = None
    net_exposure: float | None = None
    constraints: Constraints | None = None
    total_value: float | None = None
    total_unrealized_pnl: float | None = None
    total_realized_pnl: float = 0.0
    fees_paid: float = 0.0
    transferred: float = 0.0
    available_cash: float | None = None
    buying_power: float | None = None
    quote_ccy: str = "USDT"

    def quantity_of(self, symbol: str) -> float:
        """Signed quantity held of `symbol` in base currency; 0.0 when there is no position."""
        position = self.positions.get(symbol)
        return position.quantity if position else 0.0


class MetricPoint(Model):
    """One value of a series at `ts` (ms)."""

    ts: int
    value: float


class PortfolioValueSeries(Model):
    """Equity over time, in quote currency, oldest first."""

    strategy_id: str | None = None
    points: tuple[MetricPoint, ...] = ()
