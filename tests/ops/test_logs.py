"""The application log."""

import asyncio
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.disk import disk_of
from tui_trader.ops import logs
from tui_trader.ops.logs import AgentLog, cycle_context, setup_logging
from tui_trader.ops.redaction import Redactor

CANARY = "canary-7f3a9c"
logger = logging.getLogger("tui_trader.tests")


def lines(log: AgentLog) -> list[dict[str, Any]]:
    log.flush()
    return [json.loads(line) for line in Path(log.baseFilename).read_text().splitlines()]


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Callable[[], AgentLog]]:
    root, ours = logging.getLogger(), logging.getLogger("tui_trader")
    before = (list(root.handlers), root.level, ours.level)
    opened: list[AgentLog] = []

    def opener() -> AgentLog:
        root.handlers.clear()  # those of pytest raise what a handler must swallow
        opened.append(setup_logging(tmp_path, "info", Redactor([CANARY])))
        return opened[-1]

    yield opener
    for log in opened:
        log.close()
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_a_line_says_when_who_what_and_which_cycle(open_log: Callable[[], AgentLog]) -> None:
    log = open_log()
    with cycle_context("run-000001"):
        logger.info("order %s sent", "tt-1", extra={"symbol": "BTC/USDT", "attempt": 2})
    logger.debug("too fine")
    logger.warning("later")
    first, second = lines(log)
    assert first["ts"].endswith("+00:00")
    assert {key: first[key] for key in first if key != "ts"} == {
        "level": "info",
        "logger": "tui_trader.tests",
        "compose_id": "run-000001",
        "message": "order tt-1 sent",
        "symbol": "BTC/USDT",
        "attempt": 2,
    }
    assert second["compose_id"] is None


async def test_a_task_logs_under_the_cycle_that_started_it(
    open_log: Callable[[], AgentLog],
) -> None:
    log = open_log()

    async def speak(text: str) -> None:
        logger.info(text)

    with cycle_context("one"):
        first = asyncio.create_task(speak("a"))
    with cycle_context("two"):
        second = asyncio.create_task(speak("b"))
    await asyncio.gather(first, second)
    assert [(line["message"], line["compose_id"]) for line in lines(log)] == [
        ("a", "one"),
        ("b", "two"),
    ]


def test_no_secret_reaches_the_file_by_message_argument_extra_or_exception(
    open_log: Callable[[], AgentLog],
) -> None:
    log = open_log()

    def fail(api_secret: str) -> None:
        local = "never raised, " + "only held"
        raise ConnectionError(f"GET /account?key={api_secret}&signature=abcdef&n={len(local)}")

    logger.info(f"literal {CANARY}")
    logger.info("argument %s %r", CANARY, {"headers": {"X-MBX-APIKEY": "other-key"}})
    logger.info("extra", extra={"url": f"https://x/?k={CANARY}", "nested": {"k": [CANARY]}})
    try:
        try:
            fail(CANARY)
        except ConnectionError as error:
            raise RuntimeError("gave up") from error
    except RuntimeError:
        logger.exception("request failed", stack_info=True)
    text = json.dumps(lines(log))
    for leak in (CANARY, "other-key", "abcdef", "never raised"):
        assert leak not in text
    last = lines(log)[-1]
    assert "ConnectionError: GET /account?key=[redacted]" in last["exception"]
    assert "RuntimeError: gave up" in last["exception"]


def test_nothing_is_ever_printed_not_even_when_the_disk_is_full_or_the_log_closed(
    open_log: Callable[[], AgentLog],
    capfd: pytest.CaptureFixture[str],
) -> None:
    log = open_log()
    logger.info("room")
    with disk_of(Path(log.baseFilename).stat().st_size):
        logger.error("lost")
    assert log.lost == 1
    logger.error("%d", "not a number")
    assert log.lost == 2
    with disk_of(0):
        logger.error("still in a buffer")
        log.close()
    logger.error("after the end")
    assert capfd.readouterr() == ("", "")


def test_libraries_are_heard_from_warning_on_and_python_warnings_are_logged(
    open_log: Callable[[], AgentLog],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log = open_log()
        logging.getLogger("httpx").info("GET https://venue/?signature=1")
        logging.getLogger("httpx").warning("slow")
        warnings.warn("old call", DeprecationWarning, stacklevel=1)
        log.close()
    assert [line["logger"] for line in lines(log)] == ["httpx", "py.warnings"]


def test_a_line_stays_one_line_whatever_is_logged(open_log: Callable[[], AgentLog]) -> None:
    log = open_log()
    logger.info("a\nb\r\x1b[31m\u2028\x85 ü")
    raw = Path(log.baseFilename).read_bytes()
    assert raw.count(b"\n") == 1
    assert raw.isascii()
    assert b"\x1b" not in raw


def test_files_are_private_rotated_and_bounded(
    open_log: Callable[[], AgentLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 500)
    log = open_log()
    for number in range(100):
        logger.info("line %d", number)
    folder = Path(log.baseFilename).parent
    files = sorted(folder.iterdir())
    assert len(files) == 1 + logs.BACKUPS
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert lines(log)[-1]["message"] == "line 99"


def test_a_closed_log_hears_nothing_more(open_log: Callable[[], AgentLog]) -> None:
    log = open_log()
    log.close()
    log.close()
    logger.info("unheard")
    assert Path(log.baseFilename).read_text() == ""
    assert log not in logging.getLogger().handlers


def test_the_module_pulls_in_nothing_heavy() -> None:
    script = "import tui_trader.ops.logs, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert {b"structlog", b"pydantic", b"platformdirs"}.isdisjoint(done.stdout.split())
