"""The first frame waits for nothing heavy."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "pandas", "openai", "plotext", "talib", "pydantic", "ccxt", "pandas_ta_classic")
LATER = ("tui_trader.messages", "tui_trader.models", "tui_trader.agent", "tui_trader.config")


def loaded(code: str) -> set[str]:
    """The modules of a fresh interpreter after `code`."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", [*HEAVY, *LATER])
def test_the_app_does_not_import(name: str, modules_of_the_app: set[str]) -> None:
    assert name not in modules_of_the_app


@pytest.fixture(scope="module")
def modules_of_the_app() -> set[str]:
    return loaded("import tui_trader.console.launch, tui_trader.console.app")


def test_the_package_costs_nothing() -> None:
    modules = loaded("import tui_trader.console")
    assert not modules & {"textual", "rich", "asyncio", *HEAVY}


def test_following_an_engine_does_not_bring_its_libraries() -> None:
    modules = loaded("import tui_trader.console.bridge, tui_trader.console.app")
    assert not modules & {"numpy", "pandas", "openai", "plotext", "talib"}
