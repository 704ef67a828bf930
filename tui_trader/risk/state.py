"""What the risk layer remembers between cycles, and over a restart."""

from pydantic import Field

from tui_trader.messages import TradingState
from tui_trader.models.base import Model

DAY_MS = 86_400_000

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
    currency), `last_open` the time in ms of the last opening order by symbol, `full_size_streak`
    how often in a row a symbol was asked for at 100 % of equity.
    """

    trading_state: TradingState = TradingState.ACTIVE
    day: int | None = None
    starting_equity: float | None = None
    last_open: dict[str, int] = Field(default_factory=dict)
    full_size_streak: dict[str, int] = Field(default_factory=dict)

    def seen(self, ts: int, equity: float | None) -> "RiskState":
        """The state after `equity` was seen at `ts`; a clock that jumps back starts no new day."""
        day = ts // DAY_MS
        if equity is None or (self.day is not None and day <= self.day):
            return self
        return self.model_copy(update={"day": day, "starting_equity": equity})

    def opened(self, symbol: str, ts: int | None) -> "RiskState":
        """The state with the last opening of `symbol` at `ts`, or never when None."""
        last_open = {name: at for name, at in self.last_open.items() if name != symbol}
        if ts is not None:
            last_open[symbol] = ts
        return self.model_copy(update={"last_open": last_open})
