"""Candle files, loaded and checked before a row of them is used."""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tui_trader.market_data.candle_checks import (
    check_rows,
    check_timeframe,
    grid_offset_ms,
    repeated_rows,
)
from tui_trader.market_data.candle_tables import CandleTable, read_csv, read_parquet
from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.market_data.series import CandleSeries
from tui_trader.timeframes import timeframe_ms

_NAME = re.compile(
    r"(?P<base>[A-Z0-9]+)_(?P<quote>[A-Z0-9]+)(?:_(?P<settle>[A-Z0-9]+))?"
    r"-(?P<timeframe>[0-9]+[A-Za-z]+)(?:-(?:futures|spot))?"
)


@dataclass(frozen=True, slots=True)
class CandleFile:
    """A checked candle file: what it holds, and counts of what was skipped or is missing.

    `warnings` says the counts that are not zero in words. Whether the last candle had closed when
    the file was written can't be known: it is taken as closed.
    """

    path: Path
    symbol: str
    timeframe: str
    series: CandleSeries
    warnings: tuple[str, ...]
    duplicates: int
    blank_lines: int
    comments: int
    gaps: int
    missing: int


def load_candles(
    path: Path, *, symbol: str | None = None, timeframe: str | None = None
) -> CandleFile:
    """Load a CSV or Parquet file of candles and check every row.

    Symbol and timeframe come from the arguments, else from a name like `LTC_BTC-5m.csv`; the
    timeframe else from the spacing of the rows. Rows that repeat the row before them, blank lines
    and comments (`#`) are skipped and counted; gaps are counted and never filled; anything else
    that is wrong raises MarketDataError with file, line and reason.
    """
    table = read_parquet(path) if path.suffix in {".parquet", ".pq"} else read_csv(path)
    check_rows(table)
    symbol, timeframe = _identify(path, symbol, timeframe)
    timeframe = check_timeframe(table, timeframe)
    repeated = repeated_rows(table)
    series = _series(table, ~repeated, symbol, timeframe)
    steps = np.diff(series.ts) // timeframe_ms(timeframe)
    counts = {
        "duplicates": int(repeated.sum()),
        "blank_lines": table.blank_lines,
        "comments": table.comments,
        "gaps": int((steps > 1).sum()),
        "missing": int((steps - 1).sum()),
    }
    warnings = (*table.notes, *_in_words(series, counts))
    return CandleFile(path, symbol, timeframe, series, warnings, **counts)


def _identify(path: Path, symbol: str | None, timeframe: str | None) -> tuple[str, str | None]:
    match = _NAME.fullmatch(path.stem)
    if match and symbol is None:
        settle = f":{match['settle']}" if match["settle"] else ""
        symbol = f"{match['base']}/{match['quote']}{settle}"
    if match and timeframe is None:
        timeframe = match["timeframe"]
    if symbol is None:
        raise MarketDataError(
            f"{path}: the name does not say which symbol it holds: pass --symbol, set"
            " agent.symbols, or rename it like LTC_BTC-5m.csv"
        )
    if timeframe is not None:
        try:
            timeframe_ms(timeframe)
        except ValueError as error:
            raise MarketDataError(f"{path}: {error}") from None
    return symbol, timeframe


def _series(
    table: CandleTable, kept: NDArray[np.bool_], symbol: str, timeframe: str
) -> CandleSeries:
    columns = {name: column[kept] for name, column in table.columns.items()}
    return CandleSeries(symbol, timeframe, table.ts[kept], **columns)


def _in_words(series: CandleSeries, counts: dict[str, int]) -> list[str]:
    words = []
    if count := counts["duplicates"]:
        words.append(f"{_plural(count, 'repeated row')} skipped")
    if count := counts["blank_lines"]:
        words.append(f"{_plural(count, 'blank line')} skipped")
    if count := counts["comments"]:
        words.append(f"{_plural(count, 'comment')} skipped")
    if count := counts["gaps"]:
        words.append(f"{_plural(count, 'gap')}, {_plural(counts['missing'], 'candle')} missing")
    if offset := grid_offset_ms(series.ts, timeframe_ms(series.interval)):
        late = timedelta(milliseconds=offset)
        words.append(f"its candles open {late} after the {series.interval} grid of UTC")
    return words


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
