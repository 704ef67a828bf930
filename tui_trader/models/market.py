"""Raw market data and what is computed from it.

Times are Unix milliseconds UTC. A candle's `ts` is its open time. Prices are in quote currency for
one unit of base currency; volumes are in base currency.
"""

import math
from typing import Any

from pydantic import Field

from tui_trader.models.base import Model


class InstrumentRef(Model):
    """A tradable instrument by its unified symbol (`BTC/USDT` spot, `BTC/USDT:USDT` perpetual)."""

    symbol: str
    exchange_id: str | None = None
    quote_ccy: str | None = None


class Candle(Model):
    """One OHLCV bar. `ts` is the open time in ms; `interval` a timeframe such as `5m`."""

    ts: int
    instrument: InstrumentRef
    open: float
    high: float
    low: float
    close: float
    volume: float
    interval: str


class Ticker(Model):
    """Best bid and ask and the last trade of one symbol at `ts` (ms)."""

    symbol: str
    ts: int
    bid: float
    ask: float
    last: float

    @property
    def mark(self) -> float | None:
        """The price at which positions are valued: the last trade, held within bid and ask where
        they make sense. None when there is no valid last price."""
        if not 0 < self.last < math.inf:
            return None
        if 0 < self.bid <= self.ask < math.inf:
            return min(max(self.last, self.bid), self.ask)
        return self.last


class MarketSnapshot(Model):
    """What the agent knows of one symbol at the moment of a decision (S0's record).

    `ohlcv` holds rows of `[ts, open, high, low, close, volume]`, closed candles only, oldest first.
    `stale_ms` is the age of the data when it is older than the staleness limit, else None.
    `funding_rate` is the fraction of the notional that longs pay shorts at `next_funding_ts` (ms);
    None on a spot market, and where it is not known.
    """

    timestamp: int
    symbol: str
    price: float
    bid: float
    ask: float
    ohlcv: tuple[tuple[float, ...], ...] = ()
    indicators: dict[str, float] = Field(default_factory=dict)
    stale_ms: int | None = None
    funding_rate: float | None = None
    next_funding_ts: int | None = None


class FeatureVector(Model):
    """Named feature values of one instrument at `ts` (ms): the close of the last closed candle.

    A feature that has not warmed up is absent from `values`; it is never zero or NaN. `meta`
    carries `interval`, `group_by_key`, `input_hash` (SHA-256 of the closed candles used),
    `missing` (names of features still warming up).
    """

    ts: int
    instrument: InstrumentRef
    values: dict[str, float]
    meta: dict[str, Any] | None = None


class ExternalNote(Model):
    """Text from outside (news, sentiment, a note), seen at `ts` (ms): data, never instructions."""

    source: str
    text: str
    ts: int | None = None


class FeaturesPipelineResult(Model):
    """What a features pipeline hands to the coordinator: one vector per symbol and group; `notes`
    is text from outside that the model is shown as such."""

    features: tuple[FeatureVector, ...]
    snapshots: dict[str, MarketSnapshot] = Field(default_factory=dict)
    notes: tuple[ExternalNote, ...] = ()
