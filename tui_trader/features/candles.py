"""Features of closed candles."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tui_trader.features.indicators import DEFAULT_INDICATORS, Indicator, indicator
from tui_trader.features.interfaces import CandleBasedFeatureComputer
from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.market_data.series import CandleSeries
from tui_trader.models import FeatureVector, InstrumentRef
from tui_trader.timeframes import timeframe_ms


class SimpleCandleFeatureComputer(CandleBasedFeatureComputer):
    """The last close and the newest value of each indicator.

    `indicators` are names or tables as `indicator` takes them; raises ValueError as it does.
    """

    def __init__(self, indicators: Sequence[str | Mapping[str, Any]] = DEFAULT_INDICATORS) -> None:
        chosen: dict[tuple[str, ...], Indicator] = {}
        for spec in indicators:
            built = indicator(spec)
            chosen.setdefault(tuple(built.outputs), built)
        self._indicators = tuple(chosen.values())

    @property
    def warmup(self) -> int:
        return max((each.warmup for each in self._indicators), default=1)

    def compute_series(self, series: CandleSeries) -> FeatureVector:
        """Features at the close of the last candle.

        Raises MarketDataError for a series without candles, or with a number that is not finite.
        """
        _require_usable(series)
        values = {"close": float(series.close[-1])}
        missing: list[str] = []
        for each in self._indicators:
            found = _newest(each, series)
            values.update(found)
            missing.extend(name for name in each.outputs if name not in found)
        return FeatureVector(
            ts=int(series.ts[-1]) + timeframe_ms(series.interval),
            instrument=InstrumentRef(symbol=series.symbol),
            values=values,
            meta={
                "interval": series.interval,
                "group_by_key": "candles",
                "input_hash": input_hash(series),
                "missing": missing,
                "candles": len(series),
            },
        )


def input_hash(series: CandleSeries) -> str:
    """SHA-256 of the candles: symbol and interval, then ts and OHLCV as little-endian arrays."""
    digest = hashlib.sha256(f"{series.symbol} {series.interval} ".encode())
    digest.update(np.ascontiguousarray(series.ts, dtype="<i8").data)
    for column in (series.open, series.high, series.low, series.close, series.volume):
        digest.update(np.ascontiguousarray(column, dtype="<f8").data)
    return digest.hexdigest()


def _newest(each: Indicator, series: CandleSeries) -> dict[str, float]:
    count = len(series)
    if count < min(each.outputs.values()):
        return {}
    arrays = each.compute(series)
    return {
        name: value
        for (name, needed), array in zip(each.outputs.items(), arrays, strict=True)
        if count >= needed and math.isfinite(value := float(array[-1]))
    }


def _require_usable(series: CandleSeries) -> None:
    what = f"{series.symbol} {series.interval}"
    if not len(series):
        raise MarketDataError(f"{what}: there is no closed candle")
    finite = np.isfinite(series.open + series.high + series.low + series.close + series.volume)
    if not finite.all():
        ts = series.ts[finite.argmin()]
        raise MarketDataError(f"{what}: the candle at {ts} ms holds a value that is not a number")
