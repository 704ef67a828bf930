"""Following the newest line, or standing still in what was said before."""

from dataclasses import dataclass
from functools import lru_cache

from tui_trader.view.format import cells


@dataclass(slots=True)
class Scroll:
    """Which lines of a growing text are shown. `top` is None while the newest line is followed."""

    top: int | None = None

    @property
    def following(self) -> bool:
        """Whether the newest line is followed."""
        return self.top is None

    def start(self, total: int, height: int) -> int:
        """The first line shown of `total` when `height` are."""
        last = max(total - height, 0)
        return last if self.top is None else min(self.top, last)

    def move(self, lines: int, total: int, height: int) -> None:
        """Scroll by `lines`; reaching the end follows again."""
        last = max(total - height, 0)
        top = min(max(self.start(total, height) + lines, 0), last)
        self.top = None if top == last and lines > 0 else top


@lru_cache(maxsize=512)
def wrapped(paragraph: str, width: int) -> tuple[str, ...]:
    """One paragraph in lines of at most `width` cells, broken at spaces where there are any. Its
    indentation stays."""
    lines: list[str] = []
    line: str | None = None
    used = 0
    for word in paragraph.split(" "):
        size = cells(word)
        if line is not None and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if line and not line.isspace():
            lines.append(line)
        line, used = word, size
        if size > width:
            *full, line = _pieces(word, width)
            lines.extend(full)
            used = cells(line)
    return (*lines, line or "")


def _pieces(word: str, width: int) -> list[str]:
    """A word in pieces of at most `width` cells."""
    pieces: list[str] = []
    start = used = 0
    for place, character in enumerate(word):
        size = cells(character)
        if place > start and used + size > width:
            pieces.append(word[start:place])
            start, used = place, 0
        used += size
    return [*pieces, word[start:]]
