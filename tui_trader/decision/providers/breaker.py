"""A circuit breaker: what fails again and again is left alone for a while."""

# Written here instead of taken from purgatory, which lets nobody inject its clock.

import math

from tui_trader.clock import Clock

_LONGEST_REST = 3_600.0
_SOON = 0.001  # seconds; a timer may wake up that much before its time


class Breaker:
    """Opens for `seconds` after `failures` in a row; then one try closes it or opens it again.

    Time is the monotonic time of `clock`: setting the wall clock neither shortens nor prolongs it.
    """

    def __init__(self, clock: Clock, *, failures: int, seconds: float) -> None:
        self._clock = clock
        self._failures = failures
        self._seconds = seconds
        self._in_a_row = 0
        self._until = -math.inf

    @property
    def wait(self) -> float:
        """Seconds until a try is allowed, 0.0 when it is allowed now."""
        left = self._until - self._clock.monotonic()
        return left if left > _SOON else 0.0

    def succeeded(self) -> None:
        """A try succeeded: it is closed."""
        self._in_a_row = 0
        self._until = -math.inf

    def failed(self) -> None:
        """A try failed."""
        self._in_a_row += 1
        if self._in_a_row >= self._failures:
            self._rest(self._seconds)

    def asked_to_wait(self, seconds: float) -> None:
        """The server wants to be left alone; it is believed for up to an hour."""
        self._rest(max(0.0, min(seconds, _LONGEST_REST)))

    def try_now(self) -> None:
        """Allow a try at once; whether it closes is up to that."""
        self._until = -math.inf

    def _rest(self, seconds: float) -> None:
        self._until = max(self._until, self._clock.monotonic() + seconds)
