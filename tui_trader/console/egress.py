"""The edge of the terminal: every strip that Textual sends out is rendered here.

Two things happen. No control sequence of text gets through: model and venue text may hold escape
codes, and Textual 8.2 passes them on from every widget. And a strip costs few bytes: neighbouring
segments send only what differs in their styles, and a partial update sends only the cells that
changed (Textual sends each from the left edge of the widget).
"""

from functools import lru_cache

from rich.cells import get_character_cell_size
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.style import Style
from textual import _compositor
from textual.strip import Strip

from tui_trader.console.theme import SIXTEEN

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_Codes = tuple[str, str, str]
"""SGR parameters of attributes, foreground and background."""

_PLAIN: _Codes = ("", "39", "49")
_RESET = "\x1b[0m"
_SGR = (1, 2, 3, 4, 5, 6, 7, 8, 9, 21, 51, 52, 53)


def harmless(text: str) -> str:
    """`text`, as wide, without control, format, private, unassigned or surrogate characters."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else _substitute(char, get_character_cell_size(char))
        for char in text
    )


def _substitute(char: str, cells: int) -> str:
    return (" " if char.isspace() else REPLACEMENT) * max(0, cells)


@lru_cache(maxsize=4096)
def _codes(style: Style, system: ColorSystem) -> _Codes:
    """What a style sends. A link is dropped: it is a control string."""
    bits = style._attributes & style._set_attributes
    attributes = ";".join(str(code) for bit, code in enumerate(_SGR) if bits & (1 << bit))
    return attributes, _color(style.color, system, True), _color(style.bgcolor, system, False)


def _color(color: Color | None, system: ColorSystem, foreground: bool) -> str:
    if color is None:
        return "39" if foreground else "49"
    if system is ColorSystem.STANDARD and color.triplet is not None:
        number = SIXTEEN.get(color.triplet.hex)
        if number is not None:
            color = Color.from_ansi(number)
    return ";".join(color.downgrade(system).get_ansi_codes(foreground))


def render_strip(strip: Strip, console: Console) -> str:
    """The bytes of a strip, which leave the terminal's style as they found it: plain."""
    if strip._render_cache is None:
        out: list[str] = []
        _encode(strip, console, _PLAIN, out)
        strip._render_cache = "".join(out)
    return strip._render_cache


def render_spans(update: _compositor.ChopsUpdate, console: Console) -> str:
    """The bytes of a partial update: each changed span, cropped at both of its ends."""
    out: list[str] = []
    style = _PLAIN
    for y, left, right in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x >= right or end <= left:
                continue
            start, stop = max(x, left), min(end, right)
            part = strip if (start, stop) == (x, end) else strip.crop(start - x, stop - x)
            out.append(f"\x1b[{y + 1};{start + 1}H")
            style = _encode(part, console, style, out, close=False)
    if style != _PLAIN:
        out.append(_RESET)
    return "".join(out)


def _encode(
    strip: Strip, console: Console, current: _Codes, out: list[str], *, close: bool = True
) -> _Codes:
    """Append the bytes of `strip` to `out`; returns the style that the terminal has then."""
    system = console._color_system or ColorSystem.TRUECOLOR
    for text, style, _control in strip:
        wanted = _PLAIN if style is None else _codes(style, system)
        if text and wanted != current:
            out.append(_change(current, wanted))
            current = wanted
        out.append(harmless(text))
    if close and current != _PLAIN:
        out.append(_RESET)
        current = _PLAIN
    return current


def _change(current: _Codes, wanted: _Codes) -> str:
    if current[0] and current[0] != wanted[0]:  # attributes are taken back by a reset only
        codes = ["0", wanted[0], *(code for code in wanted[1:] if code not in ("39", "49"))]
    else:
        codes = [new for old, new in zip(current, wanted, strict=True) if old != new]
    return f"\x1b[{';'.join(code for code in codes if code)}m"


def install() -> None:
    """Put both at the edge of every Textual application of this process. Harmless when repeated."""
    for target, name, function in (
        (Strip, "render", render_strip),
        (_compositor.ChopsUpdate, "render_segments", render_spans),
    ):
        setattr(target, name, function)
