"""Rows of candle files as arrays, as they stand in the file: nothing is checked or mended here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.market_data.series import FloatArray, IntArray

PRICES = ("open", "high", "low", "close")
FIELDS = ("timestamp_ms", *PRICES, "volume")
_TIMESTAMP_NAMES = ("timestamp_ms", "timestamp")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(nan|inf|infinity)", re.I
)


@dataclass(frozen=True, slots=True)
class CandleTable:
    """The rows of one file; `columns` holds open, high, low, close, volume, each of shape (n,).

    `places` says where each row stands in the file, counted in `unit`s (`line` or `row`) from 1.
    """

    path: Path
    ts: IntArray
    columns: dict[str, FloatArray]
    places: Sequence[int]
    unit: str
    blank_lines: int = 0
    comments: int = 0
    notes: tuple[str, ...] = ()

    def error(self, row: int, reason: str) -> MarketDataError:
        """An error that names the file and the place of `row` in it."""
        return MarketDataError(f"{self.path}, {self.unit} {self.places[row]}: {reason}")


def read_csv(path: Path) -> CandleTable:
    """A text file of `timestamp_ms,open,high,low,close,volume`, with a header or without.

    The delimiter may be a comma, a semicolon or a tab; a header may name the columns in any order
    and beside others. Raises MarketDataError with the line of what is not a number.
    """
    lines = _read_text(path).removesuffix("\n").split("\n")
    blank_lines = sum(not line.strip() for line in lines)
    comments = sum("#" in line for line in lines)
    if comments:
        lines = [line.partition("#")[0] for line in lines]
    places = [number for number, line in enumerate(lines, 1) if line.strip()]
    if not places:
        raise MarketDataError(f"{path}: the file holds no candles")
    first = lines[places[0] - 1]
    delimiter = next((sign for sign in (";", "\t") if sign in first), ",")
    names = [cell.strip().strip('"') for cell in first.split(delimiter)]
    notes: tuple[str, ...] = ()
    if any(_NUMBER.fullmatch(name) for name in names):
        width, indexes = len(FIELDS), list(range(len(FIELDS)))
    else:
        width, (indexes, notes) = len(names), _locate(names, f"{path}, line {places[0]}")
        del places[0]
    if not places:
        raise MarketDataError(f"{path}: the file has a header but no candles")
    rows = [lines[place - 1] for place in places]
    try:
        ts, columns = _parse(rows, delimiter, width, indexes)
    except (ValueError, OverflowError) as error:
        row, reason = _first_unreadable(rows, delimiter, width, indexes)
        where = path if row is None else f"{path}, line {places[row]}"
        raise MarketDataError(f"{where}: {reason or error}") from None
    return CandleTable(path, ts, columns, places, "line", blank_lines, comments, notes)


def read_parquet(path: Path) -> CandleTable:
    """A Parquet file with the columns of a CSV file; timestamps may also be of a timestamp type.

    Raises MarketDataError, also where pyarrow is not installed.
    """
    try:
        pa, pq = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise MarketDataError(
            f"{path}: Parquet files need pyarrow: install the extra `parquet`,"
            " as in pip install 'tui-trader[parquet]'"
        ) from None
    try:
        names = list(pq.read_schema(path).names)
        indexes, notes = _locate(names, str(path))
        table = pq.read_table(path, columns=[names[index] for index in indexes])
    except (pa.ArrowException, OSError) as error:
        raise MarketDataError(f"{path}: not a readable Parquet file: {error}") from None
    if table.num_rows == 0:
        raise MarketDataError(f"{path}: the file holds no candles")
    ts, *columns = (
        _parquet_column(path, field, table.column(names[index]))
        for field, index in zip(FIELDS, indexes, strict=True)
    )
    kind = table.column(names[indexes[0]]).type
    if pa.types.is_timestamp(kind) and kind.tz is None:
        notes += ("timestamps carry no time zone and are read as UTC",)
    by_name = dict(zip(FIELDS[1:], columns, strict=True))
    return CandleTable(path, ts, by_name, range(1, len(ts) + 1), "row", notes=notes)


def _read_text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise MarketDataError(
            f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise MarketDataError(f"{path}: {error.strerror or error}") from None


def _parse(
    rows: Sequence[str], delimiter: str, width: int, indexes: Sequence[int]
) -> tuple[IntArray, dict[str, FloatArray]]:
    """Timestamps and columns of rows of `width` cells. Raises ValueError or OverflowError."""
    dtype = [(f"unused{index}", "U1") for index in range(width)]
    for field, index in zip(FIELDS, indexes, strict=True):
        dtype[index] = (field, "i8" if field == FIELDS[0] else "f8")
    if not all(map(str.isascii, rows)):  # numpy 2.4's parser crashes on some other characters
        rows = [row.encode("ascii", "replace").decode() for row in rows]
    table = np.loadtxt(rows, dtype=dtype, delimiter=delimiter, comments=None, ndmin=1)
    ts, *columns = (np.ascontiguousarray(table[field]) for field in FIELDS)
    return ts, dict(zip(FIELDS[1:], columns, strict=True))


def _locate(names: Sequence[str], where: str) -> tuple[list[int], tuple[str, ...]]:
    """Where each of `FIELDS` stands among the column names, and a note of the columns not used."""
    known = [name.strip().lower() for name in names]
    timestamp = next((name for name in _TIMESTAMP_NAMES if name in known), None)
    wanted = [timestamp or _TIMESTAMP_NAMES[0], *FIELDS[1:]]
    missing = [name for name in wanted if name not in known]
    if missing:
        found = ", ".join(names)
        raise MarketDataError(
            f"{where}: no column {', '.join(missing)} (found: {found});"
            f" the columns are {', '.join(FIELDS)}"
        )
    doubled = [name for name in wanted if known.count(name) > 1]
    if doubled:
        raise MarketDataError(f"{where}: column {doubled[0]} stands there more than once")
    ignored = [
        name or "(no name)" for name, low in zip(names, known, strict=True) if low not in wanted
    ]
    notes = (f"columns not used: {', '.join(ignored)}",) if ignored else ()
    return [known.index(name) for name in wanted], notes


def _first_unreadable(
    rows: Sequence[str], delimiter: str, width: int, indexes: Sequence[int]
) -> tuple[int | None, str]:
    for row, line in enumerate(rows):
        cells = line.split(delimiter)
        if len(cells) != width:
            return row, f"{len(cells)} columns where {width} are expected"
        for field, index in zip(FIELDS, indexes, strict=True):
            reason = _unreadable(field, cells[index].strip())
            if reason:
                return row, reason
    return None, ""


def _unreadable(field: str, cell: str) -> str:
    if not cell:
        return f"{field} is empty"
    if field != FIELDS[0]:
        return "" if _NUMBER.fullmatch(cell) else f"{field} {cell!r} is not a number"
    if not _INTEGER.fullmatch(cell):
        return f"{field} {cell!r} is not a whole number of milliseconds (Unix time, UTC)"
    return "" if len(cell) < 19 else f"{field} {cell!r} is out of range"


def _parquet_column(path: Path, field: str, column: Any) -> Any:
    """A column as an array: of int64 for the timestamp, of float64 for any other field."""
    pa = import_module("pyarrow")
    if column.null_count:
        row = column.is_null().to_pylist().index(True) + 1
        raise MarketDataError(f"{path}, row {row}: {field} is empty")
    kind = column.type
    try:
        if field != FIELDS[0]:
            if pa.types.is_string(kind) or pa.types.is_large_string(kind):
                raise pa.ArrowInvalid("it holds text")
            return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.timestamp("ms", kind.tz))
        elif not pa.types.is_integer(kind):
            raise pa.ArrowInvalid(f"it is of type {kind}, not whole milliseconds")
        return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)
    except pa.ArrowException as error:
        raise MarketDataError(f"{path}: column {field} can't be read: {error}") from None
