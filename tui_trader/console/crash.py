"""What is said when the console itself fails: where and what, never the values of variables."""

import traceback

from rich.text import Text

from tui_trader.console.egress import harmless

_LINE_LIMIT = 300


def report(error: BaseException) -> Text:
    """The places of the calls and the error's own words, made harmless for a terminal."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = ["The console failed. The engine's records are safe on disk."]
    lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    lines += [f"{type(error).__name__}: {error}"]
    words = (harmless(part)[:_LINE_LIMIT] for line in lines for part in line.split("\n"))
    return Text("\n".join(words))
