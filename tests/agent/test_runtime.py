"""The loop and the cycle: what happens in which order, and what happens when something breaks."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path

import pytest

from tests.agent import harness
from tests.agent.harness import BTC, ScriptedAgent, start, until, wish
from tui_trader.agent import runtime as runtime_module
from tui_trader.agent.coordinator import CycleResult
from tui_trader.agent.runtime import AgentRuntime
from tui_trader.messages import (
    ClosePosition,
    CommandResult,
    CycleCompleted,
    CycleStarted,
    DecisionMade,
    Fact,
    OrderChanged,
    OrderRequested,
    OrderUpdated,
    RiskAssessed,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import ComposeContext, ComposeResult, CycleLog, OrderStatus, UserRequest
from tui_trader.trading_history.cycle_log import CycleLogWriter
from tui_trader.trading_history.database import StoreError
from tui_trader.trading_history.store import Store


def log_lines(folder: Path) -> list[CycleLog]:
    text = (folder / "agent_log.jsonl").read_text()
    return [CycleLog.model_validate_json(line) for line in text.splitlines()]


async def test_a_cycle_says_each_of_its_steps_in_order_and_writes_it_down(tmp_path: Path) -> None:
    run = await start(tmp_path, wish(0.01))
    await run.done()
    facts = [message for message in run.messages if isinstance(message, Fact)]
    steps = [type(fact) for fact in facts if hasattr(fact, "compose_id") or "ORDER" in fact.kind]
    assert steps == [
        CycleStarted,
        DecisionMade,
        RiskAssessed,
        OrderRequested,
        OrderChanged,
        OrderChanged,
        OrderChanged,
        OrderUpdated,
        CycleCompleted,
    ]
    assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))

    (line,) = log_lines(tmp_path)
    assert (line.parsed_action, line.executed, line.filled_size) == ("long", True, 0.01)
    assert line.compose_id == "agent-1-000001"
    store = Store(tmp_path / "state.db")
    assert [record.kind for record in store.history()] == [
        "features",
        "compose",
        "instructions",
        "execution",
    ]
    ((order, _, fills),) = store.orders()
    assert [it.status for it in order.steps] == ["intended", "submitted", "filled"]
    assert order.status is OrderStatus.FILLED
    assert tuple(store.fills()) == fills
    assert [fill.order_id for fill in fills] == [order.client_order_id]
    assert len(store.equity_points()) == 1
    store.close()


async def test_a_composer_that_fails_is_a_hold_and_the_next_cycle_runs(tmp_path: Path) -> None:
    async def fail(context: ComposeContext) -> ComposeResult:
        raise RuntimeError("boom")

    run = await (await start(tmp_path, fail, wish(0.01))).done()
    failed, good = log_lines(tmp_path)
    assert (failed.parsed_action, failed.outcome, failed.executed) == ("hold", "llm_error", False)
    assert "RuntimeError" in failed.parsed_reason
    assert good.executed
    assert run.runtime.cycles == 2


async def test_a_restart_knows_what_it_owns_and_repeats_no_order(tmp_path: Path) -> None:
    first = await (await start(tmp_path, wish(0.01), wish(0.02), wish(0.01))).done()
    held = first.facts(CycleCompleted)[-1].portfolio
    second = await (await start(tmp_path)).done()
    view = second.facts(CycleCompleted)[-1].portfolio
    assert view.quantity_of(BTC) == held.quantity_of(BTC) == 0.01
    assert view.fees_paid == held.fees_paid
    assert view.cash == held.cash
    assert second.facts(CycleCompleted)[-1].digest.by_instrument[BTC].trade_count == 1
    store = Store(tmp_path / "state.db")
    ids = [kept.record.client_order_id for kept in store.orders()]
    assert len(ids) == len(set(ids)) == 3
    assert log_lines(tmp_path)[-1].compose_id == "agent-2-000001"
    store.close()


async def test_the_cool_down_outlasts_a_restart(tmp_path: Path) -> None:
    risk: dict[str, object] = {"cooldown_seconds": 3_600, "max_equity_usage_pct": 0.5}
    await (await start(tmp_path, wish(0.01), risk=risk)).done()
    await (await start(tmp_path, wish(0.02), risk=risk)).done()
    line = log_lines(tmp_path)[-1]
    assert (line.risk_approved, line.risk_reason) == (False, "cooldown period active")


async def test_what_the_operator_closed_meanwhile_is_not_opened_again(tmp_path: Path) -> None:
    async def think_while_it_is_closed(context: ComposeContext) -> ComposeResult:
        command = ClosePosition("c1", "test", symbol=BTC)
        run.runtime.command(command)
        await until(lambda: run.facts(CommandResult))
        return ComposeResult(targets=(harness.target(0.02),))

    run = await start(tmp_path, wish(0.01), think_while_it_is_closed)
    await run.done()
    line = log_lines(tmp_path)[-1]
    assert (line.risk_approved, line.risk_reason) == (False, "position changed while deciding")
    assert run.facts(CycleCompleted)[-1].portfolio.positions == {}


async def test_an_order_that_can_not_be_written_down_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("state.db: the disk is full")

    monkeypatch.setattr(Store, "record_intent", full)
    run = await (await start(tmp_path, wish(0.01))).done()
    (line,) = log_lines(tmp_path)
    assert not line.executed
    assert line.error is not None
    assert "the disk is full" in line.error
    assert run.facts(CycleCompleted)[-1].portfolio.positions == {}


async def test_a_disk_that_fails_halts_the_agent_but_a_close_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start(tmp_path, wish(0.01), cycles=3)

    async def then_the_disk_fails(context: ComposeContext) -> ComposeResult:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(CycleLogWriter, "write", full)
        return ComposeResult()

    ScriptedAgent.script.append(then_the_disk_fails)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(TradingStateChanged))
    (changed,) = run.facts(TradingStateChanged)
    assert changed.state is TradingState.HALTED
    assert "No space left" in changed.reason
    close = ClosePosition("c1", "test", symbol=BTC)
    run.runtime.command(close)
    await until(lambda: run.facts(CommandResult))
    assert run.answer(close).ok
    run.runtime.request_stop()
    await running


async def test_hooks_that_fail_stop_nothing(tmp_path: Path) -> None:
    calls: list[str] = []

    class Careless(ScriptedAgent):
        async def _on_start(self, runtime: AgentRuntime, request: UserRequest) -> None:
            calls.append(f"start {runtime.strategy_id}")
            raise RuntimeError

        async def _on_cycle_result(
            self, result: CycleResult, runtime: AgentRuntime, request: UserRequest
        ) -> None:
            calls.append(f"{len(result.trades)} {result.strategy_summary.realized_pnl}")
            raise RuntimeError

        async def _on_stop(self, runtime: AgentRuntime, request: UserRequest, reason: str) -> None:
            calls.append(f"stop {reason}")
            raise RuntimeError

    vars(harness)["Careless"] = Careless
    run = await start(tmp_path, cycles=2, agent={"strategy": "tests.agent.harness:Careless"})
    await run.done()
    assert calls == ["start agent", "0 0.0", "0 0.0", "stop 2 cycles done"]


async def test_the_kill_file_halts_a_running_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "HEARTBEAT_SECONDS", 0.01)
    run = await start(tmp_path, cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleCompleted))
    (tmp_path / "KILL").touch()
    await until(lambda: run.facts(TradingStateChanged))
    assert run.facts(TradingStateChanged)[0].state is TradingState.HALTED
    run.runtime.request_stop()
    await running


async def test_two_runs_in_fresh_folders_are_the_same_but_for_the_wall_clock(
    tmp_path: Path,
) -> None:
    texts = []
    for name in ("a", "b"):
        await (await start(tmp_path / name, wish(0.01), wish(-0.01), wish(0.0))).done()
        lines = [
            json.loads(line) | {"recorded_at": 0, "latency_ms": 0}
            for line in (tmp_path / name / "agent_log.jsonl").read_text().splitlines()
        ]
        texts.append(lines)
    assert texts[0] == texts[1]
    assert [line["parsed_action"] for line in texts[0]] == ["long", "short", "close"]


@pytest.mark.parametrize(("interval", "minutes"), [(1.0, 1), (60.0, 1), (150.0, 3), (300.0, 5)])
async def test_a_cycle_runs_at_every_closed_candle_or_at_the_interval_where_that_is_longer(
    tmp_path: Path, interval: float, minutes: int
) -> None:
    run = await start(tmp_path, cycles=5, agent={"interval_seconds": interval})
    await run.done()
    times = [line.timestamp for line in log_lines(tmp_path)]
    assert [late - early for early, late in pairwise(times)] == [minutes * 60_000] * 4
