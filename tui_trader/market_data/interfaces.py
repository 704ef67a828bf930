"""Stage 1: where candles and quotes come from."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tui_trader.market_data.series import CandleSeries
from tui_trader.models import Candle, Ticker


@dataclass(frozen=True, slots=True)
class MarketUpdate:
    """The market at one moment `ts` (ms): new quotes, and candles of the agent's timeframe.

    `closed` is True when the candles in it have just closed (of every symbol at once); else they
    form.
    """

    ts: int
    tickers: tuple[Ticker, ...]
    candles: tuple[Candle, ...]
    closed: bool


class BaseMarketDataSource(ABC):
    """A source of market data for a fixed set of symbols.

    A source of one's own needs the two abstract methods; `updates` lets it drive the cycles, and
    `get_series` is the fast path of the built-in sources.
    """

    #: What was found and skipped on load, for the operator's eyes.
    warnings: tuple[str, ...] = ()

    #: True where nothing is lost by waiting for a cycle to end before the market moves on (replay
    #: and simulation as fast as they go): a run is then the same every time.
    lockstep: bool = False

    async def open(self, warmup: int) -> None:  # noqa: B027 (a source may be ready as it is)
        """Make at least `warmup` closed candles of every symbol available before the first update.

        Raises MarketDataError when there are not that many.
        """

    async def close(self) -> None:  # noqa: B027 (a source may hold nothing)
        """Free what `open` took."""

    @abstractmethod
    async def get_recent_candles(
        self, symbols: Sequence[str], interval: str, lookback: int
    ) -> list[Candle]:
        """The newest `lookback` closed candles of each symbol, oldest first, symbol after
        symbol."""

    @abstractmethod
    async def get_market_snapshot(self, symbols: Sequence[str]) -> dict[str, Ticker]:
        """The newest quote of each symbol that has one."""

    async def get_series(self, symbol: str, interval: str, lookback: int) -> CandleSeries:
        """The newest `lookback` closed candles of one symbol as arrays."""
        candles = await self.get_recent_candles([symbol], interval, lookback)
        return CandleSeries.from_candles(symbol, interval, candles)

    def ticker(self, symbol: str) -> Ticker | None:
        """The newest quote of `symbol` without waiting, None before the first."""
        return None

    async def updates(self) -> AsyncIterator[MarketUpdate]:
        """The market as it moves, paced by the source's clock; ends where the data ends.

        The default never moves the market: cycles then run by the interval alone.
        """
        return
        yield


class MarketDataError(Exception):
    """Market data that can't be used. The message says what, where, and how to mend it."""
