"""A market as a pure function of seed, symbol and time.

The log price is a Brownian path on the calendar: its values 28 days apart are hashed, and each
interval is filled in by a Brownian bridge of hashed steps over the next finer grid (weeks, days,
hours ... down to 250 ms). So any moment of any grid can be had without the moments before it, and
is the same on every grid that holds it. Slow waves scale the steps (calm and wild times) and shift
weight between the fine and the coarse ones (ranging and trending times); now and then the price
jumps.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tui_trader.market_data.series import CandleSeries, FloatArray, IntArray
from tui_trader.timeframes import open_time, timeframe_ms

_STEPS = ("1s", "5s", "15s", "1m", "5m", "15m", "1h", "4h", "1d", "1w", "4w")
#: Steps (ms) of the grids, finest first; each holds the next. All count from the same Monday.
GRIDS_MS = (250, *(timeframe_ms(step) for step in _STEPS))
#: Candles up to a timeframe (ms) are sampled on a grid (ms): the first pair that fits.
_SAMPLING = ((60_000, 250), (3_600_000, 15_000), (86_400_000, 900_000), (math.inf, 14_400_000))
_ORIGIN_MS = open_time(0, timeframe_ms("1w")) + timeframe_ms("1w")
_YEAR_MS = 365.25 * 86_400_000

_USD_LEVELS = {
    "BTC": 67_000.0, "ETH": 3_500.0, "BNB": 600.0, "SOL": 150.0, "LTC": 80.0, "AVAX": 30.0,
    "LINK": 15.0, "DOT": 6.0, "XRP": 0.6, "ADA": 0.45, "DOGE": 0.15,
}  # fmt: skip
_DOLLARS = frozenset({"USD", "USDT", "USDC", "BUSD", "FDUSD", "DAI", "TUSD"})

_WAVE_PERIODS_MS = (7 * 60_000, 53 * 60_000, 6 * 3_600_000)
# Trending times weaken the steps of the grids below this one and strengthen those above it.
_PIVOT = GRIDS_MS.index(60_000)
_HOUR_MS = 3_600_000
_JUMP_CHANCE = 0.3

# Streams of random numbers beside those of the grids, which have the numbers 0 to 11.
_VOLUME, _CALM_OR_WILD, _RANGE_OR_TREND = 32, 64, 96
_JUMP, _JUMP_MINUTE, _JUMP_SIZE = 128, 129, 130

_UintArray = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Samples:
    """The market over consecutive cells of one grid: n + 1 moments, n cells.

    `before` and `after` are the prices at each moment before and after a jump there; `volume`
    (base currency) is what was traded in each cell.
    """

    before: FloatArray
    after: FloatArray
    volume: FloatArray

    def slice(self, start: int, stop: int) -> "Samples":
        """Cells `start` to `stop` (exclusive), as views without copying."""
        moments = slice(start, stop + 1)
        return Samples(self.before[moments], self.after[moments], self.volume[start:stop])


class PricePath:
    """The market of one symbol. `volatility` is annualised, as a fraction (1 is 100 %)."""

    def __init__(self, seed: int, symbol: str, volatility: float) -> None:
        digest = hashlib.blake2b(f"{seed}:{symbol}".encode(), digest_size=8).digest()
        self.symbol = symbol
        self._key = int.from_bytes(digest, "little")
        self._sigma = volatility / math.sqrt(_YEAR_MS)  # per square root of a ms
        base, _, quote = symbol.partition("/")
        base_usd = _usd_level(base)
        self._level = base_usd / _usd_level(quote.partition(":")[0])
        self.price_decimals = max(0, 5 - math.floor(math.log10(self._level)))
        self._volume_decimals = max(0, 1 + math.floor(math.log10(base_usd)))
        usd_per_ms = 2 * 10 ** float(self._uniform(_VOLUME, np.zeros(1, np.int64))[0])
        self._volume_per_ms = usd_per_ms / base_usd

    def candles(self, interval: str, first_open: int, count: int) -> CandleSeries:
        """`count` candles of `interval` from the one that opens at `first_open` (ms).

        Opens and closes agree between all intervals; among those up to 1m, up to 1h, up to 1d, and
        above, a longer candle is exactly the aggregate of the shorter ones (of the same grid). A
        longer candle of a coarser grid lies within the range of the shorter ones.
        """
        length = timeframe_ms(interval)
        step = sampling_ms(length)
        cells = length // step
        samples = self.samples(first_open, step, count * cells)
        after = samples.after[:-1].reshape(count, cells)
        before = samples.before[1:].reshape(count, cells)
        volume = samples.volume.reshape(count, cells).sum(axis=1)
        return CandleSeries(
            self.symbol,
            interval,
            first_open + np.arange(count, dtype=np.int64) * length,
            after[:, 0].copy(),
            np.maximum(after.max(axis=1), before.max(axis=1)),
            np.minimum(after.min(axis=1), before.min(axis=1)),
            before[:, -1].copy(),
            np.round(volume, self._volume_decimals),
        )

    def samples(self, start: int, step: int, cells: int) -> Samples:
        """The market from `start` (ms, on the grid of `step`) over `cells` steps."""
        grid = GRIDS_MS.index(step)
        first = (start - _ORIGIN_MS) // step
        times = start + np.arange(cells + 1, dtype=np.int64) * step
        path = self._walk(grid, first, first + cells)
        before_jump, after_jump = self._jumps(times)
        before, after = path + before_jump, path + after_jump
        volume = self._volume(
            first, step, times[:-1], before[1:] - after[:-1] + np.diff(after_jump)
        )
        return Samples(self._prices(before), self._prices(after), volume)

    def _prices(self, log_price: FloatArray) -> FloatArray:
        decimals = self.price_decimals
        return np.maximum(np.round(self._level * np.exp(log_price), decimals), 10.0**-decimals)

    def _walk(self, grid: int, first: int, last: int) -> FloatArray:
        """The Brownian path at nodes `first` to `last` (inclusive) of a grid."""
        step = GRIDS_MS[grid]
        if grid == len(GRIDS_MS) - 1:
            nodes = np.arange(first, last + 1, dtype=np.int64)
            return self._normal(grid, nodes) * (self._sigma * math.sqrt(step / 2))
        ratio = GRIDS_MS[grid + 1] // step
        begin, end = first // ratio, -(-last // ratio)
        coarse = self._walk(grid + 1, begin, end)
        cells = np.arange(begin * ratio, end * ratio, dtype=np.int64)
        steps = self._normal(grid, cells).reshape(-1, ratio)
        walk = np.cumsum(steps * self._scale(grid, begin, end)[:, None], axis=1)
        share = np.arange(1, ratio + 1) / ratio
        bridge = coarse[:-1, None] + (np.diff(coarse) - walk[:, -1])[:, None] * share + walk
        bridge[:, -1] = coarse[1:]  # the shared moments agree to the last bit
        path = np.concatenate((coarse[:1], bridge.ravel()))
        return path[first - begin * ratio : last - begin * ratio + 1]

    def _scale(self, grid: int, begin: int, end: int) -> FloatArray:
        """Standard deviation of the steps of a grid, in each cell of the next coarser one."""
        cell = GRIDS_MS[grid + 1]
        times = np.arange(begin, end, dtype=np.int64) * cell + (_ORIGIN_MS + cell // 2)
        wildness = (0.86 + 0.8 * self._wave(_CALM_OR_WILD, times)) ** 2
        coarseness = min(1.0, max(-1.0, (grid - _PIVOT) / 4))
        tilt = 1 + 0.9 * coarseness * self._wave(_RANGE_OR_TREND, times)
        return wildness * tilt * (self._sigma * math.sqrt(GRIDS_MS[grid]))

    def _wave(self, stream: int, times: IntArray) -> FloatArray:
        """Slow noise between -1 and 1."""
        total = np.zeros(len(times))
        for octave, period in enumerate(_WAVE_PERIODS_MS):
            cells = times // period
            share = (times - cells * period) / period
            left, right = self._neighbours(stream + octave, cells)
            total += left + (right - left) * share
        return total * (2 / len(_WAVE_PERIODS_MS)) - 1

    def _jumps(self, times: IntArray) -> tuple[FloatArray, FloatArray]:
        """What jumps add to the log price before and after each moment.

        An hour holds one or none, on a full minute; what it adds drifts away over the hour, so that
        the path at full hours is that of the bridges.
        """
        hours = times // _HOUR_MS
        chance, minute, draw = (
            self._neighbours(stream, hours)[0] for stream in (_JUMP, _JUMP_MINUTE, _JUMP_SIZE)
        )
        happens, at, draw = (
            chance < _JUMP_CHANCE,
            (1 + np.floor(minute * 59)) * 60_000,
            2 * draw - 1,
        )
        size = happens * (np.sign(draw) * 10 + draw * 20) * (self._sigma * math.sqrt(1_000))
        into_hour = times - hours * _HOUR_MS
        drift = into_hour / _HOUR_MS
        return size * ((into_hour > at) - drift), size * ((into_hour >= at) - drift)

    def _volume(self, first: int, step: int, times: IntArray, moves: FloatArray) -> FloatArray:
        """Volume of each cell: more where the price moved, and by day (UTC) than at night."""
        stream = _VOLUME + 1 + GRIDS_MS.index(step)
        chance = self._uniform(stream, first + np.arange(len(times), dtype=np.int64))
        hours = (times % 86_400_000) / 3_600_000
        rhythm = 1 - 0.5 * np.abs(hours - 15) / 15
        moved = np.minimum(np.abs(moves) / (self._sigma * math.sqrt(step)), 12.0)
        volume = self._volume_per_ms * step * rhythm * (0.3 + moved) * 3 * chance**2
        rounded: FloatArray = np.round(volume, self._volume_decimals)
        return rounded

    def _normal(self, stream: int, index: IntArray) -> FloatArray:
        """Numbers of mean 0 and variance 1, close to normal: the sum of four uniform ones."""
        parts = self._hash(stream, index).view(np.uint16).reshape(-1, 4)
        total: FloatArray = parts[:, 0].astype(np.float64) + parts[:, 1] + parts[:, 2] + parts[:, 3]
        return (total - 2 * 65_535) * (math.sqrt(3) / 65_536)

    def _uniform(self, stream: int, index: IntArray) -> FloatArray:
        """Numbers in [0, 1)."""
        return (self._hash(stream, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def _neighbours(self, stream: int, cells: IntArray) -> tuple[FloatArray, FloatArray]:
        """The numbers of ascending cells and of the cells after them, each hashed once."""
        first, last = int(cells[0]), int(cells[-1])
        if last - first >= len(cells):
            return self._uniform(stream, cells), self._uniform(stream, cells + 1)
        numbers = self._uniform(stream, np.arange(first, last + 2, dtype=np.int64))
        index = cells - first
        return numbers[index], numbers[index + 1]

    def _hash(self, stream: int, index: IntArray) -> _UintArray:
        """64 well-mixed bits for each index: SplitMix64 (Steele, Lea, Flood 2014), by position."""
        start = (self._key + (stream << 56)) % 2**64
        mixed = index.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def sampling_ms(length: int) -> int:
    """The grid (ms) on which candles of `length` ms are sampled."""
    usual = next(step for limit, step in _SAMPLING if length <= limit)
    return max(step for step in GRIDS_MS if step <= usual and length % step == 0)


def _usd_level(currency: str) -> float:
    """The dollar price around which a currency moves; an unknown one's is drawn from its name."""
    if currency in _DOLLARS or not currency:
        return 1.0
    if currency in _USD_LEVELS:
        return _USD_LEVELS[currency]
    digest = hashlib.blake2b(currency.encode(), digest_size=2).digest()
    return float(10 ** (int.from_bytes(digest, "little") / 65_536 * 4 - 1))
