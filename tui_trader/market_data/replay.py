"""Candle files played again as a market, at the pace of a virtual clock."""

import heapq
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby, repeat
from operator import itemgetter

import numpy as np

from tui_trader.clock import VirtualClock
from tui_trader.market_data.aggregate import aggregate
from tui_trader.market_data.array_source import ArraySource, quote
from tui_trader.market_data.candle_files import CandleFile
from tui_trader.market_data.interfaces import MarketDataError, MarketUpdate
from tui_trader.market_data.series import CandleSeries, IntArray
from tui_trader.models import Candle, InstrumentRef, Ticker
from tui_trader.timeframes import timeframe_ms

#: Where within a file's candle its path shows open, first extreme, second extreme and close.
_PATH_POINTS = (0.25, 0.5, 0.75, 1.0)


class ReplaySource(ArraySource):
    """The market of candle files, one symbol each, on their timeframe or a multiple of it.

    Only what had closed at the moment replayed can be seen. Every close yields one update of all
    symbols that have a candle closing then; a symbol in a gap is absent and keeps its old quote. At
    a finite speed forming candles come between: each candle of the file passes its open, then its
    low and its high (the high first where it falls), then its close, at the quarters of its time,
    its volume growing in step. Points that are late are left out, closes never.
    """

    def __init__(
        self,
        files: Sequence[CandleFile],
        clock: VirtualClock,
        *,
        timeframe: str,
        spread_bps: float,
        lockstep: bool,
    ) -> None:
        self._tracks = {track.file.symbol: track for track in _tracks(files, timeframe)}
        self._clock = clock
        self._timeframe = timeframe
        self._length = timeframe_ms(timeframe)
        self._spread_bps = spread_bps
        self._series = {
            (symbol, timeframe): (track.bars, track.closes)
            for symbol, track in self._tracks.items()
        }
        self._tickers: dict[str, Ticker] = {}
        self._now = 0
        self.lockstep = lockstep
        self.warnings = tuple(
            f"{file.path.name}: {words}" for file in files for words in file.warnings
        )

    async def open(self, warmup: int) -> None:
        """Make the first `warmup` closed candles history: those of the file that begins last."""
        self._now = _start_ms(list(self._tracks.values()), warmup)
        for symbol, track in self._tracks.items():
            seen = track.closed_by(self._now)
            if seen:
                last = float(track.bars.close[seen - 1])
                self._quote(symbol, int(track.closes[seen - 1]), last)

    def closed_series(self, symbol: str, interval: str, lookback: int) -> CandleSeries:
        """The newest `lookback` candles of one symbol that have closed at the moment replayed."""
        known = self._series.get((symbol, interval))
        if known is None:
            bars = aggregate(self._track(symbol).file.series, interval)
            known = self._series[symbol, interval] = bars, bars.ts + timeframe_ms(interval)
        bars, closes = known
        stop = int(np.searchsorted(closes, self._now, side="right"))
        return bars.slice(max(0, stop - lookback), stop)

    def ticker(self, symbol: str) -> Ticker | None:
        """The newest quote of `symbol`; its `ts` shows how old it is."""
        return self._tickers.get(symbol)

    async def updates(self) -> AsyncIterator[MarketUpdate]:
        """The market from the end of the warm-up to the end of the files."""
        for close_ms, closing in self._closings():
            if not math.isinf(self._clock.speed):
                for ts, candles in _forming(
                    [track for track, _ in closing], close_ms - self._length, self._timeframe
                ):
                    if ts > max(self._now, self._clock.now_ms()):
                        await self._clock.sleep_until(ts)
                        yield self._update(ts, candles, closed=False)
            await self._clock.sleep_until(close_ms)
            candles = [track.bars.candle(row) for track, row in closing]
            yield self._update(close_ms, candles, closed=True)

    def _closings(self) -> Iterator[tuple[int, list[tuple["_Track", int]]]]:
        """Each moment (ms) at which candles close, and which: the track and the row in it."""
        merged = heapq.merge(
            *(track.closings(self._now) for track in self._tracks.values()), key=itemgetter(0)
        )
        for close_ms, group in groupby(merged, key=itemgetter(0)):
            yield close_ms, [(track, row) for _, track, row in group]

    def _update(self, ts: int, candles: Sequence[Candle], *, closed: bool) -> MarketUpdate:
        self._now = ts
        tickers = tuple(self._quote(c.instrument.symbol, ts, c.close) for c in candles)
        return MarketUpdate(ts, tickers, tuple(candles), closed)

    def _quote(self, symbol: str, ts: int, last: float) -> Ticker:
        ticker = self._tickers[symbol] = quote(symbol, ts, last, self._spread_bps)
        return ticker

    def _track(self, symbol: str) -> "_Track":
        try:
            return self._tracks[symbol]
        except KeyError:
            raise MarketDataError(
                f"no file holds {symbol}; there are {', '.join(self._tracks)}"
            ) from None


def replay_start_ms(files: Sequence[CandleFile], timeframe: str, warmup: int) -> int:
    """The moment (ms) at which the first `warmup` candles of `timeframe` have closed in every file.

    It is where the clock of a replay starts. Raises MarketDataError, naming the file, where one has
    no candle after its warm-up or after that moment.
    """
    return _start_ms(_tracks(files, timeframe), warmup)


@dataclass(frozen=True, slots=True)
class _Track:
    """One symbol: its file, its candles of the agent's timeframe, and when they close (ms)."""

    file: CandleFile
    bars: CandleSeries
    closes: IntArray

    def closed_by(self, ts: int) -> int:
        return int(np.searchsorted(self.closes, ts, side="right"))

    def closings(self, since: int) -> Iterator[tuple[int, "_Track", int]]:
        """When (ms) each row after `since` closes, the track, and the row."""
        first = self.closed_by(since)
        yield from zip(self.closes[first:].tolist(), repeat(self), count(first))


def _tracks(files: Sequence[CandleFile], timeframe: str) -> list[_Track]:
    if not files:
        raise MarketDataError("a replay needs at least one candle file")
    tracks: dict[str, _Track] = {}
    for file in files:
        if file.symbol in tracks:
            raise MarketDataError(
                f"{file.path} and {tracks[file.symbol].file.path} both hold {file.symbol}:"
                " replay one file a symbol"
            )
        try:
            bars = aggregate(file.series, timeframe)
        except MarketDataError as error:
            raise MarketDataError(f"{file.path}: {error}") from None
        tracks[file.symbol] = _Track(file, bars, bars.ts + timeframe_ms(timeframe))
    return list(tracks.values())


def _start_ms(tracks: Sequence[_Track], warmup: int) -> int:
    for track in tracks:
        if len(track.bars) <= warmup:
            raise MarketDataError(
                f"{track.file.path} has {len(track.bars)} closed {track.bars.interval} candles;"
                f" {warmup} are needed to warm up, and at least one more to replay"
            )
    start = max(int(t.closes[warmup - 1] if warmup else t.bars.ts[0]) for t in tracks)
    for track in tracks:
        if track.closes[-1] <= start:
            raise MarketDataError(
                f"{track.file.path} ends before every file has its {warmup} candles to warm up:"
                " the files must overlap in time"
            )
    return start


def _forming(
    tracks: Sequence[_Track], open_ms: int, timeframe: str
) -> Iterator[tuple[int, list[Candle]]]:
    """The forming candles of the bar that opens at `open_ms`, moment (ms) after moment."""
    moments: dict[int, list[Candle]] = {}
    for track in tracks:
        for ts, candle in _path(track, open_ms, timeframe):
            moments.setdefault(ts, []).append(candle)
    yield from sorted(moments.items())


def _path(track: _Track, open_ms: int, timeframe: str) -> Iterator[tuple[int, Candle]]:
    rows = track.file.series
    length = timeframe_ms(rows.interval)
    close_ms = open_ms + timeframe_ms(timeframe)
    first, stop = np.searchsorted(rows.ts, [open_ms, close_ms]).tolist()
    instrument = InstrumentRef(symbol=rows.symbol)
    open_, high, low, volume = float(rows.open[first]), 0.0, math.inf, 0.0
    for row in rows.slice(first, stop).candles():
        extremes = (row.low, row.high) if row.close >= row.open else (row.high, row.low)
        for share, price in zip(_PATH_POINTS, (row.open, *extremes, row.close), strict=True):
            high, low = max(high, price), min(low, price)
            ts = row.ts + int(length * share)
            if ts < close_ms:
                yield (
                    ts,
                    Candle(
                        ts=open_ms,
                        instrument=instrument,
                        open=open_,
                        high=high,
                        low=low,
                        close=price,
                        volume=volume + row.volume * share,
                        interval=timeframe,
                    ),
                )
        volume += row.volume
