"""Virtual time: an event loop that never waits, and the world's agenda that outlives every engine.

One loop is one life of an engine. What happens outside of it (prices, the venue, requests on their
way, the operator) stands on the agenda and goes on when the engine is dead.
"""

import asyncio
import heapq
import math
import warnings
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, NoReturn

from tui_trader.clock import Clock

_LIVELOCK_STEPS = 100_000


class Crash(SystemExit):
    """The engine dies here. asyncio lets a SystemExit straight out of `run_forever`, so that
    nothing else of the engine gets a turn, as it would after any other exception."""


class Dead(BaseException):
    """Code of a dead engine has reached for its disk or its venue (in a `finally`, say)."""


class Deadlock(RuntimeError):
    """Nothing will ever happen again, or time stands still; the message names who waits where."""


class Agenda:
    """What happens outside the engine, by virtual time. `now` is seconds since `start_ms`."""

    def __init__(self, start_ms: int) -> None:
        self.start_ms = start_ms
        self.now = 0.0
        self._numbers = count()
        self._acts: list[tuple[float, int, Callable[[], None]]] = []

    def now_ms(self) -> int:
        """Unix ms UTC."""
        return self.start_ms + math.floor(self.now * 1000 + 1e-6)

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Do `act` at `when` (seconds); what stands at the same moment is done in order."""
        heapq.heappush(self._acts, (max(when, self.now), next(self._numbers), act))

    def after(self, delay: float, act: Callable[[], None]) -> None:
        """Do `act` in `delay` seconds."""
        self.at(self.now + delay, act)

    @property
    def next(self) -> float:
        """When the next act is due, infinite when none is."""
        return self._acts[0][0] if self._acts else math.inf

    def advance(self, until: float) -> None:
        """Let the world go on to `until`, acts included."""
        while self.next <= until:
            when, _, act = heapq.heappop(self._acts)
            self.now = max(self.now, when)
            act()
        self.now = max(self.now, until)


class SimClock(Clock):
    """The agenda's time as the engine sees it; waits on the running virtual loop."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda

    def now_ms(self) -> int:
        return self._agenda.now_ms()

    def monotonic(self) -> float:
        return self._agenda.now

    async def sleep_until(self, ts_ms: int) -> None:
        while (left := ts_ms - self.now_ms()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left / 1000)
        await asyncio.sleep(0)


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs one callback at a time; when none is ready, time jumps to the next timer or act.

    `steps` counts callbacks; after the one numbered `crash_at_step` it calls `die`, which
    raises Crash. Once `alive` says no, no callback is run any more. `trouble` collects
    what no code of the engine has handled.
    """

    # What BaseEventLoop keeps and typeshed does not tell.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(
        self,
        agenda: Agenda,
        *,
        crash_at_step: int | None = None,
        die: Callable[[], None] = lambda: None,
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__()
        self.agenda = agenda
        self.steps = 0
        self.trouble: list[str] = []
        self._die = die
        self._alive = alive
        self._crash_at_step = crash_at_step
        self._still = 0
        self.set_exception_handler(self._note)

    def time(self) -> float:
        """Virtual seconds."""
        return self.agenda.now

    def run_in_executor(self, *args: object, **kwargs: object) -> NoReturn:
        """Threads have no virtual time."""
        raise RuntimeError(f"a thread was asked for in virtual time: {args}")

    def bury(self) -> None:
        """End every task without giving it a turn, then the loop.

        The coroutines are closed one by one, so their `finally` blocks run; whatever these reach
        for must raise Dead by now, and what they raise goes nowhere.
        """
        self._ready.clear()
        self._scheduled.clear()
        with warnings.catch_warnings():
            # A `finally` that would wait leaves what it would have waited for.
            warnings.simplefilter("ignore", RuntimeWarning)
            for task in sorted(asyncio.all_tasks(self), key=lambda task: task.get_name()):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                with suppress(BaseException):
                    task.get_coro().close()
        self._ready.clear()
        self._scheduled.clear()
        self.close()

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if self._alive():
            self.trouble.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _write_to_self(self) -> None:
        """`call_soon_threadsafe` wakes nobody: nobody sleeps."""

    def _process_events(self, event_list: object) -> None:
        """There are no files to watch."""

    def _run_once(self) -> None:
        if not self._ready:
            self._advance()
        if not self._ready:
            return
        handle = self._ready.popleft()
        if handle.cancelled():
            return
        self.steps += 1
        self._still += 1
        if self._still > _LIVELOCK_STEPS:
            raise Deadlock(f"{self._still} steps at the same moment: {self._who_waits()}")
        handle._run()
        if self.steps == self._crash_at_step:
            self._die()
        if not self._alive():
            raise Crash("it has died, and would have gone on in a `finally`")

    def _advance(self) -> None:
        """Jump to whatever comes next; of acts and timers of one moment the acts come first."""
        timers = self._scheduled
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False  # type: ignore[attr-defined]
        when = min(timers[0].when() if timers else math.inf, self.agenda.next)
        if math.isinf(when):
            raise Deadlock(f"nothing will ever happen again: {self._who_waits()}")
        if when > self.agenda.now:
            self._still = 0
        self.agenda.advance(when)
        while timers and timers[0].when() <= self.agenda.now:
            handle = heapq.heappop(timers)
            handle._scheduled = False  # type: ignore[attr-defined]
            self._ready.append(handle)

    def _who_waits(self) -> str:
        tasks = sorted(asyncio.all_tasks(self), key=lambda task: task.get_name())
        return "; ".join(f"{task.get_name()} in {_place(task)}" for task in tasks) or "no task"


def _place(task: "asyncio.Task[Any]") -> str:
    frames = task.get_stack()
    if not frames:
        return repr(task.get_coro())
    return f"{frames[-1].f_code.co_qualname}:{frames[-1].f_lineno}"
