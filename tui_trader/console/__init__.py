"""The operator's console: the only package that draws. Importing it costs nothing."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_trader.console.environment import unfit

if TYPE_CHECKING:
    from tui_trader.clock import Clock
    from tui_trader.link.client import EngineClient


def run_console(
    connect: Callable[[], EngineClient],
    *,
    clock: Clock | None = None,
    mouse: bool = True,
    issuer: str = "console",
    hosted: bool = True,
) -> int:
    """Show an engine until the operator leaves; returns the process's exit code.

    `connect` makes the client. It is called once, in a thread, after the first frame: what it
    imports and does delays nothing. Where it or the client raises StartRefused, the console gives
    way to the message. `clock` defaults to the wall's. `issuer` names the operator in commands;
    `hosted` says that the engine lives and ends with this process. Returns 2, with a line on
    stderr, where no console can be shown, and the code of a start that was refused.
    """
    problem = unfit(os.environ, input_tty=_is_tty(0), output_tty=_is_tty(2))
    if problem is not None:
        sys.stderr.write(f"tui-trader: {problem}\n")
        return 2
    gc.disable()  # until the first frame: collecting what imports leave behind only delays it
    from tui_trader.console.launch import run

    return run(connect, clock=clock, mouse=mouse, issuer=issuer, hosted=hosted)


def _is_tty(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
