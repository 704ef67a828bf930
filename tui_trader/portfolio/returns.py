"""Sharpe and Sortino from regular returns, point by point, in bounded memory."""

import math
from typing import NamedTuple

LEAST_RETURNS = 30
"""Below so many returns, a ratio of them means nothing."""

_NOISE = 1e-12  # A deviation that rounding alone explains.


class Moments(NamedTuple):
    """Of `number` numbers: their mean, the sum of their squared distances from it, and the sum of
    the squares of those below 0."""

    number: int = 0
    mean: float = 0.0
    squares: float = 0.0
    squares_below: float = 0.0

    def plus(self, value: float, times: int = 1) -> "Moments":
        """With `times` more numbers of `value` (Chan, Golub and LeVeque: updating formulae)."""
        number = self.number + times
        distance = value - self.mean
        below = min(value, 0.0)
        return Moments(
            number,
            self.mean + distance * times / number,
            self.squares + distance * distance * self.number * times / number,
            self.squares_below + below * below * times,
        )

    def sharpe(self) -> float | None:
        """Mean over sample standard deviation; None where it means nothing."""
        if self.number < LEAST_RETURNS:
            return None
        return _ratio(self.mean, math.sqrt(self.squares / (self.number - 1)))

    def sortino(self) -> float | None:
        """Mean over downside deviation (root of the mean square of the numbers below 0, over all of
        them); None where it means nothing."""
        if self.number < LEAST_RETURNS:
            return None
        return _ratio(self.mean, math.sqrt(self.squares_below / self.number))


def _ratio(mean: float, deviation: float) -> float | None:
    return mean / deviation if deviation > _NOISE else None


class RegularReturns:
    """The returns from one full `step_ms` (UTC) to the next of a value that is told now and then.

    A period ends with the last value told in it, its end included; one in which none is told has
    the return 0. The running period counts as far as it has come.
    """

    def __init__(self, step_ms: int) -> None:
        self._step_ms = step_ms
        self._closed = Moments()
        self._period: int | None = None
        self._before: float | None = None
        self._value = 0.0
        self._ruined = False

    def add(self, ts: int, value: float) -> None:
        """The value at `ts` (ms), not before the one told last."""
        period = -(-ts // self._step_ms)
        if self._period is not None and period > self._period:
            self._closed = self._so_far()
            if silent := period - self._period - 1:
                self._closed = self._closed.plus(0.0, silent)
            self._before = self._value
        self._period, self._value = period, value
        self._ruined = self._ruined or value <= 0

    def moments(self) -> Moments:
        """Of all returns so far; of none once the value was not positive."""
        return Moments() if self._ruined else self._so_far()

    def _so_far(self) -> Moments:
        if self._before is None or self._ruined:
            return self._closed
        return self._closed.plus(self._value / self._before - 1)
