"""Numbers and times in the words in which a model and an operator read them."""

from datetime import UTC, datetime

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def amount(value: float) -> str:
    """A price or quantity with up to eight significant digits: `68654.5`, `0.016425`."""
    return f"{value:.8g}"


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction as a percentage: 0.098 is `9.8 %`."""
    return f"{fraction * 100:.{digits}f} %"


def duration(ms: float) -> str:
    """A span of time in its two largest units: `2 h 5 min`."""
    seconds = max(0, round(ms / 1000))
    parts: list[str] = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def utc(ts_ms: int) -> str:
    """A time (Unix ms) as `2018-01-11 16:40:00 UTC`."""
    return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def moment(ts_ms: int, now_ms: int) -> str:
    """A time (Unix ms) in UTC: `16:40:00Z` on the day of `now_ms`, else with its date before it."""
    at, now = (datetime.fromtimestamp(each / 1000, UTC) for each in (ts_ms, now_ms))
    return f"{at:%H:%M:%SZ}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%SZ}"
