"""Technical indicators: arrays in, arrays of the same length out, NaN before they have warmed up.

TA-Lib computes what every cycle needs. It imports pandas where that is installed (about 60 MB); its
extension module can't be had without, short of tampering with `sys.modules`, so the engine pays
that once, on its own thread, after the console's first frame.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import talib

from tui_trader.market_data.series import CandleSeries, FloatArray

Arrays = Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One or more named features.

    `warmup` is the number of candles before all of them are there.
    """

    name: str
    warmup: int
    compute: Callable[[CandleSeries], Arrays]


def ema(values: FloatArray, length: int) -> FloatArray:
    """Exponential moving average, seeded with the simple average of the first `length` values."""
    return _after_gap(values, lambda known: talib.EMA(known, timeperiod=length), length)


def sma(values: FloatArray, length: int) -> FloatArray:
    """Simple moving average."""
    return _after_gap(values, lambda known: talib.SMA(known, timeperiod=length), length)


def rsi(values: FloatArray, length: int = 14) -> FloatArray:
    """Relative strength index (Wilder), 0 to 100."""
    return _array(talib.RSI(values, timeperiod=length))


def macd(values: FloatArray, fast: int = 12, slow: int = 26, signal: int = 9) -> Arrays:
    """MACD line, signal and histogram, each from averages seeded where their own input begins.

    TA-Lib's own MACD holds the line back until the signal is there; this one has it from bar
    `slow`.
    """
    line = ema(values, fast) - ema(values, slow)
    smoothed = ema(line, signal)
    return {"macd": line, "macd_signal": smoothed, "macd_histogram": line - smoothed}


def bollinger(values: FloatArray, length: int = 20, width: float = 2.0) -> Arrays:
    """Bollinger bands: `width` population standard deviations around the simple average."""
    upper, middle, lower = talib.BBANDS(values, timeperiod=length, nbdevup=width, nbdevdn=width)
    return {"bb_upper": upper, "bb_middle": middle, "bb_lower": lower}


def atr(series: CandleSeries, length: int = 14) -> FloatArray:
    """Average true range (Wilder), in quote currency."""
    return _array(talib.ATR(series.high, series.low, series.close, timeperiod=length))


def adx(series: CandleSeries, length: int = 14) -> FloatArray:
    """Average directional index (Wilder), 0 to 100."""
    return _array(talib.ADX(series.high, series.low, series.close, timeperiod=length))


def volume_ratio(series: CandleSeries, length: int = 20) -> FloatArray:
    """Volume as a multiple of the mean of the `length` candles before; NaN where that mean is 0."""
    ratio = np.full(len(series), np.nan)
    if len(series) > length:
        # Each mean by itself: a running sum leaves a residue that would pass for a volume.
        before = np.lib.stride_tricks.sliding_window_view(series.volume[:-1], length).mean(axis=1)
        np.divide(series.volume[length:], before, out=ratio[length:], where=before > 0)
    return ratio


def stochastic(series: CandleSeries, length: int = 14, smooth: int = 3, signal: int = 3) -> Arrays:
    """Slow stochastic oscillator %K and its signal %D, 0 to 100."""
    raw, _ = talib.STOCHF(
        series.high, series.low, series.close, fastk_period=length, fastd_period=1
    )
    slow = sma(raw, smooth)
    return {"stoch_k": slow, "stoch_d": sma(slow, signal)}


def obv(series: CandleSeries) -> FloatArray:
    """On-balance volume, counted from 0 at the first candle."""
    total = talib.OBV(series.close, series.volume)
    return _array(total - total[0])


def _array(values: Any) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def _after_gap(values: FloatArray, compute: Callable[[FloatArray], Any], length: int) -> FloatArray:
    """`compute` on the values after their leading NaNs, which TA-Lib does not skip by itself."""
    known = values[np.isnan(values).sum() :]
    out = np.full(len(values), np.nan)
    if len(known) >= length:
        out[len(values) - len(known) :] = compute(known)
    return out


def _one(name: str, warmup: int, compute: Callable[[CandleSeries], FloatArray]) -> Indicator:
    return Indicator(name, warmup, lambda series: {name: compute(series)})


DEFAULT: tuple[Indicator, ...] = (
    _one("ema_20", 20, lambda series: ema(series.close, 20)),
    _one("ema_50", 50, lambda series: ema(series.close, 50)),
    _one("rsi_14", 15, lambda series: rsi(series.close, 14)),
    Indicator("macd", 34, lambda series: macd(series.close)),
    Indicator("bb", 20, lambda series: bollinger(series.close)),
    _one("atr_14", 15, atr),
    _one("adx_14", 28, adx),
    _one("volume_ratio", 21, volume_ratio),
)
"""What every cycle computes."""

_OURS: Mapping[str, Callable[[int], Indicator]] = {
    "ema": lambda n: _one(f"ema_{n}", n, lambda series: ema(series.close, n)),
    "sma": lambda n: _one(f"sma_{n}", n, lambda series: sma(series.close, n)),
    "rsi": lambda n: _one(f"rsi_{n}", n + 1, lambda series: rsi(series.close, n)),
    "atr": lambda n: _one(f"atr_{n}", n + 1, lambda series: atr(series, n)),
    "adx": lambda n: _one(f"adx_{n}", 2 * n, lambda series: adx(series, n)),
    "stoch": lambda n: Indicator("stoch", n + 4, lambda series: stochastic(series, n)),
    "obv": lambda _: _one("obv", 1, obv),
}
_USUAL_LENGTH = {"ema": 20, "sma": 20, "rsi": 14, "atr": 14, "adx": 14, "stoch": 14, "obv": 1}
_NAME = re.compile(r"([a-z][a-z0-9_]*?)(?:_([0-9]+))?")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An indicator by its pandas-ta name, with that library's parameters."""

    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def named(spec: str | Mapping[str, Any]) -> Indicator:
    """An indicator by name: `sma_100`, `supertrend`, or `{"kind": "sma", "length": 100}`.

    Ours where we have it, else pandas-ta-classic's. Raises ValueError with the nearest known name.
    """
    wanted = _parse(spec)
    if wanted.kind in _OURS and set(wanted.parameters) <= {"length"}:
        length = wanted.parameters.get("length", _USUAL_LENGTH[wanted.kind])
        if not isinstance(length, int) or length < 1:
            raise ValueError(f"features.indicators: {spec!r}: length must be a whole number")
        return _OURS[wanted.kind](length)
    return _from_pandas_ta(wanted, spec)


def _parse(spec: str | Mapping[str, Any]) -> _Wanted:
    if isinstance(spec, str):
        match = _NAME.fullmatch(spec.lower())
        if match is None:
            raise ValueError(f"features.indicators: {spec!r} is not a name such as sma_100")
        return _Wanted(match[1], {"length": int(match[2])} if match[2] else {})
    kind = spec.get("kind")
    if not isinstance(kind, str):
        raise ValueError(f"features.indicators: {dict(spec)!r} has no kind, as in kind = 'sma'")
    return _Wanted(kind.lower(), {name: value for name, value in spec.items() if name != "kind"})


def _from_pandas_ta(wanted: _Wanted, spec: object) -> Indicator:
    """Imported only where somebody asks for it: it takes a third of a second."""
    import pandas as pd
    import pandas_ta_classic as ta

    names: Sequence[str] = [name for group in ta.Category.values() for name in group]
    if wanted.kind not in names:
        nearest = difflib.get_close_matches(wanted.kind, [*names, *_OURS], n=3, cutoff=0.4)
        known = ", ".join(nearest) or "none"
        raise ValueError(f"features.indicators: {spec!r} is unknown; nearest known: {known}")

    def compute(series: CandleSeries) -> Arrays:
        index = pd.to_datetime(series.ts, unit="ms", utc=True)
        columns = ("open", "high", "low", "close", "volume")
        frame = pd.DataFrame({name: getattr(series, name) for name in columns}, index=index)
        result = getattr(frame.ta, wanted.kind)(**wanted.parameters)
        if result is None:
            return {wanted.kind: np.full(len(series), np.nan)}
        table = result.to_frame() if isinstance(result, pd.Series) else result
        return {str(name).lower(): _array(table[name]) for name in table.columns}

    lengths = [value for value in wanted.parameters.values() if isinstance(value, int)]
    return Indicator(wanted.kind, max([*lengths, 1]), compute)
