"""The candles: what each glyph means, that they fit, and that they stand still."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.console import market
from tui_trader.console.canvas import Row, length
from tui_trader.console.charts import candles, studies
from tui_trader.console.charts.candles import Chart, Overlay
from tui_trader.console.theme import EMA_FAST
from tui_trader.models import Candle, InstrumentRef, TradeSide
from tui_trader.view.model import TradeMarker

MINUTE = 60_000


def candle(index: int, open_: float, high: float, low: float, close: float) -> Candle:
    return Candle(
        ts=index * MINUTE,
        instrument=InstrumentRef(symbol="BTC/USDT"),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=index + 1.0,
        interval="1m",
    )


def text(row: Row) -> str:
    return "".join(part for part, _ in row)


def picture(chart: Chart, width: int = 40, height: int = 12, volume: int = 0) -> list[str]:
    return [text(row) for row in candles.draw(chart, width, height, volume_rows=volume)]


def test_a_candle_has_a_body_from_open_to_close_and_wicks_to_high_and_low() -> None:
    rows = picture(Chart([candle(0, 20, 40, 0, 30)]), height=6)
    column = next(index for index, char in enumerate(rows[2]) if char in "┃╹╻╽╿")
    glyphs = "".join(row[column] for row in rows)
    assert glyphs.strip("│╷╵ ")
    assert set(glyphs) <= set("│┃╷╵╹╻╽╿ ")
    assert glyphs.index("│") < glyphs.index("┃" if "┃" in glyphs else "╿")


def test_a_candle_without_a_body_is_still_seen() -> None:
    rows = "".join(picture(Chart([candle(0, 20, 20, 20, 20), candle(1, 30, 30, 30, 30)])))
    assert sum(rows.count(glyph) for glyph in "╹╻╽╿┃") == 2


def test_fills_stand_under_a_buy_and_over_a_sell() -> None:
    bars = [candle(index, 50, 60, 40, 50) for index in range(10)]
    fills = [
        TradeMarker(ts=3 * MINUTE + 5, side=TradeSide.BUY, price=50),
        TradeMarker(ts=7 * MINUTE, side=TradeSide.SELL, price=50),
        TradeMarker(ts=99 * MINUTE, side=TradeSide.SELL, price=50),
    ]
    wide = [*bars, candle(10, 50, 100, 0, 50)]
    rows = picture(Chart(wide, markers=fills, length_ms=MINUTE))
    everything = "\n".join(rows)
    assert everything.count("▲") == 1
    assert everything.count("▼") == 1
    buy = next(row for row in rows if "▲" in row).index("▲")
    sell = next(row for row in rows if "▼" in row).index("▼")
    assert sell - buy == 4


@pytest.mark.parametrize(
    ("last", "decimals", "label"),
    [(67_412.5, 2, "67,412.50"), (0.022404, 6, "0.022404"), (1_234_567.0, 2, "1,234,567.00")],
)
def test_the_last_price_is_written_with_the_decimals_of_its_magnitude(
    last: float, decimals: int, label: str
) -> None:
    bars = [candle(i, last, last * 1.01, last * 0.99, last) for i in range(20)]
    rows = picture(Chart(bars, decimals=decimals, last=last))
    assert sum(f"◂ {label}" in row for row in rows) == 1


def test_round_prices_are_labelled_three_rows_apart_or_more() -> None:
    bars = market.candles("BTC/USDT")
    rows = picture(Chart(bars, length_ms=market.STEP), width=80, height=20)
    labelled = [index for index, row in enumerate(rows[:-1]) if "," in row]
    assert len(labelled) >= 3
    assert all(b - a >= 3 for a, b in pairwise(labelled))


def test_times_below_are_those_of_the_candles_above() -> None:
    bars = market.candles("BTC/USDT")
    rows = picture(Chart(bars, length_ms=market.STEP), width=80, height=20)
    column = rows[-1].index("14:00")
    glyphs = set("┃│╽╿╷╵╹╻")
    last = max(index for row in rows for index, char in enumerate(row[:69]) if char in glyphs)
    minutes = (bars[-1].ts // MINUTE % 1440) - 14 * 60
    assert last - column == minutes // 5


def test_most_new_candles_leave_the_old_ones_where_they_are() -> None:
    bars = [candle(index, 50, 60 + index % 7, 40, 55) for index in range(200)]
    moved = 0
    for count in range(100, 140):
        before = picture(Chart(bars[:count], length_ms=MINUTE))[0][:30].rstrip()
        after = picture(Chart(bars[: count + 1], length_ms=MINUTE))[0][:30]
        moved += not after.startswith(before)
    assert moved == 40 // 4


def test_a_tick_inside_the_range_changes_no_other_column() -> None:
    bars = list(market.candles("BTC/USDT"))
    ticked = bars[-1].model_copy(update={"close": (bars[-1].high + bars[-1].low) / 2})
    before = picture(Chart(bars, length_ms=market.STEP), 80, 20)
    after = picture(Chart([*bars[:-1], ticked], length_ms=market.STEP), 80, 20)
    changed = {
        column
        for a, b in zip(before, after, strict=True)
        for column, (x, y) in enumerate(zip(a, b, strict=True))
        if x != y
    }
    assert len(changed) <= 1


prices = st.floats(min_value=1e-8, max_value=1e9, allow_nan=False)


@given(
    st.lists(st.tuples(prices, prices, prices), min_size=1, max_size=80),
    st.integers(0, 130),
    st.integers(0, 40),
    st.integers(0, 3),
)
def test_any_market_fits_any_room(
    bars: list[tuple[float, float, float]], width: int, height: int, volume: int
) -> None:
    shown = [candle(i, a, max(a, b, c), min(a, b, c), c) for i, (a, b, c) in enumerate(bars)]
    closes = [bar.close for bar in shown]
    chart = Chart(
        shown,
        overlays=[Overlay(studies.ema(closes, 5), EMA_FAST)],
        markers=[TradeMarker(ts=0, side=TradeSide.BUY, price=1)],
        length_ms=MINUTE,
        last=closes[-1],
        entry=closes[0],
    )
    rows = candles.draw(chart, width, height, volume_rows=volume)
    assert len(rows) in (0, height)
    assert {length(row) for row in rows} <= {width}


def test_volume_bars_are_as_high_as_their_share() -> None:
    bars = [candle(index, 50, 60, 40, 55) for index in range(8)]
    rows = picture(Chart(bars, length_ms=MINUTE), height=12, volume=1)
    assert "▁▂▃▄▅▆▇█" in rows[-2]


def test_a_frame_takes_about_a_millisecond(capsys: pytest.CaptureFixture[str]) -> None:
    bars = market.candles("BTC/USDT")
    closes = [bar.close for bar in bars]
    lines = [Overlay(studies.ema(closes, period), EMA_FAST) for period in (20, 50)]
    chart = Chart(bars, overlays=lines, length_ms=market.STEP, last=closes[-1])
    best = min(_seconds(chart) for _ in range(5))
    with capsys.disabled():
        print(f"\ncandles 76x19: {best * 1e3:.2f} ms a frame")  # noqa: T201
    assert best < 0.05


def _seconds(chart: Chart) -> float:
    start = time.perf_counter()
    candles.draw(chart, 76, 19, volume_rows=2)
    return time.perf_counter() - start
