"""What breaks while money is at work: the disk, the feed, a composer, an agent's own code."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agent import harness
from tests.agent.harness import BTC, ScriptedAgent, send, start, target, until, wish
from tests.trading_history.samples import order
from tui_trader.agent import assembly
from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.market import Market
from tui_trader.config.errors import ConfigError
from tui_trader.execution.paper import PaperVenue
from tui_trader.features.interfaces import BaseFeaturesPipeline
from tui_trader.features.pipeline import DefaultFeaturesPipeline
from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.market_data.series import CandleSeries
from tui_trader.market_data.simulated import SimulatedSource
from tui_trader.messages import (
    AlertRaised,
    ClosePosition,
    CommandResult,
    CycleCompleted,
    CycleSkipped,
    CycleStarted,
    DecideNow,
    EngineHealth,
    EngineStopped,
    Kill,
    OrderChanged,
    OrderUpdated,
    Pause,
    Resume,
    RiskAssessed,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import (
    Action,
    ComposeContext,
    ComposeResult,
    FeaturesPipelineResult,
    OrderReport,
    OrderRequest,
    UserRequest,
)
from tui_trader.risk.interfaces import RiskMarket
from tui_trader.trading_history.database import Database, StoreError
from tui_trader.trading_history.store import Store

ETH = "ETH/USDT"


async def never(context: ComposeContext) -> ComposeResult:
    await asyncio.Event().wait()
    raise AssertionError


def fails(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


FULL = StoreError("state.db: the disk is full")


# --- the disk -------------------------------------------------------------------------------------


async def test_an_outcome_that_the_disk_refused_once_halts_and_is_kept_with_the_cycle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, refused = Store.record_step, iter([FULL])

    def once(store: Store, *given: Any) -> None:
        if error := next(refused, None):
            raise error
        keep(store, *given)

    monkeypatch.setattr(Store, "record_step", once)
    run = await start(tmp_path, wish(0.01), cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleCompleted))
    assert run.facts(CycleCompleted)[0].portfolio.quantity_of(BTC) == 0.01
    assert run.runtime.snapshot().state is TradingState.HALTED
    run.runtime.request_stop()
    await running
    store = Store(tmp_path / "state.db")
    assert [fill.quantity for fill in store.fills()] == [0.01]
    assert not store.orders(live=True)
    store.close()


async def test_on_a_full_disk_the_operator_still_gets_flat_and_is_told_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start(tmp_path, wish(0.01), wish(-0.01), wish(-0.02), cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleCompleted))
    with monkeypatch.context() as full:
        full.setattr(Database, "commit", fails(FULL))
        close = await send(run, ClosePosition("c", "test", symbol=BTC))
        assert close.ok
        assert "closed" in close.detail
        assert "disk is full" in close.detail
        assert run.runtime.snapshot().state is TradingState.HALTED
        portfolio = run.runtime.snapshot().portfolio
        assert portfolio is not None
        assert not portfolio.positions
    cycles = len(run.facts(CycleCompleted))
    assert (await send(run, Resume("r", "test", believed=TradingState.HALTED))).ok
    await until(lambda: len(run.facts(CycleCompleted)) > cycles)
    run.runtime.request_stop()
    await running
    again = await (await start(tmp_path)).done()
    view, before = (each.facts(CycleCompleted)[-1] for each in (again, run))
    assert view.portfolio.quantity_of(BTC) == before.portfolio.quantity_of(BTC)
    assert view.portfolio.fees_paid == before.portfolio.fees_paid
    assert view.digest.by_instrument.keys() == before.digest.by_instrument.keys()


async def test_a_kill_on_a_full_disk_flattens_and_names_what_was_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start(tmp_path, wish(0.01), cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleCompleted))
    with monkeypatch.context() as full:
        full.setattr(Database, "commit", fails(FULL))
        answer = await send(run, Kill("k", "test", flatten=True))
    assert not answer.ok
    assert answer.detail.startswith("halted; ")
    assert "flat" in answer.detail
    assert "could not be stored" in answer.detail
    run.runtime.request_stop()
    await running
    store = Store(tmp_path / "state.db")
    assert [fill.side for fill in store.fills()] == ["BUY", "SELL"]  # the disk has room again
    store.close()


async def test_a_resume_that_can_not_be_stored_stays_halted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start(tmp_path, cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await send(run, Kill("k", "test"))
    with monkeypatch.context() as full:
        full.setattr(Store, "save_risk_state", fails(FULL))
        assert not (await send(run, Resume("r", "test"))).ok
    assert run.runtime.snapshot().state is TradingState.HALTED
    assert (tmp_path / "KILL").exists()
    run.runtime.request_stop()
    await running


async def test_an_order_without_an_outcome_is_told_and_asked_for_after_a_crash(
    tmp_path: Path,
) -> None:
    await (await start(tmp_path)).done()
    store = Store(tmp_path / "state.db")
    store.record_intent(*order(1, "tt-x"))
    store.close()
    run = await start(tmp_path, cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: [it for it in run.facts(OrderChanged) if it.order.status.final])
    run.runtime.request_stop()
    await running
    assert [fact.text for fact in run.facts(AlertRaised) if "tt-x" in fact.text]
    assert "never accepted" in run.facts(OrderChanged)[-1].order.steps[-1].reason
    assert not run.facts(CycleCompleted)[-1].portfolio.positions
    store = Store(tmp_path / "state.db")
    assert not store.orders(live=True)
    store.close()


# --- the kill switch ------------------------------------------------------------------------------


async def test_a_kill_flattens_what_is_being_opened_at_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, sent, arrives = PaperVenue.submit, asyncio.Event(), asyncio.Event()

    async def slow(venue: PaperVenue, request: OrderRequest) -> OrderReport:
        sent.set()
        await arrives.wait()
        return await submit(venue, request)

    monkeypatch.setattr(PaperVenue, "submit", slow)
    run = await start(tmp_path, wish(0.01), cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await sent.wait()
    kill = Kill("k", "test", flatten=True)
    run.runtime.command(kill)
    await until(lambda: run.facts(TradingStateChanged))
    arrives.set()
    await until(lambda: run.facts(CommandResult))
    assert run.answer(kill).ok
    assert "closed 0.01 BTC/USDT" in run.answer(kill).detail
    run.runtime.request_stop()
    await running


async def test_a_resume_takes_back_no_kill_file_that_nobody_has_seen_yet(tmp_path: Path) -> None:
    run = await start(tmp_path, cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: any(isinstance(message, EngineHealth) for message in run.messages))
    await send(run, Pause("p", "test"))
    (tmp_path / "KILL").touch()
    assert (await send(run, Resume("r", "test", believed=TradingState.REDUCING))).ok
    assert (tmp_path / "KILL").exists()
    run.runtime.request_stop()
    await running


# --- the composer ---------------------------------------------------------------------------------


async def test_a_composer_that_cancels_itself_is_a_hold(tmp_path: Path) -> None:
    async def cancels(context: ComposeContext) -> ComposeResult:
        raise asyncio.CancelledError

    run = await (await start(tmp_path, cancels, wish(0.01))).done()
    lines = [fact.logs[0] for fact in run.facts(CycleCompleted)]
    assert [(line.outcome, line.executed) for line in lines] == [("cancelled", False), ("ok", True)]


async def test_a_composer_that_answers_nothing_is_a_hold(tmp_path: Path) -> None:
    async def nothing(context: ComposeContext) -> Any:
        return None

    run = await (await start(tmp_path, nothing)).done()
    (line,) = run.facts(CycleCompleted)[0].logs
    assert (line.parsed_action, line.outcome) == ("hold", "llm_error")


async def test_of_two_targets_for_a_symbol_the_one_nearer_to_flat_counts(tmp_path: Path) -> None:
    async def twice(context: ComposeContext) -> ComposeResult:
        return ComposeResult(targets=(target(0.0), target(0.03)))

    run = await (await start(tmp_path, wish(0.01), twice)).done()
    last = run.facts(CycleCompleted)[-1]
    assert not last.portfolio.positions
    assert [line.parsed_action for line in last.logs] == ["close"]


async def test_a_stop_does_not_wait_for_a_model_that_never_answers(
    tmp_path: Path,
) -> None:
    run = await start(tmp_path, never, cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleStarted))
    run.runtime.request_stop("SIGTERM received")
    await running
    assert run.runtime.error is None
    (line,) = run.facts(CycleCompleted)[0].logs
    assert (line.parsed_action, line.outcome) == ("hold", "cancelled")


async def test_a_hold_is_not_denied_because_the_operator_closed_meanwhile(tmp_path: Path) -> None:
    async def hold_while_it_is_closed(context: ComposeContext) -> ComposeResult:
        run.runtime.command(ClosePosition("c1", "test", symbol=BTC))
        await until(lambda: run.facts(CommandResult))
        return ComposeResult(targets=(target(0.01, Action.HOLD),))

    run = await start(tmp_path, wish(0.01), hold_while_it_is_closed)
    await run.done()
    (line,) = run.facts(CycleCompleted)[-1].logs
    assert (line.risk_approved, line.executed) == (True, False)


@pytest.mark.parametrize(("took_seconds", "trades"), [(80, 1), (100, 0)])
async def test_a_decision_on_a_market_of_long_ago_opens_nothing_but_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, took_seconds: int, trades: int
) -> None:
    """However fresh the quotes are when the answer comes at last."""

    def fresh(market: Market, *_: object) -> RiskMarket:
        now = market.clock.now_ms()
        ticker = market.source.ticker(BTC)
        assert ticker is not None
        return RiskMarket(now, {BTC: ticker.model_copy(update={"ts": now})})

    monkeypatch.setattr(assembly, "_risk_market", fresh)

    async def slowly(context: ComposeContext) -> ComposeResult:
        await run.runtime._parts.clock.sleep(took_seconds)
        return ComposeResult(targets=(target(0.02),))

    async def close_slowly(context: ComposeContext) -> ComposeResult:
        await run.runtime._parts.clock.sleep(3_600)
        return ComposeResult(targets=(target(0.0),))

    run = await start(tmp_path, wish(0.01), slowly, close_slowly)
    await run.done()
    (_, slow, _) = [log for fact in run.facts(CycleCompleted) for log in fact.logs]
    assert slow.executed == bool(trades)
    assert slow.risk_reason == ("" if trades else "decision expired")
    assert run.facts(CycleCompleted)[-1].portfolio.positions == {}


# --- the market -----------------------------------------------------------------------------------


async def test_a_symbol_whose_candles_can_not_be_read_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SimulatedSource.get_series

    async def without_eth(
        source: SimulatedSource, symbol: str, interval: str, lookback: int
    ) -> CandleSeries:
        if symbol == ETH:
            raise MarketDataError("ETH/USDT: the venue does not answer")
        return await read(source, symbol, interval, lookback)

    async def both(context: ComposeContext) -> ComposeResult:
        return ComposeResult(targets=(target(0.01), target(0.1, symbol=ETH)))

    async def smaller(context: ComposeContext) -> ComposeResult:
        monkeypatch.setattr(SimulatedSource, "get_series", without_eth)
        return await both(context)

    async def less(context: ComposeContext) -> ComposeResult:
        return ComposeResult(targets=(target(0.05, symbol=ETH),))

    async def more(context: ComposeContext) -> ComposeResult:
        return ComposeResult(targets=(target(0.2, symbol=ETH),))

    agent: dict[str, object] = {"symbols": (BTC, ETH)}
    run = await start(tmp_path, smaller, more, less, agent=agent)
    await run.done()
    held = [fact.portfolio.quantity_of(ETH) for fact in run.facts(CycleCompleted)]
    assert held == [0.1, 0.1, 0.05]
    vetoes = [
        verdict.reason
        for fact in run.facts(RiskAssessed)
        for verdict in fact.verdicts
        if verdict.outcome == "veto"
    ]
    assert vetoes == ["market data stale"]


@pytest.mark.parametrize("error", [TimeoutError("no answer"), KeyError("x")])
async def test_features_that_can_not_be_built_skip_the_cycle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    build, broken = DefaultFeaturesPipeline.build, iter([error])

    async def once(pipeline: DefaultFeaturesPipeline) -> FeaturesPipelineResult:
        if failure := next(broken, None):
            raise failure
        return await build(pipeline)

    monkeypatch.setattr(DefaultFeaturesPipeline, "build", once)
    run = await (await start(tmp_path, wish(0.01))).done()
    assert [type(error).__name__ in fact.reason for fact in run.facts(CycleSkipped)] == [True]
    assert not run.facts(TradingStateChanged)
    assert len(run.facts(CycleCompleted)) == 1


async def test_a_feed_that_fails_lets_the_running_cycle_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = asyncio.Event()

    async def updates(source: SimulatedSource) -> Any:
        await broken.wait()
        raise MarketDataError("the feed is gone")
        yield

    monkeypatch.setattr(SimulatedSource, "updates", updates)
    run = await start(tmp_path, never, market={"speed": 1000.0})
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleStarted))
    broken.set()
    await running
    assert run.runtime.error == "the feed is gone"
    assert len(run.facts(CycleCompleted)) == 1
    assert isinstance(run.messages[-1], EngineStopped)


# --- an agent's own code, and the run itself ------------------------------------------------------


async def test_a_cycle_that_fails_for_an_unknown_reason_halts_and_the_hand_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start(tmp_path, wish(0.01), cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleCompleted))
    monkeypatch.setattr("tui_trader.agent.cycle_logs.build", fails(RuntimeError("boom")))
    await until(lambda: run.facts(TradingStateChanged))
    changed = run.facts(TradingStateChanged)[0]
    assert changed.state is TradingState.HALTED
    assert "RuntimeError: boom" in changed.reason
    assert (await send(run, ClosePosition("c", "test"))).ok
    run.runtime.request_stop()
    await running
    assert run.runtime.error is None


async def test_a_run_that_is_cancelled_says_so_and_frees_its_account(tmp_path: Path) -> None:
    run = await start(tmp_path, never)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleStarted))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    (stopped,) = run.facts(EngineStopped)
    assert stopped.error is not None
    await (await start(tmp_path)).done()


async def test_a_command_that_comes_while_the_engine_ends_is_answered_before_its_end(
    tmp_path: Path,
) -> None:
    class Late(ScriptedAgent):
        async def _on_stop(self, runtime: Any, request: UserRequest, reason: str) -> None:
            runtime.command(Kill("late", "test"))

    vars(harness)["Late"] = Late
    run = await start(tmp_path, agent={"strategy": "tests.agent.harness:Late"})
    await run.done()
    facts = [
        type(fact) for fact in run.messages if isinstance(fact, (CommandResult, EngineStopped))
    ]
    assert facts == [CommandResult, EngineStopped]


async def test_an_agent_that_can_not_be_made_leaves_its_account_free(tmp_path: Path) -> None:
    class Unmakeable(BaseStrategyAgent):
        async def _build_features_pipeline(
            self, request: UserRequest
        ) -> BaseFeaturesPipeline | None:
            raise RuntimeError("no pipeline")

    vars(harness)["Unmakeable"] = Unmakeable
    with pytest.raises(RuntimeError, match="no pipeline"):
        await start(tmp_path, agent={"strategy": "tests.agent.harness:Unmakeable"})
    try:
        run = await start(tmp_path)
    except ConfigError as error:
        pytest.fail(str(error))
    await run.done()


# --- what is shown --------------------------------------------------------------------------------


async def test_decide_now_promises_no_cycle_that_will_not_run(tmp_path: Path) -> None:
    run = await start(tmp_path, cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await send(run, Pause("p", "test"))
    answer = await send(run, DecideNow("d", "test"))
    assert (answer.ok, answer.detail) == (False, "paused, and nothing is held: resume first")
    await send(run, Resume("r", "test"))
    run.runtime.decide_now()
    health = run.runtime._health()
    assert health.next_cycle_ts is not None
    assert health.next_cycle_ts >= health.ts
    run.runtime.request_stop()
    await running


async def test_a_close_by_hand_is_seen_though_no_cycle_follows(tmp_path: Path) -> None:
    run = await start(tmp_path, wish(0.01), cycles=1_000_000)
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(OrderUpdated) and run.facts(CycleCompleted))
    await send(run, Kill("k", "test", flatten=True))
    portfolio = run.runtime.snapshot().portfolio
    assert portfolio is not None
    assert portfolio.positions == {}
    run.runtime.request_stop()
    await running


async def test_what_is_traded_no_more_is_still_priced_and_can_be_closed(tmp_path: Path) -> None:
    both: dict[str, object] = {"symbols": (BTC, "ETH/USDT")}
    await (await start(tmp_path, wish(0.01), agent=both)).done()
    run = await start(tmp_path, cycles=1_000_000, agent={"symbols": ("ETH/USDT",)})
    running = asyncio.create_task(run.runtime.run())
    await until(lambda: run.facts(CycleCompleted))
    view = run.facts(CycleCompleted)[0].portfolio
    assert view.quantity_of(BTC) == 0.01
    assert view.total_value is not None
    close = ClosePosition("c", "test", symbol=BTC)
    run.runtime.command(close)
    await until(lambda: run.facts(CommandResult))
    run.runtime.request_stop()
    await running
    assert run.answer(close).ok
    assert run.runtime.error is None
