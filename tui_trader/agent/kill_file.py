"""The kill switch as a file: it halts the agent though all else fails, and survives a restart.

Anyone with the right to write into the data folder can create it (`touch KILL`).
"""

import os
from pathlib import Path

NAME = "KILL"


def write(path: Path, reason: str, ts: int) -> None:
    """Create the kill file durably: file and folder are synced. `ts` is ms. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, f"{ts} {reason}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def clear(path: Path) -> None:
    """Remove the kill file. Raises OSError when it stays."""
    path.unlink(missing_ok=True)


def exists(path: Path) -> bool:
    """True when the agent must be halted."""
    return path.exists()
