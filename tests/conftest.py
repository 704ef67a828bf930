"""What every test can rely on: one time zone, no animation, no secrets, an empty home."""

import atexit
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

_SECRET = ("KEY", "SECRET", "TOKEN", "PASS")
_HOME = tempfile.mkdtemp(prefix="tui-trader-home-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
_GONE = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TEXTUAL_DRIVER", "TEXTUAL_THEME")
_SNAPSHOT_PYTHON = (3, 11)

for _name in [name for name in os.environ if any(word in name.upper() for word in _SECRET)]:
    del os.environ[_name]
for _name in _GONE:
    os.environ.pop(_name, None)
os.environ.update(
    TZ="UTC",
    LC_ALL="C.UTF-8",
    HOME=_HOME,
    XDG_CONFIG_HOME=f"{_HOME}/config",
    XDG_DATA_HOME=f"{_HOME}/data",
    XDG_STATE_HOME=f"{_HOME}/state",
    XDG_CACHE_HOME=f"{_HOME}/cache",
    TERM="xterm-256color",
    COLORTERM="truecolor",
    TEXTUAL_ANIMATIONS="none",
    TEXTUAL_COLOR_SYSTEM="truecolor",
)
time.tzset()

# How long an example takes is the machine's business.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    """Pictures are written by one Python, so that they differ for one reason only."""
    if config.getoption("update_snapshots", False) and sys.version_info[:2] != _SNAPSHOT_PYTHON:
        version = ".".join(map(str, _SNAPSHOT_PYTHON))
        raise pytest.UsageError(f"write snapshots with Python {version}")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers a core, since the tests of the console mostly wait for the screen to settle."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def steady_cursor(request: pytest.FixtureRequest) -> Iterator[None]:
    """No cursor of an input field blinks; only where Textual is used at all."""
    if "console" not in request.path.parts:
        yield
        return
    from textual.widgets import Input

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Input, "_toggle_cursor", lambda self: None)
        yield
