"""The application log, `logs/agent.log`: JSON lines, rotated, redacted, never on a terminal."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tui_trader.paths import private_file, private_folder

MAX_BYTES = 5_000_000
BACKUPS = 6

_compose_id: ContextVar[str | None] = ContextVar("compose_id", default=None)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@contextmanager
def cycle_context(compose_id: str) -> Iterator[None]:
    """Everything logged inside, also by tasks started inside, carries `compose_id`."""
    token = _compose_id.set(compose_id)
    try:
        yield
    finally:
        _compose_id.reset(token)


class JsonFormatter(logging.Formatter):
    """One record, one line: time, level, logger, compose_id, message, what `extra` gave, traceback.

    Tracebacks name files, lines and messages, never local variables; `redact` sees every text.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "compose_id": _compose_id.get(),
            "message": self._redact(record.getMessage()),
        }
        for key, value in vars(record).items():
            if key not in _STANDARD:
                entry[key] = self._plain(value)
        if record.exc_info:
            entry["exception"] = self._redact(self.formatException(record.exc_info))
        if record.stack_info:
            entry["stack"] = self._redact(record.stack_info)
        return json.dumps(entry)

    def _plain(self, value: object) -> object:
        return value if isinstance(value, int | float | None) else self._redact(str(value))


class AgentLog(RotatingFileHandler):
    """The open application log. A line that can't be written is counted in `lost`, not printed."""

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
        self.lost = 0
        self.setFormatter(JsonFormatter(redact))

    def _open(self) -> TextIOWrapper:
        return os.fdopen(private_file(Path(self.baseFilename)), "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:
        self.lost += 1

    def close(self) -> None:
        """Stop logging to the file; what a full disk didn't take is lost."""
        root = logging.getLogger()
        if self in root.handlers:
            root.removeHandler(self)
            logging.captureWarnings(False)
        with suppress(OSError):
            super().close()


def setup_logging(folder: Path, level: str, redact: Callable[[str], str]) -> AgentLog:
    """Log to `folder/logs/agent.log` from now to the result's `close()`: our own records from
    `level` on, those of libraries and Python's warnings from WARNING on. Raises OSError.
    """
    log = AgentLog(private_folder(folder / "logs") / "agent.log", redact)
    root = logging.getLogger()
    # Without any handler, logging would print on the terminal that the console draws on.
    if not any(isinstance(handler, logging.NullHandler) for handler in root.handlers):
        root.addHandler(logging.NullHandler())
    root.addHandler(log)
    root.setLevel(logging.WARNING)
    logging.getLogger("tui_trader").setLevel(level.upper())
    logging.captureWarnings(True)
    return log
