"""Every size, sixteen colours, none at all: it stays alive and says the same."""

import os
import random

import pytest
from rich.color import ColorSystem
from rich.style import Style

from tests.console import market
from tests.console.fakes import FakeClient, StillClock, make_app, settle, shown, text_of, told
from tui_trader.console import egress, theme
from tui_trader.console.environment import prepare, unfit

STYLES = {
    name: style
    for name, style in vars(theme).items()
    if isinstance(style, Style) and name not in ("SELECTED_GROUND",)
}


async def test_a_storm_of_resizes_leaves_everything_in_place() -> None:
    sizes = random.Random(3)
    app = make_app(FakeClient(market.snapshot(), market.health()))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        before = text_of(app)
        for _ in range(30):
            await pilot.resize_terminal(sizes.randint(1, 260), sizes.randint(1, 80))
        for size in ((1, 1), (20, 5), (500, 200), (120, 40)):
            await pilot.resize_terminal(*size)
        app.screen.query_one("#positions").focus()
        await settle(pilot)
        assert text_of(app) == before


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (10, 3), (20, 5), (39, 9), (79, 23)], ids=str)
async def test_a_tiny_terminal_shows_as_much_as_fits(size: tuple[int, int]) -> None:
    app = make_app(FakeClient(market.snapshot(), market.health()))
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        lines = text_of(app).splitlines()
        if size[0] >= 10:
            assert "K KILL" in lines[-1]
            assert "ACTIVE" in lines[0]


@pytest.mark.parametrize("name", STYLES)
def test_sixteen_colours_keep_text_off_its_ground(name: str) -> None:
    _, text, ground = egress._codes(
        Style(bgcolor=theme.BACKGROUND) + STYLES[name], ColorSystem.STANDARD
    )
    assert int(text) != int(ground) - 10
    assert text != "30" or ground != "40"


def test_sixteen_colours_keep_gain_loss_and_warning_apart() -> None:
    codes = {
        egress._codes(style, ColorSystem.STANDARD)[1]
        for style in (theme.UP, theme.DOWN, theme.WARN, theme.MUTED, theme.KEY)
    }
    assert len(codes) == 5


def test_what_the_operator_has_set_for_textual_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_FPS", "5")
    monkeypatch.delenv("TEXTUAL_SMOOTH_SCROLL", raising=False)
    prepare()
    assert os.environ["TEXTUAL_FPS"] == "5"
    assert os.environ["TEXTUAL_SMOOTH_SCROLL"] == "0"


def test_a_terminal_is_fit_when_it_is_one() -> None:
    assert unfit({"TERM": "xterm"}, input_tty=True, output_tty=True) is None
    assert unfit({"TERM": "xterm"}, input_tty=False, output_tty=True)
    assert unfit({}, input_tty=True, output_tty=True)


async def test_an_engine_that_falls_silent_is_not_shown_as_live() -> None:
    client, clock = FakeClient(market.snapshot(), market.health()), StillClock()
    app = make_app(client, clock)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        clock.advance(9)
        app.tick()
        await settle(pilot)
        assert "ENGINE SILENT  state unknown, last heard 9.0s ago" in text_of(app)
        assert "Risk state unknown" in text_of(app)
        await told(pilot, client, market.quote("BTC/USDT", 67_000))
        assert "ENGINE SILENT" not in text_of(app)
        assert "Risk ACTIVE" in text_of(app)


async def test_a_replay_is_shown_in_its_own_time() -> None:
    client = FakeClient(market.snapshot(), market.health())
    app = make_app(client, StillClock(market.NOW + 7 * 86_400_000))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        first, *_ = text_of(app).splitlines()
        assert "next 01:52  14:32:07Z" in first
