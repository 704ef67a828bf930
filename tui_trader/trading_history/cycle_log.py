"""`agent_log.jsonl`: one line a symbol and cycle, S0's fields first."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from io import FileIO
from pathlib import Path

from pydantic import ValidationError

from tui_trader.models import CycleLog
from tui_trader.paths import private_file
from tui_trader.trading_history.redaction import Redact, redact_json

RETENTION_DAYS = 30
_TAIL_BYTES = 65_536


class CycleLogWriter:
    """Appends cycles to the log at `path` and hands each line to the system before it returns.

    With `fsync` the line is on the disk as well. A line is plain ASCII: whatever a model wrote, it
    stays one line and sends no control sequence to a terminal. When the day (UTC) of `recorded_at`
    changes, the file becomes `agent_log.YYYY-MM-DD.jsonl`, kept for `retention_days`.

    A last line that a crash cut short is moved to `agent_log.torn`, and `warning` says so.
    Every method raises OSError when the disk fails, or when another program touched the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        fsync: bool = False,
        redact: Redact | None = None,
        retention_days: int = RETENTION_DAYS,
    ) -> None:
        self.path = path
        self.warning: str | None = None
        self._fsync = fsync
        self._retention_days = retention_days
        self._redact = redact
        self._file = _open(path)
        self._size = os.fstat(self._file.fileno()).st_size
        self._day: date | None = None
        try:
            self._resume()
        except BaseException:
            self._file.close()
            raise

    def write(self, log: CycleLog) -> None:
        """Append one line; on an error the file is left as it was before."""
        self._check_untouched()
        day = _day(log)
        if self._day is not None and day > self._day:
            self._rotate(day)
        line = log.model_dump_json(ensure_ascii=True)
        if self._redact is not None:
            line = redact_json(line, self._redact)
        # DEL is the one control character that JSON leaves as it is.
        self._append(line.replace("\x7f", "\\u007f").encode() + b"\n")
        self._day = day if self._day is None else max(day, self._day)

    def close(self) -> None:
        """Close the file; again, nothing happens."""
        self._file.close()

    def _append(self, data: bytes) -> None:
        try:
            _write_all(self._file, data)
            if self._fsync:
                os.fsync(self._file.fileno())
        except OSError:
            # Undone or not, the next write sees whether the size is what it should be.
            with suppress(OSError):
                self._file.truncate(self._size)
            raise
        self._size += len(data)

    def _check_untouched(self) -> None:
        there, ours = self.path.stat(), os.fstat(self._file.fileno())
        if not os.path.samestat(there, ours) or ours.st_size != self._size:
            raise OSError(
                errno.ESTALE,
                "the cycle log was moved, cut or written to by another program, or a failed write "
                "could not be undone: leave the file to the engine (it rotates by itself), restart",
                str(self.path),
            )

    def _resume(self) -> None:
        last, tail = _last_line(self._file, self._size)
        if tail and _parsed(tail) is not None:
            last = tail
            self._append(b"\n")
        elif tail:
            self._move_torn(tail)
        if (log := _parsed(last)) is not None:
            self._day = _day(log)

    def _move_torn(self, tail: bytes) -> None:
        torn = self.path.with_suffix(".torn")
        with _open(torn) as file:
            _write_all(file, tail + b"\n")
            os.fsync(file.fileno())
        self._size -= len(tail)
        self._file.truncate(self._size)
        self.warning = (
            f"{self.path}: a crash cut the last line short; its {len(tail)} bytes are now in {torn}"
        )

    def _rotate(self, day: date) -> None:
        stem, suffix = self.path.stem, self.path.suffix
        target, number = self.path.with_name(f"{stem}.{self._day}{suffix}"), 0
        while target.exists():
            number += 1
            target = self.path.with_name(f"{stem}.{self._day}.{number}{suffix}")
        self.path.rename(target)
        new = _open(self.path)
        self._file.close()
        self._file, self._size, self._day = new, 0, day
        self._prune(day - timedelta(days=self._retention_days))

    def _prune(self, oldest: date) -> None:
        stem, suffix = re.escape(self.path.stem), re.escape(self.path.suffix)
        dated = re.compile(rf"{stem}\.([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:\.[0-9]+)?{suffix}")
        for file in self.path.parent.iterdir():
            if (match := dated.fullmatch(file.name)) and match[1] < oldest.isoformat():
                file.unlink(missing_ok=True)


def read_cycle_logs(path: Path) -> Iterator[CycleLog]:
    """The lines of a cycle log, oldest first. Raises ValueError with file and line of a bad one."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield CycleLog.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                where = ".".join(str(part) for part in first["loc"]) or "line"
                raise ValueError(f"{path}:{number}: {where}: {first['msg']}") from None


def _day(log: CycleLog) -> date:
    return datetime.fromtimestamp((log.recorded_at or log.timestamp) / 1000, UTC).date()


def _parsed(line: bytes) -> CycleLog | None:
    try:
        return CycleLog.model_validate_json(line)
    except ValidationError:
        return None


def _last_line(file: FileIO, size: int) -> tuple[bytes, bytes]:
    """The last whole line of a file, and the bytes after its last line feed."""
    wanted = _TAIL_BYTES
    while True:
        start = max(0, size - wanted)
        body, _, tail = os.pread(file.fileno(), size - start, start).rpartition(b"\n")
        if start == 0 or b"\n" in body:
            return body.rpartition(b"\n")[2], tail
        wanted *= 4


def _open(path: Path) -> FileIO:
    return FileIO(private_file(path), "r+")


def _write_all(file: FileIO, data: bytes) -> None:
    """Write `data` to its end: a disk that is nearly full takes a part of it first."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
