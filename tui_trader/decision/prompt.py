"""The prompt: what a model is told, the stable part first, for the providers' caches.

`system` is the operator's template, filled with what the configuration says: the same in every
cycle. `user` is the situation, from what changes seldom to what changes always. Its facts are no
matter of the template, so that none can leave out that a price is stale.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tui_trader.decision import facts
from tui_trader.decision.formats.base import AnswerFormat
from tui_trader.decision.json_reader import printable
from tui_trader.decision.outside import fenced
from tui_trader.decision.situation import situations
from tui_trader.decision.templates import Template
from tui_trader.decision.words import utc
from tui_trader.models import ComposeContext, Constraints

MAX_CHARS = 120_000
"""No prompt is longer. Each part has its own share, so that none grows at another's cost."""

STRATEGY_CHARS = 20_000
_TOLD = {"features", "market_snapshot", "portfolio", "digest", "barred", "notes"}
_UNTOLD = {"features": {"__all__": {"meta"}}, "market_snapshot": {"__all__": {"ohlcv"}}}
"""Of a context, what a model is told of market and account: no candles, and no remarks of a
pipeline on the origin of its features, which may be anything."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt in two messages: `system` is the same in every cycle, `user` is the situation.

    `template` is the id of the template and `template_hash` the hash of its file; `snapshot_hash`
    is that of the market and account that are told of. Hashes are SHA-256, hexadecimal.
    """

    system: str
    user: str
    template: str = ""
    template_hash: str = ""
    snapshot_hash: str = ""

    @property
    def text(self) -> str:
        """The whole prompt, as it is recorded."""
        return f"{self.system}\n\n{self.user}"

    @property
    def sha256(self) -> str:
        """The hash of the whole prompt, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def build_prompt(
    context: ComposeContext, answer_format: AnswerFormat, template: Template
) -> Prompt:
    """The prompt for one decision in the vocabulary of `answer_format`."""
    constraints = context.constraints or context.portfolio.constraints or Constraints()
    return Prompt(
        system=printable(_instructions(constraints, answer_format, context.prompt_text, template)),
        user=printable("\n\n".join(_situation(context, shorts=constraints.allow_short))),
        template=template.id,
        template_hash=template.sha256,
        snapshot_hash=_snapshot_hash(context),
    )


def _instructions(
    constraints: Constraints, answer_format: AnswerFormat, strategy: str, template: Template
) -> str:
    actions = answer_format.actions(constraints.allow_short).items()
    return template.fill(
        {
            "actions": "\n".join(f'- "{action}": {meaning}' for action, meaning in actions),
            "idle": answer_format.idle,
            "limits": "\n".join(facts.limits(constraints)) or "- No further limits are in force.",
            "output_format": answer_format.describe(),
            "strategy": _strategy(strategy.strip()) or "None was given.",
        }
    )


def _strategy(text: str) -> str:
    if len(text) <= STRATEGY_CHARS:
        return text
    return f"{text[:STRATEGY_CHARS]}\n(cut to the first {STRATEGY_CHARS} of {len(text)} characters)"


def _situation(context: ComposeContext, *, shorts: bool) -> Iterator[str]:
    known = situations(context)
    yield _section("RECENT RESULTS", 12_000, facts.results(context, known))
    if context.barred:
        yield _section("BARRED OPENINGS", 4_000, facts.barred(context.barred, context.ts))
    yield _section("MARKET CONTEXT: CLOSED CANDLES", 24_000, facts.candles(context, known))
    yield _section("YOUR POSITION", 12_000, facts.account(context, known))
    yield _section("MARKET CONTEXT: NOW", 16_000, facts.prices(context, known, shorts=shorts))
    yield f"Time: {utc(context.ts)}"
    if context.notes:
        yield fenced(context.notes, context.ts)
    yield "Output your decision as JSON now:"


def _section(title: str, limit: int, lines: Iterable[str]) -> str:
    return "\n".join([title, *_within(limit, list(lines))])


def _within(limit: int, lines: list[str]) -> Iterator[str]:
    """The first of `lines` that fit into `limit` characters; the others are counted."""
    room = limit
    for index, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            left_out = len(lines) - index
            yield f"- Further lines left out, since this section is full: {left_out}."
            return
        yield line


def _snapshot_hash(context: ComposeContext) -> str:
    """The hash of canonical JSON: the same facts have the same hash, whatever their order."""
    told = context.model_dump(mode="json", include=_TOLD, exclude=_UNTOLD)
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
