"""Candles of a higher timeframe out of candles of a lower one."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.market_data.series import CandleSeries, IntArray
from tui_trader.models import Candle
from tui_trader.timeframes import open_time, timeframe_ms

_ARRAYS = ("ts", "open", "high", "low", "close", "volume")


def aggregate(series: CandleSeries, timeframe: str) -> CandleSeries:
    """The closed candles of `timeframe` in `series`.

    A candle is closed when the last candle of `series` ends at its end or later. A first candle
    whose beginning is not in `series` is left out. One that holds no row is absent, so gaps stay
    gaps. Raises MarketDataError where `timeframe` is not a multiple of the interval, or the series
    keeps another grid than UTC's.
    """
    if timeframe == series.interval:
        return series
    buckets = _buckets(series, timeframe)
    if not len(buckets):
        return replace(series, interval=timeframe)
    merged = _merge(series, timeframe, buckets)
    first = int(series.ts[0] != buckets[0])
    return merged.slice(first, max(first, len(merged) - _unclosed(series, timeframe, buckets)))


def forming(series: CandleSeries, timeframe: str) -> Candle | None:
    """The candle of `timeframe` that the end of `series` has begun and not closed, else None.

    None also where its beginning is not in `series`: its open would be wrong.
    """
    buckets = _buckets(series, timeframe)
    if not len(buckets) or not _unclosed(series, timeframe, buckets):
        return None
    start = int(np.searchsorted(buckets, buckets[-1]))
    if start == 0 and series.ts[0] != buckets[0]:
        return None
    return _merge(series.slice(start, len(series)), timeframe, buckets[start:]).candle(0)


def _buckets(series: CandleSeries, timeframe: str) -> IntArray:
    lower, higher = timeframe_ms(series.interval), timeframe_ms(timeframe)
    if higher % lower:
        raise MarketDataError(
            f"{series.symbol}: {timeframe} candles can't be made of {series.interval} candles:"
            " the timeframe must be a multiple"
        )
    buckets = series.ts - (series.ts - open_time(0, higher)) % higher
    if len(buckets) and int(series.ts[0] - buckets[0]) % lower:
        raise MarketDataError(
            f"{series.symbol}: {timeframe} candles can't be made of {series.interval} candles that"
            f" keep another grid than UTC's (the first opens at {series.ts[0]})"
        )
    return buckets


def _unclosed(series: CandleSeries, timeframe: str, buckets: IntArray) -> bool:
    reached = int(series.ts[-1]) + timeframe_ms(series.interval)
    return int(buckets[-1]) + timeframe_ms(timeframe) > reached


def _merge(series: CandleSeries, timeframe: str, buckets: IntArray) -> CandleSeries:
    """One candle for each distinct bucket, of the rows in which something was traded.

    Exchanges put a flat candle at the last price where nothing was traded; such a price is not the
    open of the higher candle (the first trade is), unless nothing else stands in it.
    """
    starts = _starts(buckets)
    untraded = (series.volume == 0) & (series.high == series.low)
    untraded[1:] &= series.open[1:] == series.close[:-1]
    if untraded.any():
        traded = ~untraded
        any_traded = np.logical_or.reduceat(traded, starts)
        kept = traded | ~np.repeat(any_traded, np.diff(starts, append=len(buckets)))
        series, buckets = _select(series, kept), buckets[kept]
        starts = _starts(buckets)
    return CandleSeries(
        series.symbol,
        timeframe,
        buckets[starts],
        series.open[starts],
        np.maximum.reduceat(series.high, starts),
        np.minimum.reduceat(series.low, starts),
        series.close[np.append(starts[1:], len(series)) - 1],
        np.add.reduceat(series.volume, starts),
    )


def _starts(buckets: IntArray) -> IntArray:
    return np.flatnonzero(np.diff(buckets, prepend=buckets[0] - 1))


def _select(series: CandleSeries, kept: NDArray[np.bool_]) -> CandleSeries:
    arrays = {name: getattr(series, name)[kept] for name in _ARRAYS}
    return CandleSeries(series.symbol, series.interval, **arrays)
