"""Technical indicators over numpy arrays, oldest value first, and their names in the config.

Every function returns arrays as long as its input, with NaN where a value has not warmed up or
does not exist (0/0). The recursive ones are TA-Lib's, with its seeds: an EMA begins with a simple
mean; RSI, ATR and ADX smooth as Wilder did in *New Concepts in Technical Trading Systems* (1978).
"""

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tui_trader.features.talib_loader import load_talib
from tui_trader.market_data.series import CandleSeries, FloatArray

if TYPE_CHECKING:
    from talib import _ta_lib as talib
else:
    talib = load_talib()


def sma(close: FloatArray, length: int) -> FloatArray:
    """Simple moving average."""
    return talib.SMA(close, length)


def ema(close: FloatArray, length: int) -> FloatArray:
    """Exponential moving average with alpha = 2 / (length + 1), begun with the mean of `length`."""
    return talib.EMA(close, length)


def rsi(close: FloatArray, length: int) -> FloatArray:
    """Wilder's relative strength index, 0 to 100; NaN while the price has never moved."""
    return _once_moved(talib.RSI(close, length), close, close)


def macd(
    close: FloatArray, fast: int, slow: int, signal: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Appel's MACD: fast EMA - slow EMA, the EMA of that, and their difference.

    Each EMA has its own seed, so that the line begins `signal` - 1 candles before TA-Lib's MACD.
    """
    line = ema(close, fast) - ema(close, slow)
    smoothed = ema(line, signal)
    return line, smoothed, line - smoothed


def bollinger(
    close: FloatArray, length: int, std: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bollinger's upper, middle and lower band: mean ± `std` population deviations (ddof 0)."""
    return talib.BBANDS(close, length, std, std)


def atr(high: FloatArray, low: FloatArray, close: FloatArray, length: int) -> FloatArray:
    """Wilder's average true range, in quote currency."""
    return talib.ATR(high, low, close, length)


def adx(high: FloatArray, low: FloatArray, close: FloatArray, length: int) -> FloatArray:
    """Wilder's average directional index, 0 to 100; NaN while the price has never moved."""
    return _once_moved(talib.ADX(high, low, close, length), high, low)


def stochastic(
    high: FloatArray, low: FloatArray, close: FloatArray, k: int, d: int, smooth_k: int
) -> tuple[FloatArray, FloatArray]:
    """Lane's slow stochastic %K and %D, 0 to 100; NaN where `k` candles span no range at all."""
    lowest = talib.MIN(low, k)
    span = talib.MAX(high, k) - lowest
    raw = np.full(len(close), np.nan)
    np.divide(100 * (close - lowest), span, out=raw, where=span > 0)
    smoothed = _mean(raw, smooth_k)
    return smoothed, _mean(smoothed, d)


def obv(close: FloatArray, volume: FloatArray) -> FloatArray:
    """Granville's on-balance volume in base currency, 0 at the first candle."""
    result: FloatArray = np.cumsum(np.sign(np.diff(close, prepend=close[:1])) * volume)
    return result


def volume_ratio(volume: FloatArray, length: int) -> FloatArray:
    """Volume over the mean of the `length` candles before; NaN where those traded nothing."""
    before = _mean(volume, length)[:-1]
    ratio = np.full(len(volume), np.nan)
    np.divide(volume[1:], before, out=ratio[1:], where=before > 0)
    return ratio


def _mean(values: FloatArray, length: int) -> FloatArray:
    # Not a running sum, which keeps a residue of large old values, and a NaN for ever.
    mean = np.full(len(values), np.nan)
    if len(values) >= length:
        mean[length - 1 :] = np.convolve(values, np.full(length, 1 / length), "valid")
    return mean


def _once_moved(values: FloatArray, high: FloatArray, low: FloatArray) -> FloatArray:
    # TA-Lib gives 0 for the 0/0 of a price that has not moved, which would read as oversold.
    if not (values == 0.0).any():
        return values
    moved = np.maximum.accumulate(high) > np.minimum.accumulate(low)
    return np.where(moved, values, np.nan)


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator with its parameters set.

    `outputs` maps the name of each output to the closed candles that its first value needs;
    `compute` gives one array an output, in the same order.
    """

    outputs: Mapping[str, int]
    compute: Callable[[CandleSeries], tuple[FloatArray, ...]]

    @property
    def warmup(self) -> int:
        """Closed candles that all outputs need."""
        return max(self.outputs.values())


def _sma(length: int = 10) -> Indicator:
    return Indicator({f"sma_{length}": length}, lambda s: (sma(s.close, length),))


def _ema(length: int = 10) -> Indicator:
    return Indicator({f"ema_{length}": length}, lambda s: (ema(s.close, length),))


def _rsi(length: int = 14) -> Indicator:
    return Indicator({f"rsi_{length}": length + 1}, lambda s: (rsi(s.close, length),))


def _macd(fast: int = 12, slow: int = 26, signal: int = 9) -> Indicator:
    name = _label("macd", (fast, slow, signal), (12, 26, 9))
    line = max(fast, slow)
    smoothed = line + signal - 1
    return Indicator(
        {name: line, f"{name}_signal": smoothed, f"{name}_histogram": smoothed},
        lambda s: macd(s.close, fast, slow, signal),
    )


def _bb(length: int = 20, std: float = 2) -> Indicator:
    name = _label("bb", (length, std), (20, 2))
    return Indicator(
        dict.fromkeys((f"{name}_upper", f"{name}_middle", f"{name}_lower"), length),
        lambda s: bollinger(s.close, length, std),
    )


def _atr(length: int = 14) -> Indicator:
    return Indicator(
        {f"atr_{length}": length + 1}, lambda s: (atr(s.high, s.low, s.close, length),)
    )


def _adx(length: int = 14) -> Indicator:
    return Indicator(
        {f"adx_{length}": 2 * length}, lambda s: (adx(s.high, s.low, s.close, length),)
    )


def _stoch(k: int = 14, d: int = 3, smooth_k: int = 3) -> Indicator:
    name = _label("stoch", (k, d, smooth_k), (14, 3, 3))
    first = k + smooth_k - 1
    return Indicator(
        {f"{name}_k": first, f"{name}_d": first + d - 1},
        lambda s: stochastic(s.high, s.low, s.close, k, d, smooth_k),
    )


def _obv() -> Indicator:
    return Indicator({"obv": 1}, lambda s: (obv(s.close, s.volume),))


def _volume_ratio(length: int = 20) -> Indicator:
    name = _label("volume_ratio", (length,), (20,))
    return Indicator({name: length + 1}, lambda s: (volume_ratio(s.volume, length),))


def _label(kind: str, parameters: tuple[float, ...], usual: tuple[float, ...]) -> str:
    if parameters == usual:
        return kind
    return "_".join([kind, *(f"{value:g}" for value in parameters)])


#: The indicators computed here, by the name of the config; every other name is pandas-ta's.
KINDS: Mapping[str, Callable[..., Indicator]] = {
    "sma": _sma,
    "ema": _ema,
    "rsi": _rsi,
    "macd": _macd,
    "bb": _bb,
    "atr": _atr,
    "adx": _adx,
    "stoch": _stoch,
    "obv": _obv,
    "volume_ratio": _volume_ratio,
}

#: What every cycle computes.
DEFAULT_INDICATORS = (
    "ema_20",
    "ema_50",
    "rsi_14",
    "macd",
    "bb",
    "atr_14",
    "adx_14",
    "volume_ratio",
)


def indicator(spec: str | Mapping[str, Any]) -> Indicator:
    """The indicator that the config calls `sma_100` or `{kind = "sma", length = 100}`.

    A kind not among `KINDS` is looked for in pandas-ta, which is imported only then. Raises
    ValueError for a name, parameter or value that does not exist, naming the nearest that does.
    """
    kind, parameters = _parse(spec)
    if kind in KINDS:
        factory = KINDS[kind]
        known = inspect.signature(factory).parameters
        for name, value in parameters.items():
            require_known(f"parameter of {kind}", name, known)
            _check(kind, name, value, whole=known[name].annotation is int)
        return factory(**parameters)

    from tui_trader.features import pandas_ta

    require_known("indicator", kind, [*KINDS, *pandas_ta.kinds()])
    return pandas_ta.indicator(kind, parameters)


def require_known(what: str, name: str, known: Iterable[str]) -> None:
    """Raise ValueError that names the nearest of `known` unless `name` is one of them."""
    known = set(known)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f": did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"{name!r} is no {what}{hint}")


def _parse(spec: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(spec, str):
        match = re.fullmatch(r"(.+?)(?:_([0-9]+))?", spec)
        if match is None:
            raise ValueError("an indicator needs a name, as in sma_100")
        return match[1].lower(), {} if match[2] is None else {"length": int(match[2])}
    parameters = dict(spec)
    kind = parameters.pop("kind", None)
    if not isinstance(kind, str):
        raise ValueError(f"{dict(spec)} names no indicator: write kind = 'sma' beside the rest")
    return kind.lower(), parameters


def _check(kind: str, name: str, value: object, *, whole: bool) -> None:
    least = 1 if name in ("d", "smooth_k") else 2
    if whole and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        raise ValueError(f"{name} of {kind} must be a whole number of at least {least}: {value!r}")
    if not whole and (not isinstance(value, int | float) or isinstance(value, bool) or value <= 0):
        raise ValueError(f"{name} of {kind} must be a number above 0: {value!r}")
