"""What must hold of the rows of a candle file before anything is traded on them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from tui_trader.market_data.candle_tables import PRICES, CandleTable
from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.market_data.series import IntArray
from tui_trader.timeframes import open_time, timeframe_ms, timeframe_of

_EARLIEST_MS = 10**11  # 1973: smaller numbers are seconds
_LATEST_MS = 10**14  # 5138: larger numbers are microseconds or nanoseconds


def check_rows(table: CandleTable) -> None:
    """Raise MarketDataError for the first row that is no candle or stands in the wrong place."""
    _check_unit(table)
    found = [(int(np.argmax(mask)), reason) for mask, reason in _faults(table) if mask.any()]
    if found:
        row, reason = min(found, key=lambda fault: fault[0])
        values = {name: column[row] for name, column in table.columns.items()}
        times = {"ts": table.ts[row], "date": _date(table.ts[row]), "before": table.ts[row - 1]}
        raise table.error(row, reason.format(**values, **times))


def repeated_rows(table: CandleTable) -> NDArray[np.bool_]:
    """True where a row is the row before it once more, in every column."""
    same = np.zeros(len(table.ts), dtype=np.bool_)
    same[1:] = table.ts[1:] == table.ts[:-1]
    for column in table.columns.values():
        same[1:] &= column[1:] == column[:-1]
    return same


def check_timeframe(table: CandleTable, declared: str | None) -> str:
    """The timeframe of the rows: the declared one where it fits, else the most common spacing.

    Raises MarketDataError where the rows are of another timeframe, or one stands off the grid.
    """
    spacing = np.diff(table.ts)
    spacing = spacing[spacing > 0]
    if declared is None:
        declared = _common_timeframe(table, spacing)
    length = timeframe_ms(declared)
    if len(spacing):
        common = _most_common(spacing)
        if common < length or length not in spacing:
            raise MarketDataError(
                f"{table.path}: its rows are mostly {_duration(common)} apart, so it is not a"
                f" {declared} file; mend its name or what timeframe was given for it"
            )
    phases = (table.ts - open_time(0, length)) % length
    expected = _most_common(phases)
    off_grid = phases != expected
    if off_grid.any():
        row = int(np.argmax(off_grid))
        raise table.error(
            row,
            f"timestamp {table.ts[row]} ({_date(table.ts[row])}) is off the {declared} grid"
            " on which the other rows stand",
        )
    return declared


def grid_offset_ms(ts: IntArray, length: int) -> int:
    """How long (ms) after the usual grid of its timeframe a series that keeps one grid opens."""
    return int((ts[0] - open_time(0, length)) % length)


def _check_unit(table: CandleTable) -> None:
    wrong = (table.ts < _EARLIEST_MS) | (table.ts >= _LATEST_MS)
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    value = int(table.ts[row])
    if value < _EARLIEST_MS:
        unit, remedy = "seconds", "multiply by 1000"
    elif value < _LATEST_MS * 1000:
        unit, remedy = "microseconds", "divide by 1000"
    else:
        unit, remedy = "nanoseconds", "divide by 1000000"
    extent = "every timestamp" if wrong.all() else "this timestamp, unlike others,"
    raise table.error(
        row, f"timestamp {value}: {extent} looks like {unit}, not milliseconds; {remedy}"
    )


def _faults(table: CandleTable) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """What may be wrong with a row: True where it is, and the reason as a format of its values."""
    ts, columns = table.ts, table.columns
    high, low, volume = columns["high"], columns["low"], columns["volume"]
    for name, column in columns.items():
        yield np.isnan(column), f"{name} is NaN"
        yield np.isinf(column), f"{name} is infinite"
    for name in PRICES:
        yield columns[name] <= 0, f"{name} {{{name}}} is not a price: it must be above 0"
    yield volume < 0, "volume {volume} is negative"
    yield high < low, "high {high} is below low {low}"
    for name in ("open", "close"):
        outside = (columns[name] > high) | (columns[name] < low)
        yield outside, f"{name} {{{name}}} is outside low {{low}} to high {{high}}"
    step = np.diff(ts, prepend=ts[0] - 1)
    yield step < 0, "timestamp {ts} ({date}) comes after {before}: sort the rows, oldest first"
    yield (
        (step == 0) & ~repeated_rows(table),
        "timestamp {ts} ({date}) stands there twice with different numbers: remove the wrong row",
    )


def _common_timeframe(table: CandleTable, spacing: IntArray) -> str:
    if not len(spacing):
        raise MarketDataError(
            f"{table.path}: one candle does not show its timeframe;"
            " give it, or name the file like LTC_BTC-5m.csv"
        )
    common = _most_common(spacing)
    try:
        return timeframe_of(common)
    except ValueError:
        raise MarketDataError(
            f"{table.path}: its rows are mostly {common} ms apart, which is not a timeframe"
        ) from None


def _most_common(values: IntArray) -> int:
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[np.argmax(counts)])


def _duration(length_ms: int) -> str:
    try:
        return timeframe_of(length_ms)
    except ValueError:
        return f"{length_ms} ms"


def _date(ts_ms: int) -> str:
    return datetime.fromtimestamp(int(ts_ms) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
