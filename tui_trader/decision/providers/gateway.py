"""What stands between the composer and single calls: who is asked, how often, and until when."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol

from tui_trader.clock import Clock
from tui_trader.decision.interfaces import OnReasoning
from tui_trader.decision.providers.book import CallBook
from tui_trader.decision.providers.completion import RETRYABLE, Completion, Counted
from tui_trader.decision.providers.health import ModelHealth
from tui_trader.decision.providers.interfaces import BaseModelGateway, Question, Reply
from tui_trader.decision.providers.route import ModelClient, Route
from tui_trader.messages import Message, ModelState, ModelStatus
from tui_trader.models import ModelCall, Outcome

logger = logging.getLogger(__name__)

SHORTEST_CALL = 2.0
"""Seconds that a retry or a fallback must have left; less is not worth its money."""

PROBE_ID = "probe"
"""Stands for the `compose_id` in the records of the probe's calls."""

_BACK_OFF = 0.5
_LONGEST_BACK_OFF = 8.0
_PROBE_SECONDS = 30.0
_CANCELLED = "cancelled"
_PRICE_IT = "set llm.price_input_usd and llm.price_output_usd (0 where it is free)"
_DO_WITHOUT_IT = (
    "llm.price_* are those of the first model only; take it out of llm.fallback_models, or do"
    " without llm.daily_cap_usd"
)


class Finding(Protocol):
    """One sentence of a probe; `good` is False where the user should look at it."""

    @property
    def text(self) -> str: ...

    @property
    def good(self) -> bool: ...


class Probed(Protocol):
    """What a probe found."""

    @property
    def findings(self) -> Sequence[Finding]: ...


Probe = Callable[[ModelClient, Counted], Awaitable[Probed]]
"""Asks a client a few tiny questions, each through the second argument."""


@dataclass(slots=True)
class _Decision:
    """One question, the calls made for it, and what came of the last. `ends_at` is monotonic
    seconds; `reasoning` and `answer` are what arrived of the running call."""

    question: Question
    on_delta: OnReasoning
    ends_at: float
    calls: list[ModelCall] = field(default_factory=list)
    last: Reply | None = None
    reasoning: str = ""
    answer: str = ""

    def take_in(self, reasoning: str, answer: str) -> None:
        """Pass on what arrived so far, and keep it: a cancelled call is counted by it."""
        self.reasoning, self.answer = reasoning, answer
        self.on_delta(reasoning, answer)


class ModelGateway(BaseModelGateway):
    """Asks the models of `routes`, in their order, until one answers.

    `deadline_seconds` of real time bound a whole decision; each model is called up to
    `max_attempts` times in it. Refused credentials stop a model until the operator acts, failures
    in a row for a while, and the day's money stops all of them; so does, under a cap, a cost that
    stayed unknown, until the operator acts. The cap holds back the next call; a call that is
    running may end.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        book: CallBook,
        *,
        clock: Clock,
        wall: Clock,
        publish: Callable[[Message], None],
        rng: Random,
        deadline_seconds: float,
        max_attempts: int,
        probe: Probe | None = None,
        probe_seconds: float = _PROBE_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` gives market time and real waiting, `wall` the time of day, `rng` the jitter;
        `sleep` waits for real. Raises ValueError where there is a cap and a model without a price.
        """
        for route in routes:
            if book.spending.daily_cap_usd is not None and not route.priced:
                raise ValueError(
                    f"llm.daily_cap_usd can't be kept: nobody knows what {route.name} costs: "
                    + (_PRICE_IT if route is routes[0] else _DO_WITHOUT_IT)
                )
        self._routes = tuple(routes)
        self._book = book
        self._clock = clock
        self._rng = rng
        self._deadline_seconds = deadline_seconds
        self._max_attempts = max_attempts
        self._probe = probe
        self._probe_seconds = probe_seconds
        self._sleep = sleep
        self._health = ModelHealth(routes, book, clock=clock, wall=wall, publish=publish)

    @property
    def status(self) -> ModelStatus:
        return self._health.status

    async def prepare(self) -> None:
        """Probe the first model, unless another gateway has. What that costs is counted like any
        other call."""
        route = self._routes[0]
        new = route.standing.available and not route.standing.found
        if self._probe is not None and new and self._book.spending.allows_call:
            self._health.probed(route, await self._probed(self._probe, route))
        self._health.tell()

    async def ask(self, question: Question, on_delta: OnReasoning) -> Reply:
        ends_at = self._clock.monotonic() + self._deadline_seconds
        decision = _Decision(question, on_delta, ends_at)
        self.broken_off = None
        try:
            for route in self._routes:
                completion = await self._ask_route(route, decision)
                if completion is not None:
                    self._health.answered(route)
                    return Reply("ok", route.provider, completion, tuple(decision.calls))
        except asyncio.CancelledError:
            if decision.last is not None:
                calls = tuple(decision.calls)
                self.broken_off = replace(decision.last, outcome="cancelled", calls=calls)
            raise
        return self._unanswered(decision)

    def operator_acted(self) -> None:
        self._book.spending.accept_unknown()
        for route in self._routes:
            route.standing.operator_acted()
        self._health.tell()

    async def close(self) -> None:
        for route in self._routes:
            await route.client.close()

    async def _ask_route(self, route: Route, decision: _Decision) -> Completion | None:
        """An answer of `route`; None when it is to be left, for now or for good."""
        # By hand, not with stamina: that takes neither a clock nor randomness from outside.
        for attempt in range(1, self._max_attempts + 1):
            if not self._may_call(route, decision):
                return None
            completion = await self._call(route, decision)
            if completion is None or completion.error is None:
                return completion
            last = completion.failure not in RETRYABLE or attempt == self._max_attempts
            if last or not await self._back_off(route, attempt, completion, decision):
                return None
        return None

    def _may_call(self, route: Route, decision: _Decision) -> bool:
        """Whether time, money and how the route does allow a call. The first one of a decision may
        be as short as the whole deadline."""
        left = decision.ends_at - self._clock.monotonic()
        in_time = left >= SHORTEST_CALL or not decision.calls
        return route.standing.available and in_time and self._book.spending.allows_call

    async def _back_off(
        self, route: Route, attempt: int, failed: Completion, decision: _Decision
    ) -> bool:
        """Wait before the next attempt, as long as the server asked for if it did; False at once
        where a call would have no time left after it."""
        ceiling = min(_BACK_OFF * 2.0 ** (attempt - 1), _LONGEST_BACK_OFF)
        own = self._rng.uniform(ceiling / 2, ceiling) if failed.retry_after is None else 0.0
        seconds = max(own, route.standing.breaker.wait)
        if self._clock.monotonic() + seconds + SHORTEST_CALL > decision.ends_at:
            return False
        await self._sleep(seconds)
        return True

    async def _call(self, route: Route, decision: _Decision) -> Completion | None:
        """Make one call and count it, whatever becomes of it; None where it can't be counted."""
        question, prompt = decision.question, decision.question.prompt.text
        begun = self._book.begin(route, question.compose_id, prompt)
        if begun is None:
            return None
        self._health.asked = route
        decision.reasoning = decision.answer = ""
        started = self._clock.monotonic()
        try:
            completion = await route.client.complete(
                question.prompt,
                question.schema,
                decision.take_in,
                deadline_seconds=decision.ends_at - started,
            )
        except asyncio.CancelledError:
            waited = round((self._clock.monotonic() - started) * 1000)
            cut = Completion(route.model, decision.answer, decision.reasoning, latency_ms=waited)
            decision.calls.append(self._book.end(route, begun, prompt, cut, _CANCELLED))
            decision.last = Reply("cancelled", route.provider, cut)
            self._health.tell()
            raise
        decision.calls.append(self._ended(route, begun, prompt, completion))
        decision.last = Reply("llm_error", route.provider, completion)
        return completion

    def _ended(
        self, route: Route, begun: ModelCall, prompt: str, completion: Completion
    ) -> ModelCall:
        """Take in what came of a call, and say it."""
        outcome = str(completion.failure or "ok")
        call = self._book.end(route, begun, prompt, completion, outcome)
        route.take_in(completion)
        if completion.error is not None:
            logger.warning("no answer from %s: %s", route.name, completion.error)
        if route.standing.stopped:
            self._health.stopped(route)
        self._health.tell()
        return call

    async def _probed(self, probe: Probe, route: Route) -> str:
        """What the probe found, in words; its calls are taken in."""

        async def counted(call: Callable[[], Awaitable[Completion]]) -> Completion:
            return await self._counted(call, route)

        try:
            async with asyncio.timeout(self._probe_seconds):
                probed = await probe(route.client, counted)
        except TimeoutError:
            return f"no answer to the probe within {self._probe_seconds:g} s"
        except Exception as error:  # a probe only informs: whatever it meets, questions go on
            logger.exception("the probe failed")
            return f"the probe failed: {error}"
        worst_first = sorted(probed.findings, key=lambda finding: finding.good)
        return "; ".join(finding.text for finding in worst_first)

    async def _counted(self, call: Callable[[], Awaitable[Completion]], route: Route) -> Completion:
        """What came of a probe's call; where nothing does, it is counted as it was begun."""
        begun = self._book.begin(route, PROBE_ID, "") if self._book.spending.allows_call else None
        if begun is None:
            raise RuntimeError(self._book.unwritten or "the day's money is spent")
        try:
            completion = await call()
        except BaseException:
            self._book.spending.add(begun)
            raise
        self._ended(route, begun, "", completion)
        return completion

    def _unanswered(self, decision: _Decision) -> Reply:
        """No model has answered: why, in one outcome and in words."""
        self._health.tell()
        outcome, calls, first = self._outcome(decision), tuple(decision.calls), self._routes[0]
        if decision.last is None:
            nothing = Completion(first.model, error=self._health.detail)
            return Reply(outcome, first.provider, nothing)
        completion = decision.last.completion
        if len(calls) > 1:
            error = f"{completion.error} (the last of {len(calls)} calls)"
            completion = replace(completion, error=error)
        return replace(decision.last, outcome=outcome, completion=completion, calls=calls)

    def _outcome(self, decision: _Decision) -> Outcome:
        match self._health.state:
            case ModelState.STOPPED:
                return "stopped"
            case _ if decision.calls:
                return "llm_error"
            case ModelState.CAPPED:
                return "capped"
        return "brown_out"
