"""How messages become what is shown: `(view, message) → (view, dirty)`, pure, of bounded cost."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar

from tui_trader.messages import (
    CandleChanged,
    Command,
    CommandResult,
    CycleCompleted,
    CycleStarted,
    DecisionInspected,
    DecisionMade,
    EngineHealth,
    EngineStopped,
    Fact,
    Gap,
    InspectDecision,
    Message,
    ModelStatus,
    OrderUpdated,
    PortfolioMarked,
    QuoteChanged,
    ReasoningStreamed,
    RiskAssessed,
    Snapshot,
    TradingStateChanged,
)
from tui_trader.models import Candle, MetricPoint, TargetPosition, TxResult, Verdict
from tui_trader.text import clean, clean_end, one_line
from tui_trader.view import inspection
from tui_trader.view.events import lines
from tui_trader.view.model import (
    MAX_CANDLES,
    MAX_DECISIONS,
    MAX_EQUITY,
    MAX_EVENTS,
    MAX_MARKERS,
    CommandOutcome,
    DecisionView,
    Dirty,
    LinkState,
    PendingCommand,
    Reasoning,
    TradeMarker,
    ViewModel,
)

MAX_PENDING = 50
REASONING_KEPT, REASONING_STEP = 12_000, 4_000
"""Characters of the newest reasoning, and by how many its beginning is cut off."""

Reduced = tuple[ViewModel, Dirty]
_T = TypeVar("_T")


def reduce(view: ViewModel, message: Message) -> Reduced:
    """What is shown once `message` is known, and which parts of it are new.

    A fact that the view has counted already (by its number) changes nothing.
    """
    if not isinstance(message, Fact):
        handler = _HANDLERS.get(type(message))
        return handler(view, message) if handler else (view, Dirty.NONE)
    if 0 < message.seq <= view.last_seq:
        return view, Dirty.NONE
    handler = _HANDLERS.get(type(message))
    view, dirty = handler(view, message) if handler else (view, Dirty.NONE)
    said = lines(message)
    if said:
        dirty |= Dirty.EVENTS
    events = (view.events + said)[-MAX_EVENTS:] if said else view.events
    return replace(view, events=events, last_seq=max(message.seq, view.last_seq)), dirty


def sent(view: ViewModel, command: Command, now: float) -> Reduced:
    """The view after `command` was handed over at `now` (monotonic seconds): it waits, no more."""
    waiting = PendingCommand(command.command_id, command.kind, now)
    view = replace(view, pending=(*view.pending, waiting)[-MAX_PENDING:])
    if not isinstance(command, InspectDecision):
        return view, Dirty.COMMANDS
    inspections = inspection.asked(view.inspections, command)
    return replace(view, inspections=inspections), Dirty.COMMANDS | Dirty.INSPECTION


def overdue(view: ViewModel, now: float, limit: float = 2.0) -> tuple[PendingCommand, ...]:
    """Commands without an answer for more than `limit` seconds at `now` (monotonic)."""
    return tuple(command for command in view.pending if now - command.sent > limit)


def link_lost(view: ViewModel, why: str) -> Reduced:
    """The view once the engine is no longer heard: its state is unknown."""
    return _silent(view, LinkState.LOST, one_line(why))


def link_ended(view: ViewModel) -> Reduced:
    """The view once the engine's messages have ended as they should."""
    return _silent(view, LinkState.ENDED, view.state_reason)


def _silent(view: ViewModel, link: LinkState, reason: str) -> Reduced:
    reasoning = view.reasoning and replace(view.reasoning, live=False)
    view = replace(
        view, link=link, state=None, state_reason=reason, health=None, reasoning=reasoning
    )
    return view, Dirty.SESSION | Dirty.STATE | Dirty.HEALTH | Dirty.REASONING


# --- snapshot and gap -----------------------------------------------------------------------------


def _snapshot(view: ViewModel, snapshot: Snapshot) -> Reduced:
    """Everything of the engine's anew: its facts tell the story, its values have the last word."""
    fresh = ViewModel(
        session=snapshot.session,
        trades=snapshot.earlier_trades,
        denials=snapshot.earlier_denials,
        cycle_number=snapshot.earlier_cycles,
        pending=view.pending,
        outcome=view.outcome,
        inspections=view.inspections,
        gaps=view.gaps,
    )
    for fact in snapshot.facts:
        fresh, _ = reduce(fresh, fact)
    candles: dict[str, list[Candle]] = {}
    for candle in snapshot.candles:
        if candle.interval == snapshot.session.timeframe:
            candles.setdefault(candle.instrument.symbol, []).append(candle)
    ended = fresh.stopped is not None
    fresh = replace(
        fresh,
        link=LinkState.ENDED if ended else LinkState.ATTACHED,
        state=None if ended else snapshot.state,
        state_reason=fresh.state_reason if ended else one_line(snapshot.state_reason),
        quotes={ticker.symbol: ticker for ticker in snapshot.quotes},
        candles={symbol: tuple(bars[-MAX_CANDLES:]) for symbol, bars in candles.items()},
        portfolio=snapshot.portfolio,
        equity=snapshot.equity[-MAX_EQUITY:],
        digest=snapshot.digest,
        model_status=snapshot.model_status and _cleaned_status(snapshot.model_status),
        last_seq=snapshot.seq,
    )
    return fresh, Dirty.ALL


def _gap(view: ViewModel, message: Gap) -> Reduced:
    """What was lost may have been a halt: the state is unknown until the snapshot."""
    reason = "messages were lost, waiting for a snapshot"
    return replace(view, gaps=view.gaps + 1, state=None, state_reason=reason), Dirty.STATE


# --- levels ---------------------------------------------------------------------------------------


def _quote(view: ViewModel, message: QuoteChanged) -> Reduced:
    ticker = message.ticker
    return replace(view, quotes={**view.quotes, ticker.symbol: ticker}), Dirty.QUOTE


def _candle(view: ViewModel, message: CandleChanged) -> Reduced:
    candle, session = message.candle, view.session
    if session is not None and candle.interval != session.timeframe:
        return view, Dirty.NONE
    symbol = candle.instrument.symbol
    candles = _with_candle(view.candles.get(symbol, ()), candle)
    return replace(view, candles={**view.candles, symbol: candles}), Dirty.CANDLES


def _with_candle(candles: tuple[Candle, ...], candle: Candle) -> tuple[Candle, ...]:
    """`candles` with `candle` in its place by open time, replacing the one of the same time."""
    if not candles or candle.ts > candles[-1].ts:
        return (*candles, candle)[-MAX_CANDLES:]
    if candle.ts == candles[-1].ts:
        return (*candles[:-1], candle)
    place = bisect_left(candles, candle.ts, key=attrgetter("ts"))
    rest = place + (candles[place].ts == candle.ts)
    return (*candles[:place], candle, *candles[rest:])[-MAX_CANDLES:]


def _marked(view: ViewModel, message: PortfolioMarked) -> Reduced:
    return replace(view, portfolio=message.view), Dirty.PORTFOLIO


def _streamed(view: ViewModel, message: ReasoningStreamed) -> Reduced:
    decided = view.decision
    if decided is not None and decided.compose_id == message.compose_id:
        return view, Dirty.NONE
    text, cut = clean_end(message.text, REASONING_KEPT, REASONING_STEP)
    answer, more = clean_end(message.answer, REASONING_KEPT, REASONING_STEP)
    reasoning = Reasoning(message.compose_id, text, answer, True, cut + more, message.tokens)
    return replace(view, reasoning=reasoning), Dirty.REASONING


def _health(view: ViewModel, message: EngineHealth) -> Reduced:
    return replace(view, health=message), Dirty.HEALTH


def _model_status(view: ViewModel, message: ModelStatus) -> Reduced:
    return replace(view, model_status=_cleaned_status(message)), Dirty.MODEL


def _cleaned_status(status: ModelStatus) -> ModelStatus:
    return replace(
        status,
        provider=one_line(status.provider, 40),
        model=one_line(status.model, 80),
        detail=one_line(status.detail),
    )


def _inspected(view: ViewModel, message: DecisionInspected) -> Reduced:
    inspections = inspection.arrived(view.inspections, message.record)
    return replace(view, inspections=inspections), Dirty.INSPECTION


# --- facts ----------------------------------------------------------------------------------------


def _started(view: ViewModel, fact: CycleStarted) -> Reduced:
    return replace(view, cycle_number=fact.number), Dirty.DECISION


def _decided(view: ViewModel, fact: DecisionMade) -> Reduced:
    decision = DecisionView(
        number=fact.number,
        compose_id=fact.compose_id,
        ts=fact.ts,
        provider=one_line(fact.provider, 40),
        model=None if fact.model is None else one_line(fact.model, 80),
        outcome=fact.outcome,
        rationale=clean(fact.rationale),
        targets=tuple(map(_cleaned_target, fact.targets)),
        error=None if fact.error is None else one_line(fact.error),
        latency_ms=fact.latency_ms,
        first_token_ms=fact.first_token_ms,
        token_usage=fact.token_usage,
        cost_usd=fact.cost_usd,
        unwrapped=inspection.remarks(fact.unwrapped),
        filtered=inspection.remarks(fact.filtered),
        flags=inspection.remarks(fact.flags),
    )
    streamed = view.reasoning
    text, cut = clean_end(fact.reasoning, REASONING_KEPT, REASONING_STEP)
    if streamed is None or streamed.compose_id != fact.compose_id:
        reasoning = Reasoning(fact.compose_id, text, answer="", live=False, cut=cut)
    elif text:
        reasoning = replace(streamed, text=text, live=False, cut=cut)
    else:
        reasoning = replace(streamed, live=False)
    decisions = _appended(view.decisions, decision, MAX_DECISIONS)
    view = replace(view, decisions=decisions, reasoning=reasoning)
    return view, Dirty.DECISION | Dirty.REASONING


def _assessed(view: ViewModel, fact: RiskAssessed) -> Reduced:
    verdicts = tuple(map(_cleaned_reason, fact.verdicts))
    view = _amended(view, fact.compose_id, lambda known: replace(known, verdicts=verdicts))
    return replace(view, denials=view.denials + fact.denials), Dirty.DECISION


def _order(view: ViewModel, fact: OrderUpdated) -> Reduced:
    result = _cleaned_reason(fact.result)
    compose_id, symbol = result.instruction_id.partition(":")[0], result.instrument.symbol
    view = _amended(
        view, compose_id, lambda known: replace(known, results=(*known.results, result))
    )
    if not fact.trades:
        return view, Dirty.DECISION
    markers = (view.markers.get(symbol, ()) + _markers(fact))[-MAX_MARKERS:]
    view = replace(
        view, trades=view.trades + fact.trades, markers={**view.markers, symbol: markers}
    )
    return view, Dirty.DECISION | Dirty.CANDLES


def _markers(fact: OrderUpdated) -> tuple[TradeMarker, ...]:
    result = fact.result
    if result.fills:
        return tuple(TradeMarker(fill.ts, fill.side, fill.price) for fill in result.fills)
    if result.avg_exec_price is None:
        return ()
    return (TradeMarker(fact.ts, result.side, result.avg_exec_price),)


def _completed(view: ViewModel, fact: CycleCompleted) -> Reduced:
    view = _amended(view, fact.compose_id, lambda known: replace(known, complete=True))
    equity, value = view.equity, fact.portfolio.total_value
    if value is not None:
        equity = _appended(equity, MetricPoint(ts=fact.ts, value=value), MAX_EQUITY)
    view = replace(
        view,
        portfolio=fact.portfolio,
        digest=fact.digest,
        equity=equity,
    )
    return view, Dirty.DECISION | Dirty.PORTFOLIO | Dirty.EQUITY


def _state(view: ViewModel, fact: TradingStateChanged) -> Reduced:
    return replace(view, state=fact.state, state_reason=one_line(fact.reason)), Dirty.STATE


def _answered(view: ViewModel, fact: CommandResult) -> Reduced:
    waiting = tuple(c for c in view.pending if c.command_id != fact.command_id)
    if len(waiting) == len(view.pending):
        return view, Dirty.NONE
    view = replace(view, pending=waiting)
    if fact.command == InspectDecision.kind:
        # Its answer is what the screen shows, and no news for the footer.
        inspections = inspection.answered(view.inspections, fact)
        return replace(view, inspections=inspections), Dirty.COMMANDS | Dirty.INSPECTION
    outcome = CommandOutcome(fact.command, fact.ok, one_line(fact.detail), fact.ts)
    return replace(view, outcome=outcome), Dirty.COMMANDS


def _stopped(view: ViewModel, fact: EngineStopped) -> Reduced:
    reason = fact.reason if fact.error is None else fact.error
    view, dirty = _silent(view, LinkState.ENDED, one_line(reason))
    return replace(view, stopped=fact), dirty


def _amended(
    view: ViewModel, compose_id: str, change: Callable[[DecisionView], DecisionView]
) -> ViewModel:
    """`view` with the decision of one cycle changed; an operator's order belongs to none."""
    decisions = view.decisions
    for place in range(len(decisions) - 1, -1, -1):
        if decisions[place].compose_id == compose_id:
            changed = (*decisions[:place], change(decisions[place]), *decisions[place + 1 :])
            return replace(view, decisions=changed)
    return view


def _appended(series: tuple[_T, ...], value: _T, limit: int) -> tuple[_T, ...]:
    return (*series, value)[-limit:]


_Reasoned = TypeVar("_Reasoned", Verdict, TxResult)


def _cleaned_reason(item: _Reasoned) -> _Reasoned:
    reason = item.reason and one_line(item.reason)
    return item if reason == item.reason else item.model_copy(update={"reason": reason})


def _cleaned_target(target: TargetPosition) -> TargetPosition:
    rationale = clean(target.rationale)
    if rationale == target.rationale:
        return target
    return target.model_copy(update={"rationale": rationale})


_HANDLERS: dict[type, Callable[[ViewModel, Any], Reduced]] = {
    Snapshot: _snapshot,
    Gap: _gap,
    QuoteChanged: _quote,
    CandleChanged: _candle,
    PortfolioMarked: _marked,
    ReasoningStreamed: _streamed,
    EngineHealth: _health,
    ModelStatus: _model_status,
    DecisionInspected: _inspected,
    CycleStarted: _started,
    DecisionMade: _decided,
    RiskAssessed: _assessed,
    OrderUpdated: _order,
    CycleCompleted: _completed,
    TradingStateChanged: _state,
    CommandResult: _answered,
    EngineStopped: _stopped,
}
