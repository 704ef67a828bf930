"""Features of the newest quote."""

from tui_trader.models import FeatureVector, InstrumentRef, Ticker


class MarketSnapshotFeatureComputer:
    """Bid, ask, last price and spread, as they stand."""

    def compute_ticker(self, ticker: Ticker) -> FeatureVector:
        """Features of one quote; `spread_bps` is relative to the middle of bid and ask."""
        values = {"bid": ticker.bid, "ask": ticker.ask, "last": ticker.last}
        middle = (ticker.bid + ticker.ask) / 2
        if middle > 0:
            values["spread_bps"] = (ticker.ask - ticker.bid) / middle * 10_000
        return FeatureVector(
            ts=ticker.ts,
            instrument=InstrumentRef(symbol=ticker.symbol),
            values=values,
            meta={"group_by_key": "market_snapshot"},
        )
