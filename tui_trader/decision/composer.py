"""The composer that asks a language model."""

import logging
from collections.abc import Callable

from tui_trader.clock import Clock, SystemClock
from tui_trader.decision.formats import answer_format
from tui_trader.decision.formats.base import AnswerFormat
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.decision.parser import quoted
from tui_trader.decision.prompt import Prompt, build_prompt
from tui_trader.decision.providers import endpoint
from tui_trader.decision.providers.chat import ChatClient
from tui_trader.decision.providers.completion import Completion
from tui_trader.decision.situation import Situation, situations
from tui_trader.decision.templates import Template, default_template
from tui_trader.models import ComposeAudit, ComposeContext, ComposeResult, UserRequest

logger = logging.getLogger(__name__)

WARMING_UP_REASON = "warming up: no price or no feature yet"
PromptBuilder = Callable[[ComposeContext, AnswerFormat, Template], Prompt]


class LlmComposer(BaseComposer):
    """Tells a model the situation and reads its answer strictly.

    Whatever is not one whole, valid answer is a hold, with its reason in the audit. No call is made
    before at least one symbol has a price and a feature.
    """

    def __init__(
        self,
        request: UserRequest,
        *,
        clock: Clock | None = None,
        prompt_builder: PromptBuilder = build_prompt,
    ) -> None:
        """Ask as `request` says; `clock` measures latencies. Raises ValueError, naming the setting,
        where the request does not say enough."""
        model = request.llm_model_config
        self._chat = ChatClient(
            endpoint(
                model.provider,
                model=model.model_id,
                base_url=model.base_url,
                api_key=model.api_key.get_secret_value() if model.api_key else None,
            ),
            clock or SystemClock(),
            stall_seconds=model.stall_seconds,
            deadline_seconds=model.deadline_seconds,
        )
        self._format = answer_format(model.format, request.trading_config.symbols)
        self._build_prompt = prompt_builder

    async def compose(self, context: ComposeContext) -> ComposeResult:
        known = situations(context)
        asked = self._chat.endpoint
        if not any(situation.usable for situation in known):
            audit = ComposeAudit(provider=asked.provider, model=asked.model, outcome="warming_up")
            return _hold_all(known, WARMING_UP_REASON, audit)
        prompt = self._build_prompt(context, self._format, default_template())
        completion = await self._chat.complete(prompt, self.stream)
        audit = self._audit(prompt, completion)
        if completion.error is not None:
            logger.warning("no answer from %s: %s", asked.provider, completion.error)
            audit = audit.model_copy(update={"outcome": "llm_error", "error": completion.error})
            return _hold_all(known, f"forced hold due to LLM error: {completion.error}", audit)
        logger.info("%s answered %s", completion.model, quoted(completion.answer))
        answer = self._format.parse(completion.answer, known)
        return ComposeResult(
            targets=answer.targets,
            rationale=answer.rationale,
            audit=audit.model_copy(
                update={
                    "outcome": "parse_error" if answer.error else "ok",
                    "error": answer.error,
                    "filtered": answer.filtered,
                }
            ),
        )

    async def close(self) -> None:
        await self._chat.close()

    def _audit(self, prompt: Prompt, completion: Completion) -> ComposeAudit:
        return ComposeAudit(
            provider=self._chat.endpoint.provider,
            model=completion.model,
            prompt=prompt.text,
            prompt_hash=prompt.sha256,
            raw_output=completion.answer,
            reasoning=completion.reasoning,
            token_usage=completion.usage,
            latency_ms=completion.latency_ms,
            first_token_ms=completion.first_token_ms,
        )


def _hold_all(known: tuple[Situation, ...], reason: str, audit: ComposeAudit) -> ComposeResult:
    targets = tuple(situation.hold(reason) for situation in known)
    return ComposeResult(targets=targets, rationale=reason, audit=audit)
