"""What an endpoint really does, found out with a few tiny questions."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers.catalogue import Endpoint, Structured, simpler
from tui_trader.decision.providers.chat import ChatClient
from tui_trader.decision.providers.completion import Completion, Counted, FailureKind

PROBE_PROMPT = Prompt(
    system="A program checks its connection to you. Answer it with JSON only.",
    user='How many apples are 2 apples and 3 apples? Answer as JSON: {"count": <number>}',
)
PROBE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        # The prompt does not name it: who sends it was held to this schema.
        "unit": {"type": "string", "enum": ["apples"]},
    },
    "required": ["count", "unit"],
    "additionalProperties": False,
}
PROBE_TOKENS = 512
"""Cents at most, and enough for a model that thinks before it counts."""
_MOST_CALLS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence on an endpoint; `good` is False where the user should look at it."""

    text: str
    good: bool = True


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What was found out. `structured` is the form of answers that works, None where none did;
    `calls` are the completions that it took, all of them paid for."""

    endpoint: Endpoint
    structured: Structured | None
    calls: tuple[Completion, ...]

    @property
    def last(self) -> Completion:
        """The call that says most."""
        return self.calls[-1]

    @property
    def answered(self) -> bool:
        """The endpoint gave an answer, or thought about it for longer than the probe let it."""
        return self.last.failure is None or self.thought_on

    @property
    def thought_on(self) -> bool:
        """The answer was not there yet when the probe's tokens were used up."""
        return self.last.finish_reason == "length"

    @property
    def reachable(self) -> bool:
        """Something answers at the address."""
        return self.last.failure is not FailureKind.NETWORK

    @property
    def credentials_accepted(self) -> bool | None:
        """None where the call did not come so far."""
        if self.last.failure is FailureKind.CREDENTIAL:
            return False
        told = self.last.streamed is not None or self.last.failure is FailureKind.PAYMENT
        return True if told else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of it in words, one sentence each."""
        return tuple(_findings(self))


async def _uncounted(call: Callable[[], Awaitable[Completion]]) -> Completion:
    """Makes a call that no day's sum takes in."""
    return await call()


async def probe(
    client: ChatClient, counted: Counted = _uncounted, *, deadline_seconds: float
) -> Capabilities:
    """Ask `client` at most three tiny questions, each through `counted` and within
    `deadline_seconds`, and leave it set to the form of answers that works. Raises nothing of its
    own but CancelledError."""

    async def ask() -> Completion:
        return await client.complete(
            PROBE_PROMPT,
            PROBE_SCHEMA,
            _ignore,
            deadline_seconds=deadline_seconds,
            max_tokens=PROBE_TOKENS,
        )

    calls: list[Completion] = []
    kept = False
    while not kept and len(calls) < _MOST_CALLS:
        form = client.structured
        last = await counted(ask)
        calls.append(last)
        if last.failure is FailureKind.FORMAT:
            continue
        if last.failure is not None:
            break
        kept = _KEPT[form](last.answer)
        if not kept and not client.steps_down:
            break
        if not kept:
            client.structured = simpler(form)
    return Capabilities(client.endpoint, client.structured if kept else None, tuple(calls))


def _ignore(_reasoning: str, _answer: str) -> None:
    """Nobody watches a probe."""


def _follows_schema(answer: str) -> bool:
    value = _json_object(answer)
    return value is not None and value.keys() == {"count", "unit"} and value["unit"] == "apples"


def _json_object(answer: str) -> dict[str, Any] | None:
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


_KEPT: dict[Structured, Callable[[str], bool]] = {
    "json_schema": _follows_schema,
    "json_object": lambda answer: _json_object(answer) is not None,
    "plain": lambda _answer: True,
}


def _findings(found: Capabilities) -> Iterator[Finding]:
    to, last = found.endpoint, found.last
    if found.thought_on:
        yield Finding(f"it thinks for more than {PROBE_TOKENS} tokens: its answer was not awaited")
    elif last.error is not None:
        yield Finding(last.error, good=False)
    if found.reachable:
        yield Finding(f"{to.host} can be reached")
    if found.credentials_accepted:
        key = to.spec.key_env
        yield Finding(f"the API key in {key} was accepted" if key else "no API key is needed")
    if found.answered:
        yield from _abilities(found)


def _abilities(found: Capabilities) -> Iterator[Finding]:
    to, last = found.endpoint, found.last
    if last.streamed:
        yield Finding("the answer is streamed")
    else:
        yield Finding("the answer comes in one piece, and can't be watched", good=False)
    if not found.thought_on:
        yield from _forms(found)
    if last.reasoning_field is not None:
        yield Finding(f"reasoning comes in {last.reasoning_field}")
    else:
        yield Finding("no reasoning is shown")
    if last.usage:
        yield Finding("tokens are reported")
    else:
        yield Finding("tokens are not reported, and have to be estimated", good=False)
    if last.reported_cost_usd is not None:
        yield Finding("cost is reported")
    elif to.prices is not None:
        yield Finding("cost is not reported; the price is known")
    else:
        yield Finding(f"cost is not reported, and no price of {to.model} is known", good=False)
    yield Finding(f"first token after {last.first_token_ms} ms, all after {last.latency_ms} ms")
    if last.model == to.model:
        yield Finding(f"model {last.model} answers")
    else:
        yield Finding(f"model {to.model} was asked, {last.model} answers", good=False)


def _forms(found: Capabilities) -> Iterator[Finding]:
    """What was tried, and what works."""
    *failed, last = (str(call.parameters["response_format"]) for call in found.calls)
    for form, call in zip(failed, found.calls, strict=False):
        yield Finding(f"{form} is {'refused' if call.failure else 'not kept to'}")
    if found.structured is None:
        yield Finding(f"{last} is not kept to", good=False)
    else:
        yield Finding(f"{last} works")
