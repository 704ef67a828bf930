"""Features of the market at this moment, from its quotes."""

from tui_trader.models import FeatureVector, InstrumentRef, Ticker


class MarketSnapshotFeatureComputer:
    """Features of one quote: bid, ask and last in quote currency, and the spread."""

    def compute(self, ticker: Ticker) -> FeatureVector:
        """A side without a price is absent, and so is the spread of a one-sided or crossed book.

        `spread_bps` is (ask - bid) / mid in basis points.
        """
        quoted = {"bid": ticker.bid, "ask": ticker.ask, "last": ticker.last}
        values = {name: price for name, price in quoted.items() if price > 0}
        if 0 < ticker.bid <= ticker.ask:
            values["spread_bps"] = 20_000 * (ticker.ask - ticker.bid) / (ticker.ask + ticker.bid)
        return FeatureVector(
            ts=ticker.ts,
            instrument=InstrumentRef(symbol=ticker.symbol),
            values=values,
            meta={"group_by_key": "market_snapshot"},
        )
