"""Words that stream: at reading pace, followed unless held, never more than fits."""

import pytest
from textual.pilot import Pilot

from tests.console import market
from tests.console.counting import CountingDriver
from tests.console.fakes import FakeClient, StillClock, make_app, settle, shown, text_of, told
from tui_trader.console.app import ConsoleApp
from tui_trader.console.widgets.agent import WORDS_SECONDS, AgentPanel
from tui_trader.messages import DecisionMade, ReasoningStreamed

SIZE = (120, 40)
STEPS, STEP_LENGTH = 2_000, 100


def words(step: int) -> str:
    """What was thought after so many steps: each adds a hundred characters."""
    return "".join(f"step {number:06} {'of a long thought ':.<87} " for number in range(step))


def streamed(step: int, tokens: int | None = None) -> ReasoningStreamed:
    return ReasoningStreamed(ts=market.NOW, compose_id="c149", text=words(step), tokens=tokens)


async def a_second_later(pilot: Pilot[None], clock: StillClock) -> None:
    """Let a second pass: whatever waited for its turn is drawn then."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    clock.advance(1)
    app.tick()
    await settle(pilot)


async def test_words_alone_are_drawn_four_times_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = 0
    body = AgentPanel.body

    def counted(self: AgentPanel, width: int, height: int) -> object:
        nonlocal drawn
        drawn += 1
        return body(self, width, height)

    client, clock = FakeClient(market.snapshot(), market.health()), StillClock()
    app = make_app(client, clock)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await told(pilot, client, streamed(1))
        monkeypatch.setattr(AgentPanel, "body", counted)
        for step in range(2, 42):
            clock.advance(0.1)
            quote = market.quote("BTC/USDT", 67_000.0 + step)
            await told(pilot, client, streamed(step), quote)
    seconds = 4
    assert seconds * 2 <= drawn <= seconds / WORDS_SECONDS


async def test_the_last_words_are_shown_though_nothing_follows_them() -> None:
    client, clock = FakeClient(market.snapshot(), market.health()), StillClock()
    app = make_app(client, clock)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await told(pilot, client, streamed(1))
        await told(pilot, client, streamed(2))
        assert "000001" not in text_of(app), "too early"
        await a_second_later(pilot, clock)
        assert "000001" in text_of(app)


async def test_a_decision_is_shown_at_once() -> None:
    client = FakeClient(market.snapshot(), market.health())
    app = make_app(client)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        await told(pilot, client, market.thinking("hm"))
        facts = market.cycle(149, market.NOW, market.snapshot().seq + 1)
        await told(pilot, client, *(it for it in facts if isinstance(it, DecisionMade)))
        assert "#149" in text_of(app)


async def test_words_are_followed_until_scrolled_and_then_held() -> None:
    client, clock = FakeClient(market.snapshot(), market.health()), StillClock()
    app = make_app(client, clock)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        app.dashboard.set_focus(app.dashboard.query_one(AgentPanel))
        for step in (20, 21):
            await told(pilot, client, streamed(step))
            await a_second_later(pilot, clock)
            assert f"{step - 1:06}" in text_of(app)
        await pilot.press("up")
        await settle(pilot)
        assert "held · end follows" in text_of(app)
        held = panel_text(app.dashboard.query_one(AgentPanel))
        await told(pilot, client, streamed(400))
        await a_second_later(pilot, clock)
        assert panel_text(app.dashboard.query_one(AgentPanel)) == held
        await pilot.press("end")
        await settle(pilot)
        assert "000399" in text_of(app)


def panel_text(panel: AgentPanel) -> list[str]:
    return [panel.render_line(y).text for y in range(panel.size.height)]


async def test_tokens_and_a_cut_beginning_are_said_and_unknown_tokens_are_not() -> None:
    client, clock = FakeClient(market.snapshot(), market.health()), StillClock()
    app = make_app(client, clock)
    async with app.run_test(size=(200, 60)) as pilot:
        await shown(pilot)
        await told(pilot, client, streamed(10))
        await a_second_later(pilot, clock)
        assert "thinking… ─" in text_of(app)
        await told(pilot, client, streamed(500, tokens=12_412))
        await a_second_later(pilot, clock)
        assert "thinking… · 12,412 tok · first 36,000 characters cut" in text_of(app)
        assert "000499" in text_of(app)


@pytest.mark.parametrize("size", [(80, 24), SIZE], ids=str)
async def test_an_update_costs_the_same_however_long_the_reasoning_is(
    size: tuple[int, int],
) -> None:
    client, clock = FakeClient(market.snapshot(), market.health()), StillClock()
    app = make_app(client, clock)
    app.driver_class = CountingDriver
    costs = []
    async with app.run_test(headless=False, size=size) as pilot:
        await shown(pilot)
        driver = app._driver
        assert isinstance(driver, CountingDriver)
        for last in range(0, STEPS, 40):
            clock.advance(1)
            driver.take()
            await told(pilot, client, *(streamed(step) for step in range(last + 1, last + 41)))
            costs.append(len(driver.take().encode()))
            assert app.view is not None
            assert app.view.reasoning is not None
            assert len(app.view.reasoning.text) <= 16_000
        await a_second_later(pilot, clock)
        assert f"{STEPS - 1:06}" in text_of(app)
    assert len(words(STEPS)) == STEPS * STEP_LENGTH
    assert min(costs) > 0
    assert max(costs) <= 2_000, costs
    assert max(costs[-10:]) <= 1.2 * max(costs[:10])
