"""Timeframes and the grids on which their candles stand."""

from datetime import UTC, datetime

import pytest

from tui_trader.timeframes import open_time, timeframe_ms, timeframe_of


@pytest.mark.parametrize("timeframe", ["1s", "90s", "5m", "7m", "4h", "1d", "3d", "1w"])
def test_a_length_has_its_timeframe_back(timeframe: str) -> None:
    assert timeframe_of(timeframe_ms(timeframe)) == timeframe


def test_a_length_is_named_in_its_largest_unit() -> None:
    assert timeframe_of(3_600_000) == "1h"
    assert timeframe_of(7 * 86_400_000) == "1w"


@pytest.mark.parametrize("length", [0, -60_000, 1_500])
def test_what_is_no_timeframe_has_no_name(length: int) -> None:
    with pytest.raises(ValueError, match=str(length)):
        timeframe_of(length)


@pytest.mark.parametrize("text", ["", "5", "m", "0m", "1M", "5 m", "-5m", "1y"])
def test_what_is_no_timeframe_has_no_length(text: str) -> None:
    with pytest.raises(ValueError, match="not a timeframe"):
        timeframe_ms(text)


@pytest.mark.parametrize(
    ("timeframe", "expected"),
    [
        ("5m", "2018-06-18 21:25"),
        ("4h", "2018-06-18 20:00"),
        ("1d", "2018-06-18 00:00"),
        ("3d", "2018-06-16 00:00"),
        ("1w", "2018-06-18 00:00"),
    ],
)
def test_candles_open_where_binance_opens_them(timeframe: str, expected: str) -> None:
    moment = datetime(2018, 6, 18, 21, 27, 12, tzinfo=UTC)
    opened = open_time(int(moment.timestamp() * 1000), timeframe_ms(timeframe))
    assert f"{datetime.fromtimestamp(opened / 1000, UTC):%Y-%m-%d %H:%M}" == expected
