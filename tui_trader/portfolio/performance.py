"""The figures of an account's performance, kept while it runs."""

import math
from collections.abc import Callable, Iterable, Sequence

from tui_trader.models import MetricPoint, Performance, PortfolioView, Ticker
from tui_trader.portfolio.equity_curve import EquityCurve
from tui_trader.portfolio.ledger import Ledger


class PerformanceTracker:
    """Follows equity point by point; a point costs the same however many there were.

    `earlier` is the equity of earlier runs, oldest first, `now` (ms) the start of an account that
    has none. `quotes` gives the newest ticker of a symbol. What the symbols cost at the start of
    an account is known only to its first run, and so is `buy_and_hold`.
    """

    def __init__(
        self,
        ledger: Ledger,
        symbols: Sequence[str],
        quotes: Callable[[str], Ticker | None],
        *,
        now: int,
        earlier: Iterable[MetricPoint] = (),
    ) -> None:
        self._ledger = ledger
        self._symbols = symbols
        self._quotes = quotes
        self._first: dict[str, float] | None = None
        self._resumed = False
        self._curve = EquityCurve(float(ledger.initial_capital), now)
        for point in earlier:
            if not self._resumed:
                self._curve = EquityCurve(float(ledger.initial_capital), point.ts)
                self._resumed = True
            self._curve.add(point.ts, point.value)

    def add(self, view: PortfolioView) -> None:
        """The account at a point of time; where its value is unknown, there is no point."""
        if self._first is None and not self._resumed:
            self._first = self._prices()
        if view.total_value is not None:
            self._curve.add(view.ts, view.total_value, view.transferred)

    def performance(self) -> Performance:
        """The figures as of the newest point."""
        curve, ledger, tally = self._curve, self._ledger, self._ledger.tally
        sharpe, sortino, periods = curve.ratios()
        fall, span = curve.max_drawdown, curve.ts - curve.start_ts
        none_yet = 0.0 if span else None
        in_market = tally.in_market_ms(curve.ts) / span if span else None
        return Performance(
            start_ts=curve.start_ts,
            end_ts=curve.ts,
            total_return=_finite(curve.total_return),
            cagr=_finite(curve.cagr),
            buy_and_hold=_finite(self._buy_and_hold()),
            sharpe=_finite(sharpe),
            sortino=_finite(sortino),
            periods_a_year=periods,
            max_drawdown=_finite(fall.fraction) if fall else none_yet,
            max_drawdown_quote=_finite(fall.quote) if fall else none_yet,
            max_drawdown_from_ts=fall.peak_ts if fall else None,
            max_drawdown_ts=fall.ts if fall else None,
            drawdown=_finite(curve.drawdown),
            exposure=None if in_market is None else min(in_market, 1.0),
            turnover=_finite(float(tally.turnover)),
            trades=tally.trades,
            win_rate=tally.win_rate,
            profit_factor=_finite(tally.profit_factor),
            expectancy=_finite(tally.expectancy),
            avg_holding_ms=tally.avg_holding_ms,
            fees=float(ledger.fees),
            funding=float(ledger.funding),
        )

    def _prices(self) -> dict[str, float]:
        """What the symbols cost now, as far as it is known."""
        tickers = ((symbol, self._quotes(symbol)) for symbol in self._symbols)
        marks = {symbol: ticker.mark for symbol, ticker in tickers if ticker is not None}
        return {symbol: mark for symbol, mark in marks.items() if mark is not None}

    def _buy_and_hold(self) -> float | None:
        first, now = self._first or {}, self._prices()
        if not first or not len(self._symbols) == len(first) == len(now):
            return None
        return math.fsum(now[symbol] / first[symbol] for symbol in first) / len(first) - 1


def _finite(value: float | None) -> float | None:
    """A figure beyond what a float can hold means nothing."""
    return value if value is not None and math.isfinite(value) else None
