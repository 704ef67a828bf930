"""Time, injected. Nothing in the agent reads the wall clock or sleeps except through a `Clock`."""

import asyncio
import math
import time
from abc import ABC, abstractmethod


class Clock(ABC):
    """The agent's time.

    `now_ms` is Unix milliseconds UTC; `monotonic` seconds that never run backwards.
    """

    @abstractmethod
    def now_ms(self) -> int:
        """Market time now, Unix ms UTC."""

    @abstractmethod
    def monotonic(self) -> float:
        """Seconds of real waiting, for latencies and time-outs."""

    @abstractmethod
    async def sleep_until(self, ts_ms: int) -> None:
        """Return once `now_ms() >= ts_ms`; at once (after one turn of the loop) when it is past."""

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` of market time pass."""
        await self.sleep_until(self.now_ms() + math.ceil(seconds * 1000))


class SystemClock(Clock):
    """The wall clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep_until(self, ts_ms: int) -> None:
        # In a loop: the wall clock may be set back meanwhile.
        while (left := ts_ms - self.now_ms()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left / 1000)
        await asyncio.sleep(0)


class VirtualClock(Clock):
    """Market time that starts at `start_ms` and runs `speed` times as fast as real time.

    With `speed` infinite nothing waits: time jumps to whatever is slept for.
    """

    def __init__(self, start_ms: int, speed: float = math.inf) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be greater than 0, not {speed}")
        self._anchor_ms = start_ms
        self._anchor = time.monotonic()
        self.speed = speed

    def now_ms(self) -> int:
        if math.isinf(self.speed):
            return self._anchor_ms
        return self._anchor_ms + int((time.monotonic() - self._anchor) * 1000 * self.speed)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep_until(self, ts_ms: int) -> None:
        if math.isinf(self.speed):
            self._anchor_ms = max(self._anchor_ms, ts_ms)
        else:
            # In a loop: whole milliseconds of market time may be missing after a sleep.
            while (left := ts_ms - self.now_ms()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(left / 1000 / self.speed)
        await asyncio.sleep(0)
