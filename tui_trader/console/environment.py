"""What the terminal must be told, and asked, before Textual is imported. Imports nothing heavy."""

import os
from collections.abc import Mapping

_DEFAULTS = {
    "TEXTUAL_FPS": "60",
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",
}


def prepare() -> None:
    """Set Textual's knobs for a quiet line; what the operator has set stays.

    Textual reads them when it is imported, so this is called before that.
    """
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def unfit(environ: Mapping[str, str], *, input_tty: bool, output_tty: bool) -> str | None:
    """Why no console can be shown here, and what to do instead; None when one can."""
    if not (input_tty and output_tty):
        return "the console needs a terminal for input and output; use --no-ui here"
    if environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return "the terminal is 'dumb' (TERM): set TERM, e.g. to xterm, or use --no-ui"
    return None
