"""What a series of equity points comes to, point by point, in bounded memory."""

import math
from dataclasses import dataclass

from tui_trader.portfolio.returns import LEAST_RETURNS, RegularReturns

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_YEAR_DAYS = 365
_CAGR_MIN_MS = 30 * _DAY_MS
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True)
class Drawdown:
    """A fall below the highest value so far: `fraction` of it, `quote` currency, and when (ms) it
    began and was deepest."""

    fraction: float
    quote: float
    peak_ts: int
    ts: int


class EquityCurve:
    """The running figures of an account's equity, `capital` at `start_ts` (ms).

    A deposit or withdrawal is no return: the value of a share is followed, of which a transfer buys
    or redeems some (time-weighted return). Without transfers it is equity itself.
    """

    def __init__(self, capital: float, start_ts: int) -> None:
        self.start_ts = self.ts = start_ts
        self._capital = self._value = self._peak = capital
        self._peak_ts = start_ts
        self._scale = 1.0
        self._transferred = 0.0
        self._deepest: Drawdown | None = None
        self._hourly, self._daily = RegularReturns(_HOUR_MS), RegularReturns(_DAY_MS)
        self._tell_returns()

    def add(self, ts: int, equity: float, transferred: float = 0.0) -> None:
        """Equity at `ts` (ms), when `transferred` had come in altogether, both quote currency. A
        time before the newest one counts as that."""
        self.ts = max(self.ts, ts)
        flow, scale = transferred - self._transferred, self._scale
        if scale:
            self._value = (equity - flow) * scale
        if flow:
            self._transferred = transferred
            self._scale = max(self._value, 0.0) / equity if equity > 0 else 0.0
        if self._value > self._peak:
            self._peak, self._peak_ts = self._value, self.ts
        elif scale:
            self._note_fall((self._peak - self._value) / scale)
        self._tell_returns()

    def _note_fall(self, quote: float) -> None:
        fall = self.drawdown
        if fall is not None and fall > (self._deepest.fraction if self._deepest else 0.0):
            self._deepest = Drawdown(fall, quote, self._peak_ts, self.ts)

    def _tell_returns(self) -> None:
        self._hourly.add(self.ts, self._value)
        self._daily.add(self.ts, self._value)

    @property
    def total_return(self) -> float | None:
        """The change since the start, as a fraction of the capital."""
        return self._value / self._capital - 1 if self._capital > 0 else None

    @property
    def drawdown(self) -> float | None:
        """How far the value is below its highest, as a fraction of that."""
        return 1 - self._value / self._peak if self._peak > 0 else None

    @property
    def max_drawdown(self) -> Drawdown | None:
        """The deepest fall by its fraction; None while there was none."""
        return self._deepest

    @property
    def cagr(self) -> float | None:
        """The return a year, as a fraction; None within 30 days, and where nothing is left."""
        span = self.ts - self.start_ts
        if span < _CAGR_MIN_MS or self._capital <= 0 or self._value <= 0:
            return None
        exponent = math.log(self._value / self._capital) * _YEAR_DAYS * _DAY_MS / span
        return math.expm1(exponent) if exponent < _LARGEST_EXPONENT else None

    def ratios(self) -> tuple[float | None, float | None, int]:
        """Sharpe and Sortino, risk-free rate 0, annualised by the root of the periods a year, and
        these: 365 from 30 daily returns on, before that the 8,760 hours."""
        moments, periods = self._daily.moments(), _YEAR_DAYS
        if moments.number < LEAST_RETURNS:
            moments, periods = self._hourly.moments(), _YEAR_DAYS * _DAY_MS // _HOUR_MS
        sharpe, sortino = moments.sharpe(), moments.sortino()
        factor = math.sqrt(periods)
        return (
            None if sharpe is None else sharpe * factor,
            None if sortino is None else sortino * factor,
            periods,
        )
