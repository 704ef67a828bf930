"""The composer that asks a language model."""

import asyncio
import logging
from pathlib import Path

from tui_trader import paths
from tui_trader.decision.formats import answer_format
from tui_trader.decision.formats.items import NOT_ANSWERED
from tui_trader.decision.grounding import contradictions
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.decision.parser import quoted
from tui_trader.decision.prompt import Prompt, build_prompt
from tui_trader.decision.providers.house import current_house
from tui_trader.decision.providers.interfaces import BaseModelGateway, Question, Reply
from tui_trader.decision.rules import RulesComposer
from tui_trader.decision.situation import Situation, situations
from tui_trader.decision.templates import Template, TemplateFile
from tui_trader.messages import Severity
from tui_trader.models import (
    ComposeAudit,
    ComposeContext,
    ComposeResult,
    Constraints,
    TargetPosition,
    UserRequest,
)
from tui_trader.models.orders import instructions_toward

logger = logging.getLogger(__name__)

WARMING_UP_REASON = "warming up: no price or no feature yet"
TEMPLATES = "templates"
"""The folder of the user's prompt templates, beside config.toml."""


class LlmComposer(BaseComposer):
    """Tells a model the situation and reads its answer strictly.

    Whatever is not one whole, valid answer is a hold, with its reason in the audit. Where no model
    answers, the configured fallback decides: nobody, or the rules, whose closes count and nothing
    else. No call is made before at least one symbol has a price and a feature.
    """

    def __init__(
        self,
        request: UserRequest,
        *,
        gateway: BaseModelGateway | None = None,
        templates: Path | None = None,
    ) -> None:
        """Ask as `request` says, through `gateway` (by default that of the agent that is being
        made), with a prompt template of the folder `templates` (by default the user's). Raises
        ValueError, naming the setting, where the request does not say enough."""
        config, trading = request.llm_model_config, request.trading_config
        house = current_house()
        self._gateway = gateway or house.gateway(config)
        self._say = house.say
        self._symbols = trading.symbols
        self._format = answer_format(config.format, self._symbols)
        self._template = TemplateFile(
            trading.template_id or "default", templates or paths.config_folder() / TEMPLATES
        )
        self._fallback = RulesComposer() if config.fallback == "rules" else None

    async def compose(self, context: ComposeContext) -> ComposeResult:
        result = await self._compose(context, situations(context))
        if result.audit is not None:
            self.account_for(result.audit)
        orders = instructions_toward(result.targets, context.portfolio, context.compose_id)
        return result.model_copy(update={"instructions": orders})

    async def _compose(
        self, context: ComposeContext, known: tuple[Situation, ...]
    ) -> ComposeResult:
        if not any(situation.usable for situation in known):
            status = self._gateway.status
            audit = ComposeAudit(
                provider=status.provider, model=status.model or None, outcome="warming_up"
            )
            return _hold_all(known, WARMING_UP_REASON, audit)
        prompt = build_prompt(context, self._format, self._current_template())
        question = Question(context.compose_id, prompt, self._format.schema(self._symbols))
        try:
            reply = await self._gateway.ask(question, self.stream)
        except asyncio.CancelledError:
            if self._gateway.broken_off is not None:
                self.account_for(self._audit(prompt, self._gateway.broken_off))
            raise
        audit = self._audit(prompt, reply)
        if reply.outcome != "ok":
            return await self._without_answer(context, known, audit)
        return self._read(context, known, audit)

    async def close(self) -> None:
        await self._gateway.close()

    def _current_template(self) -> Template:
        """The template as it is now; the operator hears that a change is in use, or can't be."""
        loaded = self._template.current()
        if loaded.news:
            self._say(Severity.INFO, loaded.news)
        if loaded.problem:
            self._say(Severity.WARNING, loaded.problem)
        return loaded.template

    def _read(
        self, context: ComposeContext, known: tuple[Situation, ...], audit: ComposeAudit
    ) -> ComposeResult:
        """The decision that the answer is, item by item."""
        logger.info("%s answered %s", audit.model, quoted(audit.raw_output))
        limits = context.constraints or context.portfolio.constraints or Constraints()
        answer = self._format.parse(audit.raw_output, known, limits)
        told = {
            "outcome": "parse_error" if answer.error else "ok",
            "error": answer.error,
            "unwrapped": answer.unwrapped,
            "filtered": answer.filtered,
            "flags": contradictions(answer.targets, known),
        }
        return ComposeResult(
            targets=answer.targets,
            rationale=answer.rationale or _words(answer.targets),
            audit=audit.model_copy(update=told),
        )

    async def _without_answer(
        self, context: ComposeContext, known: tuple[Situation, ...], audit: ComposeAudit
    ) -> ComposeResult:
        """What is done when no model has answered: hold, or let the rules reduce."""
        reason = f"forced hold: no answer of a model: {audit.error}"
        if self._fallback is None:
            return _hold_all(known, reason, audit)
        ruled = {
            target.instrument.symbol: target
            for target in (await self._fallback.compose(context)).targets
        }
        targets = tuple(_only_reducing(ruled[each.symbol], each, reason) for each in known)
        note = "no model has answered: the rules decide on closes, and nothing is opened"
        return ComposeResult(
            targets=targets,
            rationale=f"{note} ({audit.error})",
            audit=audit.model_copy(update={"filtered": (*audit.filtered, note)}),
        )

    def _audit(self, prompt: Prompt, reply: Reply) -> ComposeAudit:
        completion, calls = reply.completion, reply.calls
        costs = [call.cost_usd for call in calls]
        known = [cost for cost in costs if cost is not None]
        return ComposeAudit(
            provider=reply.provider,
            model=completion.model or None,
            outcome=reply.outcome,
            error=completion.error,
            prompt=prompt.text,
            prompt_hash=prompt.sha256,
            template=prompt.template or None,
            template_hash=prompt.template_hash or None,
            snapshot_hash=prompt.snapshot_hash or None,
            answer_format=self._format.name,
            parameters=completion.parameters,
            raw_output=completion.answer,
            reasoning=completion.reasoning,
            finish_reason=completion.finish_reason,
            token_usage=completion.usage,
            cost_usd=sum(known) if len(known) == len(costs) else None,
            latency_ms=completion.latency_ms,
            first_token_ms=completion.first_token_ms,
            calls=calls,
        )


def _only_reducing(target: TargetPosition, situation: Situation, reason: str) -> TargetPosition:
    return situation.hold(reason) if situation.opens(target.target_qty) else target


def _words(targets: tuple[TargetPosition, ...]) -> str:
    """What a model said of each symbol, where it said nothing of all."""
    return "; ".join(
        f"{target.instrument.symbol}: {target.rationale}"
        for target in targets
        if target.rationale not in ("", NOT_ANSWERED)
    )


def _hold_all(known: tuple[Situation, ...], reason: str, audit: ComposeAudit) -> ComposeResult:
    targets = tuple(situation.hold(reason) for situation in known)
    return ComposeResult(targets=targets, rationale=reason, audit=audit)
