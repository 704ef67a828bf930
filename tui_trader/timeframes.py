"""Timeframes such as `5m` and their lengths."""

import re

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
# Unix time began on a Thursday; exchanges count weeks, and Binance its 3d bars, from a Monday.
# Every length that divides a day has the same grid from either origin.
_ORIGIN_MS = 4 * _UNITS["d"]
_PATTERN = re.compile(r"([1-9][0-9]{0,3})([smhdw])")


def timeframe_ms(timeframe: str) -> int:
    """Length of a timeframe (`30s`, `5m`, `1h`, `1d`, `1w`) in ms.

    Raises ValueError for anything else.
    """
    match = _PATTERN.fullmatch(timeframe)
    if match is None:
        raise ValueError(
            f"{timeframe!r} is not a timeframe: write a number and s, m, h, d or w, as in 5m"
        )
    return int(match[1]) * _UNITS[match[2]]


def timeframe_of(length_ms: int) -> str:
    """The timeframe of a length in ms, in its largest unit, or ValueError where there is none."""
    for unit in reversed(_UNITS):
        count, rest = divmod(length_ms, _UNITS[unit])
        if rest == 0 and 0 < count < 10_000:
            return f"{count}{unit}"
    raise ValueError(f"{length_ms} ms is not the length of a timeframe")


def open_time(ts_ms: int, length_ms: int) -> int:
    """Open time (ms) of the candle of `length_ms` that holds `ts_ms`; weeks begin on Mondays."""
    return ts_ms - (ts_ms - _ORIGIN_MS) % length_ms
