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
    """One paragraph in lines of at most `width` cells, broken at spaces where there are any."""
    lines: list[str] = []
    line = ""
    for word in paragraph.split(" "):
        joined = f"{line} {word}" if line else word
        if cells(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, width)
        lines.extend(full)
    return (*lines, line)


def _pieces(word: str, width: int) -> list[str]:
    """A word in pieces of at most `width` cells."""
    pieces = [""]
    for character in word:
        if pieces[-1] and cells(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
