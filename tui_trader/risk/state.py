"""What the risk layer remembers between cycles, and over a restart."""

from collections.abc import Mapping
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

    `day` counts UTC days since the epoch, `starting_equity` is the first equity seen on it and
    `deposits` what has been paid in since (less what was paid out). `peak_equity` is the highest
    equity since the operator last reset the breaker (all quote currency), `drawn_down` whether it
    has fallen too far from there.

    `last_open` holds the time in ms of the last opening order by symbol, `last_side` its side
    (missing where it is not known), `last_close` the time of the last fill that reduced the
    position, `opens` the times of the last hour's openings in all symbols. `marks` are the last two
    prices seen at an assessment, by symbol. `full_size_streak` tells how often in a row a symbol
    was asked for at 100 % of equity.
    """

    trading_state: TradingState = TradingState.ACTIVE
    day: int | None = None
    starting_equity: float | None = None
    deposits: float = 0.0
    peak_equity: float | None = None
    drawn_down: bool = False
    last_open: dict[str, int] = Field(default_factory=dict)
    last_side: dict[str, TradeSide] = Field(default_factory=dict)
    last_close: dict[str, int] = Field(default_factory=dict)
    opens: tuple[int, ...] = ()
    marks: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    full_size_streak: dict[str, int] = Field(default_factory=dict)

    @property
    def baseline(self) -> float | None:
        """The equity that the day's loss counts from: money paid in is no profit."""
        return None if self.starting_equity is None else self.starting_equity + self.deposits

    def seen(
        self, ts: int, equity: float | None, max_drawdown_pct: float | None = None
    ) -> "RiskState":
        """The state after `equity` was seen at `ts`; a clock that jumps back starts no new day. A
        fall of more than `max_drawdown_pct` (a fraction) of the peak stays on record."""
        if equity is None:
            return self
        peak = equity if self.peak_equity is None else max(equity, self.peak_equity)
        fell = max_drawdown_pct is not None and equity < peak * (1 - max_drawdown_pct)
        update: dict[str, object] = {"peak_equity": peak, "drawn_down": self.drawn_down or fell}
        day = ts // DAY_MS
        if self.day is None or day > self.day:
            update |= {"day": day, "starting_equity": equity, "deposits": 0.0}
        return self.model_copy(update=update)

    def deposited(self, amount: float) -> "RiskState":
        """The state after `amount` (quote currency; negative: withdrawn) was paid in, before the
        equity with it is seen."""
        peak = None if self.peak_equity is None else self.peak_equity + amount
        return self.model_copy(update={"deposits": self.deposits + amount, "peak_equity": peak})

    def resumed(self) -> "RiskState":
        """The state after the operator has resumed: where the breaker had tripped, the next equity
        seen is the peak to fall from."""
        if not self.drawn_down:
            return self
        return self.model_copy(update={"peak_equity": None, "drawn_down": False})

    def priced(self, marks: Mapping[str, float]) -> "RiskState":
        """The state after these prices were seen (quote currency, by symbol)."""
        newest = {name: (*self.marks.get(name, ())[-1:], mark) for name, mark in marks.items()}
        return self.model_copy(update={"marks": self.marks | newest})

    def closed(self, symbol: str, ts: int) -> "RiskState":
        """The state after a fill at `ts` that reduced the position in `symbol`."""
        return self.model_copy(update={"last_close": self.last_close | {symbol: ts}})

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
