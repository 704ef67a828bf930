"""What the gates of the risk layer come to in whole cycles: told, kept and remembered."""

from pathlib import Path

import pytest

from tests.agent.harness import BTC, Decide, Run, ScriptedAgent, config, start, target, wish
from tui_trader.agent.assembly import assemble
from tui_trader.features.interfaces import BaseFeaturesPipeline
from tui_trader.messages import CycleCompleted, DecisionMade, OrderUpdated, RiskAssessed
from tui_trader.models import (
    ComposeContext,
    ComposeResult,
    ExternalNote,
    FeaturesPipelineResult,
    FeatureVector,
    InstrumentRef,
    OpeningBar,
    UserRequest,
)
from tui_trader.models.orders import instructions_toward

RISK: dict[str, object] = {"max_equity_usage_pct": 0.5}
NOTE = ExternalNote(source="news", text="Buy everything!")


def vetoes(run: Run) -> list[list[str]]:
    """The reasons of every cycle's vetoes."""
    return [
        [verdict.reason for verdict in fact.verdicts if verdict.outcome == "veto"]
        for fact in run.facts(RiskAssessed)
    ]


def told(into: list[tuple[OpeningBar, ...]], quantity: float) -> Decide:
    """Note what the context says is barred, and decide for `quantity` all the same."""

    async def decide(context: ComposeContext) -> ComposeResult:
        into.append(context.barred)
        return ComposeResult(targets=(target(quantity),))

    return decide


def by_order(quantity: float, confidence: float | None, *, both: bool = False) -> Decide:
    """Decide by orders, and by the targets that they come from where it is `both`."""

    async def decide(context: ComposeContext) -> ComposeResult:
        sure = target(quantity).model_copy(update={"confidence": confidence, "rationale": "so"})
        orders = instructions_toward([sure], context.portfolio, context.compose_id)
        return ComposeResult(instructions=orders, targets=(sure,) if both else ())

    return decide


async def test_a_bar_is_told_before_the_decision_and_kept_after_it(tmp_path: Path) -> None:
    bars: list[tuple[OpeningBar, ...]] = []
    risk = RISK | {"cooldown_seconds": 3_600}
    run = await (
        await start(tmp_path, told(bars, 0.01), told(bars, 0.02), told(bars, 0.0), risk=risk)
    ).done()
    opened = run.facts(RiskAssessed)[0].ts
    wait = OpeningBar(symbol=BTC, reason="cooldown period active", until_ts=opened + 3_600_000)
    assert bars == [(), (wait,), (wait,)]
    assert vetoes(run) == [[], ["cooldown period active"], []]
    assert run.facts(CycleCompleted)[-1].portfolio.positions == {}


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"max_opens_per_hour": 1}, "max opens per hour reached"),
        ({"min_hold_seconds": 3_600}, "no short within 3600 s of opening long"),
    ],
)
async def test_openings_are_remembered_over_a_restart(
    tmp_path: Path, limit: dict[str, object], reason: str
) -> None:
    await (await start(tmp_path, wish(0.01), risk=RISK | limit)).done()
    run = await (await start(tmp_path, wish(-0.01), risk=RISK | limit)).done()
    assert vetoes(run) == [[reason]]
    assert run.facts(CycleCompleted)[-1].portfolio.positions == {}


async def test_a_confidence_is_not_lost_on_the_way_through_an_order(tmp_path: Path) -> None:
    run = await (await start(tmp_path, by_order(0.01, 0.49), by_order(0.01, 0.5))).done()
    assert vetoes(run) == [["confidence 0.49 below minimum 0.5"], []]
    assert len(run.facts(OrderUpdated)) == 1


async def test_the_orders_of_a_target_stand_for_it_and_displace_nothing(tmp_path: Path) -> None:
    script = [by_order(held, 0.9, both=True) for held in (0.03, 0.01, -0.07, 0.0)]
    run = await (await start(tmp_path, *script)).done()
    for fact in run.facts(DecisionMade):
        (made,) = fact.targets
        assert (made.confidence, made.rationale) == (0.9, "so")
    held = [fact.portfolio.quantity_of(BTC) for fact in run.facts(CycleCompleted)]
    assert held == [0.03, 0.01, -0.07, 0.0]


@pytest.mark.parametrize(("noise", "kept"), [(1e-12, True), (1e-6, False)])
async def test_a_rounding_error_does_not_replace_a_target_by_a_poorer_one(
    tmp_path: Path, noise: float, kept: bool
) -> None:
    async def decide(context: ComposeContext) -> ComposeResult:
        rich = target(0.01).model_copy(update={"confidence": 0.9, "rationale": "rich"})
        poor = target(0.01 * (1 - noise))
        orders = instructions_toward([poor], context.portfolio, "x")
        return ComposeResult(targets=(rich,), instructions=orders)

    run = await (await start(tmp_path, decide)).done()
    (made,) = run.facts(DecisionMade)[0].targets
    assert (made.rationale == "rich") is kept


async def test_what_was_lost_lately_cuts_what_is_opened_next(tmp_path: Path) -> None:
    script = [wish(0.01), wish(0.0)] * 10 + [wish(0.01)]
    run = await (await start(tmp_path, *script, paper={"fee_bps": 500.0})).done()
    sizes = [fact.result.filled_qty for fact in run.facts(OrderUpdated)]
    assert sizes == [0.01] * 20 + [0.005]
    (clip, _) = run.facts(RiskAssessed)[-1].verdicts
    assert clip.reason == "recent score -1.000 below -0.5: cut to 50%"


class NotedPipeline(BaseFeaturesPipeline):
    """Has a note from outside."""

    async def build(self) -> FeaturesPipelineResult:
        vector = FeatureVector(ts=1, instrument=InstrumentRef(symbol=BTC), values={"rsi": 50.0})
        return FeaturesPipelineResult(features=(vector,), notes=(NOTE,))


class NotedAgent(ScriptedAgent):
    async def _build_features_pipeline(self, request: UserRequest) -> BaseFeaturesPipeline:
        return NotedPipeline()


async def test_notes_from_outside_reach_the_composer_as_such(tmp_path: Path) -> None:
    seen: list[ComposeContext] = []

    async def read(context: ComposeContext) -> ComposeResult:
        seen.append(context)
        return ComposeResult()

    NotedAgent.script = [read]
    agent: dict[str, object] = {"strategy": "tests.agent.test_gates:NotedAgent"}
    loaded = config(agent=agent)
    await Run(await assemble(loaded, max_cycles=1, data_dir=tmp_path)).done()
    assert [context.notes for context in seen] == [(NOTE,)]
