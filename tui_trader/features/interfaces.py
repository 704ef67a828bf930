"""Stage 2: from market data to named feature values."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tui_trader.market_data.series import CandleSeries
from tui_trader.models import Candle, FeaturesPipelineResult, FeatureVector


class CandleBasedFeatureComputer(ABC):
    """Computes features from closed candles."""

    @property
    @abstractmethod
    def warmup(self) -> int:
        """How many closed candles the slowest feature needs."""

    @abstractmethod
    def compute_series(self, series: CandleSeries) -> FeatureVector:
        """Features of one symbol; those that have not warmed up are absent, never zero."""

    def compute_features(self, candles: Sequence[Candle]) -> list[FeatureVector]:
        """Features of each symbol and interval among `candles` (oldest first), one vector each."""
        groups: dict[tuple[str, str], list[Candle]] = {}
        for candle in candles:
            groups.setdefault((candle.instrument.symbol, candle.interval), []).append(candle)
        return [
            self.compute_series(CandleSeries.from_candles(symbol, interval, group))
            for (symbol, interval), group in groups.items()
        ]


class BaseFeaturesPipeline(ABC):
    """Builds all features of a cycle.

    `warmup` is the number of closed candles to have before the first.
    """

    warmup: int = 0

    @abstractmethod
    async def build(self) -> FeaturesPipelineResult:
        """Features of every symbol now. Raises MarketDataError when the market can't be read."""
