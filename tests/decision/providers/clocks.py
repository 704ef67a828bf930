"""A clock for what happens between two deltas."""

from tui_trader.clock import Clock


class TickingClock(Clock):
    """`seconds` pass with every look at the monotonic clock; the time of day is `now`."""

    def __init__(self, seconds: float = 0.0, now: int = 0) -> None:
        self._step = seconds
        self._monotonic = 0.0
        self._now = now

    def now_ms(self) -> int:
        return self._now

    def monotonic(self) -> float:
        self._monotonic += self._step
        return self._monotonic

    async def sleep_until(self, ts_ms: int) -> None:
        self._now = max(self._now, ts_ms)
