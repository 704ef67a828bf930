"""A market without a network: invented, but the same for everyone who asks at the same time."""

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tui_trader.clock import Clock, VirtualClock
from tui_trader.market_data.array_source import ArraySource, quote
from tui_trader.market_data.interfaces import MarketUpdate
from tui_trader.market_data.price_path import PricePath, Samples, sampling_ms
from tui_trader.market_data.series import CandleSeries
from tui_trader.models import Candle, InstrumentRef, Ticker
from tui_trader.timeframes import open_time, timeframe_ms

_TICK_MS = 250
_LEAST_AHEAD = 64  # candles computed ahead at once, at least


class SimulatedSource(ArraySource):
    """The market that `seed` draws for `symbols`, at the clock's time.

    It is a function of seed, symbol and time alone, so that a restart, another timeframe or another
    process sees the same one. `volatility` is annualised, as a fraction; the default gives candles
    of 5 s a range of about 6 bps, 3 in calm and 11 in wild times. Updates come four times a second
    and at every close; with `lockstep`, or a clock that never waits, at closes alone. After a pause
    in which several candles closed only the newest close is reported.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        clock: Clock,
        *,
        timeframe: str,
        seed: int,
        spread_bps: float,
        lockstep: bool,
        volatility: float = 1.8,
    ) -> None:
        self._symbols = tuple(symbols)
        self._seed = seed
        self._volatility = volatility
        self._paths: dict[str, PricePath] = {}
        self._clock = clock
        self._timeframe = timeframe
        self._length = timeframe_ms(timeframe)
        self._spread_bps = spread_bps
        self._windows: dict[tuple[str, str], CandleSeries] = {}
        self._insides: dict[str, tuple[int, Samples]] = {}
        self.lockstep = lockstep
        never_waits = isinstance(clock, VirtualClock) and math.isinf(clock.speed)
        self._closes_only = lockstep or never_waits

    def closed_series(self, symbol: str, interval: str, lookback: int) -> CandleSeries:
        """The newest `lookback` candles of one symbol that have closed by the clock."""
        return self._candles(symbol, interval, self._clock.now_ms(), lookback)

    def ticker(self, symbol: str) -> Ticker:
        """The quote of this moment; of any symbol, since what is held may be closed though it is
        traded no more."""
        now = self._clock.now_ms()
        return quote(symbol, now, self._bar(symbol, now).at(now).close, self._spread_bps)

    async def updates(self) -> AsyncIterator[MarketUpdate]:
        """The market as it moves; it never ends."""
        now = self._clock.now_ms()
        close_ms = open_time(now, self._length) + self._length
        while True:
            if now >= close_ms:
                newest = open_time(now, self._length)
                yield self._closed(newest)
                close_ms = newest + self._length
            tick_ms = open_time(self._clock.now_ms(), _TICK_MS) + _TICK_MS
            await self._clock.sleep_until(close_ms if self._closes_only else min(tick_ms, close_ms))
            now = self._clock.now_ms()
            if now < close_ms and not self._closes_only:
                yield self._forming(now)

    def _closed(self, close_ms: int) -> MarketUpdate:
        candles = [
            self._candles(symbol, self._timeframe, close_ms, 1).candle(0)
            for symbol in self._symbols
        ]
        return self._update(close_ms, candles, closed=True)

    def _forming(self, now: int) -> MarketUpdate:
        candles = [self._bar(symbol, now).at(now) for symbol in self._symbols]
        return self._update(now, candles, closed=False)

    def _update(self, ts: int, candles: Sequence[Candle], *, closed: bool) -> MarketUpdate:
        tickers = tuple(quote(c.instrument.symbol, ts, c.close, self._spread_bps) for c in candles)
        return MarketUpdate(ts, tickers, tuple(candles), closed)

    def _candles(self, symbol: str, interval: str, now: int, lookback: int) -> CandleSeries:
        """Candles closed by `now`, out of a window computed ahead of time."""
        length = timeframe_ms(interval)
        stop_ms = open_time(now, length)
        start_ms = stop_ms - lookback * length
        window = self._windows.get((symbol, interval))
        if window is None or start_ms < window.ts[0] or stop_ms > window.ts[-1] + length:
            count = lookback + max(lookback // 2, _LEAST_AHEAD)
            window = self._path(symbol).candles(interval, start_ms, count)
            self._windows[symbol, interval] = window
        start = (start_ms - int(window.ts[0])) // length
        return window.slice(start, start + lookback)

    def _bar(self, symbol: str, now: int) -> "_FormingBar":
        open_ms = open_time(now, self._length)
        step = sampling_ms(self._length)
        cells = self._length // step
        start_ms, inside = self._insides.get(symbol, (open_ms, None))
        first = (open_ms - start_ms) // step
        if inside is None or not 0 <= first <= len(inside.volume) - cells:
            start_ms, first = open_ms, 0
            inside = self._path(symbol).samples(open_ms, step, cells * _LEAST_AHEAD)
            self._insides[symbol] = start_ms, inside
        bar = inside.slice(first, first + cells)
        decimals = self._path(symbol).price_decimals
        return _FormingBar(symbol, self._timeframe, open_ms, step, bar, decimals)

    def _path(self, symbol: str) -> PricePath:
        path = self._paths.get(symbol)
        if path is None:
            path = self._paths[symbol] = PricePath(self._seed, symbol, self._volatility)
        return path


@dataclass(frozen=True, slots=True)
class _FormingBar:
    """The inside of one candle, sampled every `step_ms`."""

    symbol: str
    interval: str
    open_ms: int
    step_ms: int
    samples: Samples
    price_decimals: int

    def at(self, now: int) -> Candle:
        """The candle as it stands at `now`. Between two samples the price moves evenly, so that it
        never leaves the range that the closed candle will have."""
        cell, rest = divmod(now - self.open_ms, self.step_ms)
        share = rest / self.step_ms
        after = self.samples.after[: cell + 1]
        before = self.samples.before[1 : cell + 1]
        between = float(after[-1] + (self.samples.before[cell + 1] - after[-1]) * share)
        last = round(between, self.price_decimals)
        return Candle(
            ts=self.open_ms,
            instrument=InstrumentRef(symbol=self.symbol),
            open=float(after[0]),
            high=max(float(after.max()), float(before.max(initial=last)), last),
            low=min(float(after.min()), float(before.min(initial=last)), last),
            close=last,
            volume=round(float(self.samples.volume[:cell].sum()), 8),
            interval=self.interval,
        )
