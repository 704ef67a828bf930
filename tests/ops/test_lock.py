"""One engine a folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tui_trader.ops.lock import FolderBusyError, FolderLock


def test_a_second_engine_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(FolderBusyError) as refused:
        FolderLock(tmp_path).acquire()
    assert f"process {os.getpid()}" in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_after_release_the_next_engine_may_work(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    first.acquire()
    first.release()
    first.release()
    with FolderLock(tmp_path):
        assert (tmp_path / "engine.lock").read_text() == f"{os.getpid()}\n"


def test_a_killed_engine_leaves_no_lock_behind(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from tui_trader.ops.lock import FolderLock\n"
        "FolderLock(pathlib.Path(sys.argv[1])).acquire(); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(FolderBusyError, match=f"process {child.pid}"):
            FolderLock(tmp_path).acquire()
        child.send_signal(signal.SIGKILL)
        child.wait()
    with FolderLock(tmp_path):
        pass


def test_the_lock_file_is_private(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        assert (tmp_path / "engine.lock").stat().st_mode & 0o777 == 0o600
