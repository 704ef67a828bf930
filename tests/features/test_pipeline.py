"""The features of a cycle: all symbols, closed candles, and the age of what is old."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.features.series import walk
from tui_trader.clock import VirtualClock
from tui_trader.features.candles import SimpleCandleFeatureComputer
from tui_trader.features.interfaces import BaseFeaturesPipeline
from tui_trader.features.pipeline import DefaultFeaturesPipeline
from tui_trader.features.snapshot import MarketSnapshotFeatureComputer
from tui_trader.market_data.interfaces import BaseMarketDataSource, MarketDataError
from tui_trader.models import (
    Candle,
    FeaturesPipelineResult,
    FeatureVector,
    InstrumentRef,
    Ticker,
)

MINUTE = 60_000


@pytest.mark.parametrize(
    ("bid", "ask", "values"),
    [
        (99.0, 101.0, {"bid": 99.0, "ask": 101.0, "last": 100.0, "spread_bps": 200.0}),
        (0.0, 101.0, {"ask": 101.0, "last": 100.0}),
        (102.0, 101.0, {"bid": 102.0, "ask": 101.0, "last": 100.0}),
    ],
)
def test_a_spread_needs_two_sides_in_order(
    bid: float, ask: float, values: dict[str, float]
) -> None:
    ticker = Ticker(symbol="X/Y", ts=7, bid=bid, ask=ask, last=100.0)
    vector = MarketSnapshotFeatureComputer().compute(ticker)
    assert vector.values == values
    assert (vector.ts, vector.meta) == (7, {"group_by_key": "market_snapshot"})


class Source(BaseMarketDataSource):
    """A random walk of 200 minutes, seen up to now; each of its parts can break."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.series = walk(3, 200)
        self.forming = 0
        self.without_candles: set[str] = set()
        self.without_quote: set[str] = set()
        self.quotes_down = False
        self.quotes_stopped_at: int | None = None

    async def get_recent_candles(
        self, symbols: Sequence[str], interval: str, lookback: int
    ) -> list[Candle]:
        (symbol,) = symbols
        if symbol in self.without_candles:
            raise MarketDataError(f"the line of {symbol} is down")
        end = int((self.series.ts + MINUTE <= self.clock.now_ms()).sum()) + self.forming
        return replace(self.series, symbol=symbol).slice(max(0, end - lookback), end).candles()

    async def get_market_snapshot(self, symbols: Sequence[str]) -> dict[str, Ticker]:
        if self.quotes_down:
            raise MarketDataError("the quotes are down")
        ts = self.quotes_stopped_at or self.clock.now_ms()
        return {
            symbol: Ticker(symbol=symbol, ts=ts, bid=99.0, ask=101.0, last=100.0)
            for symbol in symbols
            if symbol not in self.without_quote
        }


def make_pipeline(*symbols: str) -> tuple[DefaultFeaturesPipeline, Source, VirtualClock]:
    clock = VirtualClock(1_600_000_020_000 + 100 * MINUTE)
    source = Source(clock)
    pipeline = DefaultFeaturesPipeline(
        source, symbols or ["X/Y"], "1m", clock, lookback=80, max_age_ms=2 * MINUTE
    )
    return pipeline, source, clock


async def test_candle_features_come_first_then_those_of_the_quotes() -> None:
    pipeline, source, clock = make_pipeline("X/Y", "A/B")
    result = await pipeline.build()
    keys = [(v.instrument.symbol, (v.meta or {})["group_by_key"]) for v in result.features]
    assert keys == [
        ("X/Y", "candles"),
        ("A/B", "candles"),
        ("X/Y", "market_snapshot"),
        ("A/B", "market_snapshot"),
    ]
    computer = SimpleCandleFeatureComputer()
    assert result.features[0] == computer.compute_series(source.series.slice(20, 100))
    assert result.features[0].ts == clock.now_ms()


async def test_a_snapshot_holds_the_quote_the_last_fifty_candles_and_the_values() -> None:
    pipeline, source, clock = make_pipeline()
    result = await pipeline.build()
    snapshot = result.snapshots["X/Y"]
    assert (snapshot.price, snapshot.bid, snapshot.ask) == (100.0, 99.0, 101.0)
    assert (snapshot.symbol, snapshot.timestamp) == ("X/Y", clock.now_ms())
    assert snapshot.stale_ms is None
    assert snapshot.indicators == result.features[0].values
    last = source.series.candle(99)
    assert len(snapshot.ohlcv) == 50
    assert snapshot.ohlcv[-1] == (last.ts, last.open, last.high, last.low, last.close, last.volume)


async def test_a_forming_candle_is_never_used() -> None:
    pipeline, source, clock = make_pipeline()
    source.forming = 1
    await clock.sleep(58)
    assert (await pipeline.build()).features[0].ts == clock.now_ms() - 58_000


async def test_a_clock_a_little_behind_the_venue_loses_no_closed_candle() -> None:
    pipeline, source, clock = make_pipeline()
    source.forming = 1
    await clock.sleep(59.5)
    assert (await pipeline.build()).features[0].ts == clock.now_ms() + 500


@pytest.mark.parametrize(("seconds", "stale_ms"), [(120, None), (121, 121_000)])
async def test_candles_that_stop_are_marked_with_their_age(
    seconds: int, stale_ms: int | None
) -> None:
    pipeline, source, clock = make_pipeline()
    source.series = source.series.slice(0, 100)
    await clock.sleep(seconds)
    assert (await pipeline.build()).snapshots["X/Y"].stale_ms == stale_ms


async def test_a_quote_that_stops_is_marked_with_its_age() -> None:
    pipeline, source, clock = make_pipeline()
    source.quotes_stopped_at = clock.now_ms()
    await clock.sleep(180)
    snapshot = (await pipeline.build()).snapshots["X/Y"]
    assert snapshot.stale_ms == 180_000
    assert snapshot.ohlcv[-1][0] == clock.now_ms() - MINUTE


@pytest.mark.parametrize("part", ["without_candles", "without_quote"])
async def test_a_broken_symbol_keeps_its_snapshot_with_its_age_and_has_no_features(
    part: str,
) -> None:
    pipeline, source, clock = make_pipeline("X/Y", "A/B")
    before = await pipeline.build()
    getattr(source, part).add("X/Y")
    await clock.sleep(7)
    result = await pipeline.build()
    assert {vector.instrument.symbol for vector in result.features} == {"A/B"}
    kept = before.snapshots["X/Y"].model_copy(update={"stale_ms": 7_000})
    assert result.snapshots["X/Y"] == kept
    assert result.snapshots["A/B"].stale_ms is None
    await clock.sleep(3)
    assert (await pipeline.build()).snapshots["X/Y"].stale_ms == 10_000


async def test_a_symbol_that_breaks_at_once_is_stale_all_the_same() -> None:
    pipeline, source, _ = make_pipeline("X/Y", "A/B")
    await pipeline.build()
    source.without_candles.add("X/Y")
    assert (await pipeline.build()).snapshots["X/Y"].stale_ms == 1


async def test_a_symbol_that_comes_back_is_fresh_again() -> None:
    pipeline, source, clock = make_pipeline("X/Y", "A/B")
    source.without_candles.add("X/Y")
    assert set((await pipeline.build()).snapshots) == {"A/B"}
    source.without_candles.clear()
    await clock.sleep(60)
    result = await pipeline.build()
    assert result.snapshots["X/Y"].stale_ms is None
    assert len(result.features) == 4


async def test_why_a_symbol_could_not_be_read_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    pipeline, source, _ = make_pipeline("X/Y", "A/B")
    source.without_candles.add("X/Y")
    await pipeline.build()
    assert caplog.messages == ["the line of X/Y is down"]


@pytest.mark.parametrize("was_read_before", [True, False])
async def test_nothing_is_built_when_no_symbol_can_be_read(was_read_before: bool) -> None:
    pipeline, source, _ = make_pipeline("X/Y", "A/B")
    if was_read_before:
        await pipeline.build()
    source.without_candles.add("X/Y")
    source.without_quote.add("A/B")
    with pytest.raises(MarketDataError, match=r"X/Y is down; A/B: the source has no quote"):
        await pipeline.build()
    source.quotes_down = True
    with pytest.raises(MarketDataError, match=r"^the quotes are down$"):
        await pipeline.build()


def test_a_lookback_shorter_than_the_warm_up_is_refused() -> None:
    clock = VirtualClock(0)
    with pytest.raises(ValueError, match="lookback is 49 candles, but the features need 50"):
        DefaultFeaturesPipeline(Source(clock), ["X/Y"], "1m", clock, lookback=49, max_age_ms=1)
    pipeline = DefaultFeaturesPipeline(Source(clock), ["X/Y"], "1m", clock, max_age_ms=1)
    assert pipeline.warmup == 50


async def test_a_pipeline_of_ones_own_is_a_few_lines() -> None:
    class CustomFeaturesPipeline(BaseFeaturesPipeline):
        def __init__(self, symbols: Sequence[str]) -> None:
            self.symbols = symbols

        async def build(self) -> FeaturesPipelineResult:
            features = []
            for symbol in self.symbols:
                vector = FeatureVector(
                    ts=1,
                    instrument=InstrumentRef(symbol=symbol),
                    values={"rsi": 40.0, "macd": 0.1, "custom_signal": 1.0},
                )
                features.append(vector)
            return FeaturesPipelineResult(features=features)

    result = await CustomFeaturesPipeline(["BTC/USDT", "ETH/USDT"]).build()
    assert [vector.values["custom_signal"] for vector in result.features] == [1.0, 1.0]
    assert result.snapshots == {}
