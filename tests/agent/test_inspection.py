"""What was written down of a decision can be read again, and reading it hinders nothing."""

import asyncio
from pathlib import Path

import pytest

from tests.agent.harness import BTC, Decide, Run, send, start, target, until, wish
from tui_trader.agent.decision_records import decision_record
from tui_trader.messages import (
    CycleCompleted,
    DecisionInspected,
    DecisionMade,
    InspectDecision,
    Kill,
    ModelState,
    ModelStatus,
    OrderUpdated,
)
from tui_trader.models import (
    ComposeAudit,
    ComposeContext,
    ComposeResult,
    DecisionRecord,
    ModelCall,
)
from tui_trader.trading_history.store import Store

CALL = ModelCall(
    compose_id="any",
    attempt=1,
    asked_at=5,
    provider="deepseek",
    model="m",
    token_usage={"total_tokens": 1_912},
    cost_usd=0.004,
    latency_ms=2_400,
    first_token_ms=310,
)
AUDIT = ComposeAudit(
    provider="deepseek",
    model="m",
    prompt="You trade BTC.\n" + "x" * 25_000,
    raw_output='{"action": "long"}',
    reasoning="The trend is up.",
    calls=(CALL,),
    cost_usd=0.004,
    unwrapped=("code fence",),
    filtered=("item 2: unknown symbol XXX",),
    flags=("says RSI 80, the snapshot says 61",),
)


async def answered(context: ComposeContext) -> ComposeResult:
    """Decide for a long, as a model would that says how it came about."""
    return ComposeResult(targets=(target(0.02),), rationale="Up.", audit=AUDIT)


async def inspected(folder: Path, compose_id: str | None, *script: Decide) -> tuple[Run, str, bool]:
    """Run the script, then ask for `compose_id` (None: of the first decision)."""
    run = await start(folder, *script, cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: len(run.facts(CycleCompleted)) >= max(1, len(script)))
    if compose_id is None:
        compose_id = run.facts(DecisionMade)[0].compose_id
    answer = await send(run, InspectDecision("i", "test", compose_id=compose_id))
    run.runtime.request_stop()
    await running
    assert run.runtime.error is None
    return run, answer.detail, answer.ok


def shown(run: Run) -> list[DecisionRecord]:
    return [message.record for message in run.messages if isinstance(message, DecisionInspected)]


async def test_everything_of_a_decision_is_shown(tmp_path: Path) -> None:
    run, _, ok = await inspected(tmp_path, None, answered)
    assert ok
    (record,) = shown(run)
    made = run.facts(DecisionMade)[0]
    assert record.compose_id == made.compose_id
    assert record.audit == AUDIT
    assert record.rationale == "Up."
    assert [(t.instrument.symbol, t.target_qty) for t in record.targets] == [(BTC, 0.02)]
    assert record.features[0]["symbol"] == BTC
    assert [row["quantity"] for row in record.instructions] == [0.02]
    assert {verdict.symbol for verdict in record.verdicts} == {BTC}
    assert [row["status"] for row in record.results] == ["FILLED"]


async def test_a_decision_of_an_earlier_run_is_shown_too(tmp_path: Path) -> None:
    first = await (await start(tmp_path, answered)).done()
    earlier = first.facts(DecisionMade)[0].compose_id
    run, _, ok = await inspected(tmp_path, earlier, wish(0.01))
    assert ok
    assert [record.compose_id for record in shown(run)] == [earlier]
    assert earlier not in {fact.compose_id for fact in run.facts(DecisionMade)}


async def test_the_trades_that_a_decision_closed_are_in_its_record(tmp_path: Path) -> None:
    run = await start(tmp_path, wish(0.02), wish(0.0), cycles=2)
    await run.done()
    store = Store(tmp_path / "state.db")
    closing = run.facts(DecisionMade)[1].compose_id
    record = decision_record(store.history(reference_id=closing))
    store.close()
    assert record is not None
    assert [trade.quantity for trade in record.trades] == [0.02]


@pytest.mark.parametrize(
    ("compose_id", "said"),
    [("", "which decision"), ("demo-9-9", "no decision demo-9-9"), ("' OR 1=1", "no decision")],
)
async def test_what_is_unknown_is_refused_clearly(
    tmp_path: Path, compose_id: str, said: str
) -> None:
    run, detail, ok = await inspected(tmp_path, compose_id, wish(0.0))
    assert not ok
    assert said in detail
    assert shown(run) == []


async def test_an_order_of_the_operator_is_no_decision(tmp_path: Path) -> None:
    run = await start(tmp_path, wish(0.02), cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleCompleted))
    await send(run, Kill("k", "test", flatten=True))
    by_hand = run.facts(OrderUpdated)[-1].result.instruction_id.partition(":")[0]
    assert "operator" in by_hand
    answer = await send(run, InspectDecision("i", "test", compose_id=by_hand))
    run.runtime.request_stop()
    await running
    assert not answer.ok
    assert shown(run) == []


async def test_a_halted_engine_still_shows_its_decisions(tmp_path: Path) -> None:
    run = await start(tmp_path, answered, cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleCompleted))
    await send(run, Kill("k", "test"))
    compose_id = run.facts(DecisionMade)[0].compose_id
    answer = await send(run, InspectDecision("i", "test", compose_id=compose_id))
    run.runtime.request_stop()
    await running
    assert answer.ok


async def test_a_decision_is_found_by_an_index_among_many(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    rows = store._database.read(
        "EXPLAIN QUERY PLAN SELECT * FROM history WHERE reference_id = ? ORDER BY seq DESC LIMIT ?",
        ("c1", -1),
    )
    plan = " ".join(row["detail"] for row in rows)
    store.close()
    assert "USING INDEX history_by_reference" in plan
    assert "TEMP B-TREE" not in plan


async def test_a_newcomer_is_told_how_the_model_does(tmp_path: Path) -> None:
    run = await start(tmp_path, wish(0.0))
    publisher = run.runtime._parts.publisher
    assert run.runtime.snapshot().model_status is None
    for state in (ModelState.READY, ModelState.CAPPED):
        publisher.publish(ModelStatus(1, state, "deepseek", "m", calls_today=3))
    status = run.runtime.snapshot().model_status
    assert status is not None
    assert (status.state, status.calls_today) == (ModelState.CAPPED, 3)
    await run.done()
