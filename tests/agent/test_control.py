"""The operator's hand: every command has one answer, and a kill holds."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.agent.harness import BTC, Decide, Run, send, start, until, wish
from tui_trader.messages import (
    ClosePosition,
    Command,
    CycleCompleted,
    CycleSkipped,
    DecideNow,
    GoLive,
    Kill,
    OrderUpdated,
    Pause,
    Resume,
    RiskAssessed,
    Stop,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import ComposeContext, ComposeResult
from tui_trader.trading_history.store import Store


async def operate(folder: Path, script: Sequence[Decide], *commands: Command) -> Run:
    """Run the script, then send `commands` one after the other, then stop."""
    run = await start(folder, *script, cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: len(run.facts(CycleCompleted)) >= len(script))
    for command in commands:
        await send(run, command)
    run.runtime.request_stop()
    await running
    assert run.runtime.error is None
    return run


async def test_paused_opens_nothing_and_closes_go_on(tmp_path: Path) -> None:
    async def pause_then(context: ComposeContext) -> ComposeResult:
        # Between two cycles, so that no decision is broken off.
        asyncio.get_running_loop().call_soon(run.runtime.command, Pause("p", "test"))
        return await wish(0.02)(context)

    run = await start(tmp_path, pause_then, wish(0.03), wish(0.01))
    await run.done()
    vetoes = [
        verdict.reason
        for fact in run.facts(RiskAssessed)
        for verdict in fact.verdicts
        if verdict.outcome == "veto"
    ]
    assert set(vetoes) == {"paused: reducing only"}
    assert run.facts(CycleCompleted)[-1].portfolio.quantity_of(BTC) in (0.0, 0.01)
    assert run.facts(TradingStateChanged)[-1].state is TradingState.REDUCING


async def test_paused_and_flat_is_said_once_and_asks_nobody(tmp_path: Path) -> None:
    run = await start(tmp_path, cycles=1)
    run.runtime.command(Pause("p", "test"))
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleSkipped))
    for _ in range(200):
        await asyncio.sleep(0)
    run.runtime.request_stop()
    await running
    assert [fact.reason for fact in run.facts(CycleSkipped)] == ["paused, and nothing is held"]
    assert not run.facts(CycleCompleted)


@pytest.mark.parametrize("command", [Pause("c", "test"), Kill("c", "test")])
async def test_a_decision_in_the_making_is_broken_off(tmp_path: Path, command: Command) -> None:
    async def never_ends(context: ComposeContext) -> ComposeResult:
        run.runtime.command(command)
        await asyncio.Event().wait()
        raise AssertionError

    run = await start(tmp_path, never_ends)
    running = asyncio.create_task(run.runtime.run())
    await running
    (line,) = run.facts(CycleCompleted)[0].logs
    assert (line.parsed_action, line.outcome, line.executed) == ("hold", "cancelled", False)
    assert line.parsed_reason.startswith("forced hold: ")
    assert not run.facts(OrderUpdated)


async def test_a_kill_is_kept_on_two_media_and_survives_a_restart(tmp_path: Path) -> None:
    kill = Kill("k", "alice")
    run = await operate(tmp_path, [], kill)
    assert run.answer(kill).ok
    assert not run.facts(OrderUpdated)
    assert (tmp_path / "KILL").read_text().endswith("killed by alice\n")
    store = Store(tmp_path / "state.db")
    assert (store.risk_state() or {})["trading_state"] == "HALTED"
    store.close()
    for lost in ("KILL", None):
        if lost:
            (tmp_path / lost).unlink()
        again = await start(tmp_path)
        assert again.runtime.snapshot().state is TradingState.HALTED
        again.runtime.request_stop()
        await again.done()


async def test_the_kill_file_alone_halts_a_start(tmp_path: Path) -> None:
    (tmp_path / "KILL").touch()
    run = await start(tmp_path, wish(0.02))
    assert run.runtime.snapshot().state is TradingState.HALTED
    run.runtime.request_stop()
    await run.done()
    assert not run.facts(OrderUpdated)


async def test_a_kill_that_flattens_closes_everything_and_says_so(tmp_path: Path) -> None:
    kill = Kill("k", "test", flatten=True)
    run = await operate(tmp_path, [wish(-0.02)], kill)
    answer = run.answer(kill)
    assert answer.ok, answer.detail
    assert "closed 0.02 BTC/USDT" in answer.detail
    assert "flat" in answer.detail
    assert [fact.result.side for fact in run.facts(OrderUpdated)] == ["SELL", "BUY"]


async def test_a_kill_on_a_flat_account_is_fine_and_may_be_repeated(tmp_path: Path) -> None:
    kills = [Kill(f"k{n}", "test", flatten=True) for n in range(3)]
    run = await operate(tmp_path, [], *kills)
    assert all(run.answer(kill).ok for kill in kills)


async def test_resume_after_a_kill_is_deliberate(tmp_path: Path) -> None:
    kill, mistaken = Kill("k", "test"), Resume("r1", "test", believed=TradingState.REDUCING)
    resume = Resume("r2", "test", believed=TradingState.HALTED)
    run = await operate(tmp_path, [], kill, mistaken, resume)
    assert not run.answer(mistaken).ok
    assert run.answer(resume).ok
    assert not (tmp_path / "KILL").exists()
    assert run.facts(TradingStateChanged)[-1].state is TradingState.ACTIVE


async def test_a_close_by_hand_reaches_books_store_and_digest(tmp_path: Path) -> None:
    nothing = ClosePosition("c1", "test", symbol="ETH/USDT")
    close = ClosePosition("c2", "test", symbol=BTC)
    run = await operate(tmp_path, [wish(0.02)], nothing, close)
    assert run.answer(nothing).detail == "no position in ETH/USDT"
    assert run.answer(close).ok
    store = Store(tmp_path / "state.db")
    operator = [
        record for record in store.history("execution") if "operator" in record.reference_id
    ]
    assert len(operator) == 1
    assert len(store.orders()) == 2
    store.close()
    again = await (await start(tmp_path)).done()
    last = again.facts(CycleCompleted)[-1]
    assert last.portfolio.positions == {}
    assert last.digest.by_instrument[BTC].trade_count == 1


async def test_every_command_is_answered_once(tmp_path: Path) -> None:
    commands: list[Command] = [
        Pause("1", "t"),
        Resume("2", "t"),
        DecideNow("3", "t"),
        GoLive("4", "t", account="x"),
        ClosePosition("5", "t"),
        Kill("6", "t"),
        Pause("7", "t"),
        DecideNow("8", "t"),
        Stop("9", "t"),
    ]
    run = await operate(tmp_path, [wish(0.02)], *commands)
    answers = {command.command_id: run.answer(command) for command in commands}
    assert {key for key, answer in answers.items() if answer.ok} >= {"1", "2", "5", "6", "9"}
    assert "live" in answers["4"].detail
    assert "halted" in answers["7"].detail
    assert "resume first" in answers["8"].detail
