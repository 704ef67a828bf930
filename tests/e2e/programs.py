"""Starting the real program, in a clean environment with a home of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CASES = ROOT.parent / "shared" / "cases"
LTC_BTC = CASES / "01_ohlcv" / "binance_5m_2018" / "LTC_BTC-5m.csv"

S0_FIELDS = [
    "timestamp",
    "symbol",
    "market_price",
    "position_before",
    "llm_raw_output",
    "parsed_action",
    "parsed_size_pct",
    "parsed_reason",
    "risk_approved",
    "risk_reason",
    "executed",
    "order_id",
    "filled_size",
    "fill_price",
    "mode",
]
WALL_CLOCK_FIELDS = {"recorded_at", "latency_ms"}


def environment(home: Path, **more: str) -> dict[str, str]:
    """The least that a program needs, and nothing of the machine's own configuration."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TUI_TRADER_HOME": str(home / "tui-trader"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        **more,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tui_trader", *arguments]


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has run to its end."""

    code: int
    out: str
    err: str
    home: Path

    def logs(self) -> list[dict[str, Any]]:
        """Standard output as JSON objects, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def cycle_log(self) -> list[dict[str, Any]]:
        """The one `agent_log.jsonl` below the home."""
        (path,) = (self.home / "tui-trader").rglob("agent_log.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()]


def run(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
    """Run the program to its end, without a terminal."""
    done = subprocess.run(
        command(*arguments),
        env=environment(home, PYTHONPATH=str(ROOT)) | dict(env or {}),
        cwd=home,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=90,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr, home)


@contextmanager
def started(home: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The program running without a terminal, its output in pipes; ended at the end, whatever."""
    process = subprocess.Popen(
        command(*arguments),
        env=environment(home, PYTHONPATH=str(ROOT)),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
