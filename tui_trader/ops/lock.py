"""One engine a folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tui_trader.paths import private_file

LOCK_NAME = "engine.lock"


class FolderBusyError(Exception):
    """Another engine works on the folder; the message names its process."""


class FolderLock:
    """Holds `<folder>/engine.lock` from `with` (or `acquire`) to its end (or `release`).

    The system frees the lock when the process ends, however it ends, so none is ever left behind.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_NAME
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises FolderBusyError when another engine has it, OSError otherwise."""
        descriptor = private_file(self.path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise FolderBusyError(
                f"another engine (process {holder}) works on {self.path.parent}: "
                "stop it, or choose another folder with --data-dir or TUI_TRADER_HOME"
            ) from None
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go of the lock; again, nothing happens."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
