"""A real terminal: what it is left like, and that nothing outlives it."""

import re
import signal
import subprocess
from itertools import pairwise

import pytest

from tests.console.terminal import DEMO, terminal

RUNNING = b"PAPER DEMO"
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l")


def test_q_and_enter_end_it_with_0_and_restore_the_terminal() -> None:
    with terminal() as console:
        console.read_until(RUNNING)
        console.write(b"q")
        console.read_until(b"Quit the console?")
        console.write(b"\r")
        assert console.wait() == 0
        assert all(sequence in console.output for sequence in RESTORED)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_to_end_restores_the_terminal_and_returns_0(number: signal.Signals) -> None:
    with terminal() as console:
        console.read_until(RUNNING)
        console.signal(number)
        assert console.wait() == 0
        assert all(sequence in console.output for sequence in RESTORED)


def test_a_closed_line_ends_it() -> None:
    with terminal() as console:
        console.read_until(RUNNING)
        console.hang_up()
        assert console.process.wait(10) in (0, 1)


def test_a_closed_line_ends_it_even_when_no_signal_tells() -> None:
    with terminal(controlling=False) as console:
        console.read_until(RUNNING)
        console.hang_up()
        assert console.process.wait(10) in (0, 1)


def test_keys_typed_before_the_first_frame_are_not_lost() -> None:
    with terminal() as console:
        console.write(b"K")
        console.read_until(b"KILL SWITCH")


def test_a_burst_of_keys_over_a_slow_line_does_what_it_says() -> None:
    with terminal() as console:
        console.read_until(RUNNING)
        console.write(b"KKILL\t\r")
        console.read_until(b"halted and flat")


def test_without_colour_nothing_coloured_is_sent() -> None:
    with terminal(NO_COLOR="1") as console:
        console.read_until(RUNNING)
        console.signal(signal.SIGTERM)
        assert console.wait() == 0
    colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", console.output)
    assert all(a == b for colour in colours for a, b in pairwise(colour))


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_refused_with_2(term: str) -> None:
    with terminal(TERM=term) as console:
        assert console.wait() == 2
    assert b"\x1b" not in console.output
    assert b"--no-ui" in console.output


def test_no_terminal_at_all_is_refused_with_2() -> None:
    done = subprocess.run(DEMO, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.returncode == 2
    assert b"--no-ui" in done.stderr
    assert done.stdout == b""


def test_asked_twice_it_ends_although_the_terminal_does_not_read() -> None:
    with terminal() as console:
        console.read_until(RUNNING)
        console.signal(signal.SIGTERM)
        console.signal(signal.SIGTERM)
        assert console.process.wait(10) in (0, 1)
