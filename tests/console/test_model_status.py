"""How the model does: in words, with what to do, and its money against the cap."""

from dataclasses import replace

import pytest

from tests.console import market
from tests.console.fakes import FakeClient, make_app, shown, text_of, told
from tui_trader.messages import AlertRaised, ModelState, ModelStatus, Severity, Snapshot

SIZES = [(80, 24), (120, 40), (200, 60)]
REMEDIES = {
    ModelState.BROWN_OUT: "asked again by itself",
    ModelState.CAPPED: "closes go on",
    ModelState.STOPPED: "mend the key",
}


async def screen(start: Snapshot, size: tuple[int, int], *later: ModelStatus) -> str:
    client = FakeClient(start, market.health())
    app = make_app(client)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        if later:
            await told(pilot, client, *later)
        return text_of(app)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", REMEDIES)
async def test_a_model_that_is_not_asked_is_named_with_the_remedy(
    state: ModelState, size: tuple[int, int]
) -> None:
    text = await screen(market.snapshot(), size, market.model_status(state))
    banner, agent = text.splitlines()[0], text[text.index("─ Agent") :]
    assert f"MODEL {state.value.upper()}" in banner
    assert f"! model {state.value.upper()}: " in agent
    words = " ".join(agent.replace("│", " ").replace("┃", " ").split())
    assert REMEDIES[state] in words


async def test_a_model_that_answers_again_is_not_named_any_more() -> None:
    text = await screen(market.brown_out(), (120, 40))
    assert "MODEL BROWN-OUT" in text
    text = await screen(market.brown_out(), (120, 40), market.model_status())
    assert "MODEL" not in text.splitlines()[0]
    assert "! model" not in text


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("cost", "cap", "written"),
    [
        (0.31, 3.0, "$0.31 / $3.00"),
        (2.9, 3.0, "! $2.90 / $3.00"),
        (3.0, 3.0, "‼ $3.00 / $3.00"),
        (0.0, 3.0, "$0.00 / $3.00"),
        (None, 3.0, "– / $3.00"),
        (0.31, None, "$0.31 today"),
        (None, None, "– today"),
    ],
)
async def test_the_days_money_stands_against_its_cap(
    cost: float | None, cap: float | None, written: str, size: tuple[int, int]
) -> None:
    status = market.model_status(cost=cost, cap=cap)
    text = await screen(replace(market.snapshot(), model_status=status), size)
    (line,) = [it for it in text.splitlines() if "llm cost" in it]
    row = line[line.index("llm cost") :].rstrip("│┃")
    assert row.endswith(written)
    if cost is None:
        assert "0" not in row.replace("$3.00", "")
    gauge = cap is not None and cost is not None
    assert ("▱" in row or "▰" in row) is gauge


async def test_before_the_first_word_of_the_model_its_cost_is_unknown() -> None:
    text = await screen(replace(market.snapshot(), model_status=None), (120, 40))
    (line,) = [it for it in text.splitlines() if "llm cost" in it]
    assert "– today" in line


async def test_where_no_model_is_asked_nothing_is_said_of_its_cost() -> None:
    start = replace(market.snapshot(), session=market.session(model=None), model_status=None)
    assert "llm cost" not in await screen(start, (120, 40))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("brown_out", "brown-out"),
        ("capped", "capped"),
        ("stopped", "stopped"),
        ("llm_error", "llm error"),
    ],
)
async def test_each_failure_has_its_line_among_the_events_and_in_the_agents_panel(
    outcome: str, words: str
) -> None:
    start = market.snapshot()
    failed = market.unanswered(149, market.NOW, start.seq + 1, outcome, "401: refused")
    alert = AlertRaised(
        market.NOW, Severity.ERROR, "model", "credential refused", seq=start.seq + 9
    )
    client = FakeClient(start, market.health())
    app = make_app(client)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await told(pilot, client, *failed, alert)
        text = text_of(app)
    events, agent = text[text.index("─ Events") :], text[text.index("─ Agent") :]
    assert f"#149 {words}: 401: refused; HOLD BTC/USDT" in events
    assert "credential refused" in events
    assert f"{words}: 401: refused" in agent
