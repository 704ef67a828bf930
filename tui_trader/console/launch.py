"""Starting the console on a real terminal, and leaving it whatever happens to the terminal."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import TYPE_CHECKING

from tui_trader.clock import Clock, SystemClock
from tui_trader.console.app import ConsoleApp

if TYPE_CHECKING:
    from tui_trader.link.client import EngineClient

HOSTED_SECONDS = 9.5  # more than a hosted engine may take to complete its cycle
ALONE_SECONDS = 0.8
AGAIN_SECONDS = 0.5
_CHECK_MS = 1_000
_RESTORE = (
    b"\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)


class Departure:
    """Ends the app on SIGTERM, SIGINT, SIGHUP and when the terminal has gone, within a time limit.

    A terminal that has stopped reading or is closed can block Textual's loop. So the request goes
    to the loop, and a thread beside it ends the process when the loop does not.
    """

    def __init__(self, app: ConsoleApp, loop: asyncio.AbstractEventLoop, *, hosted: bool) -> None:
        self._seconds = HOSTED_SECONDS if hosted else ALONE_SECONDS
        self._app = app
        self._loop = loop
        self._input = sys.__stdin__.fileno() if sys.__stdin__ else 0
        self._output = sys.__stderr__.fileno() if sys.__stderr__ else 2
        self._attributes = termios.tcgetattr(self._input)
        self._asked = False

    def install(self) -> None:
        """Take over the signals and watch the terminal. In the main thread only."""
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, self._terminate)
        signal.signal(signal.SIGHUP, self._hang_up)
        threading.Thread(target=self._watch, name="terminal", daemon=True).start()

    def _terminate(self, _number: int, _frame: FrameType | None) -> None:
        self._leave(AGAIN_SECONDS if self._asked else self._seconds)

    def _hang_up(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        threading.Thread(target=self._vanish, daemon=True).start()
        self._ask()

    def _vanish(self) -> None:
        """Textual may wait for ever for a terminal that has gone: nothing but the engine counts."""
        left = self._app.left.wait(self._seconds)
        threading.Event().wait(ALONE_SECONDS)  # as a rule the process has ended by then
        os._exit(self._app.engine_code() if left else 1)

    def _watch(self) -> None:
        """Wait for the terminal to hang up, should no signal tell."""
        poll = select.poll()
        poll.register(self._input, 0)
        while not poll.poll(_CHECK_MS) and os.isatty(self._input):
            pass
        self._hang_up()

    def _leave(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._force)
        timer.daemon = True
        timer.start()
        self._ask()

    def _ask(self) -> None:
        if not self._asked and not self._loop.is_closed():
            self._asked = True
            self._loop.call_soon_threadsafe(self._app.leave)

    def _force(self) -> None:
        """The loop did not end in time. The terminal gets its state back if it still listens."""
        writer = threading.Thread(target=self._restore, daemon=True)
        writer.start()
        writer.join(0.3)
        os._exit(1)

    def _restore(self) -> None:
        termios.tcsetattr(self._input, termios.TCSANOW, self._attributes)
        os.write(self._output, _RESTORE)


def run(
    connect: Callable[[], EngineClient],
    *,
    clock: Clock | None = None,
    mouse: bool = True,
    issuer: str = "console",
    hosted: bool = True,
) -> int:
    """Run the console until the operator leaves; returns the exit code: 0 as asked, 1 failed, or
    that of a start that was refused."""
    numbers = count(1)
    app = ConsoleApp(
        connect,
        clock or SystemClock(),
        ids=lambda: f"{issuer}-{os.getpid()}-{next(numbers)}",
        issuer=issuer,
        hosted=hosted,
    )
    asyncio.run(_main(app, mouse=mouse, hosted=hosted))
    if app.refused is not None:
        sys.stderr.write("".join(f"tui-trader: {line}\n" for line in app.refused.splitlines()))
    _drop_dead_streams()
    return app.return_code or 0


def _drop_dead_streams() -> None:
    """Where the terminal has gone, Python's own last flush would fail and spoil the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


async def _main(app: ConsoleApp, *, mouse: bool, hosted: bool) -> None:
    Departure(app, asyncio.get_running_loop(), hosted=hosted).install()
    try:
        await app.run_async(mouse=mouse)
    finally:
        await app.close_engine()
