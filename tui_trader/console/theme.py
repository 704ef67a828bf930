"""Colours by meaning. None of them speaks alone: a sign, a word or a glyph says the same."""

from rich.style import Style
from textual.theme import Theme

BACKGROUND = "#0c1117"
SURFACE = "#141b24"
FOREGROUND = "#c5d1de"
ACCENT = "#58a6ff"
GREEN = "#3fb97c"
RED = "#f0616d"
AMBER = "#e0b341"
PURPLE = "#b48ead"
GREY = "#7d8b9c"
FRAME_GREY = "#3a4758"
ALARM_RED = "#c62f3b"
DARK_RED = "#8a3f48"
DARK_GREEN = "#2a6f50"
LEVEL_BLUE = "#4a7fb5"
WORDS_BLUE = "#9fb0d0"
WHITE = "#f2f6fa"
TITLE_GREY = "#a9b8c8"
SELECTION = "#1d2a3a"

SIXTEEN = {
    BACKGROUND: 0,
    SURFACE: 0,
    SELECTION: 4,
    FRAME_GREY: 8,
    GREY: 7,
    FOREGROUND: 7,
    TITLE_GREY: 7,
    WHITE: 15,
    ACCENT: 14,
    GREEN: 10,
    RED: 9,
    AMBER: 11,
    PURPLE: 13,
    WORDS_BLUE: 6,
    LEVEL_BLUE: 12,
    DARK_GREEN: 2,
    DARK_RED: 1,
    ALARM_RED: 1,
}
"""What stands for each colour on a terminal with sixteen: by meaning, not by distance."""

CONSOLE_THEME = Theme(
    name="tui-trader",
    primary=ACCENT,
    secondary=PURPLE,
    accent=ACCENT,
    foreground=FOREGROUND,
    background=BACKGROUND,
    surface=SURFACE,
    panel=SURFACE,
    success=GREEN,
    warning=AMBER,
    error=RED,
    dark=True,
)

TEXT = Style(color=FOREGROUND)
STRONG = Style(color=WHITE, bold=True)
MUTED = Style(color=GREY)
STALE = Style(color=GREY, italic=True)
FRAME = Style(color=FRAME_GREY)
FRAME_FOCUS = Style(color=ACCENT)
TITLE = Style(color=TITLE_GREY, bold=True)
TITLE_FOCUS = Style(color=ACCENT, bold=True)
KEY = Style(color=ACCENT, bold=True)

UP = Style(color=GREEN)
DOWN = Style(color=RED)
UP_STRONG = Style(color=GREEN, bold=True)
DOWN_STRONG = Style(color=RED, bold=True)
WARN = Style(color=AMBER)
WARN_STRONG = Style(color=AMBER, bold=True)
DANGER = Style(color=RED, bold=True)
ALARM = Style(color=WHITE, bgcolor=ALARM_RED, bold=True)
WORDS = Style(color=WORDS_BLUE, italic=True)
FIELD = Style(color=WHITE, bgcolor=SELECTION)
SELECTED_GROUND = Style(bgcolor=SELECTION)
SELECTED = SELECTED_GROUND + STRONG

EMA_FAST = Style(color=AMBER)
EMA_SLOW = Style(color=PURPLE)
LEVEL = Style(color=LEVEL_BLUE)
VOLUME_UP = Style(color=DARK_GREEN)
VOLUME_DOWN = Style(color=DARK_RED)
LAST = Style(color=BACKGROUND, bgcolor=FOREGROUND, bold=True)

BADGE_DEMO = Style(color=BACKGROUND, bgcolor=ACCENT, bold=True)
BADGE_TESTNET = Style(color=BACKGROUND, bgcolor=PURPLE, bold=True)


def trend(value: float | None) -> Style:
    """Green above zero, red below, plain at zero, muted when unknown."""
    if value is None:
        return MUTED
    return UP if value > 0 else DOWN if value < 0 else TEXT
