"""A chain of scripted models in virtual time: nothing waits, and everything is written down."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from tui_trader.clock import Clock
from tui_trader.decision.interfaces import OnReasoning
from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers.book import CallBook
from tui_trader.decision.providers.breaker import Breaker
from tui_trader.decision.providers.catalogue import Prices
from tui_trader.decision.providers.completion import Completion, FailureKind
from tui_trader.decision.providers.gateway import ModelGateway, Probe
from tui_trader.decision.providers.interfaces import Question, Reply
from tui_trader.decision.providers.route import Connection, Credentials, Route, Standing
from tui_trader.decision.providers.spending import Spending
from tui_trader.messages import AlertRaised, Message, ModelStatus
from tui_trader.models import ModelCall

NOON = 1_730_462_400_000  # 2024-11-01 12:00 UTC
PROMPT = Prompt(system="Decide.", user="BTC/USDT costs 68000.")
ANSWER = '{"action": "hold"}'
USAGE = {"prompt_tokens": 1_000, "completion_tokens": 100}
PRICES = Prices(1.0, 0.1, 10.0)
COST = 0.002  # of USAGE at PRICES


class ManualClock(Clock):
    """Time that passes when the test says so; the wall clock can be set apart from it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.shift_ms = NOON - 1_000_000

    def now_ms(self) -> int:
        return self.shift_ms + round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep_until(self, ts_ms: int) -> None:
        raise AssertionError("the gateway waits in real time, not in the market's")


class Script:
    """One answer or failure: what is said, how long it takes, and how it ends."""

    def __init__(
        self,
        failure: FailureKind | None = None,
        *,
        seconds: float = 1.0,
        text: str | None = None,
        reasoning: str = "",
        usage: dict[str, int] | None = None,
        retry_after: float | None = None,
        reported_cost_usd: float | None = None,
        hang: bool = False,
    ) -> None:
        self.failure = failure
        self.seconds = seconds
        self.text = text if text is not None else "" if failure else ANSWER
        self.reasoning = reasoning
        self.usage = usage if usage is not None else {} if failure else USAGE
        self.retry_after = retry_after
        self.reported_cost_usd = reported_cost_usd
        self.hang = hang

    def completion(self) -> Completion:
        return Completion(
            "answering-model",
            self.text,
            self.reasoning,
            usage=self.usage,
            reported_cost_usd=self.reported_cost_usd,
            latency_ms=round(self.seconds * 1000),
            failure=self.failure,
            error=None if self.failure is None else f"scripted {self.failure}",
            retry_after=self.retry_after,
        )


OK = Script()
BAD_KEY = Script(FailureKind.CREDENTIAL)
BUSY = Script(FailureKind.SERVER)


class ScriptedClient:
    """Does what its script says, call after call, and then its last line again. A call takes no
    longer than it may, as that of a real client."""

    def __init__(self, clock: ManualClock, script: Sequence[Script]) -> None:
        self._clock = clock
        self.script = list(script)
        self.started: list[float] = []
        self.ended: list[float] = []
        self.allowed: list[float] = []
        self.hanging = asyncio.Event()
        self.closed = False

    @property
    def calls(self) -> int:
        return len(self.started)

    async def complete(
        self,
        prompt: Prompt,
        schema: Mapping[str, Any],
        on_delta: OnReasoning,
        *,
        deadline_seconds: float,
    ) -> Completion:
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.started.append(self._clock.seconds)
        self.allowed.append(deadline_seconds)
        if step.text or step.reasoning:
            on_delta(step.reasoning, step.text)
        if step.hang:
            self.hanging.set()
            await asyncio.Event().wait()
        completion = step.completion()
        if step.seconds > deadline_seconds:
            completion.failure, completion.error = FailureKind.DEADLINE, "no whole answer"
        self._clock.seconds += min(step.seconds, deadline_seconds)
        self.ended.append(self._clock.seconds)
        return completion

    async def close(self) -> None:
        self.closed = True


class Chain:
    """A gateway with its models, and what it said, kept and spent."""

    def __init__(
        self,
        *scripts: Sequence[Script],
        spending: Spending | None = None,
        clock: ManualClock | None = None,
        cap: float | None = None,
        prices: Prices | None = PRICES,
        reports_cost: bool = False,
        deadline: float = 20.0,
        attempts: int = 3,
        breaker_failures: int = 100,
        earlier: Sequence[ModelCall] = (),
        record: Callable[[ModelCall], None] | None = None,
        probe: Probe | None = None,
    ) -> None:
        self.clock = clock or ManualClock()
        self.messages: list[Message] = []
        self.kept: list[ModelCall] = []
        self.slept: list[float] = []
        self.clients = [ScriptedClient(self.clock, script) for script in scripts]
        self.spending = spending or Spending(self.clock, daily_cap_usd=cap, earlier=earlier)
        self.gateway = ModelGateway(
            [
                Route(
                    "deepseek" if number == 0 else "local",
                    f"model-{number}",
                    Connection(client, prices, reports_cost),
                    Standing(
                        Breaker(self.clock, failures=breaker_failures, seconds=60.0), Credentials()
                    ),
                )
                for number, client in enumerate(self.clients)
            ],
            CallBook(self.spending, self.clock, record or self.kept.append),
            clock=self.clock,
            wall=self.clock,
            publish=self.messages.append,
            rng=Random(7),
            deadline_seconds=deadline,
            max_attempts=attempts,
            probe=probe,
            sleep=self._sleep,
        )
        self._number = 0

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.seconds += seconds

    async def ask(self, on_delta: OnReasoning = lambda _reasoning, _answer: None) -> Reply:
        """The next cycle's question."""
        self._number += 1
        return await self.gateway.ask(Question(f"c{self._number}", PROMPT, {}), on_delta)

    def later(self, seconds: float = 30.0) -> None:
        """Let time pass."""
        self.clock.seconds += seconds

    @property
    def calls(self) -> list[int]:
        """How often each model was called."""
        return [client.calls for client in self.clients]

    @property
    def ends(self) -> list[ModelCall]:
        """The calls whose end was kept."""
        return [call for call in self.kept if call.outcome != "unfinished"]

    @property
    def alerts(self) -> list[str]:
        """What the operator was told, oldest first."""
        return [message.text for message in self.messages if isinstance(message, AlertRaised)]

    @property
    def statuses(self) -> list[ModelStatus]:
        """The statuses that were published."""
        return [message for message in self.messages if isinstance(message, ModelStatus)]
