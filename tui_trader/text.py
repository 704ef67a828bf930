"""Foreign text (of a model, a venue, the news) made harmless."""

import re
import unicodedata
from functools import lru_cache

_FOREIGN = re.compile(r"[^\n -~]+")
_SPACES = frozenset("\t\r\v\f\x85")
_INVISIBLE = frozenset(
    map(
        chr,
        (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)),
    )
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))


def clean(text: str, limit: int = 20_000) -> str:
    """Text of a model or a venue, safe for a terminal and at most `limit` characters long.

    NFC; line breaks stay, other white space becomes a space; control and format characters
    (escapes, bidirectional overrides, zero widths, lone surrogates) and whatever else is invisible
    or unassigned go.
    """
    cut = text[: limit + 1].replace("\r\n", "\n")
    cut = unicodedata.normalize("NFC", _FOREIGN.sub(_visible, cut))
    return cut if len(cut) <= limit and len(text) <= limit else cut[: limit - 1] + "…"


def clean_end(text: str, limit: int, step: int) -> tuple[str, int]:
    """The end of a text that grows, as `clean` leaves it, and how many characters are not there.

    Between `limit` and `limit + step` characters are kept. The cut moves by whole steps, so that
    what stands before the newest words stays where it is; the work is that of the kept part.
    """
    cut = max((len(text) - limit) // step * step, 0)
    return clean(text[cut:], limit + step), cut


def one_line(text: str, limit: int = 500) -> str:
    """`clean`, with every run of white space as one space."""
    return " ".join(clean(text, limit).split())


def _visible(match: re.Match[str]) -> str:
    run = match.group()
    if run.isprintable() and _INVISIBLE.isdisjoint(run):  # foreign letters: most text is no more
        return run
    return "".join(map(_visible_character, run))


@lru_cache(maxsize=4096)
def _visible_character(character: str) -> str:
    if character in _SPACES or unicodedata.category(character)[0] == "Z":
        return " "
    return character if character.isprintable() and character not in _INVISIBLE else ""
