"""A whole agent with a language model behind it, and what that model can do wrong."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.agent import test_models as here
from tests.agent.harness import BTC, Run, config, send, target, until
from tests.llm.server import Answer, Fault, LlmServer
from tui_trader.agent.assembly import assemble
from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.coordinator import CycleResult
from tui_trader.agent.decision_records import decision_record
from tui_trader.agent.runtime import AgentRuntime
from tui_trader.config.errors import ConfigError
from tui_trader.config.secrets import Secrets
from tui_trader.decision.composer import LlmComposer
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.messages import (
    AlertRaised,
    CycleCompleted,
    DecideNow,
    DecisionMade,
    Kill,
    Message,
    ModelState,
    ModelStatus,
    OrderUpdated,
    Pause,
    ReasoningStreamed,
    Resume,
    Severity,
    TradingState,
)
from tui_trader.models import (
    ComposeAudit,
    ComposeContext,
    ComposeResult,
    RecordKind,
    TradeInstruction,
    UserRequest,
)
from tui_trader.trading_history.store import Store
from tui_trader.view.model import EventLine, ViewModel
from tui_trader.view.reducer import reduce

KEY = "sk-canary-7c1d40"
LONG = '{"action": "long", "size_pct": 0.05, "reason": "up"}'
CLOSE = '{"action": "close", "size_pct": 0.0, "reason": "enough"}'
HOLD = '{"action": "hold", "size_pct": 0.0, "reason": "quiet"}'


@pytest.fixture
async def server() -> AsyncIterator[LlmServer]:
    async with LlmServer() as running:
        yield running


async def agent(
    server: LlmServer, folder: Path | None, cycles: int | None = None, **changes: dict[str, object]
) -> Run:
    """An agent that asks the model behind `server`, one call a decision."""
    llm: dict[str, object] = {
        "provider": "deepseek",
        "base_url": server.base_url,
        "max_attempts": 1,
        "stall_seconds": 30.0,
        "deadline_seconds": 60.0,
    }
    loaded = config(
        **changes
        | {
            "agent": {"strategy": "llm", **changes.get("agent", {})},
            "llm": llm | changes.get("llm", {}),
        }
    )
    loaded = replace(loaded, secrets=Secrets({"DEEPSEEK_API_KEY": SecretStr(KEY)}))
    return Run(await assemble(loaded, max_cycles=cycles, data_dir=folder))


def lines(run: Run) -> list[EventLine]:
    """The event lines that a console shows of a run."""
    view = ViewModel()
    for message in (run.runtime.snapshot(), *run.messages):
        view, _ = reduce(view, message)
    return list(view.events)


def outcomes(run: Run) -> list[str]:
    return [fact.outcome for fact in run.facts(DecisionMade)]


def states(run: Run) -> list[ModelState]:
    """The states of the model, each as often as it began."""
    told = [message.state for message in run.messages if isinstance(message, ModelStatus)]
    return [state for at, state in enumerate(told) if at == 0 or told[at - 1] is not state]


TROUBLE: dict[str, tuple[Answer, dict[str, object], str, str]] = {
    "hangs": (Answer(fault=Fault.SILENT), {"stall_seconds": 0.1}, "llm_error", "no byte for 0.1 s"),
    "stalls amid the answer": (
        Answer(LONG, fault=Fault.HANG),
        {"stall_seconds": 0.1},
        "llm_error",
        "no byte for 0.1 s",
    ),
    "never ends": (
        Answer(LONG, fault=Fault.DRIBBLE),
        {"deadline_seconds": 0.2},
        "llm_error",
        "no whole answer",
    ),
    "HTML with 200": (Answer(fault=Fault.HTML), {}, "llm_error", "text/html"),
    "an error object with 200": (Answer(fault=Fault.ERROR_BODY), {}, "llm_error", "overloaded"),
    "an error amid the stream": (
        Answer(LONG, fault=Fault.ERROR_CHUNK),
        {},
        "llm_error",
        "overloaded",
    ),
    "a chunk that is not JSON": (Answer(LONG, fault=Fault.BAD_CHUNK), {}, "llm_error", "not JSON"),
    "a cut connection": (Answer(LONG, fault=Fault.CUT), {}, "llm_error", "connection"),
    "an empty answer": (Answer("", "thoughts"), {}, "llm_error", "empty"),
    "an answer too long": (Answer(LONG, finish_reason="length"), {}, "llm_error", "length"),
    "401": (Answer(status=401, message="bad key"), {}, "stopped", "DEEPSEEK_API_KEY"),
    "402": (Answer(status=402, message="no credit"), {}, "stopped", "402"),
    "429": (
        Answer(status=429, message="slow down", headers={"Retry-After": "0"}),
        {},
        "llm_error",
        "429",
    ),
    "500": (Answer(status=500, message="oops"), {}, "llm_error", "500"),
    "503": (Answer(status=503, message="busy"), {}, "llm_error", "503"),
    "nonsense": (Answer("Buy! Buy!"), {}, "parse_error", "no JSON object"),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_every_misbehaviour_is_a_hold_with_its_line_and_no_cycle_is_lost(
    server: LlmServer, tmp_path: Path, name: str
) -> None:
    trouble, llm, outcome, said = TROUBLE[name]
    server.script.extend([trouble, Answer(LONG)])
    run = await (await agent(server, tmp_path, 3, llm=llm)).done()
    assert len(run.facts(CycleCompleted)) == 3
    assert outcomes(run)[0] == outcome
    told = [line for line in lines(run) if line.topic == "decision" and "#1 " in line.text]
    expected = Severity.ERROR if outcome == "stopped" else Severity.WARNING
    assert [line.severity for line in told] == [expected]
    assert said in told[0].text
    traded = {fact.result.instruction_id for fact in run.facts(OrderUpdated)}
    assert not any(":".join(one.split(":")[:1]).endswith("-000001") for one in traded)
    if outcome == "stopped":
        assert outcomes(run) == ["stopped"] * 3
        assert len(server.requests) == 1
    elif name not in ("hangs", "stalls amid the answer", "never ends"):
        assert outcomes(run)[1:] == ["ok", "ok"]
        assert traded


async def test_after_a_refused_key_nothing_is_asked_until_the_operator_acts(
    server: LlmServer, tmp_path: Path
) -> None:
    """Five cycles, one call; then the operator resumes, and the sixth is asked again."""
    server.script.extend([Answer(status=401, message="bad key"), Answer(HOLD)])
    run = await agent(server, tmp_path, 7)
    acted: list[Message] = []

    def resume_after_five(message: Message) -> None:
        if isinstance(message, CycleCompleted) and message.number == 5:
            run.runtime.command(Resume("r1", "operator"))
            acted.append(message)

    run.runtime.subscribe(resume_after_five)
    await run.done()
    assert acted
    assert outcomes(run)[:5] == ["stopped"] * 5
    assert outcomes(run)[-1] == "ok"
    assert 2 <= len(server.requests) <= 3
    assert states(run)[-2:] == [ModelState.STOPPED, ModelState.READY]
    (alert,) = [
        line for line in lines(run) if line.topic == "model" and line.severity is Severity.ERROR
    ]
    assert "DEEPSEEK_API_KEY" in alert.text
    assert "decide now (d)" in alert.text


@pytest.mark.parametrize("command", [Pause("c1", "operator"), Kill("c1", "operator")])
async def test_the_operator_s_hand_cancels_the_call_at_once(
    server: LlmServer, tmp_path: Path, command: Pause | Kill
) -> None:
    server.script.append(Answer(LONG, "still thinking", fault=Fault.HANG))
    run = await agent(server, tmp_path, market={"speed": 1.0})
    running = asyncio.create_task(run.runtime.run())
    async with asyncio.timeout(30):
        await until(lambda: ReasoningStreamed in map(type, run.messages))
        result = await send(run, command)
        await server.gone.wait()
        assert result.ok
        await until(lambda: run.facts(CycleCompleted))
    assert outcomes(run)[0] == "cancelled"
    run.runtime.request_stop()
    await running
    store = Store(tmp_path / "state.db")
    (call,) = [call for call in store.calls() if call.compose_id != "probe"]
    record = decision_record(store.history(reference_id=call.compose_id))
    store.close()
    assert call.outcome == "cancelled"
    assert call.cost_usd
    assert "still" in call.reasoning
    assert record is not None
    audit = record.audit
    assert audit.prompt
    assert audit.prompt_hash
    assert (audit.provider, audit.cost_usd) == ("deepseek", call.cost_usd)
    assert (audit.reasoning, audit.calls) == (call.reasoning, (call,))


async def test_where_no_model_answers_the_rules_may_close_and_nothing_opens(
    server: LlmServer, tmp_path: Path
) -> None:
    server.script.append(Answer(LONG))
    server.script.extend([Answer(status=500)] * 200)
    run = await (await agent(server, tmp_path, 120, llm={"fallback": "rules"})).done()
    first, *others = [fact.result for fact in run.facts(OrderUpdated)]
    assert first.filled_qty > 0
    assert len(others) == 1, "the rules close what the model opened, and open nothing again"
    assert run.facts(CycleCompleted)[-1].portfolio.positions == {}
    assert set(outcomes(run)[1:]) == {"llm_error", "brown_out"}


async def test_a_brown_out_is_shown_and_nothing_opens_while_it_lasts(
    server: LlmServer, tmp_path: Path
) -> None:
    server.script.extend([Answer(status=503)] * 2)
    llm: dict[str, object] = {"breaker_failures": 2, "breaker_seconds": 3_600.0}
    run = await (await agent(server, tmp_path, 6, llm=llm)).done()
    assert outcomes(run) == ["llm_error"] * 2 + ["brown_out"] * 4
    assert len(server.requests) == 2
    assert states(run)[-1] is ModelState.BROWN_OUT
    assert any("brown-out" in line.text for line in lines(run))
    assert run.facts(OrderUpdated) == []


async def test_another_model_answers_where_the_first_one_fails(
    server: LlmServer, tmp_path: Path
) -> None:
    server.script.extend([Answer(status=500), Answer(LONG)])
    async with LlmServer([Answer(HOLD)] * 9) as other:
        llm: dict[str, object] = {
            "provider": "local",
            "model": "small",
            "base_url": other.base_url,
            "fallback_models": ["local:large"],
        }
        other.script.appendleft(Answer(status=500))
        run = await (await agent(server, tmp_path, 2, llm=llm)).done()
        assert [request["model"] for request in other.requests] == ["small", "large", "small"]
    assert outcomes(run) == ["ok", "ok"]
    assert [fact.model for fact in run.facts(DecisionMade)] == ["large", "small"]


async def test_the_daily_cap_stops_calls_but_no_close_and_outlasts_a_restart(
    server: LlmServer, tmp_path: Path
) -> None:
    """A call costs 400 x 1 + 60 x 10 millionths of a dollar: the cap is reached with the second."""
    llm: dict[str, object] = {
        "daily_cap_usd": 0.002,
        "price_input_usd": 1.0,
        "price_output_usd": 10.0,
    }
    server.script.append(Answer(LONG))
    run = await (await agent(server, tmp_path, 4, llm=llm)).done()
    assert outcomes(run)[-1] == "capped"
    assert states(run)[-1] is ModelState.CAPPED
    asked = len(server.requests)
    assert asked <= 2
    again = await (await agent(server, tmp_path, 3, llm=llm)).done()
    assert outcomes(again) == ["capped"] * 3
    assert len(server.requests) == asked
    assert any("daily_cap_usd" in line.text for line in lines(again))
    closing = await agent(server, tmp_path, market={"speed": 1.0}, llm=llm)
    running = asyncio.create_task(closing.runtime.run())
    async with asyncio.timeout(30):
        result = await send(closing, Kill("k1", "operator", flatten=True))
    assert result.ok, result.detail
    closing.runtime.request_stop()
    await running
    assert closing.runtime.snapshot().state is TradingState.HALTED
    assert len(server.requests) == asked


async def test_the_summary_has_what_the_models_cost_and_the_profit_after_it(
    server: LlmServer, tmp_path: Path
) -> None:
    prices: dict[str, object] = {"price_input_usd": 1.0, "price_output_usd": 10.0}
    server.script.extend([Answer(HOLD)] * 3)
    here.heard.clear()
    run = await (
        await agent(
            server,
            tmp_path,
            3,
            agent={"strategy": "tests.agent.test_models:Accountant"},
            llm=prices,
        )
    ).done()
    costs = [fact.cost_usd for fact in run.facts(DecisionMade)]
    assert costs == [pytest.approx(0.001)] * 3
    spent, net = here.heard[-1]
    assert spent is not None
    store = Store(tmp_path / "state.db")
    assert spent == pytest.approx(store.spent_since(0))
    store.close()
    assert spent >= 0.003
    assert net == pytest.approx(-spent)


heard: list[tuple[float | None, float | None]] = []


class Accountant(BaseStrategyAgent):
    """Remembers what each cycle's summary says of money."""

    async def _create_decision_composer(self, request: UserRequest) -> BaseComposer:
        return LlmComposer(request)

    async def _on_cycle_result(
        self, result: CycleResult, runtime: AgentRuntime, request: UserRequest
    ) -> None:
        here.heard.append((result.strategy_summary.model_cost_usd, result.strategy_summary.net_pnl))


async def test_everything_of_a_decision_is_in_its_record_and_no_secret(
    server: LlmServer, tmp_path: Path
) -> None:
    server.script.append(Answer(f"```json\n{LONG}\n```", f"my key is {KEY}"))
    await (await agent(server, tmp_path, 1)).done()
    store = Store(tmp_path / "state.db")
    (record,) = store.history(kind=RecordKind.COMPOSE)
    calls = store.calls(compose_id=record.reference_id)
    store.close()
    audit = ComposeAudit.model_validate(record.payload["audit"])
    assert audit.prompt.startswith(server.requests[0]["messages"][0]["content"])
    assert audit.raw_output == f"```json\n{LONG}\n```"
    assert audit.reasoning == "my key is [api key]"
    assert audit.unwrapped == ("a code fence",)
    assert audit.template == "default@1"
    assert audit.answer_format == "simple"
    assert audit.parameters["response_format"] == "json_object"
    assert audit.finish_reason == "stop"
    assert all((audit.prompt_hash, audit.template_hash, audit.snapshot_hash))
    assert audit.token_usage["total_tokens"] == 460
    assert audit.cost_usd is not None
    assert audit.latency_ms is not None
    assert audit.first_token_ms is not None
    assert audit.calls == tuple(calls)
    assert [path.name for path in _files(tmp_path) if KEY.encode() in path.read_bytes()] == []


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_recorded_run_is_played_again_without_a_call(
    server: LlmServer, tmp_path: Path
) -> None:
    server.script.extend([Answer(LONG, "first"), Answer("Buy!"), Answer(status=500), Answer(CLOSE)])
    lived = await (await agent(server, tmp_path / "lived", 4)).done()
    asked = len(server.requests)
    again = await (
        await agent(
            server,
            tmp_path / "again",
            4,
            llm={"provider": "recorded", "recorded": str(tmp_path / "lived" / "state.db")},
        )
    ).done()
    assert len(server.requests) == asked
    assert outcomes(again) == outcomes(lived) == ["ok", "parse_error", "llm_error", "ok"]
    results = [
        [fact.result.model_dump(exclude={"order_id", "fills"}) for fact in run.facts(OrderUpdated)]
        for run in (lived, again)
    ]
    assert results[0] == results[1]
    assert len(results[0]) == 2
    raws = [
        [log.llm_raw_output for fact in run.facts(CycleCompleted) for log in fact.logs]
        for run in (lived, again)
    ]
    assert raws[0] == raws[1]


async def test_a_replay_of_another_market_finds_no_record_and_asks_nobody(
    server: LlmServer, tmp_path: Path
) -> None:
    await (await agent(server, tmp_path / "lived", 1)).done()
    asked = len(server.requests)
    again = await (
        await agent(
            server,
            tmp_path / "again",
            1,
            market={"seed": 8},
            llm={"provider": "recorded", "recorded": str(tmp_path / "lived" / "state.db")},
        )
    ).done()
    assert outcomes(again) == ["llm_error"]
    assert len(server.requests) == asked
    assert any("recorded with another prompt" in line.text for line in lines(again))


async def test_a_record_that_is_not_there_is_a_configuration_error(
    server: LlmServer, tmp_path: Path
) -> None:
    llm: dict[str, object] = {"provider": "recorded", "recorded": str(tmp_path / "nowhere.db")}
    with pytest.raises(ConfigError, match=r"llm\.recorded.*no such file"):
        await agent(server, tmp_path / "new", 1, llm=llm)
    await (await agent(server, tmp_path / "new", 1)).done()  # the account was left free


async def test_an_edited_prompt_is_in_use_in_the_next_cycle_and_says_so(
    server: LlmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUI_TRADER_HOME", str(tmp_path / "home"))
    templates = tmp_path / "home" / "templates"
    templates.mkdir(parents=True)
    from tui_trader.decision.templates import packaged_text

    mine = templates / "mine.md"
    mine.write_text(packaged_text())
    server.script.extend([Answer(HOLD)] * 4)
    run = await agent(server, tmp_path / "data", 4, llm={"template": "mine"})

    def edit(message: Message) -> None:
        if isinstance(message, CycleCompleted) and message.number == 1:
            mine.write_text(packaged_text() + "\nBe brave, said the operator.\n")
        if isinstance(message, CycleCompleted) and message.number == 2:
            mine.write_text("{{actions}} {{nonsense}}")

    run.runtime.subscribe(edit)
    await run.done()
    told = ["Be brave" in request["messages"][0]["content"] for request in server.requests]
    assert told == [False, True, True, True]
    news = [fact for fact in run.facts(AlertRaised) if fact.topic == "prompt"]
    assert [fact.severity for fact in news] == [Severity.INFO, Severity.WARNING]
    assert "nonsense" in news[1].text


class Hybrid(BaseComposer):
    """Source document S4's hybrid, as it stands there: it filters the model's instructions."""

    def __init__(self, request: UserRequest) -> None:
        self.llm_composer = LlmComposer(request)
        self.request = request

    async def compose(self, context: ComposeContext) -> ComposeResult:
        llm_result = await self.llm_composer.compose(context)
        filtered_instructions = [
            inst for inst in llm_result.instructions if self._passes_risk_check(inst, context)
        ]
        return ComposeResult(
            instructions=tuple(filtered_instructions),
            rationale=f"LLM + risk filters: {llm_result.rationale}",
        )

    def _passes_risk_check(self, inst: TradeInstruction, context: ComposeContext) -> bool:
        return inst.quantity < 1.0


async def test_s4_s_hybrid_works_as_written_under_the_same_cap_and_gates(
    server: LlmServer, tmp_path: Path
) -> None:
    unsure = LONG.replace("}", ', "confidence": 0.1}')
    server.script.extend([Answer(unsure), Answer(LONG)])
    strategy: dict[str, object] = {"strategy": "tests.agent.test_models:Hybrid"}
    llm: dict[str, object] = {
        "daily_cap_usd": 0.0025,
        "price_input_usd": 1.0,
        "price_output_usd": 10.0,
    }
    run = await (await agent(server, tmp_path, 4, agent=strategy, llm=llm)).done()
    filled = [fact.result.instruction_id for fact in run.facts(OrderUpdated)]
    assert filled == [f"agent-1-000002:{BTC}"]
    assert len(server.requests) <= 3
    assert any(
        isinstance(message, ModelStatus) and message.state is ModelState.CAPPED
        for message in run.messages
    )


async def test_a_decision_asked_for_is_an_act_of_the_operator(
    server: LlmServer, tmp_path: Path
) -> None:
    server.script.extend([Answer(status=401), Answer(HOLD)])
    run = await agent(server, tmp_path, market={"speed": 1.0})
    running = asyncio.create_task(run.runtime.run())
    async with asyncio.timeout(30):
        await until(lambda: run.facts(CycleCompleted))
        assert (await send(run, DecideNow("d1", "operator"))).ok
        await until(lambda: len(run.facts(CycleCompleted)) > 1)
    run.runtime.request_stop()
    await running
    assert outcomes(run) == ["stopped", "ok"]


async def test_a_hybrid_is_seen_through_what_it_asks(server: LlmServer, tmp_path: Path) -> None:
    """S4's hybrid returns no audit and passes no reasoning on; its cycle hears both all the same,
    and the closes of the rules go through it where no model answers."""
    server.script.append(Answer(LONG, "I think so"))
    server.script.extend([Answer(status=500)] * 200)
    strategy: dict[str, object] = {"strategy": "tests.agent.test_models:Hybrid"}
    run = await (
        await agent(server, tmp_path, 120, agent=strategy, llm={"fallback": "rules"})
    ).done()
    first = run.facts(DecisionMade)[0]
    assert (first.provider, first.model) == ("deepseek", "deepseek-flash")
    assert first.reasoning == "I think so"
    assert any(isinstance(message, ReasoningStreamed) for message in run.messages)
    assert set(outcomes(run)[1:]) == {"llm_error", "brown_out"}
    assert len(run.facts(OrderUpdated)) == 2
    assert run.facts(CycleCompleted)[-1].portfolio.positions == {}
    assert run.runtime.session.model == "deepseek-flash"


class Late(BaseComposer):
    """Makes its model composer only when it is first needed."""

    def __init__(self, request: UserRequest) -> None:
        self.request = request
        self.inner: LlmComposer | None = None

    async def compose(self, context: ComposeContext) -> ComposeResult:
        self.inner = self.inner or LlmComposer(self.request)
        return await self.inner.compose(context)


async def test_a_composer_that_is_made_late_is_under_the_same_cap(
    server: LlmServer, tmp_path: Path
) -> None:
    llm: dict[str, object] = {
        "daily_cap_usd": 0.0015,
        "price_input_usd": 1.0,
        "price_output_usd": 10.0,
    }
    strategy: dict[str, object] = {"strategy": "tests.agent.test_models:Late"}
    run = await (await agent(server, tmp_path, 6, agent=strategy, llm=llm)).done()
    assert len(server.requests) == 2
    assert outcomes(run)[2:] == ["capped"] * 4
    store = Store(tmp_path / "state.db")
    assert len(store.calls()) == 2
    store.close()


class Stubborn(BaseComposer):
    """Decides although its decision was broken off."""

    def __init__(self, request: UserRequest) -> None:
        self.asked = here.asked = asyncio.Event()

    async def compose(self, context: ComposeContext) -> ComposeResult:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return ComposeResult(targets=(target(0.01),))
        raise AssertionError


asked: asyncio.Event


async def test_a_composer_that_swallows_its_cancellation_decides_nothing(
    server: LlmServer, tmp_path: Path
) -> None:
    strategy: dict[str, object] = {"strategy": "tests.agent.test_models:Stubborn"}
    run = await agent(server, tmp_path, 1, agent=strategy, market={"speed": 1.0})
    running = asyncio.create_task(run.runtime.run())
    async with asyncio.timeout(30):
        await here.asked.wait()
        run.runtime.command(Pause("p1", "operator"))
        run.runtime.command(Resume("r1", "operator"))
        await running
    assert outcomes(run) == ["cancelled"]
    assert run.facts(OrderUpdated) == []


async def test_a_stop_breaks_the_answer_off_and_opens_nothing(
    server: LlmServer, tmp_path: Path
) -> None:
    server.script.append(Answer(LONG, "thinking", fault=Fault.HANG))
    run = await agent(server, tmp_path, market={"speed": 1.0})
    running = asyncio.create_task(run.runtime.run())
    async with asyncio.timeout(30):
        await until(lambda: server.requests)
        run.runtime.request_stop("SIGTERM received")
        await running
        await server.gone.wait()
    assert outcomes(run) == ["cancelled"]


async def test_a_kill_ends_the_probe_too(server: LlmServer, tmp_path: Path) -> None:
    server.probe_script.append(Answer(fault=Fault.SILENT))
    run = await agent(server, tmp_path, market={"speed": 1.0})
    running = asyncio.create_task(run.runtime.run())
    async with asyncio.timeout(30):
        await until(lambda: server.probes)
        assert (await send(run, Kill("k1", "operator"))).ok
        await server.gone.wait()
    assert server.requests == []
    run.runtime.request_stop()
    await running


async def test_a_day_s_cap_holds_for_all_replays_of_a_market(
    server: LlmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUI_TRADER_HOME", str(tmp_path / "home"))
    llm: dict[str, object] = {
        "daily_cap_usd": 0.0015,
        "price_input_usd": 1.0,
        "price_output_usd": 10.0,
    }
    spent = []
    for _ in range(3):
        run = await agent(server, None, 2, llm=llm)
        await run.done()
        spent.append(len(server.requests))
    assert spent[0] > 0
    assert spent[1:] == [spent[0]] * 2


class Trio(BaseComposer):
    """Asks one model three times, each time more boldly, and follows the first."""

    def __init__(self, request: UserRequest) -> None:
        configs = [
            request.llm_model_config.model_copy(update={"temperature": temperature})
            for temperature in (0.0, 0.5, 1.0)
        ]
        self.voices = [
            LlmComposer(request.model_copy(update={"llm_model_config": each})) for each in configs
        ]

    async def compose(self, context: ComposeContext) -> ComposeResult:
        first, *_ = [await voice.compose(context) for voice in self.voices]
        return first


TRIO: dict[str, object] = {"strategy": "tests.agent.test_models:Trio"}


async def test_a_key_that_one_composer_saw_refused_is_tried_by_none_of_the_others(
    server: LlmServer, tmp_path: Path
) -> None:
    server.script.extend([Answer(status=401, message="bad key")] * 9)
    run = await (await agent(server, tmp_path, 3, agent=TRIO)).done()
    assert outcomes(run) == ["stopped"] * 3
    assert len(server.requests) == 1
    told = [line for line in lines(run) if line.topic == "model" and "asked no more" in line.text]
    assert len(told) == 1


async def test_composers_of_one_model_rest_together_and_probe_it_once(
    server: LlmServer, tmp_path: Path
) -> None:
    server.script.extend([Answer(status=503)] * 9)
    llm: dict[str, object] = {"breaker_failures": 2, "breaker_seconds": 3_600.0}
    run = await (await agent(server, tmp_path, 3, agent=TRIO, llm=llm)).done()
    assert len(server.requests) == 2
    assert len(server.probes) == 1
    assert states(run)[-1] is ModelState.BROWN_OUT
