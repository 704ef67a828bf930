import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui_trader.text import clean, one_line
from tui_trader.view import format as fmt

numbers = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@given(numbers, st.integers(1, 24))
def test_numbers_take_exactly_their_width(value: float | None, width: int) -> None:
    for written in (fmt.money, fmt.signed, fmt.percent, fmt.quantity, fmt.price):
        assert fmt.cells(written(value, width=width)) == width


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
def test_the_unknown_is_a_dash_and_never_zero(value: float | None) -> None:
    for written in (fmt.money, fmt.signed, fmt.percent, fmt.quantity, fmt.price):
        assert written(value) == "–"
    assert fmt.bar(value, 4) == "–   "
    assert (fmt.age(None), fmt.clock_time(None).strip(), fmt.countdown(None).strip()) == ("–",) * 3


def test_numbers_are_written_as_in_the_field() -> None:
    assert fmt.money(10_241.8) == "10,241.80"
    assert fmt.money(-0.001) == "0.00"
    assert fmt.signed(113.4) == "+113.40"
    assert fmt.signed(-0.001) == "+0.00"
    assert fmt.percent(0.0112) == "+1.12%"
    assert fmt.percent(0.08, signed=False, decimals=1) == "8.0%"
    assert fmt.quantity(0.015) == "0.015"
    assert fmt.quantity(1_200.0) == "1,200"
    assert fmt.quantity(1e-9) == "1e-09"
    assert fmt.quantity(0.0, width=4) == "   0"


def test_a_number_too_wide_is_never_cut_to_another_number() -> None:
    assert fmt.money(123_456.0, width=6) == "######"


@pytest.mark.parametrize(
    ("price", "written"),
    [
        (67_412.5, "67,412.50"),
        (148.2, "148.20"),
        (14.22, "14.220"),
        (0.5231, "0.52310"),
        (0.022404, "0.022404"),
        (0.000012345, "0.000012345"),
    ],
)
def test_prices_keep_five_significant_digits(price: float, written: str) -> None:
    assert fmt.price(price) == written


def test_a_reference_keeps_a_column_of_prices_in_line() -> None:
    assert fmt.price(9.98, reference=10.02) == "9.980"


@given(st.floats(1e-9, 1e9), st.floats(0.5, 2.0))
def test_prices_with_one_reference_have_the_same_decimals(reference: float, factor: float) -> None:
    decimals = {
        len(fmt.price(value, reference).partition(".")[2])
        for value in (reference, reference * factor)
    }
    assert decimals == {fmt.price_decimals(reference)}


@given(st.floats(allow_nan=False), st.integers(1, 40))
def test_a_gauge_is_full_only_at_one_and_empty_only_at_zero(fraction: float, width: int) -> None:
    gauge = fmt.bar(fraction, width)
    assert len(gauge) == width
    if -1e300 < fraction <= 0:
        assert "▰" not in gauge
    if 1 <= fraction < 1e300:
        assert "▱" not in gauge
    if 0 < fraction < 1:
        assert "▰" in gauge
        assert "▱" in gauge or width == 1


def test_a_gauge_fills_from_the_left() -> None:
    assert fmt.bar(0.5, 4) == "▰▰▱▱"


@pytest.mark.parametrize(
    ("ms", "written"),
    [
        (-5, "0.0s"),
        (340, "0.3s"),
        (9_999, "9.9s"),
        (12_000, "12s"),
        (59_999, "59s"),
        (4 * 60_000, "4m"),
        ((3 * 60 + 4) * 60_000, "3h04m"),
        ((2 * 24 + 3) * 3_600_000, "2d03h"),
    ],
)
def test_ages_are_short_and_never_rounded_up(ms: int, written: str) -> None:
    assert fmt.age(ms) == written


@given(st.integers(0, 10**13))
def test_an_age_below_a_hundred_days_fits_six_cells(ms: int) -> None:
    assert len(fmt.age(ms, width=6)) == 6
    if ms < 100 * 86_400_000:
        assert "#" not in fmt.age(ms, width=6)


def test_times_of_day_are_utc() -> None:
    assert fmt.clock_time(1_767_364_327_999) == "14:32:07Z"


@pytest.mark.parametrize(
    ("ms", "written"),
    [(-1, "00:00"), (1, "00:01"), (773_000, "12:53"), (3_723_000, "1:02:03")],
)
def test_countdowns_round_up_and_stop_at_zero(ms: int, written: str) -> None:
    assert fmt.countdown(ms) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "$0.00"),
        (0.31, "$0.31"),
        (3, "$3.00"),
        (0.004, "$0.004"),
        (0.0042, "$0.0042"),
        (0.056, "$0.056"),
        (0.0999, "$0.10"),
        (0.00056, "$0.00056"),
        (1e-9, "<$0.000001"),
        (1_234.5, "$1,234.50"),
        (-0.5, "-$0.50"),
    ],
)
def test_what_a_model_costs_is_never_zero_unless_it_is(value: float | None, written: str) -> None:
    assert fmt.usd(value) == written


@pytest.mark.parametrize(
    ("ms", "written"),
    [(None, "–"), (31, "31ms"), (310, "0.3s"), (2_400, "2.4s"), (104_200, "104s")],
)
def test_latencies_are_seconds(ms: int | None, written: str) -> None:
    assert fmt.seconds(ms) == written


# Every kind of character, lone surrogates too.
anything = st.text(
    st.characters(codec=None) | st.sampled_from("\x1b\x9b\x07\u202e\u200b\u2066\ud800\U000e0041"),
    max_size=60,
)


def test_cells_agree_with_the_library_that_draws_them() -> None:
    printable = filter(str.isprintable, map(chr, range(sys.maxunicode + 1)))
    differing = [
        hex(ord(character))
        for character in printable
        if fmt.cells(character) != cell_len(character) and clean(character) == character
    ]
    assert differing == []


@given(anything.map(one_line), st.integers(0, 30))
def test_fit_never_exceeds_and_pad_always_fills_the_width(text: str, width: int) -> None:
    fitted = fmt.fit(text, width)
    assert fmt.cells(fitted) <= width
    assert fmt.cells(fmt.pad(text, width)) == width
    if fmt.cells(text) <= width:
        assert fitted == text
    elif width:
        assert fitted.endswith("…")


def test_fit_measures_cells_not_characters() -> None:
    assert fmt.fit("日本語", 5) == "日本…"
    assert fmt.fit("日本語", 4) == "日…"
