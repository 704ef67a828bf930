"""Timeframes such as `5m` and their lengths."""

import re

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_WEEK_ORIGIN_MS = 4 * 86_400_000  # Unix time began on a Thursday; exchange weeks begin on Monday.
_PATTERN = re.compile(r"([1-9][0-9]{0,3})([smhdw])")


def timeframe_ms(timeframe: str) -> int:
    """Length of a timeframe (`30s`, `5m`, `1h`, `1d`, `1w`) in ms. Raises ValueError for anything else."""
    match = _PATTERN.fullmatch(timeframe)
    if match is None:
        raise ValueError(
            f"{timeframe!r} is not a timeframe: write a number and s, m, h, d or w, as in 5m"
        )
    return int(match[1]) * _UNITS[match[2]]


def open_time(ts_ms: int, length_ms: int) -> int:
    """Open time (ms) of the candle of `length_ms` that holds `ts_ms`; weeks begin on Monday, UTC."""
    origin = _WEEK_ORIGIN_MS if length_ms % _UNITS["w"] == 0 else 0
    return ts_ms - (ts_ms - origin) % length_ms
