"""Indicators in plain Python, for drawing only: the console imports no numpy.

Definitions are the agent's (TA-Lib's); None while one warms up.
"""

from collections.abc import Sequence
from itertools import pairwise

Series = list[float | None]


def ema(values: Sequence[float], period: int) -> Series:
    """Exponential moving average: smoothing 2 / (period + 1), seeded with the first mean."""
    if len(values) < period:
        return [None] * len(values)
    current = sum(values[:period]) / period
    out: Series = [None] * (period - 1)
    out.append(current)
    weight = 2.0 / (period + 1)
    for value in values[period:]:
        current += (value - current) * weight
        out.append(current)
    return out


def rsi(values: Sequence[float], period: int = 14) -> Series:
    """Wilder's relative strength index, 0 to 100; 50 where nothing has moved."""
    if len(values) <= period:
        return [None] * len(values)
    changes = [after - before for before, after in pairwise(values)]
    gain = sum(max(change, 0.0) for change in changes[:period]) / period
    loss = sum(max(-change, 0.0) for change in changes[:period]) / period
    out: Series = [None] * period
    out.append(_strength(gain, loss))
    for change in changes[period:]:
        gain += (max(change, 0.0) - gain) / period
        loss += (max(-change, 0.0) - loss) / period
        out.append(_strength(gain, loss))
    return out


def _strength(gain: float, loss: float) -> float:
    return 100 * gain / (gain + loss) if gain + loss > 0 else 50.0


def macd(values: Sequence[float]) -> tuple[Series, Series]:
    """MACD line, EMA12 less EMA26, and its signal line, the EMA9 of that."""
    line: Series = [
        None if fast is None or slow is None else fast - slow
        for fast, slow in zip(ema(values, 12), ema(values, 26), strict=True)
    ]
    known = [value for value in line if value is not None]
    return line, [*[None] * (len(line) - len(known)), *ema(known, 9)]
