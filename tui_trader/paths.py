"""Where files lie: one folder for the configuration, one for data, both for their owner alone."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

APP_NAME = "tui-trader"
HOME_VARIABLE = "TUI_TRADER_HOME"

_ACCOUNT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MODE = re.compile(r"[a-z]{1,16}")


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of `config.toml`: `TUI_TRADER_HOME` where it is set, else the platform's own."""
    if home := environ.get(HOME_VARIABLE):
        return Path(home).expanduser().absolute()
    import platformdirs

    return platformdirs.user_config_path(APP_NAME, appauthor=False)


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that everything is kept in: `TUI_TRADER_HOME/data`, else the platform's own."""
    if environ.get(HOME_VARIABLE):
        return config_folder(environ) / "data"
    import platformdirs

    return platformdirs.user_data_path(APP_NAME, appauthor=False)


def private_folder(path: Path) -> Path:
    """Make `path` and its missing parents, open to their owner only (0700), and return it.

    Raises OSError where it can't be made, PermissionError where an existing folder belongs to, or
    can be changed by, somebody else.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"{path} can't be made: {error.strerror}: choose another with {HOME_VARIABLE}"
        ) from None
    if not path.is_dir():
        raise NotADirectoryError(f"{path} is not a folder: choose another with {HOME_VARIABLE}")
    found = path.stat()
    me = os.geteuid()
    if me not in (0, found.st_uid):
        raise PermissionError(
            f"{path} belongs to user {found.st_uid}, not to you ({me}): "
            f"choose another folder with {HOME_VARIABLE}"
        )
    if found.st_mode & 0o002:
        raise PermissionError(f"everybody can write to {path}: run chmod 700 {path}")
    return path


def private_file(path: Path, flags: int = os.O_RDWR | os.O_APPEND) -> int:
    """Open `path`, made and kept for its owner only (0600), and return its descriptor."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.fstat(descriptor).st_mode & 0o077:
        os.fchmod(descriptor, 0o600)
    return descriptor


def profile_folder(base: Path, mode: str, account: str) -> Path:
    """The folder of one mode and account, `base/<mode>-<account>`, made when it is missing.

    Raises ValueError for a name that is no plain file name.
    """
    if not _MODE.fullmatch(mode):
        raise ValueError(f"mode {mode!r} can't name a folder: use up to 16 lower case letters")
    if not _ACCOUNT.fullmatch(account):
        raise ValueError(
            f"account {account!r} can't name a folder: use 1 to 64 letters, digits, '_', '.', '-'"
        )
    return private_folder(base / f"{mode}-{account}")
