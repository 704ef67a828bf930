"""What is imported when: the console never waits for the engine, the engine never draws."""

import subprocess
import sys

import pytest

DRAWS = {"textual", "rich", "plotext"}
HEAVY = {"pandas", "openai", "pyarrow", "pandas_ta_classic"}
ENGINE = {"numpy", "talib", "plotext", *HEAVY}


def imported_by(code: str) -> set[str]:
    """Modules, and their top-level packages, that a fresh interpreter has imported after `code`."""
    program = f"{code}\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    names = done.stdout.split()
    return {*names, *(name.partition(".")[0] for name in names)}


def test_the_package_itself_costs_nothing() -> None:
    assert not imported_by("import tui_trader") & {*DRAWS, *HEAVY, "pydantic", "numpy", "typer"}


def test_the_command_line_imports_nothing_before_it_knows_the_command() -> None:
    assert not imported_by("import tui_trader.cli") & {*DRAWS, *HEAVY, "pydantic", "numpy"}


@pytest.mark.parametrize("module", ["tui_trader.agent.assembly", "tui_trader.headless"])
def test_an_engine_draws_nothing_and_needs_no_data_frames(module: str) -> None:
    assert not imported_by(f"import {module}") & {*DRAWS, *HEAVY}


def test_a_link_knows_no_stage() -> None:
    assert not imported_by("import tui_trader.link.local") & {*DRAWS, *HEAVY, "numpy", "talib"}


def test_the_first_frame_waits_for_nothing_heavy() -> None:
    found = imported_by("import tui_trader.console.launch, tui_trader.console.app")
    late = {f"tui_trader.{name}" for name in ("messages", "models", "agent", "config")}
    assert not found & {"pydantic", *ENGINE, *late}


def test_the_console_package_costs_nothing() -> None:
    assert not imported_by("import tui_trader.console") & {"asyncio", "pydantic", *DRAWS, *ENGINE}


def test_following_an_engine_does_not_bring_its_libraries() -> None:
    assert not imported_by("import tui_trader.console.bridge, tui_trader.console.app") & ENGINE
