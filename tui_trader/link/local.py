"""An engine in this process, on its own thread with its own event loop.

The console's loop may stall (a terminal that stops reading blocks it for seconds) while the engine
goes on: between the two stands one bounded queue, and nobody ever waits for the other side.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from tui_trader.clock import Clock, SystemClock
from tui_trader.conflation import LIMIT, ConflatingQueue
from tui_trader.link import StartRefused
from tui_trader.link.engine import HostedEngine
from tui_trader.messages import Command, CommandResult, EngineStopped, Gap, Message

logger = logging.getLogger(__name__)


class LocalClient:
    """Hosts the engine that `build` makes, and is its one viewer (an `EngineClient`).

    `build` runs on the engine's thread and loop, so that what it imports delays nobody. If it
    raises StartRefused, the stream ends with that. If it fails otherwise, or the engine does, the
    stream ends with an `EngineStopped` that says why; then its first message need not be a
    snapshot. `limit` (3 or more) bounds the messages that wait for the console; `patience` is how
    many seconds `close` waits for the running cycle; `clock` (if not given, the wall clock) dates
    what the client itself has to say.
    """

    def __init__(
        self,
        build: Callable[[], Awaitable[HostedEngine]],
        clock: Clock | None = None,
        *,
        limit: int = LIMIT,
        patience: float = 8.0,
    ) -> None:
        self._build = build
        self._clock = clock or SystemClock()
        self._limit = limit
        self._patience = patience
        self._thread = threading.Thread(target=self._host, name="engine", daemon=True)
        self._lock = threading.Lock()
        # Both sides, under the lock (except the commands: one side appends, the other takes):
        self._queue = ConflatingQueue(limit)
        self._woken = False
        self._ended = False
        self._refused: StartRefused | None = None
        self._stop_wanted = False
        self._engine_loop: asyncio.AbstractEventLoop | None = None
        self._commands: deque[Command] = deque()
        # The engine's side:
        self._engine: HostedEngine | None = None
        self._stopped_said = False
        # The console's side:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = asyncio.Event()

    # --- the console's side -----------------------------------------------------------------------

    async def batches(self) -> AsyncIterator[Sequence[Message]]:
        """Start the engine and follow it; can be called once. See `EngineClient.batches`."""
        if self._loop is not None:
            raise RuntimeError("the batches of a LocalClient can be followed only once")
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        ended = False
        while not ended:
            await self._ready.wait()
            self._ready.clear()
            with self._lock:
                waiting, self._queue = self._queue, ConflatingQueue(self._limit)
                self._woken = False
                ended = self._ended
            if waiting:
                yield waiting.drain()
        if self._refused is not None:
            raise self._refused

    def send(self, command: Command) -> None:
        """Hand `command` over, in the order of sending; before the engine runs if it starts up."""
        self._commands.append(command)
        self._call_engine(self._carry_out)

    def resync(self) -> None:
        """Ask for a `Gap` and a fresh `Snapshot`."""
        self._call_engine(self._show_anew)

    async def close(self) -> None:
        """Let the engine complete its cycle and end. After `patience` seconds it is left behind."""
        if not self._thread.is_alive():
            return
        with self._lock:
            self._stop_wanted = True
        self._call_engine(self._stop)
        await asyncio.to_thread(self._thread.join, self._patience)
        if self._thread.is_alive():
            logger.error("the engine did not end within %s s and is left behind", self._patience)

    def _call_engine(self, callback: Callable[[], None]) -> None:
        """Run `callback` on the engine's loop, soon. Without effect while there is none."""
        with self._lock:
            loop = self._engine_loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it closed between the two lines
                loop.call_soon_threadsafe(callback)

    # --- the engine's side ------------------------------------------------------------------------

    def _host(self) -> None:
        try:
            asyncio.run(self._run())
            self._say_stopped("ended", None)
        except StartRefused as refused:
            self._refused = refused
        except BaseException as failure:
            logger.exception("the engine failed")
            self._say_stopped("failed", _one_line(failure))
        finally:
            with self._lock:
                self._ended = True
            self._wake()

    async def _run(self) -> None:
        """Build and run the engine; what was asked of it meanwhile comes first."""
        self._engine = engine = await self._build()
        with self._lock:
            self._engine_loop = asyncio.get_running_loop()
            stop_wanted = self._stop_wanted
        try:
            engine.subscribe(self._deliver)
            self._deliver(engine.snapshot())
            self._carry_out()
            if stop_wanted:
                engine.request_stop()
            await engine.run()
        finally:
            with self._lock:
                self._engine_loop = None

    def _say_stopped(self, reason: str, error: str | None) -> None:
        """Say that the engine has ended, if it did not say so itself."""
        if not self._stopped_said:
            self._deliver(EngineStopped(self._clock.now_ms(), reason, error))

    def _deliver(self, message: Message) -> None:
        """Queue `message`; where the console has fallen behind, a fresh snapshot goes before it."""
        self._stopped_said |= isinstance(message, EngineStopped)
        with self._lock:
            if not self._queue.put(message):
                if self._engine is not None:
                    self._queue.put(self._engine.snapshot())
                self._queue.put(message)
        self._wake()

    def _wake(self) -> None:
        """Tell the console's loop, once, however much waits."""
        with self._lock:
            asleep, self._woken = not self._woken, True
        if asleep and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the console's loop has closed
                self._loop.call_soon_threadsafe(self._ready.set)

    def _carry_out(self) -> None:
        engine = self._engine
        while engine is not None and self._commands:
            command = self._commands.popleft()
            try:
                engine.command(command)
            except Exception as failure:
                logger.exception("the engine could not take %s", command.kind)
                now = self._clock.now_ms()
                detail = _one_line(failure)
                self._deliver(
                    CommandResult(now, command.command_id, command.kind, ok=False, detail=detail)
                )

    def _show_anew(self) -> None:
        if self._engine is not None:
            self._deliver(Gap())
            self._deliver(self._engine.snapshot())

    def _stop(self) -> None:
        if self._engine is not None:
            self._engine.request_stop()


def _one_line(failure: BaseException) -> str:
    return " ".join(f"{type(failure).__name__}: {failure}".split())
