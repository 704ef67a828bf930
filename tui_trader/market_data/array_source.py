"""What the built-in sources share: candles and quotes derived from arrays and a last price."""

from abc import abstractmethod
from collections.abc import Sequence

from tui_trader.market_data.interfaces import BaseMarketDataSource
from tui_trader.market_data.series import CandleSeries
from tui_trader.models import Candle, Ticker


class ArraySource(BaseMarketDataSource):
    """A source that answers `get_series` and `ticker` at once; the rest follows from the two."""

    @abstractmethod
    def closed_series(self, symbol: str, interval: str, lookback: int) -> CandleSeries:
        """The newest `lookback` closed candles of one symbol; fewer where there are not as many.

        Raises MarketDataError for a symbol or interval that the source does not have.
        """

    @abstractmethod
    def ticker(self, symbol: str) -> Ticker | None:
        """The newest quote of `symbol`, None before the first."""

    async def get_series(self, symbol: str, interval: str, lookback: int) -> CandleSeries:
        """The newest `lookback` closed candles of one symbol as arrays."""
        return self.closed_series(symbol, interval, lookback)

    async def get_recent_candles(
        self, symbols: Sequence[str], interval: str, lookback: int
    ) -> list[Candle]:
        """The newest `lookback` closed candles of each symbol, oldest first, one after another."""
        return [
            candle
            for symbol in symbols
            for candle in self.closed_series(symbol, interval, lookback).candles()
        ]

    async def get_market_snapshot(self, symbols: Sequence[str]) -> dict[str, Ticker]:
        """The newest quote of each symbol that has one."""
        quotes = ((symbol, self.ticker(symbol)) for symbol in symbols)
        return {symbol: quote for symbol, quote in quotes if quote is not None}


def quote(symbol: str, ts: int, last: float, spread_bps: float) -> Ticker:
    """A quote at `ts` (ms) whose bid and ask lie half of `spread_bps` below and above `last`."""
    half = last * spread_bps / 20_000
    return Ticker(symbol=symbol, ts=ts, bid=last - half, ask=last + half, last=last)
