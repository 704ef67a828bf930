"""Candle series for tests."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tui_trader.market_data.candle_files import CandleFile
from tui_trader.market_data.series import CandleSeries, IntArray
from tui_trader.timeframes import timeframe_ms

CASES = Path(__file__).parents[2] / "../shared/cases/01_ohlcv"
ARRAYS = ("ts", "open", "high", "low", "close", "volume")
#: A Monday, 00:00 UTC: every timeframe's grid holds it.
MONDAY_MS = 1_728_864_000_000

needs_cases = pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not here")


def walk(
    count: int, interval: str = "1m", *, seed: int = 1, start: int = MONDAY_MS
) -> CandleSeries:
    """A random walk without gaps; volumes are multiples of 1/8, whose sums are exact."""
    ts = start + np.arange(count, dtype=np.int64) * timeframe_ms(interval)
    return walk_at(ts, interval, seed=seed)


def walk_at(ts: IntArray, interval: str = "1m", *, seed: int = 1) -> CandleSeries:
    """A random walk with candles at the given open times."""
    draw = np.random.default_rng(seed)
    count = len(ts)
    close = 100 + np.cumsum(draw.integers(-8, 9, count)) / 64
    open_ = close + draw.integers(-8, 9, count) / 64
    high = np.maximum(open_, close) + draw.integers(0, 9, count) / 64
    low = np.minimum(open_, close) - draw.integers(0, 9, count) / 64
    volume = draw.integers(1, 100, count) / 8
    return CandleSeries("TEST/USDT", interval, ts, open_, high, low, close, volume)


def as_file(series: CandleSeries, symbol: str = "TEST/USDT") -> CandleFile:
    """The series as if it had been loaded from a file."""
    path = Path(f"{symbol.replace('/', '_')}-{series.interval}.csv")
    renamed = CandleSeries(symbol, series.interval, *(getattr(series, name) for name in ARRAYS))
    return CandleFile(path, symbol, series.interval, renamed, (), 0, 0, 0, 0, 0)


def same(left: CandleSeries, right: CandleSeries) -> bool:
    """Whether two series are equal to the last bit."""
    return (left.symbol, left.interval) == (right.symbol, right.interval) and all(
        np.array_equal(getattr(left, name), getattr(right, name)) for name in ARRAYS
    )


def case_index() -> list[dict[str, Any]]:
    """What the shared cases say of each of their files."""
    if not CASES.exists():
        return []
    index: list[dict[str, Any]] = json.loads((CASES / "index.json").read_text())
    return index
