"""Candle files: what is refused, what is skipped and counted, and what is said of it."""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market_data.candles import ARRAYS, CASES, case_index, needs_cases, walk
from tui_trader.market_data.candle_files import load_candles
from tui_trader.market_data.interfaces import MarketDataError

pa, pq = import_module("pyarrow"), import_module("pyarrow.parquet")

HEADER = "timestamp_ms,open,high,low,close,volume"
START = 1_700_000_100_000
GOOD = [f"{START + i * 300_000},1.0,1.5,0.5,1.2,{10 + i}" for i in range(8)]


def write(folder: Path, *lines: str, name: str = "LTC_BTC-5m.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def with_row(row: int, line: str) -> list[str]:
    return [HEADER, *GOOD[:row], line, *GOOD[row + 1 :]]


def stamp(row: int) -> int:
    return START + row * 300_000


FAULTS = {
    "unparsable price": (f"{stamp(3)},1.0,1.5,abc,1.2,10", "low 'abc' is not a number"),
    "decimal comma": (f'{stamp(3)},"1,0",1.5,0.5,1.2,10', "7 columns where 6"),
    "underscored": (f"{stamp(3)},1_0,1.5,0.5,1.2,10", "open '1_0' is not a number"),
    "hexadecimal": (f"{stamp(3)},0x1,1.5,0.5,1.2,10", "open '0x1' is not a number"),
    "empty price": (f"{stamp(3)},1.0,1.5,,1.2,10", "low is empty"),
    "empty volume": (f"{stamp(3)},1.0,1.5,0.5,1.2,", "volume is empty"),
    "column lost": (f"{stamp(3)},1.0,1.5,0.5,1.2", "5 columns where 6"),
    "column too many": (f"{stamp(3)},1.0,1.5,0.5,1.2,10,11", "7 columns where 6"),
    "second header": (HEADER, "'timestamp_ms' is not a whole number"),
    "date": ("2023-11-14 22:30:00,1.0,1.5,0.5,1.2,10", "not a whole number of milliseconds"),
    "rounded by a spreadsheet": ("1.70E+12,1.0,1.5,0.5,1.2,10", "'1.70E+12' is not a whole number"),
    "beyond 64 bits": ("9" * 30 + ",1.0,1.5,0.5,1.2,10", "out of range"),
    "zero byte": (f"{stamp(3)},1.0,1.5,0.\0005,1.2,10", "is not a number"),
    "foreign digits": (f"{stamp(3)},1.0,1.5,٠.٥,1.2,10", "low '٠.٥' is not a number"),
    "foreign digits in time": ("١٧٠٠,1.0,1.5,0.5,1.2,10", "not a whole number"),
    "nan": (f"{stamp(3)},1.0,1.5,0.5,nan,10", "close is NaN"),
    "nan volume": (f"{stamp(3)},1.0,1.5,0.5,1.2,NaN", "volume is NaN"),
    "infinite": (f"{stamp(3)},1.0,inf,0.5,1.2,10", "high is infinite"),
    "overflowing": (f"{stamp(3)},1.0,1e999,0.5,1.2,10", "high is infinite"),
    "zero price": (f"{stamp(3)},1.0,1.5,0,1.2,10", "low 0.0 is not a price"),
    "negative price": (f"{stamp(3)},-1.0,1.5,-2,1.2,10", "open -1.0 is not a price"),
    "negative volume": (f"{stamp(3)},1.0,1.5,0.5,1.2,-10", "volume -10.0 is negative"),
    "high below low": (f"{stamp(3)},1.0,0.5,1.5,1.0,10", "high 0.5 is below low 1.5"),
    "open outside": (f"{stamp(3)},1.6,1.5,0.5,1.2,10", "open 1.6 is outside low 0.5 to high 1.5"),
    "close outside": (f"{stamp(3)},1.0,1.5,0.5,0.4,10", "close 0.4 is outside low 0.5 to high 1.5"),
    "disorder": (f"{stamp(1)},1.0,1.5,0.5,1.2,10", "sort the rows, oldest first"),
    "clashing duplicate": (f"{stamp(2)},1.0,1.5,0.5,1.3,12", "stands there twice"),
    "seconds in one row": (f"{stamp(3) // 1000},1.0,1.5,0.5,1.2,10", "this timestamp, unlike"),
    "off the grid": (f"{stamp(3) + 7_000},1.0,1.5,0.5,1.2,10", "off the 5m grid"),
    "zero timestamp": ("0,1.0,1.5,0.5,1.2,10", "looks like seconds"),
}


@pytest.mark.parametrize(("line", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_a_bad_row_is_refused_with_file_line_and_reason(
    tmp_path: Path, line: str, reason: str
) -> None:
    path = write(tmp_path, *with_row(3, line))
    with pytest.raises(MarketDataError) as error:
        load_candles(path)
    assert str(error.value).startswith(f"{path}, line 5: ")
    assert reason in str(error.value)


def test_the_first_bad_row_is_the_one_named(tmp_path: Path) -> None:
    rows = [HEADER, *GOOD]
    rows[7] = f"{stamp(6)},nan,1.5,0.5,1.2,10"
    rows[4] = f"{stamp(3)},1.0,1.5,0.5,1.2,-1"
    with pytest.raises(MarketDataError, match=r"line 5: volume -1.0 is negative"):
        load_candles(write(tmp_path, *rows))


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    rows = [HEADER, "", "# made by hand", *GOOD[:3], "   ", f"{stamp(3)},1,1,1,nan,1"]
    with pytest.raises(MarketDataError, match=r"line 8: close is NaN"):
        load_candles(write(tmp_path, *rows))


WHOLE_FILES = {
    "seconds": (
        [HEADER, *(f"{stamp(i) // 1000},1,1,1,1,1" for i in range(4))],
        "every timestamp looks like seconds, not milliseconds; multiply by 1000",
    ),
    "microseconds": (
        [f"{stamp(i) * 1000},1,1,1,1,1" for i in range(4)],
        "every timestamp looks like microseconds, not milliseconds; divide by 1000",
    ),
    "nanoseconds": ([f"{stamp(0) * 1_000_000},1,1,1,1,1"], "looks like nanoseconds"),
    "newest first": ([HEADER, *reversed(GOOD)], "line 3: .*sort the rows, oldest first"),
    "another timeframe, longer": (
        [f"{START + i * 900_000},1,1,1,1,1" for i in range(4)],
        "mostly 15m apart, so it is not a 5m file",
    ),
    "another timeframe, shorter": (
        [f"{START + i * 60_000},1,1,1,1,1" for i in range(4)],
        "mostly 1m apart, so it is not a 5m file",
    ),
    "empty": ([""], "the file holds no candles"),
    "header only": ([HEADER], "a header but no candles"),
    "column missing": (
        ["timestamp,open,high,low,close", "1,1,1,1,1"],
        "line 1: no column volume .*the columns are timestamp_ms, open",
    ),
    "no timestamp": (["date,open,high,low,close,volume"], "no column timestamp_ms"),
    "column twice": ([HEADER + ",close"], "column close stands there more than once"),
    "five columns, no header": ([f"{START},1,1,1,1"], "line 1: 5 columns where 6"),
    "separated by spaces": ([f"{START} 1 1 1 1 1"], "a header but no candles|no column"),
    "decimal commas": ([f"{START};0,1;0,1;0,1;0,1;1"], "open '0,1' is not a number"),
}


@pytest.mark.parametrize(("lines", "reason"), WHOLE_FILES.values(), ids=WHOLE_FILES.keys())
def test_a_file_that_is_wrong_as_a_whole_is_refused(
    tmp_path: Path, lines: list[str], reason: str
) -> None:
    path = write(tmp_path, *lines)
    with pytest.raises(MarketDataError, match=reason) as error:
        load_candles(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no candles"),
        ("timestamp,open".encode("utf-16"), "not UTF-8"),
        (b"PK\x03\x04\xff\xfe", "not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "LTC_BTC-5m.csv"
    path.write_bytes(content)
    with pytest.raises(MarketDataError, match=reason):
        load_candles(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match=r"LTC_BTC-5m.csv: No such file"):
        load_candles(tmp_path / "LTC_BTC-5m.csv")
    with pytest.raises(MarketDataError, match="Is a directory"):
        load_candles(tmp_path)


def test_what_can_be_skipped_safely_is_counted_and_said(tmp_path: Path) -> None:
    rows = [*GOOD[:3], GOOD[2], GOOD[2], "", *GOOD[5:]]
    lines = [HEADER + " # from the exchange", *rows, "# the end"]
    file = load_candles(write(tmp_path, *lines))
    assert len(file.series) == 6
    assert (file.duplicates, file.blank_lines, file.comments) == (2, 1, 2)
    assert (file.gaps, file.missing) == (1, 2)
    assert file.warnings == (
        "2 repeated rows skipped",
        "1 blank line skipped",
        "2 comments skipped",
        "1 gap, 2 candles missing",
    )


def test_a_clean_file_has_nothing_to_say(tmp_path: Path) -> None:
    file = load_candles(write(tmp_path, HEADER, *GOOD))
    assert file.warnings == ()
    assert (file.symbol, file.timeframe) == ("LTC/BTC", "5m")
    assert file.series.ts.tolist() == [stamp(i) for i in range(8)]
    assert file.series.candle(2).volume == 12.0


def test_zero_volume_is_fine(tmp_path: Path) -> None:
    assert load_candles(write(tmp_path, f"{START},1,1,1,1,0")).warnings == ()


FORMS = {
    "no header": "\n".join(GOOD),
    "windows": "\r\n".join([HEADER, *GOOD]) + "\r\n",
    "byte order mark": "\ufeff" + "\n".join([HEADER, *GOOD]),
    "byte order mark, no header": "\ufeff" + "\n".join(GOOD),
    "semicolons": "\n".join([HEADER, *GOOD]).replace(",", ";"),
    "tabs": "\n".join([HEADER, *GOOD]).replace(",", "\t"),
    "spaces around": "\n".join([HEADER, *GOOD]).replace(",", " , "),
    "quoted header": "\n".join([HEADER.replace("open", '"open"'), *GOOD]),
    "capitals": "\n".join([HEADER.upper().replace("_MS", ""), *GOOD]),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_other_forms_of_the_same_table_are_the_same(tmp_path: Path, text: str) -> None:
    path = tmp_path / "LTC_BTC-5m.csv"
    path.write_bytes(text.encode())
    file = load_candles(path)
    assert file.series.ts.tolist() == [stamp(i) for i in range(8)]
    assert file.series.low.tolist() == [0.5] * 8
    assert file.warnings == ()


def test_the_header_says_the_order_of_columns_and_others_are_not_used(tmp_path: Path) -> None:
    lines = [",close,trades,low,high,open,timestamp,volume", f"0,1.2,9 é€,0.5,1.5,1.0,{START},10"]
    file = load_candles(write(tmp_path, *lines))
    candle = file.series.candle(0)
    assert (candle.ts, candle.open, candle.high, candle.low, candle.close, candle.volume) == (
        START, 1.0, 1.5, 0.5, 1.2, 10.0,
    )  # fmt: skip
    assert file.warnings == ("columns not used: (no name), trades",)


@pytest.mark.parametrize(
    ("name", "symbol", "timeframe"),
    [
        ("LTC_BTC-5m.csv", "LTC/BTC", "5m"),
        ("1000PEPE_USDT-5m.csv", "1000PEPE/USDT", "5m"),
        ("BTC_USDT_USDT-5m-futures.csv", "BTC/USDT:USDT", "5m"),
    ],
)
def test_a_name_says_symbol_and_timeframe(
    tmp_path: Path, name: str, symbol: str, timeframe: str
) -> None:
    file = load_candles(write(tmp_path, *GOOD, name=name))
    assert (file.symbol, file.timeframe) == (symbol, timeframe)
    assert (file.series.symbol, file.series.interval) == (symbol, timeframe)


def test_arguments_come_before_the_name(tmp_path: Path) -> None:
    path = write(tmp_path, *GOOD, name="LTC_BTC-1h.csv")
    file = load_candles(path, symbol="XMR/BTC", timeframe="5m")
    assert (file.symbol, file.timeframe) == ("XMR/BTC", "5m")


@pytest.mark.parametrize("name", ["data.csv", "BTCUSDT-5m.csv", "my_data.csv", "BTC-5m.csv"])
def test_a_name_that_says_no_symbol_is_refused_unless_one_is_given(
    tmp_path: Path, name: str
) -> None:
    path = write(tmp_path, *GOOD, name=name)
    with pytest.raises(MarketDataError, match=r"--symbol.*agent\.symbols.*rename"):
        load_candles(path)
    assert load_candles(path, symbol="BTC/USDT").timeframe == "5m"


def test_months_are_no_timeframe(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match="'1M' is not a timeframe"):
        load_candles(write(tmp_path, *GOOD, name="LTC_BTC-1M.csv"))


def test_one_candle_does_not_show_its_timeframe(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD[0], name="data.csv")
    with pytest.raises(MarketDataError, match="one candle does not show its timeframe"):
        load_candles(path, symbol="LTC/BTC")


def test_spacing_that_is_no_timeframe_is_refused(tmp_path: Path) -> None:
    rows = [f"{START + i * 1_500},1,1,1,1,1" for i in range(4)]
    with pytest.raises(MarketDataError, match="1500 ms apart, which is not a timeframe"):
        load_candles(write(tmp_path, *rows, name="data.csv"), symbol="LTC/BTC")


def test_a_file_on_another_grid_is_told(tmp_path: Path) -> None:
    rows = [f"{86_400_000 * (19_000 + i) + 16 * 3_600_000},1,1,1,1,1" for i in range(4)]
    file = load_candles(write(tmp_path, *rows, name="LTC_BTC-1d.csv"))
    assert file.warnings == ("its candles open 16:00:00 after the 1d grid of UTC",)


@given(
    at=st.integers(0, 7),
    column=st.integers(0, 5),
    cell=st.one_of(
        st.text(max_size=12),
        st.text("0123456789.+-einfax_ \t\x00\x1f\x7f", max_size=12),
        st.floats().map(repr),
        st.integers().map(str),
    ),
)
def test_no_cell_brings_down_anything_but_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, column: int, cell: str
) -> None:
    cells = GOOD[at].split(",")
    cells[column] = cell
    path = tmp_path_factory.mktemp("cell") / "LTC_BTC-5m.csv"
    path.write_text(
        "\n".join([HEADER, *GOOD[:at], ",".join(cells), *GOOD[at + 1 :]]), "utf-8", "replace"
    )
    try:
        series = load_candles(path).series
    except MarketDataError:
        return
    assert np.all(np.diff(series.ts) > 0)
    assert np.all(series.low > 0)
    assert np.all((series.low <= series.open) & (series.open <= series.high))
    assert np.all((series.low <= series.close) & (series.close <= series.high))
    assert np.all(np.isfinite(series.high))
    assert np.all(np.isfinite(series.volume) & (series.volume >= 0))


def parquet(folder: Path, **changes: Any) -> Path:
    series = walk(20, "5m")
    columns: dict[str, Any] = {name: getattr(series, name) for name in ARRAYS}
    columns["timestamp_ms"] = columns.pop("ts")
    columns.update(changes)
    path = folder / "LTC_BTC-5m.parquet"
    pq.write_table(pa.table({k: v for k, v in columns.items() if v is not None}), path)
    return path


def test_parquet_holds_the_same_as_csv(tmp_path: Path) -> None:
    file = load_candles(parquet(tmp_path))
    expected = walk(20, "5m")
    assert (file.symbol, file.timeframe, file.warnings) == ("LTC/BTC", "5m", ())
    for name in ARRAYS:
        assert np.array_equal(getattr(file.series, name), getattr(expected, name))


def test_parquet_timestamps_may_be_timestamps(tmp_path: Path) -> None:
    ts = walk(20, "5m").ts
    zoned = pa.array(ts * 1_000_000, pa.timestamp("ns", "UTC"))
    file = load_candles(parquet(tmp_path, timestamp_ms=zoned))
    assert np.array_equal(file.series.ts, ts)
    assert file.warnings == ()
    naive = pa.array(ts, pa.timestamp("ms"))
    file = load_candles(parquet(tmp_path, timestamp_ms=naive))
    assert np.array_equal(file.series.ts, ts)
    assert file.warnings == ("timestamps carry no time zone and are read as UTC",)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"close": None}, "no column close"),
        ({"close": pa.array([1.0] * 7 + [None] + [1.0] * 12)}, "row 8: close is empty"),
        ({"close": pa.array(["1"] * 20)}, "column close can't be read: it holds text"),
        ({"timestamp_ms": pa.array([1.5e12] * 20)}, "timestamp_ms can't be read: .*double"),
        ({"close": np.full(20, np.nan)}, "row 1: close is NaN"),
        ({"high": np.full(20, 1.0)}, "row 1: high 1.0 is below low"),
    ],
)
def test_a_bad_parquet_file_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(MarketDataError, match=rf"LTC_BTC-5m\.parquet.*{reason}"):
        load_candles(parquet(tmp_path, **changes))


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, *GOOD, name="LTC_BTC-5m.parquet")
    with pytest.raises(MarketDataError, match="not a readable Parquet file"):
        load_candles(path)
    with pytest.raises(MarketDataError, match=r"LTC_BTC-1m\.parquet"):
        load_candles(tmp_path / "LTC_BTC-1m.parquet")


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parquet(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MarketDataError, match=re.escape("install the extra `parquet`")):
        load_candles(path)


@needs_cases
@pytest.mark.parametrize("case", case_index(), ids=lambda case: Path(case["file"]).stem)
def test_exchange_files_load_with_the_gaps_that_they_have(case: dict[str, Any]) -> None:
    file = load_candles(CASES / case["file"].removeprefix("share/"))
    assert len(file.series) == case["rows"]
    assert (file.gaps, file.missing) == (case["gaps"], case["missing_bars"])
    assert file.duplicates == case["dups"]
    assert file.path.stem == f"{file.symbol.replace('/', '_')}-{file.timeframe}"


@needs_cases
def test_the_gaps_of_a_file_are_told_in_words() -> None:
    file = load_candles(CASES / "gaps/UNITTEST_BTC-1m.csv")
    assert file.warnings == ("538 gaps, 717 candles missing",)
