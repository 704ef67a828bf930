"""What is imported when: the console never waits for the engine, the engine never draws."""

import subprocess
import sys

import pytest

DRAWS = {"textual", "rich", "plotext"}
HEAVY = {"pandas", "openai", "pyarrow", "pandas_ta_classic"}


def imported_by(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter has imported after `code`."""
    program = f"{code}\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_package_itself_costs_nothing() -> None:
    assert not imported_by("import tui_trader") & {*DRAWS, *HEAVY, "pydantic", "numpy", "typer"}


def test_the_command_line_imports_nothing_before_it_knows_the_command() -> None:
    assert not imported_by("import tui_trader.cli") & {*DRAWS, *HEAVY, "pydantic", "numpy"}


@pytest.mark.parametrize("module", ["tui_trader.agent.assembly", "tui_trader.headless"])
def test_an_engine_draws_nothing_and_needs_no_data_frames(module: str) -> None:
    assert not imported_by(f"import {module}") & {*DRAWS, *HEAVY}


def test_a_link_knows_no_stage() -> None:
    assert not imported_by("import tui_trader.link.local") & {*DRAWS, *HEAVY, "numpy", "talib"}
