"""Closed candles as arrays: the form in which bars travel inside the agent."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tui_trader.models import Candle, InstrumentRef

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Closed candles of one symbol and interval, oldest first; all arrays have shape (n,).

    `ts` holds open times in ms, strictly increasing; prices are quote currency, volume base
    currency.
    """

    symbol: str
    interval: str
    ts: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __len__(self) -> int:
        return len(self.ts)

    @classmethod
    def from_candles(cls, symbol: str, interval: str, candles: Sequence[Candle]) -> "CandleSeries":
        """Arrays of the given candles, in their order."""
        table = np.array(
            [(c.open, c.high, c.low, c.close, c.volume) for c in candles], dtype=np.float64
        ).reshape(-1, 5)
        ts = np.array([c.ts for c in candles], dtype=np.int64)
        return cls(symbol, interval, ts, *(np.ascontiguousarray(table[:, i]) for i in range(5)))

    def slice(self, start: int, stop: int) -> "CandleSeries":
        """Candles `start` to `stop` (exclusive), as views without copying."""
        part = slice(start, stop)
        return CandleSeries(
            self.symbol,
            self.interval,
            self.ts[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
        )

    def candle(self, index: int) -> Candle:
        """One candle as a DTO."""
        return Candle(
            ts=int(self.ts[index]),
            instrument=InstrumentRef(symbol=self.symbol),
            open=float(self.open[index]),
            high=float(self.high[index]),
            low=float(self.low[index]),
            close=float(self.close[index]),
            volume=float(self.volume[index]),
            interval=self.interval,
        )

    def candles(self) -> list[Candle]:
        """All candles as DTOs, oldest first."""
        return [self.candle(index) for index in range(len(self))]
