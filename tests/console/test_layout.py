"""Where panels stand: inside the terminal, and apart from each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region

from tui_trader.console.screens.layout import decision_regions, regions

SIZES = st.tuples(st.integers(1, 320), st.integers(1, 120))
PANELS = ("chart", "positions", "events", "agent")


@given(SIZES, st.sampled_from([None, *PANELS]), st.booleans())
def test_panels_cover_the_terminal_without_overlap(
    size: tuple[int, int], maximised: str | None, indicator: bool
) -> None:
    width, height = size
    places = regions(width, height, maximised=maximised, indicator=indicator)
    assert sum(place.area for place in places.values()) == width * height
    screen = Region(0, 0, width, height)
    assert all(screen.contains_region(place) for place in places.values())


@given(SIZES, st.booleans())
def test_so_do_the_list_and_the_decision(size: tuple[int, int], opened: bool) -> None:
    width, height = size
    places = decision_regions(width, height, opened=opened)
    assert sum(place.area for place in places.values()) == width * height
    assert ("detail" in places) is opened


@given(SIZES)
def test_the_keys_are_always_in_the_last_line(size: tuple[int, int]) -> None:
    width, height = size
    assert regions(width, height)["footer"] == Region(0, height - 1, width, 1)


@pytest.mark.parametrize(
    ("size", "panels"),
    [
        (
            (200, 60),
            "agent banner chart events footer indicator macd positions risk rsi verdicts watchlist",
        ),
        ((120, 40), "agent banner chart events footer indicator positions risk"),
        ((80, 24), "agent banner chart events footer positions risk"),
        ((79, 23), "agent banner chart events footer positions"),
        ((40, 10), "banner footer positions"),
        ((20, 5), "banner footer positions"),
    ],
)
def test_what_each_size_shows(size: tuple[int, int], panels: str) -> None:
    assert sorted(regions(*size)) == panels.split()
