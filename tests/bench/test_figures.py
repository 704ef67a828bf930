"""Measured figures beside a reference from the same run: `pytest -m bench -n0 -s`. None is asserted
but those that are the same on every machine."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pytest

from tests.agent.harness import config
from tests.bench.figures import milliseconds, say
from tests.e2e.terminal import Terminal, terminal
from tests.market_data.candles import ARRAYS, walk
from tui_trader.agent.assembly import assemble
from tui_trader.agent.runtime import AgentRuntime

pytestmark = pytest.mark.bench

BARE = """
from textual.app import App, ComposeResult
from textual.widgets import Static

class Bare(App):
    def compose(self) -> ComposeResult:
        yield Static("hello")

Bare().run()
"""
RUNS = 7


def first_frame_ms(home: Path, line: Sequence[str] | None) -> float:
    """Milliseconds from the start to the first visible glyph after the alternate screen."""
    began = time.perf_counter()
    with terminal(home, line=line) as screen:
        while not _glyphs(screen):
            screen.read(5)
        return (time.perf_counter() - began) * 1000


def _glyphs(screen: Terminal) -> bool:
    _, entered, _ = bytes(screen.written).partition(b"\x1b[?1049h")
    return bool(entered) and bool(screen.painted().split())


def test_first_frame_beside_a_bare_textual_app(tmp_path: Path) -> None:
    bare = [sys.executable, "-c", BARE]
    figures: dict[str, list[float]] = {"bare Textual app": [], "tui-trader": []}
    for _ in range(RUNS):
        figures["bare Textual app"].append(first_frame_ms(tmp_path, bare))
        figures["tui-trader"].append(first_frame_ms(tmp_path, None))
    for name, times in figures.items():
        say(f"first frame, {name}: median {median(times):.0f} ms, best {min(times):.0f} ms")
    ratio = median(figures["tui-trader"]) / median(figures["bare Textual app"])
    say(f"first frame: {ratio:.2f} x the bare app (budget 1.7)")


@pytest.mark.parametrize("market", ["moving", "still"])
def test_bytes_processor_and_memory_of_a_running_console(tmp_path: Path, market: str) -> None:
    """`still` replays at a speed at which nothing happens for minutes; `moving` is the demo."""
    seconds = 10.0
    arguments = [] if market == "moving" else ["--speed", "0.001"]
    with terminal(tmp_path, *arguments) as screen:
        screen.wait_for("#1")
        _read_for(screen, 3)
        screen.forget()
        cpu = _cpu_seconds(screen.pid)
        _read_for(screen, seconds)
        used = (_cpu_seconds(screen.pid) - cpu) / seconds * 100
        sent = len(screen.written) / seconds
        resident = _resident_mb(screen.pid)
    say(
        f"console and engine, {market} market, 120x40: {sent:,.0f} B/s, {used:.1f} % of a core, "
        f"{resident:.0f} MB resident"
    )


def _read_for(screen: Terminal, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        screen.read(left)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def test_a_cycles_own_work(tmp_path: Path) -> None:
    """Three symbols, 500 bars, the rules; with its durable writes. The reference commits a row."""
    files = [_candle_file(tmp_path, name, seed) for seed, name in enumerate(("AAA", "BBB", "CCC"))]
    loaded = config(
        agent={"symbols": (), "strategy": "rules"},
        market={"speed": "max", "source": f"replay:{','.join(map(str, files))}"},
        features={"lookback": 500},
    )
    runtime = await assemble(loaded, max_cycles=2_000, data_dir=tmp_path / "data")
    marks = await _cycle_times(runtime)
    for name, part in (("100th", marks[50:150]), ("1,900th", marks[1_850:1_950])):
        say(f"cycle, 3 symbols x 500 bars, around the {name}: median {median(part):.2f} ms")
    say(f"reference: one durable SQLite commit: median {_commit_ms(tmp_path):.2f} ms")


def _candle_file(folder: Path, name: str, seed: int) -> Path:
    """3,000 minutes of a random walk."""
    path = folder / f"{name}_USDT-1m.csv"
    series = walk(3_000, seed=seed)
    rows = zip(*(getattr(series, column).tolist() for column in ARRAYS), strict=True)
    lines = ["timestamp,open,high,low,close,volume", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines))
    return path


async def _cycle_times(runtime: AgentRuntime) -> list[float]:
    """Milliseconds of every `run_once`."""
    times: list[float] = []
    coordinator = runtime._parts.coordinator
    run_once = coordinator.run_once

    async def timed() -> object:
        began = time.perf_counter()
        result = await run_once()
        times.append((time.perf_counter() - began) * 1000)
        return result

    coordinator.run_once = timed  # type: ignore[method-assign, assignment]
    await asyncio.wait_for(runtime.run(), 100)
    return times


def _commit_ms(folder: Path) -> float:
    import sqlite3

    connection = sqlite3.connect(folder / "reference.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (x)")

    def commit() -> None:
        connection.execute("INSERT INTO t VALUES (1)")

    times = [milliseconds(commit) for _ in range(500)]
    connection.close()
    return median(times)
