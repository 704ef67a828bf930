"""Candles to compute features from."""

import numpy as np
from hypothesis import strategies as st

from tui_trader.market_data.series import CandleSeries


def walk(seed: int, size: int, interval_ms: int = 60_000, interval: str = "1m") -> CandleSeries:
    """A random walk of `size` candles, the same for the same seed."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, size)))
    open_ = np.concatenate([[100.0], close[:-1]])
    spread = np.abs(rng.normal(0, 0.005, size)) * close
    return CandleSeries(
        "X/Y",
        interval,
        1_600_000_020_000 + np.arange(size, dtype=np.int64) * interval_ms,
        open_,
        np.maximum(open_, close) + spread,
        np.minimum(open_, close) - spread,
        close,
        rng.uniform(1, 100, size),
    )


def flat(size: int, volume: float = 1.0) -> CandleSeries:
    """A market that stands still at 5."""
    price = np.full(size, 5.0)
    ts = np.arange(size, dtype=np.int64) * 60_000
    return CandleSeries("X/Y", "1m", ts, price, price, price, price, np.full(size, float(volume)))


@st.composite
def random_series(draw: st.DrawFn, min_size: int = 1, max_size: int = 300) -> CandleSeries:
    """Random walks of different lengths."""
    return walk(draw(st.integers(0, 10_000)), draw(st.integers(min_size, max_size)))
