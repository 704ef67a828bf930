"""A terminal for the real program: a pty with a size, what was written to it, and keys to press."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.programs import ROOT, command, environment

PATIENCE_SECONDS = 30.0
_SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()=>][0-9A-B]?"
)


class Terminal:
    """One program on one pty. Waits are for conditions, with a limit that only a failure meets."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self.written = bytearray()
        self._status: int | None = None

    def wait_for(self, text: str) -> None:
        """Read until `text` was painted (anywhere, since the start)."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.painted():
            if not self.read(0.5) and self._ended():
                raise AssertionError(f"ended before {text!r}: {self.painted()[-2000:]}")
            if time.monotonic() > deadline:
                raise AssertionError(f"no {text!r} within the limit: {self.painted()[-2000:]}")

    def read(self, seconds: float) -> bytes:
        """What the program writes next, empty when it writes nothing for `seconds` or is gone."""
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self._descriptor, 1 << 16)
        except OSError:
            return b""
        self.written.extend(data)
        return data

    def painted(self) -> str:
        """All text written so far, without control sequences."""
        return _SEQUENCE.sub(b"", bytes(self.written)).decode(errors="replace")

    def forget(self) -> None:
        """Start anew with what was written."""
        self.written.clear()

    def press(self, keys: str) -> None:
        """Type `keys`."""
        os.write(self._descriptor, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal."""
        _set_size(self._descriptor, columns, rows)
        os.kill(self.pid, signal.SIGWINCH)

    def hang_up(self) -> None:
        """Close the terminal, as a dropped SSH line does."""
        os.close(self._descriptor)
        self._descriptor = -1

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    def exit_code(self) -> int:
        """The program's exit code (negative: the signal that ended it), once it has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._ended():
            if self._descriptor >= 0:
                self.read(0.1)
            if time.monotonic() > deadline:
                raise AssertionError(f"still running: {self.painted()[-2000:]}")
        assert self._status is not None
        while self._descriptor >= 0 and self.read(0.1):
            pass
        return os.waitstatus_to_exitcode(self._status)

    def close(self) -> None:
        """End the program, whatever it does."""
        if not self._ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def _ended(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
        return self._status is not None


@contextmanager
def terminal(
    home: Path,
    *arguments: str,
    size: tuple[int, int] = (120, 40),
    env: Mapping[str, str] | None = None,
    line: Sequence[str] | None = None,
) -> Iterator[Terminal]:
    """Run `tui-trader` with `arguments` (or any command `line`) in a terminal of `size` (columns,
    rows)."""
    pid, descriptor = pty.fork()
    if pid == 0:
        try:
            os.chdir(home)
            words = list(line or command(*arguments))
            os.execve(words[0], words, environment(home, PYTHONPATH=str(ROOT)) | dict(env or {}))  # noqa: S606
        finally:
            os._exit(127)
    _set_size(descriptor, *size)
    screen = Terminal(pid, descriptor)
    try:
        yield screen
    finally:
        screen.close()


def _set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
