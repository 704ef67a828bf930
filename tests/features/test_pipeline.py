"""Features as a cycle gets them: warm, closed, dated, and never invented."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.series import random_series, walk
from tui_trader.clock import VirtualClock
from tui_trader.features.candles import SimpleCandleFeatureComputer, input_hash
from tui_trader.features.indicators import DEFAULT, named
from tui_trader.features.interfaces import BaseFeaturesPipeline
from tui_trader.features.pipeline import DefaultFeaturesPipeline
from tui_trader.market_data.interfaces import BaseMarketDataSource, MarketDataError
from tui_trader.market_data.series import CandleSeries
from tui_trader.models import (
    Candle,
    FeaturesPipelineResult,
    FeatureVector,
    InstrumentRef,
    Ticker,
)

COMPUTER = SimpleCandleFeatureComputer()
EVERY_FEATURE = {
    "close",
    "ema_20",
    "ema_50",
    "rsi_14",
    "macd",
    "macd_signal",
    "macd_histogram",
    "bb_upper",
    "bb_middle",
    "bb_lower",
    "atr_14",
    "adx_14",
    "volume_ratio",
}


def test_every_default_feature_is_there_once_warm_and_absent_before() -> None:
    series = walk(1, COMPUTER.warmup)
    assert set(COMPUTER.compute_series(series).values) == EVERY_FEATURE
    cold = COMPUTER.compute_series(series.slice(0, COMPUTER.warmup - 1))
    assert "ema_50" not in cold.values
    assert cold.meta is not None
    assert cold.meta["missing"] == ["ema_50"]
    first = COMPUTER.compute_series(series.slice(0, 1))
    assert set(first.values) == {"close"}


def test_a_vector_is_dated_at_the_close_of_its_last_candle() -> None:
    series = walk(1, 60)
    assert COMPUTER.compute_series(series).ts == int(series.ts[-1]) + 60_000


@given(random_series(min_size=60, max_size=120), st.integers(1, 50))
@settings(max_examples=50, deadline=None)
def test_the_future_changes_no_feature(series: CandleSeries, cut: int) -> None:
    known = series.slice(0, len(series) - cut)
    doubled = series.close.copy()
    doubled[len(known) :] *= 2
    changed = replace(series, close=doubled).slice(0, len(known))
    assert COMPUTER.compute_series(known) == COMPUTER.compute_series(changed)


def test_the_hash_changes_with_any_input() -> None:
    series = walk(1, 60)
    hashes = {input_hash(series), input_hash(series.slice(1, 60)), input_hash(walk(2, 60))}
    hashes.add(input_hash(replace(series, interval="5m")))
    hashes.add(input_hash(replace(series, symbol="Y/X")))
    for column in ("open", "high", "low", "close", "volume"):
        values = getattr(series, column).copy()
        values[30] = np.nextafter(values[30], np.inf)
        hashes.add(input_hash(replace(series, **{column: values})))
    assert len(hashes) == 10


def test_a_configured_indicator_joins_the_others() -> None:
    computer = SimpleCandleFeatureComputer([*DEFAULT, named("sma_100")])
    assert computer.warmup == 100
    assert "sma_100" in computer.compute_series(walk(1, 100)).values


class Source(BaseMarketDataSource):
    """One random walk, seen up to now; it can break."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.series = walk(3, 200)
        self.broken = False

    async def get_recent_candles(
        self, symbols: Sequence[str], interval: str, lookback: int
    ) -> list[Candle]:
        if self.broken:
            raise MarketDataError("the line is down")
        closed = int((self.series.ts + 60_000 <= self.clock.now_ms()).sum())
        return self.series.slice(max(0, closed - lookback), closed).candles()

    async def get_market_snapshot(self, symbols: Sequence[str]) -> dict[str, Ticker]:
        now = self.clock.now_ms()
        return {"X/Y": Ticker(symbol="X/Y", ts=now, bid=99.0, ask=101.0, last=100.0)}


def make_pipeline() -> tuple[DefaultFeaturesPipeline, Source, VirtualClock]:
    clock = VirtualClock(1_600_000_020_000 + 100 * 60_000)
    source = Source(clock)
    pipeline = DefaultFeaturesPipeline(
        source, ["X/Y"], "1m", clock, COMPUTER, lookback=80, max_age_ms=120_000
    )
    return pipeline, source, clock


async def test_candle_features_come_first_then_those_of_the_quote() -> None:
    pipeline, source, clock = make_pipeline()
    result = await pipeline.build()
    candles, quote = result.features
    assert candles.meta is not None
    assert candles.meta["group_by_key"] == "candles"
    assert quote.values == {"bid": 99.0, "ask": 101.0, "last": 100.0, "spread_bps": 200.0}
    snapshot = result.snapshots["X/Y"]
    assert (snapshot.price, snapshot.bid, snapshot.ask) == (100.0, 99.0, 101.0)
    assert len(snapshot.ohlcv) == 50
    assert snapshot.ohlcv[-1][0] + 60_000 <= clock.now_ms()
    assert snapshot.stale_ms is None
    assert candles.values == COMPUTER.compute_series(source.series.slice(20, 100)).values


async def test_old_candles_are_marked_with_their_age() -> None:
    pipeline, source, clock = make_pipeline()
    source.series = source.series.slice(0, 100)
    await clock.sleep(180)
    assert (await pipeline.build()).snapshots["X/Y"].stale_ms == 180_000


async def test_what_was_known_before_a_failure_is_kept_but_never_decided_on() -> None:
    pipeline, source, clock = make_pipeline()
    await pipeline.build()
    source.broken = True
    await clock.sleep(5)
    with pytest.raises(MarketDataError, match="the line is down"):
        await pipeline.build()


async def test_a_broken_symbol_beside_a_good_one_is_stale_and_has_no_features() -> None:
    clock = VirtualClock(1_600_000_020_000 + 100 * 60_000)

    class Both(Source):
        gone = False

        async def get_recent_candles(
            self, symbols: Sequence[str], interval: str, lookback: int
        ) -> list[Candle]:
            if self.gone and symbols[0] == "X/Y":
                raise MarketDataError("no X")
            return await super().get_recent_candles(symbols, interval, lookback)

        async def get_market_snapshot(self, symbols: Sequence[str]) -> dict[str, Ticker]:
            (ticker,) = (await super().get_market_snapshot(symbols)).values()
            return {name: ticker.model_copy(update={"symbol": name}) for name in symbols}

    both = Both(clock)
    pipeline = DefaultFeaturesPipeline(
        both, ["X/Y", "A/B"], "1m", clock, COMPUTER, lookback=80, max_age_ms=120_000
    )
    await pipeline.build()
    both.gone = True
    await clock.sleep(7)
    result = await pipeline.build()
    assert {vector.instrument.symbol for vector in result.features} == {"A/B"}
    assert result.snapshots["X/Y"].stale_ms == 7_000
    assert result.snapshots["A/B"].stale_ms is None


async def test_a_pipeline_of_ones_own_is_a_few_lines() -> None:
    class CustomFeaturesPipeline(BaseFeaturesPipeline):
        async def build(self) -> FeaturesPipelineResult:
            return FeaturesPipelineResult.model_validate(
                {
                    "features": [
                        FeatureVector(
                            ts=1,
                            instrument=InstrumentRef(symbol=symbol),
                            values={"rsi": 40.0, "macd": 0.1, "custom_signal": 1.0},
                        )
                        for symbol in ("BTC/USDT", "ETH/USDT")
                    ]
                }
            )

    result = await CustomFeaturesPipeline().build()
    assert [vector.values["custom_signal"] for vector in result.features] == [1.0, 1.0]
