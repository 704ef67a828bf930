"""Only cells that changed are painted, whatever the text is made of."""

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.strip import Strip

from tui_trader.console.canvas import changes, fitting, length, spread, strip_of

STYLES = st.sampled_from([Style(color="red"), Style(color="blue"), Style(bold=True)])
TEXT = st.text(st.sampled_from("ab 漢é╽"), max_size=12)
ROWS = st.lists(st.tuples(TEXT, STYLES), max_size=6)
WIDTH = 40


def cells(strip: Strip) -> list[tuple[str, Style | None, int]]:
    out: list[tuple[str, Style | None, int]] = []
    for text, style, _ in strip:
        for char in text:
            out += [(char, style, part) for part in range(2 if char == "漢" else 1)]
    return out


@given(ROWS, ROWS)
def test_outside_of_the_changed_spans_the_rows_are_equal(
    old: list[tuple[str, Style]], new: list[tuple[str, Style]]
) -> None:
    before, after = strip_of(old, WIDTH), strip_of(new, WIDTH)
    patched = cells(before)
    for start, stop in changes(before, after):
        patched[start:stop] = cells(after)[start:stop]
    assert patched == cells(after)


@given(ROWS)
def test_an_equal_row_is_not_painted(row: list[tuple[str, Style]]) -> None:
    split = [(char, style) for text, style in row for char in text]
    assert changes(strip_of(row, WIDTH), strip_of(split, WIDTH)) == []


@given(ROWS, ROWS, st.integers(0, 60))
def test_two_ends_take_exactly_the_width(
    left: list[tuple[str, Style]], right: list[tuple[str, Style]], width: int
) -> None:
    strip = strip_of(spread(left, right, width), width)
    assert strip.cell_length == width


def test_the_highest_ranks_are_left_out_first() -> None:
    parts = [(rank, ((name, Style()),)) for rank, name in ((2, "two"), (-1, "kill"), (5, "five"))]
    shown = "".join(text for text, _ in fitting(parts, 10))
    assert shown == "two  kill"
    assert length(fitting(parts, 1)) == len("kill")
