"""The examples of source document S4, as they stand there, run as agents."""

from pathlib import Path

import pytest

from tests.agent import test_examples as here
from tests.agent.harness import Run, config
from tests.llm.server import Answer, LlmServer
from tui_trader.agent.assembly import assemble
from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.coordinator import CycleResult
from tui_trader.agent.runtime import AgentRuntime
from tui_trader.decision.composer import LlmComposer
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.features.interfaces import BaseFeaturesPipeline
from tui_trader.messages import CycleCompleted, OrderUpdated
from tui_trader.models import (
    ComposeContext,
    ComposeResult,
    FeaturesPipelineResult,
    FeatureVector,
    InstrumentRef,
    TradeInstruction,
    TradeSide,
    UserRequest,
)


class RuleBasedComposer(BaseComposer):
    """Buys where the RSI is below 30 and sells above 70."""

    def __init__(self, request: UserRequest) -> None:
        self.request = request

    async def compose(self, context: ComposeContext) -> ComposeResult:
        instructions = []
        for vector in context.features:
            rsi = vector.values.get("rsi")
            if rsi is None or 30 <= rsi <= 70:
                continue
            instructions.append(
                TradeInstruction(
                    instruction_id=f"{context.compose_id}:{vector.instrument.symbol}",
                    compose_id=context.compose_id,
                    instrument=vector.instrument,
                    side=TradeSide.BUY if rsi < 30 else TradeSide.SELL,
                    quantity=0.01,
                )
            )
        return ComposeResult(instructions=tuple(instructions), rationale="Rule-based signals")


class HybridComposer(BaseComposer):
    """Takes a model's wishes and lets only some of them through."""

    def __init__(self, request: UserRequest) -> None:
        self.llm_composer = LlmComposer(request)
        self.request = request

    async def compose(self, context: ComposeContext) -> ComposeResult:
        llm_result = await self.llm_composer.compose(context)
        return ComposeResult(
            targets=tuple(target for target in llm_result.targets if target.target_qty < 0.01),
            rationale=f"LLM + risk filters: {llm_result.rationale}",
        )

    async def close(self) -> None:
        await self.llm_composer.close()


class CustomFeaturesPipeline(BaseFeaturesPipeline):
    """Says that the RSI is 20, then 80, and so on."""

    def __init__(self, request: UserRequest) -> None:
        self.request = request
        self.calls = 0

    async def build(self) -> FeaturesPipelineResult:
        self.calls += 1
        return FeaturesPipelineResult(
            features=tuple(
                FeatureVector(
                    ts=self.calls,
                    instrument=InstrumentRef(symbol=symbol),
                    values={
                        "rsi": 20.0 if self.calls % 2 else 80.0,
                        "macd": 0.1,
                        "custom_signal": 1.0,
                    },
                )
                for symbol in self.request.trading_config.symbols
            )
        )


class MonitoredAgent(BaseStrategyAgent):
    """Counts what happens."""

    heard: list[str]

    async def _build_features_pipeline(self, request: UserRequest) -> BaseFeaturesPipeline:
        return CustomFeaturesPipeline(request)

    async def _create_decision_composer(self, request: UserRequest) -> BaseComposer:
        return RuleBasedComposer(request)

    async def _on_start(self, runtime: AgentRuntime, request: UserRequest) -> None:
        self.heard = here.heard = [f"Strategy {runtime.strategy_id} starting..."]

    async def _on_cycle_result(
        self, result: CycleResult, runtime: AgentRuntime, request: UserRequest
    ) -> None:
        realized = result.strategy_summary.realized_pnl
        self.heard.append(f"{len(result.trades)} trades, PnL known: {realized is not None}")

    async def _on_stop(self, runtime: AgentRuntime, request: UserRequest, reason: str) -> None:
        self.heard.append(f"Strategy stopping: {reason}")


heard: list[str] = []


async def run(strategy: str, folder: Path, cycles: int, **changes: dict[str, object]) -> Run:
    loaded = config(agent={"strategy": f"tests.agent.test_examples:{strategy}"}, **changes)
    return await Run(await assemble(loaded, max_cycles=cycles, data_dir=folder)).done()


async def test_a_monitored_agent_with_parts_of_its_own_trades_by_them(tmp_path: Path) -> None:
    ran = await run("MonitoredAgent", tmp_path, 2)
    sides = [fact.result.side for fact in ran.facts(OrderUpdated)]
    assert sides == [TradeSide.BUY, TradeSide.SELL]
    assert ran.facts(CycleCompleted)[-1].portfolio.positions == {}
    assert here.heard == [
        "Strategy agent starting...",
        "0 trades, PnL known: True",
        "1 trades, PnL known: True",
        "Strategy stopping: 2 cycles done",
    ]


async def test_a_composer_class_alone_is_enough(tmp_path: Path) -> None:
    ran = await run("RuleBasedComposer", tmp_path, 2)
    logs = [log for fact in ran.facts(CycleCompleted) for log in fact.logs]
    assert [log.parsed_reason for log in logs] == ["Rule-based signals"] * 2


@pytest.mark.parametrize(("size_pct", "trades"), [(0.01, 1), (0.4, 0)])
async def test_a_hybrid_of_model_and_rules_filters_what_the_model_wishes(
    tmp_path: Path, size_pct: float, trades: int
) -> None:
    answer = f'{{"action": "long", "size_pct": {size_pct}, "reason": "up"}}'
    async with LlmServer([Answer(answer)]) as server:
        llm: dict[str, object] = {
            "provider": "local",
            "model": "m",
            "base_url": server.base_url,
        }
        ran = await run("HybridComposer", tmp_path, 1, llm=llm)
    assert len(ran.facts(OrderUpdated)) == trades
