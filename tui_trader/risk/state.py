"""What the risk layer remembers between cycles, and over a restart."""

from typing import TypeVar

from pydantic import Field

from tui_trader.messages import TradingState
from tui_trader.models import TradeSide
from tui_trader.models.base import Model

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
V = TypeVar("V")

OPENING_VETO = {
    TradingState.ACTIVE: "",
    TradingState.REDUCING: "paused: reducing only",
    TradingState.HALTED: "halted",
}
"""Why a trading state opens nothing; empty where it may."""


class RiskState(Model):
    """A value: every change makes a new one. `model_dump(mode="json")` and `model_validate` carry
    it over a restart.

    `day` counts UTC days since the epoch, `starting_equity` is the first equity seen on it (quote
    currency), `last_open` the time in ms of the last opening order by symbol and `last_side` its
    side (missing where it is not known), `opens` the times of the last hour's openings in all
    symbols, `full_size_streak` how often in a row a symbol was asked for at 100 % of equity.
    """

    trading_state: TradingState = TradingState.ACTIVE
    day: int | None = None
    starting_equity: float | None = None
    last_open: dict[str, int] = Field(default_factory=dict)
    last_side: dict[str, TradeSide] = Field(default_factory=dict)
    opens: tuple[int, ...] = ()
    full_size_streak: dict[str, int] = Field(default_factory=dict)

    def seen(self, ts: int, equity: float | None) -> "RiskState":
        """The state after `equity` was seen at `ts`; a clock that jumps back starts no new day."""
        day = ts // DAY_MS
        if equity is None or (self.day is not None and day <= self.day):
            return self
        return self.model_copy(update={"day": day, "starting_equity": equity})

    def opened(self, symbol: str, ts: int, side: TradeSide) -> "RiskState":
        """The state after an opening order in `symbol` at `ts`."""
        return self.model_copy(
            update={
                "last_open": self.last_open | {symbol: ts},
                "last_side": self.last_side | {symbol: side},
                "opens": (*self.opens_within_hour(ts), ts),
            }
        )

    def not_opened(self, symbol: str, ts: int, before: "RiskState") -> "RiskState":
        """The state with the opening in `symbol` at `ts` taken back, `before` being the one before
        it."""
        opens = list(self.opens)
        if ts in opens:
            opens.remove(ts)
        return self.model_copy(
            update={
                "last_open": _restored(self.last_open, symbol, before.last_open),
                "last_side": _restored(self.last_side, symbol, before.last_side),
                "opens": tuple(opens),
            }
        )

    def opens_within_hour(self, ts: int) -> tuple[int, ...]:
        """The openings that are less than an hour old at `ts`; after a clock that jumped back, also
        those that seem to be still to come."""
        return tuple(at for at in self.opens if ts - at < HOUR_MS)


def _restored(now: dict[str, V], symbol: str, before: dict[str, V]) -> dict[str, V]:
    others = {name: value for name, value in now.items() if name != symbol}
    return others | ({symbol: before[symbol]} if symbol in before else {})
