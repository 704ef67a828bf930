"""The simulated market is a function of seed, symbol and time, and looks like a market."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.market_data.candles import MONDAY_MS, same
from tui_trader.market_data.aggregate import aggregate
from tui_trader.market_data.price_path import GRIDS_MS, PricePath, sampling_ms
from tui_trader.timeframes import open_time, timeframe_ms

DAY_MS = 86_400_000
moments = st.integers(1_500_000_000_000, 1_900_000_000_000)


def path(symbol: str = "BTC/USDT", seed: int = 7) -> PricePath:
    return PricePath(seed, symbol, 1.2)


@settings(max_examples=40)
@given(moments, st.sampled_from(["1s", "5s", "1m", "7m", "1h", "1d", "3d"]), st.integers(1, 60))
def test_a_candle_does_not_depend_on_what_is_asked_with_it(
    moment: int, interval: str, offset: int
) -> None:
    length = timeframe_ms(interval)
    start = open_time(moment, length)
    long = path().candles(interval, start, 80)
    short = path().candles(interval, start + offset * length, 80 - offset)
    assert same(long.slice(offset, 80), short)


@settings(max_examples=20)
@given(
    moments,
    st.sampled_from([("5s", "1m"), ("1s", "30s"), ("3m", "15m"), ("5m", "1h"), ("4h", "1d")]),
)
def test_a_longer_candle_is_the_aggregate_of_shorter_ones(
    moment: int, intervals: tuple[str, str]
) -> None:
    short, long = intervals
    start = open_time(moment, timeframe_ms(long))
    count = timeframe_ms(long) // timeframe_ms(short)
    made = aggregate(path().candles(short, start, 5 * count), long)
    asked = path().candles(long, start, 5)
    np.testing.assert_allclose(made.volume, asked.volume, rtol=1e-9)
    for name in ("ts", "open", "high", "low", "close"):
        assert np.array_equal(getattr(made, name), getattr(asked, name)), name


@settings(max_examples=20)
@given(moments, st.sampled_from([("5s", "5m"), ("1m", "1h"), ("15m", "4h"), ("4h", "1w")]))
def test_on_a_coarser_grid_candles_open_and_close_alike_within_the_same_range(
    moment: int, intervals: tuple[str, str]
) -> None:
    short, long = intervals
    start = open_time(moment, timeframe_ms(long))
    count = timeframe_ms(long) // timeframe_ms(short)
    made = aggregate(path().candles(short, start, 3 * count), long)
    asked = path().candles(long, start, 3)
    assert np.array_equal(made.open, asked.open)
    assert np.array_equal(made.close, asked.close)
    assert np.all(asked.high <= made.high)
    assert np.all(asked.low >= made.low)


def test_another_process_sees_the_same_market() -> None:
    code = (
        "from tui_trader.market_data.price_path import PricePath\n"
        f"s = PricePath(7, 'BTC/USDT', 1.2).candles('5s', {MONDAY_MS}, 50)\n"
        "print(s.close.tolist(), s.volume.tolist())"
    )
    here = path().candles("5s", MONDAY_MS, 50)
    expected = f"{here.close.tolist()} {here.volume.tolist()}"
    for hash_seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == expected


def test_seeds_and_symbols_have_markets_of_their_own() -> None:
    one = np.diff(np.log(path().candles("1m", MONDAY_MS, 300).close))
    for other in (path(seed=8), path("ETH/USDT"), path("BTC/USDT:USDT")):
        returns = np.diff(np.log(other.candles("1m", MONDAY_MS, 300).close))
        assert abs(np.corrcoef(one, returns)[0, 1]) < 0.3


@pytest.mark.parametrize(
    ("symbol", "level", "decimals"),
    [
        ("BTC/USDT", 67_000, 1),
        ("ETH/USDT", 3_500, 2),
        ("SOL/USDC", 150, 3),
        ("BTC/USDT:USDT", 67_000, 1),
        ("ETH/BTC", 3_500 / 67_000, 7),
    ],
)
def test_prices_keep_to_a_realistic_level_and_to_a_tick(
    symbol: str, level: float, decimals: int
) -> None:
    series = path(symbol).candles("1d", MONDAY_MS - 2_000 * DAY_MS, 2_000)
    assert level / 4 < series.low.min() < series.high.max() < level * 4
    assert np.exp(np.log(series.close).mean()) == pytest.approx(level, rel=0.15)
    assert np.array_equal(series.close, np.round(series.close, decimals))
    assert len(np.unique(series.close)) > 1_900


def test_an_unknown_currency_has_a_price_too() -> None:
    assert path("NOSUCH/USDT").candles("1h", MONDAY_MS, 10).low.min() > 0


@settings(max_examples=30)
@given(moments, st.sampled_from(["1s", "5s", "1m", "15m", "4h", "1w"]), st.text(max_size=8))
def test_every_candle_is_a_candle(moment: int, interval: str, symbol: str) -> None:
    series = path(symbol).candles(interval, open_time(moment, timeframe_ms(interval)), 50)
    assert np.all(series.low > 0)
    assert np.all(series.low <= np.minimum(series.open, series.close))
    assert np.all(series.high >= np.maximum(series.open, series.close))
    assert np.all(np.isfinite(series.high) & np.isfinite(series.volume))
    assert np.all(series.volume >= 0)
    assert np.all(np.diff(series.ts) == timeframe_ms(interval))


def days_of_minutes() -> tuple[np.ndarray, np.ndarray]:
    series = path().candles("1m", MONDAY_MS, 4 * 1_440)
    return np.diff(np.log(series.close)), series.volume[1:]


def test_volatility_grows_with_the_square_root_of_time() -> None:
    path_ = path()
    for interval in ("5s", "1m", "15m", "1h", "4h", "1d"):
        length = timeframe_ms(interval)
        parts = [
            np.diff(np.log(path_.candles(interval, MONDAY_MS + n * 30 * DAY_MS, 200).close))
            for n in range(25)
        ]
        annual = np.concatenate(parts).std() * (365.25 * DAY_MS / length) ** 0.5
        assert 0.8 < annual < 1.7, interval


def test_calm_and_wild_times_alternate() -> None:
    returns, _ = days_of_minutes()
    hours = np.sort([part.std() for part in np.array_split(returns, 96)])
    assert hours[-10] > 2 * hours[10]


def test_volume_rises_with_movement() -> None:
    returns, volume = days_of_minutes()
    assert np.corrcoef(np.abs(returns), volume)[0, 1] > 0.2


def test_now_and_then_the_price_opens_with_a_gap() -> None:
    series = path().candles("1m", MONDAY_MS, 4 * 1_440)
    gaps = np.flatnonzero(series.open[1:] != series.close[:-1])
    assert 10 < len(gaps) < 60
    usual = np.median(series.high - series.low)
    assert np.median(np.abs(series.open[1:] - series.close[:-1])[gaps]) > usual


def test_samples_can_be_had_of_every_grid() -> None:
    for step in GRIDS_MS:
        samples = path().samples(open_time(MONDAY_MS, step), step, 7)
        assert len(samples.before) == len(samples.after) == 8
        assert len(samples.volume) == 7


@pytest.mark.parametrize(
    ("interval", "step"),
    [("1s", 250), ("5s", 250), ("1m", 250), ("100s", 5_000), ("7m", 15_000), ("1d", 900_000)],
)
def test_a_candle_is_sampled_on_a_grid_that_divides_it(interval: str, step: int) -> None:
    assert sampling_ms(timeframe_ms(interval)) == step
