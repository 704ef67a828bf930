"""The features of one cycle."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tui_trader.clock import Clock
from tui_trader.features.candles import SimpleCandleFeatureComputer
from tui_trader.features.interfaces import BaseFeaturesPipeline, CandleBasedFeatureComputer
from tui_trader.features.snapshot import MarketSnapshotFeatureComputer
from tui_trader.market_data.interfaces import BaseMarketDataSource, MarketDataError
from tui_trader.market_data.series import CandleSeries
from tui_trader.models import FeaturesPipelineResult, FeatureVector, MarketSnapshot, Ticker
from tui_trader.timeframes import timeframe_ms

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last snapshot read of a symbol, and the time (ms) of the oldest of its newest data."""

    snapshot: MarketSnapshot
    as_of: int


class DefaultFeaturesPipeline(BaseFeaturesPipeline):
    """Reads candles and quotes of all symbols at once: candle features first, then those of quotes.

    A symbol that can't be read has no features in that cycle, so that nothing is decided on it; its
    last snapshot is kept for display and for closes, with its age in `stale_ms`. The same mark
    stands where the quote or the last close is older than `max_age_ms`: at least two candles, since
    the last close may be as old as one.

    Values depend on the newest `lookback` candles alone; of 250, the seed of an EMA 50 is 1/3,000.
    """

    def __init__(
        self,
        source: BaseMarketDataSource,
        symbols: Sequence[str],
        timeframe: str,
        clock: Clock,
        *,
        max_age_ms: int,
        lookback: int = 250,
        snapshot_rows: int = 50,
        computer: CandleBasedFeatureComputer | None = None,
    ) -> None:
        """Raises ValueError when `lookback` is less than the slowest feature needs."""
        self._source = source
        self._symbols = tuple(symbols)
        self._timeframe = timeframe
        self._length_ms = timeframe_ms(timeframe)
        self._clock = clock
        self._lookback = lookback
        self._max_age_ms = max_age_ms
        self._snapshot_rows = snapshot_rows
        self._computer = computer or SimpleCandleFeatureComputer()
        self._quotes = MarketSnapshotFeatureComputer()
        self._seen: dict[str, _Seen] = {}
        self.warmup = self._computer.warmup
        if lookback < self.warmup:
            raise ValueError(
                f"lookback is {lookback} candles, but the features need {self.warmup}: "
                "raise it, or choose shorter indicators"
            )

    async def build(self) -> FeaturesPipelineResult:
        """Features and snapshots now. Raises MarketDataError when no symbol can be read."""
        source, interval, lookback = self._source, self._timeframe, self._lookback
        quotes, read = await asyncio.gather(
            _attempt(source.get_market_snapshot(self._symbols)),
            asyncio.gather(
                *(_attempt(source.get_series(each, interval, lookback)) for each in self._symbols)
            ),
        )
        now = self._clock.now_ms()
        candle_vectors: list[FeatureVector] = []
        quote_vectors: list[FeatureVector] = []
        failures: dict[str, str] = {}
        for symbol, series in zip(self._symbols, read, strict=True):
            try:
                ticker = _quote(quotes, symbol)
                closed = self._closed(_value(series), now)
                vector = self._computer.compute_series(closed)
            except MarketDataError as error:
                failures[symbol] = str(error)
                continue
            candle_vectors.append(vector)
            quote_vectors.append(self._quotes.compute(ticker))
            self._seen[symbol] = self._see(closed, vector, ticker, now)
        if not candle_vectors:
            raise MarketDataError("; ".join(dict.fromkeys(failures.values())))
        for failure in failures.values():
            _log.warning("%s", failure)
        return FeaturesPipelineResult(
            features=(*candle_vectors, *quote_vectors),
            snapshots={
                symbol: self._aged(seen, now, failed=symbol in failures)
                for symbol, seen in self._seen.items()
            },
        )

    def _closed(self, series: CandleSeries, now: int) -> CandleSeries:
        # A source of one's own may hand out the forming candle. Our clock may be a little behind
        # the venue's, and a candle that it has closed must not be lost for that.
        latest_open = now - self._length_ms + self._length_ms // 60
        if len(series) and series.ts[-1] > latest_open:
            return series.slice(0, int(np.searchsorted(series.ts, latest_open, side="right")))
        return series

    def _see(self, series: CandleSeries, vector: FeatureVector, ticker: Ticker, now: int) -> _Seen:
        last = series.slice(max(0, len(series) - self._snapshot_rows), len(series))
        columns = (last.ts, last.open, last.high, last.low, last.close, last.volume)
        snapshot = MarketSnapshot(
            timestamp=now,
            symbol=ticker.symbol,
            price=ticker.last,
            bid=ticker.bid,
            ask=ticker.ask,
            ohlcv=tuple(zip(*(column.tolist() for column in columns), strict=True)),
            indicators=vector.values,
        )
        last_close = int(series.ts[-1]) + self._length_ms
        return _Seen(snapshot, min(ticker.ts, last_close))

    def _aged(self, seen: _Seen, now: int, *, failed: bool) -> MarketSnapshot:
        age = now - seen.as_of
        if not failed and age <= self._max_age_ms:
            return seen.snapshot
        return seen.snapshot.model_copy(update={"stale_ms": max(age, 1)})


async def _attempt(reading: Awaitable[T]) -> T | MarketDataError:
    try:
        return await reading
    except MarketDataError as error:
        return error


def _value(read: T | MarketDataError) -> T:
    if isinstance(read, MarketDataError):
        raise read
    return read


def _quote(quotes: Mapping[str, Ticker] | MarketDataError, symbol: str) -> Ticker:
    ticker = _value(quotes).get(symbol)
    if ticker is None:
        raise MarketDataError(f"{symbol}: the source has no quote")
    return ticker
