"""What the composer is told and what it answers.

Inside the agent a decision is a target position for each symbol (`TargetPosition`). The
vocabularies that models speak (`simple`, `plan`) are adapters in `decision.formats`.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from tui_trader.models.base import Model
from tui_trader.models.execution import TradeInstruction
from tui_trader.models.history import TradeDigest
from tui_trader.models.market import FeatureVector, InstrumentRef, MarketSnapshot
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
    named (0.0 for close and hold). `action` is what the cycle log records.
    """

    instrument: InstrumentRef
    action: Action
    target_qty: float
    size_pct: Fraction = 0.0
    confidence: Fraction | None = None
    rationale: str = ""


class ComposeAudit(Model):
    """How an answer came about: for the record, never for trading.

    `outcome` is `ok` or why the answer was not used: `parse_error`, `llm_error`, `cancelled`,
    `warming_up`. Latencies are ms; tokens are counts as the provider reported them.
    """

    provider: str
    model: str | None = None
    outcome: Literal["ok", "parse_error", "llm_error", "cancelled", "warming_up"] = "ok"
    error: str | None = None
    prompt: str = ""
    prompt_hash: str | None = None
    raw_output: str = ""
    reasoning: str = ""
    token_usage: dict[str, int] = Field(default_factory=dict)
    latency_ms: int | None = None
    first_token_ms: int | None = None
    filtered: tuple[str, ...] = ()


class ComposeResult(Model):
    """What a composer answers: targets (preferred), or ready instructions, or both.

    All pass through risk; a symbol that is in neither is held.
    """

    instructions: tuple[TradeInstruction, ...] = ()
    rationale: str | None = None
    targets: tuple[TargetPosition, ...] = ()
    audit: ComposeAudit | None = None


class ComposeContext(Model):
    """Everything a composer may know in one cycle."""

    ts: int
    compose_id: str
    strategy_id: str = ""
    features: tuple[FeatureVector, ...]
    portfolio: PortfolioView
    digest: TradeDigest
    prompt_text: str = ""
    market_snapshot: dict[str, MarketSnapshot] | None = None
    constraints: Constraints | None = None
