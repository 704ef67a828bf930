"""Numbers, times and foreign text as the console writes them. Unknown is "–", never zero.

Functions with a `width` give exactly that many cells, right-aligned; a number that does not fit
becomes `####`, because a number cut short is another number.
"""

import math
import unicodedata
from functools import lru_cache

UNKNOWN = "–"

_MAX_DECIMALS = 12
_QUANTITY_DECIMALS = 8
_LEAST_USD = 0.000001


# --- numbers --------------------------------------------------------------------------------------


def money(value: float | None, decimals: int = 2, width: int = 0) -> str:
    """An amount of quote currency: `10,241.80`."""
    return _number(value, f",.{decimals}f", width)


def signed(value: float | None, decimals: int = 2, width: int = 0) -> str:
    """A change, with its sign: `+113.40`."""
    return _number(value, f"+,.{decimals}f", width)


def percent(fraction: float | None, signed: bool = True, decimals: int = 2, width: int = 0) -> str:
    """A fraction as a percentage: 0.0112 is `+1.12%`."""
    value = None if fraction is None else fraction * 100
    sign = "+" if signed else ""
    return _number(value, f"{sign},.{decimals}f", width, unit="%")


def quantity(value: float | None, width: int = 0) -> str:
    """A base quantity, to eight decimals without trailing zeros; smaller ones as `1e-09`."""
    if value is not None and 0 < abs(value) < 10**-_QUANTITY_DECIMALS:
        return _number(value, ".3g", width)
    text = _number(value, f",.{_QUANTITY_DECIMALS}f", 0)
    return _right(text.rstrip("0").rstrip(".") if "." in text else text, width)


def price(value: float | None, reference: float | None = None, width: int = 0) -> str:
    """A price with the decimals of `reference` (else its own), so that a column stays in line."""
    decimals = price_decimals(value if reference is None else reference)
    return _number(value, f",.{decimals}f", width)


def price_decimals(price: float | None) -> int:
    """Decimals that show at least five significant digits of a price of this magnitude, 2 to 12."""
    if price is None or not math.isfinite(price) or price == 0:
        return 2
    return min(max(4 - math.floor(math.log10(abs(price))), 2), _MAX_DECIMALS)


def bar(fraction: float | None, width: int) -> str:
    """A gauge of `width` cells: `▰▰▱▱`. Anything above 0 shows; full means 1 or more."""
    if fraction is None or not math.isfinite(fraction):
        return UNKNOWN.ljust(width)
    filled = round(min(max(fraction, 0.0), 1.0) * width)
    if 0 < fraction < 1:
        filled = min(max(filled, 1), max(width - 1, 1))
    return "▰" * filled + "▱" * (width - filled)


def usd(value: float | None) -> str:
    """What a model cost in US dollars: `$0.31`, and what is small to two digits: `$0.0042`."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if 0 < abs(value) < _LEAST_USD:
        return f"<${_LEAST_USD:f}"
    decimals = 2
    if 0 < abs(value) < 0.1:
        decimals = 1 - math.floor(math.log10(abs(value)))
    text = f"{abs(value):,.{decimals}f}"
    whole, _, part = text.partition(".")
    return f"{'-' if value < 0 else ''}${whole}.{part.rstrip('0'):0<2}"


def _number(value: float | None, spec: str, width: int, unit: str = "") -> str:
    if value is None or not math.isfinite(value):
        return _right(UNKNOWN, width)
    text = format(value, spec)
    if text.startswith("-") and not any(digit in text for digit in "123456789"):
        text = format(0.0, spec)
    return _right(text + unit, width)


def _right(text: str, width: int) -> str:
    return "#" * width if 0 < width < len(text) else text.rjust(width)


# --- times ----------------------------------------------------------------------------------------


def seconds(ms: int | None) -> str:
    """How long something took: `2.4s`, from a hundred on `104s`, below a tenth `31ms`."""
    if ms is None:
        return UNKNOWN
    if ms < 100:
        return f"{ms}ms"
    return f"{ms / 1000:.1f}s" if ms < 99_950 else f"{ms / 1000:.0f}s"


def age(ms: int | None, width: int = 0) -> str:
    """How long ago: `0.3s`, `12s`, `4m`, `3h04m`, `2d03h`. Cut, not rounded; never below 0."""
    return _right(UNKNOWN if ms is None else _age(max(ms, 0)), width)


def _age(ms: int) -> str:
    if ms < 10_000:
        return f"{ms // 1000}.{ms % 1000 // 100}s"
    seconds = ms // 1000
    if seconds < 60:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 24:
        return f"{hours}h{minutes % 60:02d}m"
    return f"{hours // 24}d{hours % 24:02d}h"


def clock_time(ts_ms: int | None) -> str:
    """The time of day in UTC: `14:32:07Z`."""
    if ts_ms is None:
        return UNKNOWN.rjust(9)
    seconds = ts_ms // 1000 % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def countdown(ms: int | None) -> str:
    """What is left: `12:53`, from an hour on `1:02:03`. Seconds rounded up; past is `00:00`."""
    if ms is None:
        return UNKNOWN.rjust(5)
    seconds = max(-(-ms // 1000), 0)
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours}:{minutes % 60:02d}:{seconds % 60:02d}"
    return f"{minutes:02d}:{seconds % 60:02d}"


# --- text -----------------------------------------------------------------------------------------


def cells(text: str) -> int:
    """How many terminal cells `text` takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


@lru_cache(maxsize=4096)
def _cells(character: str) -> int:
    point = ord(character)
    if unicodedata.category(character)[0] in "MC" or _takes_no_cell(point):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" or _is_hexagram(point) else 1


def _takes_no_cell(point: int) -> bool:
    """Joining parts of Hangul syllables, and skin tones."""
    return 0x1160 <= point <= 0x11FF or 0xD7B0 <= point <= 0xD7FF or 0x1F3FB <= point <= 0x1F3FF


def _is_hexagram(point: int) -> bool:
    """Signs of the Yijing and counting rods: wide since Unicode 16, which Python may not know."""
    return (
        0x2630 <= point <= 0x2637
        or 0x268A <= point <= 0x268F
        or 0x4DC0 <= point <= 0x4DFF
        or 0x1D300 <= point <= 0x1D376
    )


def fit(text: str, width: int) -> str:
    """`text` cut to at most `width` cells, the cut marked with `…`."""
    if cells(text) <= width:
        return text
    room = width - 1
    if room < 0:
        return ""
    for index, character in enumerate(text):
        room -= _cells(character)
        if room < 0:
            return text[:index] + "…"
    return text


def pad(text: str, width: int) -> str:
    """`text` cut or filled to exactly `width` cells, left-aligned."""
    short = fit(text, width)
    return short + " " * (width - cells(short))
