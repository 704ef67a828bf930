"""What the composer is told and what it answers.

Inside the agent a decision is a target position for each symbol (`TargetPosition`). The
vocabularies that models speak (`simple`, `plan`) are adapters in `decision.formats`.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from tui_trader.models.base import Model
from tui_trader.models.execution import TradeInstruction, Verdict
from tui_trader.models.history import TradeDigest, TradeHistoryEntry
from tui_trader.models.market import (
    ExternalNote,
    FeatureVector,
    InstrumentRef,
    MarketSnapshot,
)
from tui_trader.models.portfolio import Constraints, PortfolioView

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share of something between 0 and 1; never a percentage."""


class Action(StrEnum):
    """S0's vocabulary, and the one in which a decision is logged."""

    LONG = "long"
    SHORT = "short"
    CLOSE = "close"
    HOLD = "hold"


class DecisionObject(Model):
    """S0's decision on one symbol. `size_pct` is a fraction of equity, 0 to 1."""

    action: Action
    size_pct: Fraction
    reason: str = ""


class PlanAction(StrEnum):
    """S3's vocabulary: each item names the final position (`target_qty`)."""

    BUY = "buy"
    SELL = "sell"
    FLAT = "flat"
    NOOP = "noop"


class LlmDecisionItem(Model):
    """One item of a plan. `target_qty` is the signed final quantity (base currency), no change."""

    instrument: InstrumentRef
    action: PlanAction
    target_qty: float
    confidence: Fraction | None = None
    rationale: str | None = None


class LlmPlanProposal(Model):
    """A whole plan as a model proposed it at `ts` (ms)."""

    ts: int
    items: tuple[LlmDecisionItem, ...]
    notes: str | None = None
    model_meta: dict[str, Any] | None = None


class TargetPosition(Model):
    """The position that a decision asks for in one symbol: the agent's one internal form.

    `target_qty` is signed base currency. `size_pct` is the fraction of equity that the decision
    named (0.0 for close and hold). `action` is what the cycle log records. `stop_loss` and
    `take_profit` are prices in quote currency; they and `leverage` are None where the decision
    named none.
    """

    instrument: InstrumentRef
    action: Action
    target_qty: float
    size_pct: Fraction = 0.0
    confidence: Fraction | None = None
    rationale: str = ""
    leverage: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None


class ModelCall(Model):
    """One request to a model, whatever came of it; every one of them is paid for.

    `asked_at` is wall-clock ms, `attempt` counts the calls of one decision from 1. `outcome` is
    `ok`, the kind of failure that `decision.providers` names, `cancelled`, or `unfinished` where
    nobody saw the end. `cost_usd` is None where no price is known; `estimated` says that tokens or
    cost were not reported but estimated from the text. `answer` and `reasoning` are what arrived of
    one that gave no decision.
    """

    compose_id: str
    attempt: int
    asked_at: int
    provider: str
    model: str
    outcome: str = "ok"
    error: str | None = None
    token_usage: dict[str, int] = Field(default_factory=dict)
    cost_usd: float | None = None
    estimated: bool = False
    latency_ms: int | None = None
    first_token_ms: int | None = None
    answer: str = ""
    reasoning: str = ""


Outcome = Literal[
    "ok",
    "parse_error",
    "llm_error",
    "brown_out",
    "capped",
    "stopped",
    "cancelled",
    "warming_up",
]
"""What became of the question to a model: `ok`, or why nothing of an answer is used.

`brown_out`: no model of the chain can be asked for now; `capped`: the day's money is spent;
`stopped`: a credential was refused, and nothing is asked until the operator acts.
"""


class ComposeAudit(Model):
    """How an answer came about: for the record, never for trading.

    Latencies are ms; tokens are counts as the provider reported them. `cost_usd` sums up `calls`
    (None where a price is unknown). `parameters` are what was sent beside the prompt; `template`
    names the prompt's template, `template_hash` its content and `snapshot_hash` the market and
    account that were told. `unwrapped` lists what stood around or within the answer and was taken
    off, `filtered` what was dropped and why, `flags` what its words contradict.
    """

    provider: str
    model: str | None = None
    outcome: Outcome = "ok"
    error: str | None = None
    prompt: str = ""
    prompt_hash: str | None = None
    template: str | None = None
    template_hash: str | None = None
    snapshot_hash: str | None = None
    answer_format: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    raw_output: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    token_usage: dict[str, int] = Field(default_factory=dict)
    cost_usd: float | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    calls: tuple[ModelCall, ...] = ()
    unwrapped: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


class ComposeResult(Model):
    """What a composer answers: targets (preferred), or ready instructions, or both.

    All pass through risk; a symbol that is in neither is held.
    """

    instructions: tuple[TradeInstruction, ...] = ()
    rationale: str | None = None
    targets: tuple[TargetPosition, ...] = ()
    audit: ComposeAudit | None = None


class OpeningBar(Model):
    """Why nothing can be opened in `symbol`, and until when (ms; None: until something changes)."""

    symbol: str
    reason: str
    until_ts: int | None = None


class ComposeContext(Model):
    """Everything a composer may know in one cycle. `barred` are the openings that the risk layer
    would refuse whatever is decided; `notes` is text from outside."""

    ts: int
    compose_id: str
    strategy_id: str = ""
    features: tuple[FeatureVector, ...]
    portfolio: PortfolioView
    digest: TradeDigest
    prompt_text: str = ""
    market_snapshot: dict[str, MarketSnapshot] | None = None
    constraints: Constraints | None = None
    barred: tuple[OpeningBar, ...] = ()
    notes: tuple[ExternalNote, ...] = ()


class DecisionRecord(Model):
    """Everything that was written down of one cycle: what was told, answered, judged and done.

    `features` are the values by symbol and group as in the `features` record; `instructions`,
    `verdicts`, `results` and `trades` are the rows of the later records.
    """

    compose_id: str
    ts: int
    audit: ComposeAudit
    rationale: str | None = None
    targets: tuple[TargetPosition, ...] = ()
    features: tuple[dict[str, Any], ...] = ()
    instructions: tuple[dict[str, Any], ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    results: tuple[dict[str, Any], ...] = ()
    trades: tuple[TradeHistoryEntry, ...] = ()
