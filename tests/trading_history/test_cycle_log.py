"""The cycle log: what a line says, and that none is lost or torn."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.disk import disk_of
from tests.trading_history.samples import DAY_MS, MANUAL, NOON, cycle_log, json_lines
from tui_trader.models import CycleLog
from tui_trader.ops.redaction import Redactor
from tui_trader.trading_history.cycle_log import CycleLogWriter, read_cycle_logs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent_log.jsonl"


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[CycleLogWriter]:
    writer = CycleLogWriter(path, **options)
    try:
        yield writer
    finally:
        writer.close()


@pytest.mark.parametrize("record", MANUAL.values(), ids=MANUAL)
def test_the_records_of_the_manual_come_out_field_for_field(
    path: Path, record: dict[str, Any]
) -> None:
    with opened(path) as writer:
        writer.write(CycleLog(**record, compose_id="run-1", recorded_at=NOON))
    [line] = json_lines(path)
    assert list(line.items())[:15] == list(record.items())
    assert list(line)[15] == "compose_id"


def test_a_line_can_be_read_before_the_next_is_written(path: Path) -> None:
    with opened(path) as writer:
        for number in range(3):
            writer.write(cycle_log(timestamp=number))
            assert [line["timestamp"] for line in json_lines(path)] == list(range(number + 1))


def test_a_new_writer_appends_to_what_is_there(path: Path) -> None:
    for number in range(3):
        with opened(path) as writer:
            writer.write(cycle_log(timestamp=number))
            assert writer.warning is None
    assert [log.timestamp for log in read_cycle_logs(path)] == [0, 1, 2]


def test_the_file_is_private(path: Path) -> None:
    path.touch(0o644)
    with opened(path):
        assert path.stat().st_mode & 0o777 == 0o600


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_whatever_a_model_writes_is_one_plain_line_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("log") / "agent_log.jsonl"
    text += "\n\r\x00\x1b]0;x\x07\x7f\x9b\u2028\u202e"
    with opened(path) as writer:
        writer.write(cycle_log(llm_raw_output=text))
    raw = path.read_bytes()
    assert raw.endswith(b"\n")
    assert all(32 <= byte < 127 for byte in raw[:-1])
    assert [log.llm_raw_output for log in read_cycle_logs(path)] == [text]


def test_a_crash_at_any_byte_loses_no_whole_line_and_keeps_the_torn_one(tmp_path: Path) -> None:
    path, torn = tmp_path / "agent_log.jsonl", tmp_path / "agent_log.torn"
    with opened(path) as writer:
        writer.write(cycle_log(timestamp=1))
        whole = path.stat().st_size
        writer.write(cycle_log(timestamp=2, llm_raw_output="ü"))
    full = path.read_bytes()
    for cut in range(whole + 1, len(full) + 1):
        path.write_bytes(full[:cut])
        torn.unlink(missing_ok=True)
        with opened(path) as writer:
            writer.write(cycle_log(timestamp=3))
        complete = cut >= len(full) - 1
        assert [log.timestamp for log in read_cycle_logs(path)] == (
            [1, 2, 3] if complete else [1, 3]
        )
        if complete:
            assert writer.warning is None
            assert not torn.exists()
        else:
            assert writer.warning is not None
            assert str(torn) in writer.warning
            assert torn.read_bytes() == full[whole:cut] + b"\n"


def test_a_torn_line_longer_than_any_buffer_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "agent_log.jsonl"
    with opened(path) as writer:
        writer.write(cycle_log(timestamp=1))
        writer.write(cycle_log(timestamp=2, llm_raw_output="x" * 300_000))
    torn = path.read_bytes()[:-5]
    path.write_bytes(torn)
    with opened(path):
        pass
    assert [log.timestamp for log in read_cycle_logs(path)] == [1]
    assert len((tmp_path / "agent_log.torn").read_bytes()) > 300_000


def test_a_write_in_small_pieces_is_carried_to_its_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FileIO.write

    class Sparing(FileIO):
        def write(self, data: Any, /) -> int:
            return whole(self, memoryview(data)[:7])

    monkeypatch.setattr("tui_trader.trading_history.cycle_log.FileIO", Sparing)
    with opened(path) as writer:
        writer.write(cycle_log(timestamp=1))
        writer.write(cycle_log(timestamp=2))
    assert [log.timestamp for log in read_cycle_logs(path)] == [1, 2]


@pytest.mark.parametrize("room", [0, 1, 200])
def test_a_full_disk_is_an_error_and_leaves_no_half_line(path: Path, room: int) -> None:
    with opened(path) as writer:
        writer.write(cycle_log(timestamp=1))
        with disk_of(path.stat().st_size + room), pytest.raises(OSError, match="too large"):
            writer.write(cycle_log(timestamp=2))
        assert [log.timestamp for log in read_cycle_logs(path)] == [1]
        writer.write(cycle_log(timestamp=3))
    assert [log.timestamp for log in read_cycle_logs(path)] == [1, 3]


def test_a_half_line_that_cant_be_undone_stops_the_log_until_it_is_opened_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck(FileIO):
        def truncate(self, size: int | None = None, /) -> int:
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("tui_trader.trading_history.cycle_log.FileIO", Stuck)
        writer = CycleLogWriter(path)
    writer.write(cycle_log(timestamp=1))
    with disk_of(path.stat().st_size + 9), pytest.raises(OSError, match="too large"):
        writer.write(cycle_log(timestamp=2))
    with pytest.raises(OSError, match="could not be undone"):
        writer.write(cycle_log(timestamp=3))
    writer.close()
    with opened(path) as again:
        assert again.warning is not None
        again.write(cycle_log(timestamp=4))
    assert [log.timestamp for log in read_cycle_logs(path)] == [1, 4]


def test_a_failing_sync_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    with opened(path, fsync=True) as writer:
        writer.write(cycle_log(timestamp=1))
        monkeypatch.setattr(os, "fsync", failing)
        with pytest.raises(OSError, match="Input/output"):
            writer.write(cycle_log(timestamp=2))


@pytest.mark.parametrize("meddle", ["move", "remove", "cut", "append"])
def test_a_file_that_another_program_touched_is_noticed(path: Path, meddle: str) -> None:
    with opened(path) as writer:
        writer.write(cycle_log())
        match meddle:
            case "move":
                path.rename(path.with_suffix(".1"))
                path.touch()
            case "remove":
                path.unlink()
            case "cut":
                os.truncate(path, 0)
            case _:
                path.write_bytes(path.read_bytes() + b"x\n")
        with pytest.raises(OSError, match=r"another program|No such file"):
            writer.write(cycle_log())


def days_kept(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_new_day_gets_a_new_file_and_thirty_old_ones_are_kept(path: Path) -> None:
    stranger = path.with_name("agent_log.2001-01-01.txt")
    stranger.touch()
    with opened(path) as writer:
        for day in range(40):
            writer.write(cycle_log(timestamp=day, recorded_at=NOON + day * DAY_MS))
    names = days_kept(path.parent)
    assert names[0] == stranger.name
    assert names[1] == "agent_log.2024-11-10.jsonl"
    assert names[-2:] == ["agent_log.2024-12-09.jsonl", "agent_log.jsonl"]
    assert len(names) == 1 + 30 + 1
    assert [log.timestamp for log in read_cycle_logs(path)] == [39]


def test_the_day_is_known_again_after_a_restart(path: Path) -> None:
    with opened(path) as writer:
        writer.write(cycle_log(timestamp=1))
    with opened(path) as writer:
        writer.write(cycle_log(timestamp=2, recorded_at=NOON + DAY_MS))
    [old] = read_cycle_logs(path.with_name("agent_log.2024-11-01.jsonl"))
    assert old.timestamp == 1
    assert path.with_name("agent_log.2024-11-01.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_clock_set_back_neither_rotates_nor_overwrites_what_was_kept(path: Path) -> None:
    for timestamp, day in enumerate([0, 1, 0]):
        with opened(path) as writer:
            writer.write(cycle_log(timestamp=timestamp, recorded_at=NOON + day * DAY_MS))
    with opened(path) as writer:
        writer.write(cycle_log(timestamp=3, recorded_at=NOON + DAY_MS))
    assert days_kept(path.parent) == [
        "agent_log.2024-11-01.1.jsonl",
        "agent_log.2024-11-01.jsonl",
        "agent_log.jsonl",
    ]
    found = [log.timestamp for file in path.parent.iterdir() for log in read_cycle_logs(file)]
    assert sorted(found) == [0, 1, 2, 3]


def test_secrets_are_taken_out_of_every_text_and_numbers_stay(path: Path) -> None:
    secret = "68680"
    with opened(path, redact=Redactor([secret, "sk-canary"])) as writer:
        writer.write(
            cycle_log(
                llm_raw_output=f"key sk-canary, {secret}",
                parsed_reason="sk-canary",
                error="GET /?signature=abc sk-canary",
                verdicts=("size: clip: sk-canary",),
            )
        )
    assert b"canary" not in path.read_bytes()
    [log] = read_cycle_logs(path)
    assert log.market_price == 68680.0
    assert log.llm_raw_output == "key [redacted], [redacted]"
    assert log.error == "GET /?signature=[redacted] [redacted]"
    assert list(json_lines(path)[0]) == list(CycleLog.model_fields)


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (b'{"timestamp": 1}', "symbol: Field required"),
        (b"{", "line: Invalid JSON"),
        (b"\xff", "line: Invalid JSON"),
        (b"", "line: Invalid JSON"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(path: Path, bad: bytes, what: str) -> None:
    with opened(path) as writer:
        writer.write(cycle_log())
    path.write_bytes(path.read_bytes() + bad + b"\n")
    logs = read_cycle_logs(path)
    next(logs)
    with pytest.raises(ValueError, match=r"agent_log\.jsonl:2: ") as error:
        next(logs)
    assert what in str(error.value)


def test_lines_of_the_specification_without_our_fields_can_be_read(path: Path) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in MANUAL.values()))
    assert [log.parsed_action for log in read_cycle_logs(path)] == ["long", "long", "hold", "hold"]
