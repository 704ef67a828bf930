"""One decision cycle, from reading the account to writing down what happened."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tui_trader.agent import cycle_logs
from tui_trader.agent.desk import OrderDesk
from tui_trader.agent.journal import Journal
from tui_trader.clock import Clock
from tui_trader.decision.interfaces import BaseComposer, Hearing
from tui_trader.features.interfaces import BaseFeaturesPipeline
from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.messages import (
    AlertRaised,
    CycleCompleted,
    CycleStarted,
    DecisionMade,
    Message,
    ReasoningStreamed,
    RiskAssessed,
    Severity,
)
from tui_trader.models import (
    Action,
    ComposeAudit,
    ComposeContext,
    ComposeResult,
    CycleLog,
    FeaturesPipelineResult,
    InstrumentRef,
    Outcome,
    PortfolioView,
    StrategySummary,
    TargetPosition,
    TradeDigest,
    TradeHistoryEntry,
    TradeInstruction,
    TxResult,
    Verdict,
)
from tui_trader.models.orders import wanted_quantity
from tui_trader.ops.logs import cycle_context
from tui_trader.portfolio.interfaces import BasePortfolioService
from tui_trader.risk.interfaces import Assessment, BaseRiskManager, RiskMarket

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CycleResult:
    """What one cycle came to; handed to the hooks of an agent of one's own."""

    compose_id: str
    number: int
    targets: tuple[TargetPosition, ...]
    instructions: tuple[TradeInstruction, ...]
    verdicts: tuple[Verdict, ...]
    results: tuple[TxResult, ...]
    trades: tuple[TradeHistoryEntry, ...]
    logs: tuple[CycleLog, ...]
    portfolio: PortfolioView
    digest: TradeDigest
    strategy_summary: StrategySummary


@dataclass(frozen=True, slots=True)
class CycleIdentity:
    """What names the cycles of one run: `run_id` is unique among the runs on one data folder."""

    strategy_id: str
    run_id: str
    mode: str
    prompt_text: str = ""


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of the cycle, each behind its interface."""

    features: BaseFeaturesPipeline
    composer: BaseComposer
    risk: BaseRiskManager
    desk: OrderDesk
    portfolio: BasePortfolioService
    journal: Journal


class DecisionCoordinator:
    """Runs cycles. What differs between paper, live, replay and backtest is what it is given.

    `clock` is market time, `wall` the real one; `risk_market` tells quotes and their staleness at
    the moment of asking. A cycle is durable before its completion is published. A decision on a
    market that was seen more than `max_decision_ms` ago opens nothing.
    """

    def __init__(
        self,
        identity: CycleIdentity,
        stages: Stages,
        *,
        clock: Clock,
        wall: Clock,
        publish: Callable[[Message], None],
        risk_market: Callable[[], RiskMarket],
        summarise: Callable[[PortfolioView], StrategySummary],
        max_decision_ms: int,
    ) -> None:
        self._identity = identity
        self._stages = stages
        self._clock = clock
        self._wall = wall
        self._publish = publish
        self._risk_market = risk_market
        self._summarise = summarise
        self._max_decision_ms = max_decision_ms
        self._number = 0
        self._composing: asyncio.Task[ComposeResult] | None = None
        self._cancelled_because = ""

    def cancel_decision(self, because: str) -> None:
        """Break off the decision being made, if any: its cycle ends as a hold."""
        if self._composing is not None and not self._composing.done():
            self._cancelled_because = because
            self._composing.cancel()

    async def run_once(self) -> CycleResult:
        """One cycle. Raises MarketDataError when the market can't be read: nothing is decided."""
        ts = self._clock.now_ms()
        number, compose_id = self._begin(ts)
        with cycle_context(compose_id):
            return await self._run(ts, number, compose_id)

    async def _run(self, ts: int, number: int, compose_id: str) -> CycleResult:
        stages, started = self._stages, self._clock.monotonic()
        before = stages.portfolio.get_view()
        features = await self._features()
        context = self._context(ts, compose_id, features, before)
        composed = await self._compose(context)
        targets = self._complete(composed, context)
        self._announce(number, compose_id, composed, targets)
        assessment = self._assess(context, targets)
        results, trades = await stages.desk.trade(assessment.instructions, features.features)
        view = stages.portfolio.get_view()
        logger.info(
            "cycle %s: %s instructions, %s filled, equity %s",
            number,
            len(assessment.instructions),
            sum(result.filled_qty > 0 for result in results),
            view.total_value,
        )
        logs = cycle_logs.build(
            context=context,
            audit=composed.audit,
            targets=targets,
            assessment=assessment,
            results=results,
            mode=self._identity.mode,
            equity=view.total_value,
            recorded_at=self._wall.now_ms(),
        )
        records = cycle_logs.records(context, composed, assessment, results, trades)
        stages.journal.write_cycle(records, logs, view)
        digest = stages.journal.digest
        took = round((self._clock.monotonic() - started) * 1000)
        self._publish(
            CycleCompleted(
                self._clock.now_ms(), compose_id, number, tuple(logs), view, digest, took
            )
        )
        return CycleResult(
            compose_id=compose_id,
            number=number,
            targets=targets,
            instructions=assessment.instructions,
            verdicts=assessment.verdicts,
            results=tuple(results),
            trades=tuple(trades),
            logs=tuple(logs),
            portfolio=view,
            digest=digest,
            strategy_summary=self._summarise(view),
        )

    def _begin(self, ts: int) -> tuple[int, str]:
        self._number += 1
        compose_id = f"{self._identity.run_id}-{self._number:06d}"
        self._publish(CycleStarted(ts, compose_id, self._number))
        return self._number, compose_id

    async def _features(self) -> FeaturesPipelineResult:
        """The market as it looks now. Whatever goes wrong here, nothing is known to decide on."""
        try:
            return await self._stages.features.build()
        except MarketDataError:
            raise
        except Exception as error:
            logger.exception("the features could not be built")
            raise MarketDataError(f"{type(error).__name__}: {error}") from error

    def _context(
        self, ts: int, compose_id: str, features: FeaturesPipelineResult, view: PortfolioView
    ) -> ComposeContext:
        context = ComposeContext(
            ts=ts,
            compose_id=compose_id,
            strategy_id=self._identity.strategy_id,
            features=features.features,
            portfolio=view,
            digest=self._stages.journal.digest,
            prompt_text=self._identity.prompt_text,
            market_snapshot=features.snapshots,
            constraints=view.constraints,
            notes=features.notes,
        )
        symbols = _symbols(context)
        barred = self._stages.risk.bars(
            symbols, view, self._market(context, symbols), context.digest
        )
        return context.model_copy(update={"barred": barred})

    async def _compose(self, context: ComposeContext) -> ComposeResult:
        """Ask the composer, whatever it does: cancelled or failed, the answer is a hold."""
        hearing = Hearing(
            lambda text, answer: self._publish(
                ReasoningStreamed(self._clock.now_ms(), context.compose_id, text, answer)
            )
        )
        self._cancelled_because = ""
        with hearing.begin():
            self._composing = asyncio.ensure_future(self._stages.composer.compose(context))
        try:
            composed = ComposeResult.model_validate(await self._composing)
            if self._cancelled_because:  # whatever a composer returns that swallows a cancellation
                return _no_answer("cancelled", self._cancelled_because, hearing)
            if composed.audit is None and hearing.audit is not None:
                return composed.model_copy(update={"audit": hearing.audit})
            return composed
        except asyncio.CancelledError:
            if (cycle := asyncio.current_task()) is not None and cycle.cancelling():
                raise
            because = self._cancelled_because or "the composer gave up"
            return _no_answer("cancelled", because, hearing)
        except Exception as error:
            logger.exception("the composer failed")
            return _no_answer("llm_error", f"composer failed: {type(error).__name__}", hearing)
        finally:
            self._composing = None

    def _complete(
        self, composed: ComposeResult, context: ComposeContext
    ) -> tuple[TargetPosition, ...]:
        """One target per symbol, of several the one nearest to flat, of equal ones the first; what
        the composer left out is held."""
        view = context.portfolio
        targets: dict[str, TargetPosition] = {}
        for target in (
            *composed.targets,
            *self._stages.risk.targets_of(composed.instructions, view),
        ):
            symbol = target.instrument.symbol
            rival = targets.get(symbol)
            if rival is None or _nearer(target, rival, view.quantity_of(symbol)):
                targets[symbol] = target
        for symbol in _symbols(context):
            if symbol not in targets:
                targets[symbol] = TargetPosition(
                    instrument=InstrumentRef(symbol=symbol),
                    action=Action.HOLD,
                    target_qty=view.quantity_of(symbol),
                    rationale=composed.rationale or "",
                )
        return tuple(targets.values())

    def _assess(self, context: ComposeContext, targets: Sequence[TargetPosition]) -> Assessment:
        """Judge on the account and the market as they are now, not as the composer saw them.

        Nothing opens where the composer saw no fresh data, where the position has changed meanwhile
        (the operator's hand), or where the decision took too long.
        """
        view, before = self._stages.portfolio.get_view(), context.portfolio
        asked = {target.instrument.symbol for target in targets}
        market = replace(
            self._market(context, asked),
            moved=frozenset(
                symbol for symbol in asked if view.quantity_of(symbol) != before.quantity_of(symbol)
            ),
            expired=self._clock.now_ms() - context.ts > self._max_decision_ms,
        )
        digest = self._stages.journal.digest
        assessment = self._stages.risk.assess(context.compose_id, targets, view, market, digest)
        now = self._clock.now_ms()
        self._publish(RiskAssessed(now, context.compose_id, assessment.verdicts))
        for text in assessment.alerts:
            self._publish(AlertRaised(now, Severity.WARNING, "risk", text))
        return assessment

    def _market(self, context: ComposeContext, symbols: Iterable[str]) -> RiskMarket:
        """The market now; what the composer did not see fresh counts as stale."""
        market = self._risk_market()
        return replace(market, stale=market.stale | (set(symbols) - _fresh(context)))

    def _announce(
        self,
        number: int,
        compose_id: str,
        composed: ComposeResult,
        targets: tuple[TargetPosition, ...],
    ) -> None:
        audit = composed.audit or ComposeAudit(provider="custom")
        self._publish(
            DecisionMade(
                self._clock.now_ms(),
                compose_id,
                number,
                targets,
                audit.provider,
                audit.model,
                audit.outcome,
                composed.rationale or "",
                audit.reasoning,
                audit.error,
                audit.latency_ms,
                audit.token_usage,
                audit.cost_usd,
                audit.first_token_ms,
                audit.filtered,
                audit.unwrapped,
                audit.flags,
            )
        )


def _nearer(target: TargetPosition, rival: TargetPosition, held: float) -> bool:
    """Whether a target leads nearer to flat than its rival, by more than a rounding error."""
    size, other = abs(wanted_quantity(target, held)), abs(wanted_quantity(rival, held))
    return size < other and not math.isclose(size, other, rel_tol=1e-9)


def _symbols(context: ComposeContext) -> list[str]:
    """The symbols to decide on, in their order."""
    return list(context.market_snapshot or _with_features(context))


def _with_features(context: ComposeContext) -> list[str]:
    """The symbols that have features, in their order."""
    return list(dict.fromkeys(vector.instrument.symbol for vector in context.features))


def _fresh(context: ComposeContext) -> set[str]:
    """The symbols whose market the composer saw as it was; a pipeline of one's own need not tell
    how old its data is."""
    snapshots = context.market_snapshot
    if not snapshots:
        return set(_with_features(context))
    return {symbol for symbol, snapshot in snapshots.items() if snapshot.stale_ms is None}


def _no_answer(outcome: Outcome, because: str, hearing: Hearing) -> ComposeResult:
    """A hold; what was asked, what had arrived and what it cost stay on record."""
    reason = f"forced hold: {because}"
    heard = hearing.audit or ComposeAudit(provider="")
    audit = heard.model_copy(update={"outcome": outcome, "error": reason})
    return ComposeResult(rationale=reason, audit=audit)
