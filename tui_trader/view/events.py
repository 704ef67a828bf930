"""Facts in plain words: the lines of the event tail. All foreign text is cleaned here."""

from collections.abc import Callable, Iterator
from typing import Any

from tui_trader.messages import (
    AlertRaised,
    CommandResult,
    CycleSkipped,
    DecisionMade,
    EngineStopped,
    Fact,
    OrderRequested,
    OrderUpdated,
    RiskAssessed,
    Severity,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import Action, PriceMode, TargetPosition, TxResult, TxStatus, Verdict
from tui_trader.text import one_line
from tui_trader.view.decisions import outcome_words, tokens
from tui_trader.view.format import money, percent, price, quantity, seconds, usd
from tui_trader.view.model import EventLine

Said = tuple[Severity, str, str]
"""Severity, topic and text of a line."""

_ORDER_SEVERITY = {
    TxStatus.PARTIAL: Severity.WARNING,
    TxStatus.REJECTED: Severity.WARNING,
    TxStatus.ERROR: Severity.ERROR,
}

_TROUBLE = {
    "parse_error": Severity.WARNING,
    "llm_error": Severity.WARNING,
    "brown_out": Severity.WARNING,
    "capped": Severity.WARNING,
    "stopped": Severity.ERROR,
}


def lines(fact: Fact) -> tuple[EventLine, ...]:
    """What the operator should read about `fact`, often nothing."""
    say = _SAY.get(type(fact))
    if say is None:
        return ()
    return tuple(
        EventLine(fact.ts, severity, one_line(topic, 24), one_line(text))
        for severity, topic, text in say(fact)
    )


def _decision(fact: DecisionMade) -> Iterator[Said]:
    targets = ", ".join(map(_target, fact.targets)) or "no targets"
    usage = _usage(fact) + _flagged(fact)
    text = f"#{fact.number} {targets}{usage}"
    if fact.outcome != "ok":
        because = f": {fact.error}" if fact.error else ""
        text = f"#{fact.number} {outcome_words(fact.outcome)}{because}; {targets}{usage}"
    yield _TROUBLE.get(fact.outcome, Severity.INFO), "decision", text


def _target(target: TargetPosition) -> str:
    words = f"{target.action.value.upper()} {target.instrument.symbol}"
    if target.action in (Action.LONG, Action.SHORT):
        return f"{words} {percent(target.size_pct, signed=False, decimals=1)}"
    return words


def _usage(fact: DecisionMade) -> str:
    """Tokens, seconds and cost of an answer, as far as they are known."""
    parts = []
    if (count := tokens(fact.token_usage)) is not None:
        parts.append(f"{count:,} tok")
    if fact.latency_ms is not None:
        parts.append(seconds(fact.latency_ms))
    if fact.cost_usd is not None:
        parts.append(usd(fact.cost_usd))
    return f" ({', '.join(parts)})" if parts else ""


def _flagged(fact: DecisionMade) -> str:
    """How many of its words contradict what it was told."""
    count = len(fact.flags)
    return f" ! {count} flag{'' if count == 1 else 's'}" if count else ""


def _risk(fact: RiskAssessed) -> Iterator[Said]:
    for verdict in fact.verdicts:
        if verdict.outcome != "pass":
            yield _verdict(verdict)


def _verdict(verdict: Verdict) -> Said:
    veto = verdict.outcome == "veto"
    text = f"{verdict.outcome} {verdict.symbol} {verdict.rule}"
    if not veto:
        text += f" {quantity(verdict.requested_qty)} → {quantity(verdict.allowed_qty)}"
    if verdict.reason:
        text += f": {verdict.reason}"
    return (Severity.WARNING if veto else Severity.INFO), "risk", text


def _request(fact: OrderRequested) -> Iterator[Said]:
    order = fact.instruction
    text = f"{order.side} {order.instrument.symbol} {quantity(order.quantity)}"
    if order.price_mode is PriceMode.LIMIT:
        text += f" limit {price(order.limit_price)}"
    else:
        text += " market"
    if order.reduce_only:
        text += " reduce only"
    yield Severity.INFO, "order", text


def _outcome(fact: OrderUpdated) -> Iterator[Said]:
    result = fact.result
    for filled, at, fee in _executions(result):
        text = f"{result.side} {result.instrument.symbol} {quantity(filled)} @ {price(at)}"
        yield Severity.INFO, "fill", f"{text} fee {money(fee)}"
    severity = _ORDER_SEVERITY.get(result.status)
    if severity is not None:
        because = f": {result.reason}" if result.reason else ""
        asked = f"{result.side} {result.instrument.symbol} {quantity(result.requested_qty)}"
        yield severity, "order", f"{asked} {result.status}{because}"


def _executions(result: TxResult) -> list[tuple[float, float | None, float | None]]:
    """Quantity, price and fee of each execution, or of all together where that is all we know."""
    if result.fills:
        return [(fill.quantity, fill.price, fill.fee) for fill in result.fills]
    if result.filled_qty > 0:
        return [(result.filled_qty, result.avg_exec_price, result.fee_cost)]
    return []


def _state(fact: TradingStateChanged) -> Iterator[Said]:
    severity = Severity.INFO if fact.state is TradingState.ACTIVE else Severity.WARNING
    because = f": {fact.reason}" if fact.reason else ""
    yield severity, "state", f"{fact.state} by {fact.issuer}{because}"


def _command(fact: CommandResult) -> Iterator[Said]:
    if not fact.ok:
        name = fact.command.lower().replace("_", " ")
        yield Severity.ERROR, "command", f"{name} failed: {fact.detail}"


def _alert(fact: AlertRaised) -> Iterator[Said]:
    yield fact.severity, fact.topic, fact.text


def _skipped(fact: CycleSkipped) -> Iterator[Said]:
    yield Severity.INFO, "cycle", f"skipped: {fact.reason}"


def _stopped(fact: EngineStopped) -> Iterator[Said]:
    if fact.error is None:
        yield Severity.INFO, "engine", f"stopped: {fact.reason}"
    else:
        yield Severity.ERROR, "engine", f"failed: {fact.error}"


_SAY: dict[type[Fact], Callable[[Any], Iterator[Said]]] = {
    DecisionMade: _decision,
    RiskAssessed: _risk,
    OrderRequested: _request,
    OrderUpdated: _outcome,
    TradingStateChanged: _state,
    CommandResult: _command,
    AlertRaised: _alert,
    CycleSkipped: _skipped,
    EngineStopped: _stopped,
}
