"""What a composer knows of one symbol, gathered from the context."""

import math
from dataclasses import dataclass

from tui_trader.models import (
    Action,
    ComposeContext,
    FeatureVector,
    InstrumentRef,
    MarketSnapshot,
    PositionSnapshot,
    TargetPosition,
)

_QUOTES = "market_snapshot"
"""The group of the features that are made of quotes; all others are made of candles."""


_LEAST_SHARE = 1e-4
_ROUNDING = 1 + 1e-9


@dataclass(frozen=True, slots=True)
class Situation:
    """One symbol at the moment of a decision. `equity` is the whole account's, in quote currency.

    None means unknown, everywhere.
    """

    instrument: InstrumentRef
    vectors: tuple[FeatureVector, ...]
    snapshot: MarketSnapshot | None
    position: PositionSnapshot | None
    equity: float | None

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def quantity(self) -> float:
        """Signed quantity held, base currency."""
        return self.position.quantity if self.position else 0.0

    @property
    def price(self) -> float | None:
        """The last price in quote currency; None when there is none to trust."""
        return self.snapshot.price if self.snapshot and self.snapshot.price > 0 else None

    @property
    def close(self) -> float | None:
        """The close of the last closed candle, else the last price."""
        if self.snapshot and self.snapshot.ohlcv:
            return self.snapshot.ohlcv[-1][4]
        return self.price

    @property
    def candle_vectors(self) -> tuple[FeatureVector, ...]:
        """The features that change when a candle closes, the main timeframe first."""
        return tuple(vector for vector in self.vectors if not _of_quotes(vector))

    @property
    def quote_vectors(self) -> tuple[FeatureVector, ...]:
        """The features that change with every quote."""
        return tuple(vector for vector in self.vectors if _of_quotes(vector))

    @property
    def quoted_at(self) -> int | None:
        """The time of the quote (ms), or when it was read where it tells none; None without one."""
        if self.quote_vectors:
            return self.quote_vectors[0].ts
        return self.snapshot.timestamp if self.snapshot else None

    @property
    def usable(self) -> bool:
        """Whether there is a price and at least one feature to decide on."""
        return self.price is not None and any(vector.values for vector in self.vectors)

    def feature(self, name: str) -> float | None:
        """A feature of the symbol's first vector (its main timeframe); None while it warms up."""
        return self.vectors[0].values.get(name) if self.vectors else None

    def quantity_for(self, size_pct: float) -> float | None:
        """Base currency that a fraction of equity buys (S0: equity x size_pct / price); None when
        price or equity is unknown."""
        if self.price is None or self.equity is None or self.equity <= 0:
            return None
        quantity = self.equity * size_pct / self.price
        return quantity if math.isfinite(quantity) else None

    def affordable(self, target_qty: float, leverage: float) -> bool:
        """Whether a position of `target_qty` is within `leverage` times the account, and worth more
        than a ten-thousandth of it: anything else was not meant in base currency."""
        if self.price is None or self.equity is None:
            return False
        notional = abs(target_qty) * self.price
        return _LEAST_SHARE * self.equity <= notional <= self.equity * leverage * _ROUNDING

    def share_of_equity(self, quantity: float) -> float:
        """The notional of `quantity` as a fraction of equity, at most 1; 0.0 when unknown."""
        if self.price is None or self.equity is None or self.equity <= 0:
            return 0.0
        return min(1.0, abs(quantity) * self.price / self.equity)

    def opens(self, target_qty: float) -> bool:
        """Whether going to `target_qty` (signed base currency) opens or adds to a position."""
        return abs(target_qty) > abs(self.quantity) or target_qty * self.quantity < 0

    def flat(self, rationale: str) -> TargetPosition:
        """The target that brings the position to zero."""
        return TargetPosition(
            instrument=self.instrument, action=Action.CLOSE, target_qty=0.0, rationale=rationale
        )

    def hold(self, rationale: str) -> TargetPosition:
        """The target that changes nothing."""
        return TargetPosition(
            instrument=self.instrument,
            action=Action.HOLD,
            target_qty=self.quantity,
            rationale=rationale,
        )


def _of_quotes(vector: FeatureVector) -> bool:
    return (vector.meta or {}).get("group_by_key") == _QUOTES


def situations(context: ComposeContext) -> tuple[Situation, ...]:
    """One situation a symbol, in the order of the features, then of the snapshots.

    Positions in other symbols are not the agent's to decide on and are left out.
    """
    snapshots = context.market_snapshot or {}
    instruments: dict[str, InstrumentRef] = {}
    vectors: dict[str, list[FeatureVector]] = {}
    for vector in context.features:
        instruments.setdefault(vector.instrument.symbol, vector.instrument)
        vectors.setdefault(vector.instrument.symbol, []).append(vector)
    for symbol in snapshots:
        instruments.setdefault(symbol, InstrumentRef(symbol=symbol))
    portfolio = context.portfolio
    return tuple(
        Situation(
            instrument,
            tuple(vectors.get(symbol, ())),
            snapshots.get(symbol),
            portfolio.positions.get(symbol),
            portfolio.total_value,
        )
        for symbol, instrument in instruments.items()
    )
