"""The default features pipeline: candles and quotes of every symbol, with their age."""

import logging
from collections.abc import Sequence

from tui_trader.clock import Clock
from tui_trader.features.interfaces import BaseFeaturesPipeline, CandleBasedFeatureComputer
from tui_trader.features.snapshot import MarketSnapshotFeatureComputer
from tui_trader.market_data.interfaces import BaseMarketDataSource, MarketDataError
from tui_trader.market_data.series import CandleSeries
from tui_trader.models import FeaturesPipelineResult, FeatureVector, MarketSnapshot, Ticker

logger = logging.getLogger(__name__)

SNAPSHOT_ROWS = 50
"""Candles that a market snapshot carries (S0 asks for at least 50)."""


class DefaultFeaturesPipeline(BaseFeaturesPipeline):
    """Computes candle features first, then quote features, symbol after symbol.

    When a symbol's data can't be had, its last snapshot is shown again, marked with its age; it
    yields no features, so nothing is decided on it. Data older than `max_age_ms` is marked too.
    """

    def __init__(
        self,
        source: BaseMarketDataSource,
        symbols: Sequence[str],
        timeframe: str,
        clock: Clock,
        computer: CandleBasedFeatureComputer,
        *,
        lookback: int,
        max_age_ms: int,
    ) -> None:
        self._source = source
        self._symbols = tuple(symbols)
        self._timeframe = timeframe
        self._clock = clock
        self._computer = computer
        self._quotes = MarketSnapshotFeatureComputer()
        self._lookback = max(lookback, computer.warmup)
        self._max_age_ms = max_age_ms
        self._last: dict[str, MarketSnapshot] = {}
        self.warmup = computer.warmup

    async def build(self) -> FeaturesPipelineResult:
        """Features and snapshots now. Raises MarketDataError when no symbol can be read."""
        tickers = await self._source.get_market_snapshot(self._symbols)
        vectors: list[FeatureVector] = []
        quotes: list[FeatureVector] = []
        failures: list[str] = []
        for symbol in self._symbols:
            try:
                series = await self._read(symbol, tickers)
            except MarketDataError as error:
                failures.append(str(error))
                self._keep_stale(symbol)
                continue
            vector = self._computer.compute_series(series)
            vectors.append(vector)
            quotes.append(self._quotes.compute_ticker(tickers[symbol]))
            self._last[symbol] = self._snapshot(tickers[symbol], series, vector)
        if not vectors:
            raise MarketDataError("; ".join(failures) or "there are no symbols")
        for failure in failures:
            logger.warning("%s", failure)
        return FeaturesPipelineResult(features=(*vectors, *quotes), snapshots=dict(self._last))

    async def _read(self, symbol: str, tickers: dict[str, Ticker]) -> CandleSeries:
        if symbol not in tickers:
            raise MarketDataError(f"no quote of {symbol} yet")
        series = await self._source.get_series(symbol, self._timeframe, self._lookback)
        if not len(series):
            raise MarketDataError(f"no closed candle of {symbol} {self._timeframe} yet")
        return series

    def _snapshot(
        self, ticker: Ticker, series: CandleSeries, vector: FeatureVector
    ) -> MarketSnapshot:
        now = self._clock.now_ms()
        age = now - min(ticker.ts, vector.ts)
        rows = series.slice(max(0, len(series) - SNAPSHOT_ROWS), len(series))
        columns = (rows.open, rows.high, rows.low, rows.close, rows.volume)
        return MarketSnapshot(
            timestamp=now,
            symbol=ticker.symbol,
            price=ticker.last,
            bid=ticker.bid,
            ask=ticker.ask,
            ohlcv=tuple(
                zip(rows.ts.tolist(), *(column.tolist() for column in columns), strict=True)
            ),
            indicators=vector.values,
            stale_ms=age if age > self._max_age_ms else None,
        )

    def _keep_stale(self, symbol: str) -> None:
        known = self._last.get(symbol)
        if known is not None:
            age = self._clock.now_ms() - known.timestamp
            self._last[symbol] = known.model_copy(update={"stale_ms": max(age, 1)})
