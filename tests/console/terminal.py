"""The console on a real pseudo-terminal, for tests that end it in unkind ways."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

DEMO = (sys.executable, "-m", "tests.console.demo_client", "--fast")
_DEADLINE = 30.0


class Terminal:
    """A program on a pty of 120 by 40 cells."""

    def __init__(self, *, controlling: bool, **environ: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            DEMO,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal if controlling else None,
            env={**os.environ, **environ},
        )
        os.close(slave)
        self.output = b""

    def read_until(self, needle: bytes) -> None:
        """Read until `needle` was written since the last call."""
        seen = len(self.output)
        end = time.monotonic() + _DEADLINE
        while needle not in self.output[seen:]:
            if not self._read(end - time.monotonic()):
                raise AssertionError(f"{needle!r} did not come; last: {self.output[-500:]!r}")

    def write(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """Close the line."""
        master, self._master = self._master, -1
        if master >= 0:
            os.close(master)

    def wait(self) -> int:
        """The exit code, after the rest of the output was read."""
        end = time.monotonic() + _DEADLINE
        while self._master >= 0 and self._read(end - time.monotonic()):
            pass
        return self.process.wait(_DEADLINE)

    def _read(self, seconds: float) -> bool:
        readable, _, _ = select.select([self._master], [], [], max(seconds, 0))
        if not readable:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:
            return False
        self.output += data
        return bool(data)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def terminal(*, controlling: bool = True, **environ: str) -> Iterator[Terminal]:
    """A demo console, ended with the test. With `controlling` a closed line sends SIGHUP."""
    running = Terminal(controlling=controlling, **environ)
    try:
        yield running
    finally:
        running.hang_up()
        running.process.kill()
        running.process.wait()
