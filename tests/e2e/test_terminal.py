"""The console in a real terminal: how it starts, what it survives, how it leaves."""

import signal
from pathlib import Path

import pytest

from tests.e2e.programs import ROOT, run
from tests.e2e.terminal import Terminal, terminal

RESTORED = (b"\x1b[?1049l", b"\x1b[?25h")
"""Leave the alternate screen, show the cursor."""


def decided(screen: Terminal) -> None:
    """Wait for the first decision to be painted."""
    screen.wait_for("#1")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}")
def test_the_demo_shows_a_decision_and_q_leaves_a_clean_terminal(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    with terminal(tmp_path, size=size) as screen:
        decided(screen)
        for said in ("PAPER", "DEMO", "BTC/USDT"):
            assert said in screen.painted()
        screen.press("q")
        screen.wait_for("Quit")
        screen.press("\r")
        assert screen.exit_code() == 0
        for sequence in RESTORED:
            assert sequence in screen.written


def test_a_terminate_signal_restores_the_terminal_and_ends_with_0(tmp_path: Path) -> None:
    with terminal(tmp_path) as screen:
        decided(screen)
        screen.forget()
        screen.send_signal(signal.SIGTERM)
        assert screen.exit_code() == 0
        for sequence in RESTORED:
            assert sequence in screen.written
        assert "Traceback" not in screen.painted()


def test_a_terminal_that_is_closed_ends_the_program(tmp_path: Path) -> None:
    with terminal(tmp_path) as screen:
        decided(screen)
        screen.hang_up()
        assert screen.exit_code() == 0
    (log,) = (tmp_path / "tui-trader").rglob("agent_log.jsonl")
    assert log.read_bytes().endswith(b"\n")


def test_a_resize_storm_is_survived(tmp_path: Path) -> None:
    with terminal(tmp_path) as screen:
        decided(screen)
        for size in ((20, 5), (1, 1), (500, 200), (79, 23), (120, 40)):
            screen.resize(*size)
            screen.read(0.2)
        screen.forget()
        screen.press("?")
        screen.wait_for("Kill switch")
        screen.send_signal(signal.SIGTERM)
        assert screen.exit_code() == 0


def test_no_color_sends_no_colour(tmp_path: Path) -> None:
    with terminal(tmp_path, env={"NO_COLOR": "1"}) as screen:
        decided(screen)
        assert b"38;2;" not in screen.written
        assert b"\x1b[31m" not in screen.written


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_refused_with_a_remedy(tmp_path: Path, term: str) -> None:
    with terminal(tmp_path, env={"TERM": term}) as screen:
        assert screen.exit_code() == 2
        assert "--no-ui" in screen.painted()
        assert b"\x1b" not in screen.written


def test_a_dumb_terminal_can_run_without_the_console(tmp_path: Path) -> None:
    with terminal(tmp_path, "--no-ui", "--cycles", "1", env={"TERM": "dumb"}) as screen:
        assert screen.exit_code() == 0
        assert "decision" in screen.painted()
        assert b"\x1b" not in screen.written


def test_a_plain_locale_starts(tmp_path: Path) -> None:
    with terminal(tmp_path, env={"LANG": "C", "LC_ALL": "C"}) as screen:
        decided(screen)


def test_keys_typed_before_the_engine_is_ready_are_not_lost(tmp_path: Path) -> None:
    with terminal(tmp_path) as screen:
        screen.wait_for("starting")
        screen.press("?")
        screen.wait_for("Kill switch")


def test_a_kill_in_the_console_halts_and_is_shown_as_the_engine_says(tmp_path: Path) -> None:
    with terminal(tmp_path) as screen:
        decided(screen)
        screen.press("K")
        screen.wait_for("KILL")
        screen.press("KILL\r")
        screen.wait_for("HALTED")
    assert list((tmp_path / "tui-trader").rglob("KILL"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--config", "nowhere.toml"), "nowhere.toml: no such file"),
        (("--source", "elsewhere"), "market.source"),
        (("--live",), "EXCHANGE_API_KEY"),
    ],
)
def test_a_configuration_error_gives_the_terminal_back_and_ends_with_2(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    with terminal(tmp_path, *arguments) as screen:
        assert screen.exit_code() == 2
        for sequence in RESTORED:
            assert sequence in screen.written
        assert said in screen.painted()
        assert "Traceback" not in screen.painted()


REMEDY = "set llm.price_input_usd and llm.price_output_usd (0 where it is free)"
UNPRICED = """\
[llm]
provider = "openai"
model = "m"
daily_cap_usd = 1.0
"""
WARMUP = """\
[features]
lookback = 60
indicators = ["sma_100"]
"""


@pytest.mark.parametrize(
    ("config", "arguments", "code", "said"),
    [
        (UNPRICED, (), 2, REMEDY),
        (WARMUP, (), 2, "raise it, or choose shorter ones"),
        (
            "[agent]\nstrategy = 'my_broken:Mine'\n",
            (),
            2,
            "my_broken.py, line 2: ZeroDivisionError",
        ),
        ("", ("--source", "replay:BTC_USDT-1m.csv"), 1, "BTC_USDT-1m.csv"),
        ("", ("--data-dir", "my_broken.py"), 1, "TUI_TRADER_HOME"),
    ],
    ids=["cap without a price", "lookback", "strategy", "candles", "folder"],
)
def test_what_only_the_engine_finds_wrong_is_told_whole_as_without_the_console(
    tmp_path: Path, config: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "my.toml").write_text(config)
    (tmp_path / "my_broken.py").write_text("\n1 / 0\n")
    (tmp_path / "BTC_USDT-1m.csv").write_text("no candles\n")
    env = {"OPENAI_API_KEY": "sk-1", "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    arguments = ("--config", "my.toml", *arguments)
    plain = run(tmp_path, "--no-ui", *arguments, env=env)
    assert (plain.code, "Traceback" in plain.err) == (code, False)
    assert said in plain.err
    with terminal(tmp_path, *arguments, env=env) as screen:
        assert screen.exit_code() == code
        for sequence in RESTORED:
            assert sequence in screen.written
        told = screen.written.rpartition(RESTORED[0])[2].decode().replace("\r\n", "\n")
        assert plain.err in told
        assert "Traceback" not in told
