"""A whole agent: real stages and a real store, on a simulated market as fast as it goes, with a
composer that does what the test says."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

from tui_trader.agent.assembly import assemble
from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.runtime import AgentRuntime
from tui_trader.config.loader import LoadedConfig
from tui_trader.config.schema import Config
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.messages import Command, CommandResult, Fact, Message
from tui_trader.models import (
    Action,
    ComposeContext,
    ComposeResult,
    InstrumentRef,
    TargetPosition,
    UserRequest,
)

BTC = "BTC/USDT"
Decide = Callable[[ComposeContext], Awaitable[ComposeResult]]
F = TypeVar("F", bound=Fact)


class ScriptedAgent(BaseStrategyAgent):
    """Decides by `script`, cycle after cycle; holds when the script has ended."""

    script: ClassVar[list[Decide]] = []

    async def _create_decision_composer(self, request: UserRequest) -> BaseComposer:
        return ScriptedComposer(self.script)


class ScriptedComposer(BaseComposer):
    """Does what its script says."""

    def __init__(self, script: Sequence[Decide]) -> None:
        self._script = iter(script)

    async def compose(self, context: ComposeContext) -> ComposeResult:
        decide = next(self._script, None)
        return ComposeResult() if decide is None else await decide(context)


def config(**changes: dict[str, object]) -> LoadedConfig:
    """A scripted agent on the simulated linear market; `changes` by section."""
    sections: dict[str, dict[str, object]] = {
        "agent": {
            "symbols": (BTC,),
            "timeframe": "1m",
            "interval_seconds": 60.0,
            "strategy": "tests.agent.harness:ScriptedAgent",
        },
        "market": {"speed": "max"},
        "exchange": {"market": "linear"},
        "risk": {"max_equity_usage_pct": 0.5},
    }
    for section, values in changes.items():
        sections[section] = sections.get(section, {}) | values
    return LoadedConfig(Config.model_validate(sections))


class Run:
    """A runtime with everything that it said."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self.runtime = runtime
        self.messages: list[Message] = []
        runtime.subscribe(self.messages.append)

    def facts(self, kind: type[F]) -> list[F]:
        """The facts of one kind, oldest first."""
        return [message for message in self.messages if isinstance(message, kind)]

    def answer(self, command: Command) -> CommandResult:
        """The one answer to a command."""
        (result,) = [
            result
            for result in self.facts(CommandResult)
            if result.command_id == command.command_id
        ]
        return result

    async def done(self) -> "Run":
        """Run to the end, which must be as asked."""
        await self.runtime.run()
        assert self.runtime.error is None, self.runtime.error
        return self


async def until(met: Callable[[], object]) -> None:
    """Let the loop turn until `met` is true; a test that waits in vain runs into its time-out."""
    while not met():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def send(run: Run, command: Command) -> CommandResult:
    """Send a command and wait for its answer."""
    run.runtime.command(command)
    await until(lambda: command.command_id in {a.command_id for a in run.facts(CommandResult)})
    return run.answer(command)


async def start(
    folder: Path, *script: Decide, cycles: int | None = None, **changes: dict[str, object]
) -> Run:
    """An agent in `folder` that decides by `script`, one cycle each (or as many as `cycles`)."""
    ScriptedAgent.script = list(script)
    runtime = await assemble(
        config(**changes), max_cycles=cycles or max(1, len(script)), data_dir=folder
    )
    return Run(runtime)


def target(quantity: float, action: Action | None = None, symbol: str = BTC) -> TargetPosition:
    """A wish for a signed quantity of base currency."""
    if action is None:
        action = Action.CLOSE if quantity == 0 else Action.LONG if quantity > 0 else Action.SHORT
    return TargetPosition(
        instrument=InstrumentRef(symbol=symbol), action=action, target_qty=quantity
    )


def wish(quantity: float) -> Decide:
    """Decide for `quantity` of BTC."""

    async def decide(context: ComposeContext) -> ComposeResult:
        return ComposeResult(targets=(target(quantity),))

    return decide
