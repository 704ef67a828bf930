"""Features of closed candles."""

import hashlib
from collections.abc import Sequence

import numpy as np

from tui_trader.features.indicators import DEFAULT, Indicator
from tui_trader.features.interfaces import CandleBasedFeatureComputer
from tui_trader.market_data.series import CandleSeries
from tui_trader.models import FeatureVector, InstrumentRef
from tui_trader.timeframes import timeframe_ms


class SimpleCandleFeatureComputer(CandleBasedFeatureComputer):
    """The newest value of each indicator, and the last close. What is not known is absent."""

    def __init__(self, indicators: Sequence[Indicator] = DEFAULT) -> None:
        self._indicators = tuple(indicators)

    @property
    def warmup(self) -> int:
        return max((indicator.warmup for indicator in self._indicators), default=1)

    def compute_series(self, series: CandleSeries) -> FeatureVector:
        """Features as of the close of the last candle. Raises ValueError for an empty series."""
        if not len(series):
            raise ValueError(f"no closed candle of {series.symbol} {series.interval}")
        values = {"close": float(series.close[-1])}
        missing: list[str] = []
        for indicator in self._indicators:
            if len(series) < indicator.warmup:
                missing.append(indicator.name)
                continue
            for name, array in indicator.compute(series).items():
                newest = float(array[-1])
                if np.isfinite(newest):
                    values[name] = newest
                else:
                    missing.append(name)
        return FeatureVector(
            ts=int(series.ts[-1]) + timeframe_ms(series.interval),
            instrument=InstrumentRef(symbol=series.symbol),
            values=values,
            meta={
                "interval": series.interval,
                "group_by_key": "candles",
                "input_hash": input_hash(series),
                "candles": len(series),
                "missing": missing,
            },
        )


def input_hash(series: CandleSeries) -> str:
    """SHA-256 (hex) of the candles that features were computed from, the same on every machine."""
    digest = hashlib.sha256(f"{series.symbol} {series.interval} {len(series)}".encode())
    digest.update(series.ts.astype("<i8").tobytes())
    for array in (series.open, series.high, series.low, series.close, series.volume):
        digest.update(array.astype("<f8").tobytes())
    return digest.hexdigest()
