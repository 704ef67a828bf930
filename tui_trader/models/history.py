"""What is written down: S0's cycle log, history records, trades, the digest and the summary."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from tui_trader.models.base import Model
from tui_trader.models.execution import TradeSide
from tui_trader.models.market import InstrumentRef
from tui_trader.models.portfolio import TradeType


class CycleLog(Model):
    """One line of `agent_log.jsonl`: S0's fields in S0's order, then ours.

    `timestamp` is the decision's market time in ms; `position_before` signed base currency;
    `parsed_size_pct` a fraction of equity; `order_id`, `filled_size` (positive base) and
    `fill_price` are null when nothing was executed. `recorded_at` is wall-clock ms: the one field
    (with `latency_ms`) that differs between two runs of the same replay.
    """

    timestamp: int
    symbol: str
    market_price: float
    position_before: float
    llm_raw_output: str
    parsed_action: Literal["long", "short", "close", "hold"]
    parsed_size_pct: float
    parsed_reason: str
    risk_approved: bool
    risk_reason: str
    executed: bool
    order_id: str | None
    filled_size: float | None
    fill_price: float | None
    mode: str
    compose_id: str = ""
    provider: str = ""
    model: str | None = None
    outcome: str = "ok"
    input_hash: str | None = None
    prompt_hash: str | None = None
    verdicts: tuple[str, ...] = ()
    error: str | None = None
    equity: float | None = None
    latency_ms: int | None = None
    cost_usd: float | None = None
    flags: tuple[str, ...] = ()
    recorded_at: int = 0


class RecordKind(StrEnum):
    """The checkpoints of a cycle."""

    FEATURES = "features"
    COMPOSE = "compose"
    INSTRUCTIONS = "instructions"
    EXECUTION = "execution"


class HistoryRecord(Model):
    """One checkpoint; `reference_id` is the cycle's `compose_id`."""

    ts: int
    kind: RecordKind
    reference_id: str
    payload: dict[str, Any]


class TradeHistoryEntry(Model):
    """One closed (or partly closed) trade, from an entry to an exit. `realized_pnl` is quote
    currency after fees, `realized_pnl_pct` a fraction of the entry value."""

    trade_id: str | None = None
    compose_id: str | None = None
    instruction_id: str | None = None
    strategy_id: str | None = None
    trade_ts: int | None = None
    entry_ts: int | None = None
    exit_ts: int | None = None
    instrument: InstrumentRef
    side: TradeSide
    type: TradeType
    quantity: float
    entry_price: float | None = None
    exit_price: float | None = None
    realized_pnl: float | None = None
    realized_pnl_pct: float | None = None
    holding_ms: int | None = None
    leverage: float | None = None
    note: str | None = None


class TradeDigestEntry(Model):
    """What happened lately in one symbol. `win_rate` is a fraction, `max_drawdown` quote currency
    (a positive number), `recent_performance_score` between -1 (all lost) and 1 (all won)."""

    instrument: InstrumentRef
    trade_count: int = 0
    realized_pnl: float = 0.0
    win_rate: float | None = None
    avg_holding_ms: int | None = None
    last_trade_ts: int | None = None
    avg_entry_price: float | None = None
    max_drawdown: float | None = None
    recent_performance_score: float | None = None


class TradeDigest(Model):
    """The digest of all symbols at `ts` (ms). `sharpe_ratio` is None until it means something."""

    ts: int
    by_instrument: dict[str, TradeDigestEntry] = Field(default_factory=dict)
    sharpe_ratio: float | None = None


class TradingMode(StrEnum):
    """S3's two modes: real orders or virtual ones."""

    LIVE = "live"
    VIRTUAL = "virtual"


class StrategyStatus(StrEnum):
    """The state of a strategy as a summary shows it."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    ERROR = "error"


class Performance(Model):
    """How an account has done from `start_ts` to `end_ts` (ms). None means unknown, or that the
    figure would mean nothing yet; it is never 0 or infinity for that.

    Returns and drawdowns are fractions, deposits and withdrawals taken out: `total_return` of the
    initial capital, `cagr` a year (from 30 days on), `buy_and_hold` of the symbols in equal weights
    over the same time. `sharpe` and `sortino` come from regular returns, the risk-free rate 0,
    times the root of `periods_a_year`: 365 (daily returns, from 30 on) or 8,760 (hourly ones).
    `max_drawdown` is the deepest fall of equity below its highest so far, in quote currency too,
    from `max_drawdown_from_ts` to `max_drawdown_ts`; `drawdown` is the fall now.

    `exposure` is the fraction of the time in which anything was held, `turnover` the value of all
    fills. A trade is one close, also of a part; `win_rate` is a fraction of them, `profit_factor`
    what was won for each unit lost, `expectancy` the mean profit, `avg_holding_ms` the mean time
    held. Money is quote currency; profits are after fees.
    """

    start_ts: int
    end_ts: int
    total_return: float | None = None
    cagr: float | None = None
    buy_and_hold: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    periods_a_year: int
    max_drawdown: float | None = None
    max_drawdown_quote: float | None = None
    max_drawdown_from_ts: int | None = None
    max_drawdown_ts: int | None = None
    drawdown: float | None = None
    exposure: float | None = None
    turnover: float | None = None
    trades: int = 0
    win_rate: float | None = None
    profit_factor: float | None = None
    expectancy: float | None = None
    avg_holding_ms: int | None = None
    fees: float | None = None
    funding: float | None = None


class StrategySummary(Model):
    """A strategy in one line. `pnl_pct` is a fraction of the initial capital. `model_cost_usd` is
    what the models of this account have cost so far, `net_pnl` the profit (quote currency) after
    it; None where either is unknown. Deposits and withdrawals are no profit."""

    strategy_id: str | None = None
    name: str | None = None
    model_provider: str | None = None
    model_id: str | None = None
    exchange_id: str | None = None
    mode: TradingMode | None = None
    status: StrategyStatus | None = None
    realized_pnl: float | None = None
    unrealized_pnl: float | None = None
    pnl_abs: float | None = None
    pnl_pct: float | None = None
    model_cost_usd: float | None = None
    net_pnl: float | None = None
    performance: Performance | None = None
    last_updated_ts: int | None = None
