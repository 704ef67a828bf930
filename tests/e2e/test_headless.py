"""The agent without a console, as its user runs it."""

import contextlib
import signal
import subprocess
from pathlib import Path

import pytest

from tests.disk import disk_of
from tests.e2e.programs import (
    LTC_BTC,
    ROOT,
    S0_FIELDS,
    WALL_CLOCK_FIELDS,
    command,
    environment,
    run,
    started,
)
from tests.e2e.terminal import terminal
from tui_trader import __version__
from tui_trader.models import CycleLog

REPLAY = ["--no-ui", "--speed", "max", "--cycles", "500", "--source"]

needs_cases = pytest.mark.skipif(not LTC_BTC.exists(), reason="the case files are not here")


@needs_cases
def test_a_replay_ends_by_itself_with_one_valid_line_a_cycle_and_trades_in_it(
    tmp_path: Path,
) -> None:
    ended = run(tmp_path, *REPLAY, f"replay:{LTC_BTC}")
    assert ended.code == 0, ended.err
    lines = ended.cycle_log()
    assert len(lines) == 500
    for line in lines:
        CycleLog.model_validate(line)
        assert list(line)[: len(S0_FIELDS)] == S0_FIELDS
        assert line["symbol"] == "LTC/BTC"
        assert line["mode"] == "paper"
    assert ended.logs() == lines
    actions = {line["parsed_action"] for line in lines if line["executed"]}
    assert {"long", "close"} <= actions


@needs_cases
def test_two_replays_write_the_same_log_but_for_wall_clock_fields(tmp_path: Path) -> None:
    logs = []
    for seed in ("1", "2"):
        home = tmp_path / seed
        home.mkdir()
        ended = run(home, *REPLAY, f"replay:{LTC_BTC}", env={"PYTHONHASHSEED": seed})
        logs.append(
            [
                {name: value for name, value in line.items() if name not in WALL_CLOCK_FIELDS}
                for line in ended.cycle_log()
            ]
        )
    assert logs[0] == logs[1]


def test_the_simulated_market_as_fast_as_it_goes_is_the_same_every_time(tmp_path: Path) -> None:
    logs, figures = [], []
    for name in ("a", "b"):
        home = tmp_path / name
        home.mkdir()
        ended = run(home, "--no-ui", "--speed", "max", "--cycles", "60")
        assert ended.code == 0, ended.err
        figures.append(ended.err.splitlines()[-5:])
        logs.append(
            [
                {key: value for key, value in line.items() if key not in WALL_CLOCK_FIELDS}
                for line in ended.logs()
            ]
        )
    assert logs[0] == logs[1]
    assert len(logs[0]) == 60 * 3
    assert figures[0] == figures[1]
    told = [line.partition(" ")[0] for line in figures[0]]
    assert told[:3] == ["60", "return", "deepest"]
    assert told[4] == "in"
    assert "Sharpe –" in figures[0][1]


def test_version_and_help(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").out == f"tui-trader {__version__}\n"
    told = run(tmp_path, "--help")
    assert told.code == 0
    for flag in ("--no-ui", "--source", "--speed", "--cycles", "--config", "--env", "--verbose"):
        assert flag in told.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nonsense"], "--nonsense"),
        (["--cycles", "0"], "cycles"),
        (["--config", "nowhere.toml"], "nowhere.toml: no such file"),
        (["--env", "nowhere.env"], "nowhere.env: no such file"),
        (["--source", "replay:nowhere.csv"], "nowhere.csv"),
        (["--source", "elsewhere"], "market.source"),
        (["--speed", "fast"], "market.speed"),
        (["--interval", "0"], "agent.interval_seconds"),
        (["--timeframe", "5 minutes"], "agent.timeframe"),
        (["--live"], "EXCHANGE_API_KEY"),
    ],
)
def test_a_usage_error_ends_with_2_and_says_what_is_wrong(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    ended = run(tmp_path, "--no-ui", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_a_configuration_error_names_file_key_and_nearest_key(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[risk]\nmax_postions = 3\n")
    ended = run(tmp_path, "--no-ui", "--config", "my.toml")
    assert ended.code == 2
    for said in ("my.toml", "risk.max_postions", "risk.max_positions"):
        assert said in ended.err


def test_bad_candles_are_told_with_file_and_line(tmp_path: Path) -> None:
    rows = [f"{1_600_000_000_000 + 60_000 * i},1,2,0.5,1,10" for i in range(80)]
    rows[70] = rows[70].replace(",2,", ",0.1,")
    path = tmp_path / "BTC_USDT-1m.csv"
    path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows))
    ended = run(tmp_path, *REPLAY, f"replay:{path}")
    assert ended.code != 0
    assert "BTC_USDT-1m.csv" in ended.err
    assert "72" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("mode", ["testnet", "live"])
def test_modes_without_a_venue_are_refused(tmp_path: Path, mode: str) -> None:
    keys = dict.fromkeys(("EXCHANGE_API_KEY", "EXCHANGE_API_SECRET", "DEEPSEEK_API_KEY"), "x")
    ended = run(tmp_path, "--no-ui", env=keys | {"RUN_MODE": mode, "SYMBOL": "BTC/USDT"})
    assert ended.code == 2
    assert "exchange" in ended.err


def _first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_gracefully(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "--no-ui") as process:
        assert _first_line(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "completing the running cycle" in err
    for line in out.splitlines():
        CycleLog.model_validate_json(line)


def test_a_closed_terminal_ends_the_run(tmp_path: Path) -> None:
    with terminal(tmp_path, "--no-ui") as screen:
        screen.wait_for("decision")
        screen.hang_up()
        assert screen.exit_code() == 0


def test_on_a_terminal_the_start_and_the_stop_are_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[risk]\nmax_equity_usage_pct = 0.25\n")
    with terminal(tmp_path, "--no-ui", "--config", "my.toml") as screen:
        screen.wait_for("decision")
        screen.press("\x03")
        assert screen.exit_code() == 0
        said = screen.painted()
    for words in (
        f"tui-trader {__version__}",
        "my.toml",
        "PAPER, no real money",
        "position 25.00% of equity",
        "Press Ctrl+C",
        "completing the running cycle",
        "stopped gracefully: SIGINT received",
    ):
        assert words in said


def test_a_reader_that_stands_still_delays_neither_the_engine_nor_its_end(tmp_path: Path) -> None:
    with started(tmp_path, "--no-ui", "--speed", "max", "--cycles", "100000") as process:
        assert _first_line(process)
        (log,) = (tmp_path / "tui-trader").rglob("agent_log.jsonl")
        while log.stat().st_size < 1_000_000:  # many times what the pipe holds
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"ended with {process.wait(0.05)}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_a_slow_reader_misses_nothing(tmp_path: Path) -> None:
    with started(tmp_path, "--no-ui", "--speed", "max", "--cycles", "100") as process:
        (tmp_path / "tui-trader").mkdir(exist_ok=True)
        while not any(
            len(log.read_text().splitlines()) == 300
            for log in (tmp_path / "tui-trader").rglob("agent_log.jsonl")
        ):
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"ended with {process.wait(0.05)}")
        out, _ = process.communicate(timeout=30)
        assert len(out.splitlines()) == 300


def test_an_output_that_can_not_be_written_is_a_failure(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("--no-ui", "--cycles", "1"),
            env=environment(tmp_path, PYTHONPATH=str(ROOT)),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_run_that_the_disk_has_halted_failed(tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT-1m.csv"
    path.write_text("".join(f"{1_600_000_000_000 + 60_000 * i},1,2,0.5,1,10\n" for i in range(80)))
    with disk_of(120 * 1024):
        ended = run(tmp_path, "--no-ui", "--speed", "max", "--source", f"replay:{path}")
    assert ended.code == 1
    assert "tui-trader: the disk refused" in ended.err


def test_a_folder_that_can_not_be_used_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "file/below"):
        ended = run(tmp_path, "--no-ui", "--data-dir", name)
        assert ended.code == 1
        assert str(tmp_path / name) in ended.err
        assert "TUI_TRADER_HOME" in ended.err


def test_sigusr1_halts_for_good_until_somebody_resumes(tmp_path: Path) -> None:
    with started(tmp_path, "--no-ui") as process:
        assert _first_line(process)
        process.send_signal(signal.SIGUSR1)
        assert process.stderr is not None
        assert any("HALTED" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    (kill_file,) = (tmp_path / "tui-trader").rglob("KILL")
    assert "SIGUSR1" in kill_file.read_text()
    with started(tmp_path, "--no-ui") as process:
        assert process.stderr is not None
        assert any("HALTED" in line for line in process.stderr)


def test_a_reader_that_goes_away_ends_the_run_quietly(tmp_path: Path) -> None:
    with started(tmp_path, "--no-ui", "--speed", "max", "--cycles", "100000") as process:
        assert _first_line(process)
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in err


def test_a_second_engine_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with started(tmp_path, "--no-ui") as process:
        assert _first_line(process)
        second = run(tmp_path, "--no-ui", "--cycles", "1")
        assert second.code == 2
        assert str(process.pid) in second.err


def test_without_a_terminal_the_console_gives_way_to_lines(tmp_path: Path) -> None:
    ended = run(tmp_path, "--cycles", "1")
    assert ended.code == 0
    assert "running without the console" in ended.err
    assert len(ended.logs()) == 3


def test_no_secret_is_written_anywhere(tmp_path: Path) -> None:
    canary = "canary-7f3a91"
    ended = run(
        tmp_path,
        "--no-ui",
        "--cycles",
        "1",
        "--verbose",
        env=dict.fromkeys(("EXCHANGE_API_KEY", "EXCHANGE_API_SECRET", "DEEPSEEK_API_KEY"), canary),
    )
    assert ended.code == 0
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(canary.encode() in content for content in written)
    assert canary not in ended.out + ended.err


def test_a_simulation_as_fast_as_it_goes_ends_when_it_is_halted(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with started(
        tmp_path, "--no-ui", "--speed", "max", "--cycles", "10000000", "--data-dir", str(folder)
    ) as process:
        assert _first_line(process)
        (folder / "KILL").touch()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "halted" in err
