"""What was executed lately, in the few numbers that the next decision should know."""

import math
from collections import deque
from collections.abc import Sequence
from statistics import fmean, stdev

from tui_trader.models import (
    HistoryRecord,
    RecordKind,
    TradeDigest,
    TradeDigestEntry,
    TradeHistoryEntry,
)
from tui_trader.trading_history.interfaces import BaseDigestBuilder

YEAR_MS = 365 * 86_400_000
SHARPE_MIN_TRADES = 10
SHARPE_MIN_SPAN_MS = 86_400_000


class RollingDigestBuilder(BaseDigestBuilder):
    """The digest over the last `window` closed trades of each symbol.

    What a trade doesn't tell (a profit, a holding time) counts in no average of it. The Sharpe
    ratio is over the last `window` trades of all symbols together; a call costs what is new in it.
    """

    def __init__(self, window: int = 50) -> None:
        self._window = window
        self._by_symbol: dict[str, deque[TradeHistoryEntry]] = {}
        self._all: deque[TradeHistoryEntry] = deque(maxlen=window)
        self._entries: dict[str, TradeDigestEntry] = {}
        self._sharpe: float | None = None
        self._ts = 0

    def build(self, records: Sequence[HistoryRecord]) -> TradeDigest:
        """See the base class. Without any record yet, `ts` is 0."""
        touched = set()
        for record in records:
            self._ts = max(self._ts, record.ts)
            if record.kind is RecordKind.EXECUTION:
                touched.update(self._take(record))
        for symbol in touched:
            self._entries[symbol] = summarise(self._by_symbol[symbol])
        if touched:
            self._sharpe = sharpe_ratio(self._all)
        return TradeDigest(
            ts=self._ts, by_instrument=dict(self._entries), sharpe_ratio=self._sharpe
        )

    def _take(self, record: HistoryRecord) -> set[str]:
        symbols = set()
        for item in record.payload.get("trades", ()):
            trade = TradeHistoryEntry.model_validate(item)
            symbol = trade.instrument.symbol
            self._by_symbol.setdefault(symbol, deque(maxlen=self._window)).append(trade)
            self._all.append(trade)
            symbols.add(symbol)
        return symbols


def summarise(trades: Sequence[TradeHistoryEntry]) -> TradeDigestEntry:
    """The digest of one symbol's `trades` (at least one), oldest first.

    `avg_entry_price` is weighted by quantity. `max_drawdown` is the deepest fall of the summed
    profits below their highest point so far, at first 0. `recent_performance_score` is what was
    won less what was lost, over the sum of both; 0 when neither.
    """
    profits = [trade.realized_pnl for trade in trades if trade.realized_pnl is not None]
    holding = [trade.holding_ms for trade in trades if trade.holding_ms is not None]
    times = [ts for trade in trades if (ts := _closed_at(trade)) is not None]
    turnover = math.fsum(abs(profit) for profit in profits)
    realized = math.fsum(profits)
    return TradeDigestEntry(
        instrument=trades[-1].instrument,
        trade_count=len(trades),
        realized_pnl=realized,
        win_rate=sum(profit > 0 for profit in profits) / len(profits) if profits else None,
        avg_holding_ms=round(fmean(holding)) if holding else None,
        last_trade_ts=max(times, default=None),
        avg_entry_price=_average_entry(trades),
        max_drawdown=_max_drawdown(profits) if profits else None,
        recent_performance_score=(realized / turnover if turnover else 0.0) if profits else None,
    )


def sharpe_ratio(trades: Sequence[TradeHistoryEntry]) -> float | None:
    """Mean over standard deviation of the trades' returns, times the root of the trades a year.

    The returns are on each trade's entry value, the risk-free rate is 0, and the trades a year are
    those of the time from the first exit to the last. None below 10 trades, within less than a day,
    or when all returns are the same: then the figure would mean nothing.
    """
    returns, times = [], []
    for trade in trades:
        ts = _closed_at(trade)
        if trade.realized_pnl_pct is not None and ts is not None:
            returns.append(trade.realized_pnl_pct)
            times.append(ts)
    if len(returns) < SHARPE_MIN_TRADES:
        return None
    span = max(times) - min(times)
    if span < SHARPE_MIN_SPAN_MS or min(returns) == max(returns):
        return None
    trades_a_year = (len(returns) - 1) * YEAR_MS / span
    return fmean(returns) / stdev(returns) * math.sqrt(trades_a_year)


def _closed_at(trade: TradeHistoryEntry) -> int | None:
    return trade.trade_ts if trade.exit_ts is None else trade.exit_ts


def _average_entry(trades: Sequence[TradeHistoryEntry]) -> float | None:
    known = [(trade.entry_price, trade.quantity) for trade in trades if trade.entry_price]
    quantity = math.fsum(size for _, size in known)
    return math.fsum(price * size for price, size in known) / quantity if quantity else None


def _max_drawdown(profits: Sequence[float]) -> float:
    total = peak = deepest = 0.0
    for profit in profits:
        total += profit
        peak = max(peak, total)
        deepest = max(deepest, peak - total)
    return deepest
