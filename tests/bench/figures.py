"""What figures are made with."""

import sys
import time
from collections.abc import Callable


def say(text: str) -> None:
    """Print a figure past pytest's capture."""
    (sys.__stdout__ or sys.stdout).write(f"{text}\n")


def milliseconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
