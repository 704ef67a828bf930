import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tui_trader import text as foreign

# Every kind of character, lone surrogates too.
anything = st.text(
    st.characters(codec=None) | st.sampled_from("\x1b\x9b\x07\u202e\u200b\u2066\ud800\U000e0041"),
    max_size=60,
)


@given(st.integers(0, 300), st.integers(1, 60), st.integers(1, 30))
def test_of_a_text_that_grows_the_end_is_kept_and_its_beginning_stays_put(
    length: int, limit: int, step: int
) -> None:
    text = ("0123456789" * 30)[:length]
    kept, cut = foreign.clean_end(text, limit, step)
    assert kept == text[cut:]
    assert len(kept) <= limit + step
    assert cut == 0 or len(kept) >= limit
    assert cut % step == 0


@given(anything)
def test_clean_leaves_nothing_that_steers_a_terminal(text: str) -> None:
    cleaned = foreign.clean(text)
    kinds = {unicodedata.category(character) for character in cleaned.replace("\n", "")}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert cleaned == unicodedata.normalize("NFC", cleaned)
    assert foreign.clean(cleaned) == cleaned
    cleaned.encode()


@given(anything, st.integers(1, 30))
def test_clean_keeps_the_limit_and_one_line_has_no_break(text: str, limit: int) -> None:
    assert len(foreign.clean(text, limit)) <= limit
    assert "\n" not in foreign.one_line(text, limit)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_clean_leaves_plain_text_as_it_is(text: str) -> None:
    assert foreign.clean(text) == text


def test_clean_keeps_breaks_and_turns_other_space_into_a_blank() -> None:
    assert foreign.clean("a\r\nb\tc\u00a0d\u2028e") == "a\nb c d e"
    assert foreign.clean("\x1b[31mred\x1b]0;title\x07") == "[31mred]0;title"
    assert foreign.clean("e\u0301") == "é"
    assert foreign.clean("abcdef", limit=4) == "abc…"
