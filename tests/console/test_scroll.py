"""Wrapping loses nothing; following and holding are told apart."""

from hypothesis import given
from hypothesis import strategies as st

from tui_trader.console.scroll import Scroll, wrapped
from tui_trader.view.format import cells

WORDS = st.text(st.sampled_from("ab 漢🙂-"), max_size=80)


@given(WORDS, st.integers(2, 30))
def test_no_line_is_too_wide_and_no_character_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_it_follows_until_scrolled_and_again_at_the_end() -> None:
    scroll = Scroll()
    assert scroll.start(100, 10) == 90
    scroll.move(-5, 100, 10)
    assert scroll.start(120, 10) == 85
    scroll.move(100, 120, 10)
    assert scroll.following


@given(st.integers(0, 50), st.integers(1, 20), st.lists(st.integers(-30, 30), max_size=8))
def test_it_never_leaves_the_text(total: int, height: int, moves: list[int]) -> None:
    scroll = Scroll()
    for move in moves:
        scroll.move(move, total, height)
        assert 0 <= scroll.start(total, height) <= max(total - height, 0)


def test_indentation_stays_and_the_work_grows_with_the_text_only() -> None:
    assert wrapped('    "action": "hold"', 40) == ('    "action": "hold"',)
    assert wrapped("  a bb ccc", 6) == ("  a bb", "ccc")
    assert len(wrapped("漢" * 100_000, 80)) == 2_500
