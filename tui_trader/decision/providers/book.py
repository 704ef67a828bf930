"""The book of calls: each is written down before it is made and when it has ended."""

import logging
from collections.abc import Callable

from tui_trader.clock import Clock
from tui_trader.decision.providers.completion import Completion
from tui_trader.decision.providers.route import Route
from tui_trader.decision.providers.spending import Spending, estimated_usage, usage_of
from tui_trader.models import ModelCall

logger = logging.getLogger(__name__)

Record = Callable[[ModelCall], None]
"""Keeps a call, on the disk when it returns; one of the same decision, attempt and time is
replaced."""

UNFINISHED = "unfinished"
"""The outcome of a call whose end nobody saw."""

_UNFINISHED_TOKENS = 1_000


class CallBook:
    """Writes calls down and counts them. `unwritten` says why the last could not be written down
    before it was made, "" where it was."""

    def __init__(self, spending: Spending, wall: Clock, record: Record) -> None:
        self.spending = spending
        self.unwritten = ""
        self._wall = wall
        self._record = record

    def begin(self, route: Route, compose_id: str, prompt: str) -> ModelCall | None:
        """Write down that `route` is about to be asked, as what that costs should the process not
        live to see its end: the prompt and 1,000 tokens.

        None where it can't be written down: then it must not be asked, or a cap would be no cap
        after a restart.
        """
        usage = estimated_usage(prompt, "")
        usage["completion_tokens"] = _UNFINISHED_TOKENS
        cost_usd, _ = route.cost(usage)
        call = ModelCall(
            compose_id=compose_id,
            attempt=self.spending.next_attempt(compose_id),
            asked_at=self._wall.now_ms(),
            provider=route.provider,
            model=route.model,
            outcome=UNFINISHED,
            token_usage=usage,
            cost_usd=cost_usd,
            estimated=True,
        )
        try:
            self._record(call)
        except Exception as error:  # whatever the disk says
            logger.exception("a call can't be written down, so it is not made")
            self.unwritten = f"calls can't be written down: {error}"
            return None
        self.unwritten = ""
        return call

    def end(
        self, route: Route, begun: ModelCall, prompt: str, completion: Completion, outcome: str
    ) -> ModelCall:
        """Count a call, and write down what became of it."""
        usage, estimated = usage_of(completion, prompt)
        cost_usd, guessed = route.cost(usage, completion.reported_cost_usd)
        call = begun.model_copy(
            update={
                "model": completion.model,
                "outcome": outcome,
                "error": completion.error,
                "token_usage": usage,
                "cost_usd": cost_usd,
                "estimated": estimated or guessed,
                "latency_ms": completion.latency_ms,
                "first_token_ms": completion.first_token_ms,
                "answer": "" if outcome == "ok" else completion.answer,
                "reasoning": "" if outcome == "ok" else completion.reasoning,
            }
        )
        self.spending.add(call)
        try:
            self._record(call)
        except Exception:  # it is written down as unfinished; what was paid for may be used
            logger.exception("the end of a call can't be written down")
        return call
