"""What stands in each part of one decision, as rows. All of it is text in styles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from rich.style import Style

from tui_trader.console import theme
from tui_trader.console.canvas import Row
from tui_trader.console.panel import Rows
from tui_trader.console.scroll import wrapped
from tui_trader.console.widgets.agent import DIRECTIONS, OUTCOMES
from tui_trader.text import one_line
from tui_trader.view.decisions import outcome_words
from tui_trader.view.format import (
    UNKNOWN,
    clock_time,
    money,
    percent,
    price,
    quantity,
    seconds,
    signed,
    usd,
)

if TYPE_CHECKING:
    from tui_trader.models import DecisionRecord, ModelCall, TargetPosition
    from tui_trader.view.model import Inspection

_LABEL = 11
_HASH = 24


def section(name: str, inspection: Inspection, width: int) -> Rows:
    """The rows of the section called `name`; the record must be here."""
    if inspection.record is None:
        return []
    if name in _PASSAGES:
        return _passage(name, inspection, inspection.record, width)
    return _SECTIONS[name](inspection.record, width)


# --- long texts -----------------------------------------------------------------------------------

_PASSAGES = {
    "Prompt": ("prompt", "what it was told", "no prompt: no model was asked", theme.TEXT),
    "Reasoning": ("reasoning", "its words, not facts", "no reasoning came", theme.WORDS),
    "Answer": ("raw_output", "its words, not facts", "no answer came", theme.WORDS),
}


def _passage(name: str, inspection: Inspection, record: DecisionRecord, width: int) -> Rows:
    field, label, none, style = _PASSAGES[name]
    text: str = getattr(record.audit, field)
    if not text:
        return [((none, theme.MUTED),)]
    cut = inspection.cut.get(field, 0)
    head = f"┄ {label} · {len(text) + cut:,} characters "
    rows: Rows = [((f"{head}{'┄' * width}"[:width], theme.FRAME),), *_text(text, width, style)]
    if cut:
        rows += _text(f"… {cut:,} more characters are not shown", width, theme.WARN_STRONG)
    return rows


def _text(text: str, width: int, style: Style) -> Rows:
    """A text of several lines, each broken to the width."""
    paragraphs = (wrapped(line, width) for line in text.split("\n"))
    return [((line, style),) for line in chain.from_iterable(paragraphs)]


# --- what was read out of the answer --------------------------------------------------------------


def _understood(record: DecisionRecord, width: int) -> Rows:
    audit = record.audit
    rows: Rows = []
    if audit.outcome != "ok":
        said = f"{outcome_words(audit.outcome)}: {audit.error or 'no answer was used'}"
        rows += _text(one_line(said), width, theme.DANGER)
    for target in record.targets:
        rows += _target(target, width)
    if not record.targets:
        rows.append((("no item: every position is held as it is", theme.MUTED),))
    if record.rationale:
        rows += [(), (("rationale · its words, not facts", theme.MUTED),)]
        rows += _text(record.rationale, width, theme.WORDS)
    rows += _remarks("! contradicts", audit.flags, width, theme.WARN_STRONG)
    rows += _remarks("dropped", audit.filtered, width, theme.WARN)
    rows += _remarks("unwrapped", audit.unwrapped, width, theme.TEXT)
    return rows


def _target(target: TargetPosition, width: int) -> Rows:
    row = (DIRECTIONS[target.action.value], (f" {_symbol(target)}", theme.STRONG))
    figures = [f"to {quantity(target.target_qty)}"] if target.action != "hold" else []
    if target.size_pct:
        figures.append(f"size {percent(target.size_pct, signed=False, decimals=1)}")
    confidence = target.confidence
    figures.append(f"confidence {UNKNOWN if confidence is None else f'{confidence:.2f}'}")
    if target.leverage is not None:
        figures.append(f"leverage {quantity(target.leverage)}×")
    if target.stop_loss is not None:
        figures.append(f"stop {price(target.stop_loss)}")
    if target.take_profit is not None:
        figures.append(f"take profit {price(target.take_profit)}")
    rows: Rows = [row, *_figures(figures, width)]
    if target.rationale:
        rows += _text(f"  {one_line(target.rationale, 2_000)}", width, theme.WORDS)
    return rows


def _figures(figures: Sequence[str], width: int) -> Rows:
    """Figures beside one another, none of them broken over two lines where it fits into one."""
    lines = [""]
    for figure in figures:
        joined = f"{lines[-1]}  {figure}"
        if lines[-1] and len(joined) > width:
            lines.append(f"  {figure}")
        else:
            lines[-1] = joined
    return [row for line in lines for row in _text(line, width, theme.TEXT)]


def _symbol(target: TargetPosition) -> str:
    return one_line(target.instrument.symbol, 24)


def _remarks(label: str, texts: Sequence[str], width: int, style: Style) -> Rows:
    """A heading and one remark a line; nothing was remarked: that too is said."""
    if not texts:
        return [(), ((f"{label}: nothing", theme.MUTED),)]
    rows: Rows = [(), ((f"{label}: {len(texts)}", style),)]
    for text in texts:
        rows += _text(f"  {one_line(text, 2_000)}", width, style)
    return rows


# --- what was judged and done ---------------------------------------------------------------------


def _verdicts(record: DecisionRecord, width: int) -> Rows:
    rows: Rows = []
    for verdict in record.verdicts:
        words = f" {one_line(verdict.symbol, 24)} {one_line(verdict.rule, 60)}"
        if verdict.outcome == "clip":
            words += f" {quantity(verdict.requested_qty)} → {quantity(verdict.allowed_qty)}"
        rows.append((OUTCOMES[verdict.outcome], (words, theme.STRONG)))
        if verdict.reason:
            rows += _text(f"     {one_line(verdict.reason, 2_000)}", width, theme.TEXT)
    return rows or [(("nothing was judged", theme.MUTED),)]


def _orders(record: DecisionRecord, width: int) -> Rows:
    if not record.instructions and not record.results:
        return [(("nothing was sent", theme.MUTED),)]
    rows: Rows = []
    for order in record.instructions:
        words = f"{_word(order, 'side')} {_word(order, 'symbol')} {_figure(order, 'quantity')}"
        name = _word(order, "instruction_id")
        rows.append((("sent    ", theme.MUTED), (words, theme.STRONG), (f"  {name}", theme.MUTED)))
    for result in record.results:
        rows += _result(result, width)
    for trade in record.trades:
        words = f"{quantity(trade.quantity)} {one_line(trade.instrument.symbol, 24)}"
        words += f" {price(trade.entry_price)} → {price(trade.exit_price)}"
        profit = (f"  {signed(trade.realized_pnl)}", theme.trend(trade.realized_pnl))
        rows.append((("closed  ", theme.MUTED), (words, theme.TEXT), profit))
    return rows


def _result(result: Mapping[str, Any], width: int) -> Rows:
    status = _word(result, "status")
    style = theme.UP if status == "FILLED" else theme.WARN_STRONG
    words = f" {_word(result, 'side')} {_figure(result, 'filled_qty')}"
    words += f" @ {_figure(result, 'avg_exec_price', price)}"
    words += f"  fee {_figure(result, 'fee_cost', money)}  order {_word(result, 'order_id')}"
    row: Row = (("came    ", theme.MUTED), (status, style), (words, theme.TEXT))
    reason = result.get("reason")
    return [row, *_text(f"        {one_line(reason)}", width, theme.WARN)] if reason else [row]


def _word(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return one_line(value, 60) if isinstance(value, str) else UNKNOWN


def _figure(row: Mapping[str, Any], name: str, written: Callable[[float], str] = quantity) -> str:
    value = row.get(name)
    return written(value) if isinstance(value, float | int) else UNKNOWN


# --- what it took ---------------------------------------------------------------------------------


def _model(record: DecisionRecord, width: int) -> Rows:
    audit = record.audit
    usage = "  ".join(
        f"{one_line(name, 40)} {count:,}" for name, count in audit.token_usage.items()
    )
    sent = ", ".join(f"{key} = {value}" for key, value in audit.parameters.items())
    figures = {
        "model": f"{audit.provider} · {audit.model or UNKNOWN}",
        "outcome": f"{outcome_words(audit.outcome)}{f': {audit.error}' if audit.error else ''}",
        "tokens": usage or UNKNOWN,
        "cost": usd(audit.cost_usd),
        "first token": seconds(audit.first_token_ms),
        "whole": seconds(audit.latency_ms),
        "finish": audit.finish_reason or UNKNOWN,
        "format": audit.answer_format or UNKNOWN,
        "sent": sent or UNKNOWN,
        "template": f"{audit.template or UNKNOWN}  {_hash(audit.template_hash)}",
        "prompt": _hash(audit.prompt_hash),
        "snapshot": _hash(audit.snapshot_hash),
        "cycle": f"{record.compose_id}  {clock_time(record.ts)}",
    }
    rows: Rows = []
    for name, text in figures.items():
        first, *more = wrapped(one_line(text, 2_000), max(width - _LABEL - 1, 1))
        rows.append(((f"{name:<{_LABEL}} ", theme.MUTED), (first, theme.TEXT)))
        rows += [((f"{'':<{_LABEL}} ", theme.MUTED), (line, theme.TEXT)) for line in more]
    rows += [(), ((f"calls: {len(audit.calls)}", theme.MUTED),)]
    for call in audit.calls:
        rows += _call(call, width)
    return rows


def _hash(value: str | None) -> str:
    return one_line(value, 80)[:_HASH] if value else UNKNOWN


def _call(call: ModelCall, width: int) -> Rows:
    good = call.outcome == "ok"
    outcome = outcome_words(one_line(call.outcome, 40))
    who = f"{one_line(call.provider, 40)} {one_line(call.model, 80)}"
    count = call.token_usage.get("total_tokens")
    about = "about " if call.estimated else ""
    figures = (
        f"{about}{UNKNOWN if count is None else f'{count:,}'} tokens",
        f"{about}{usd(call.cost_usd)}",
        f"first {seconds(call.first_token_ms)}",
        f"whole {seconds(call.latency_ms)}",
    )
    head = (
        (f"{call.attempt}. {clock_time(call.asked_at)} ", theme.MUTED),
        (outcome, theme.UP if good else theme.DANGER),
        (f" {who}", theme.TEXT),
    )
    rows: Rows = [head, *_figures(figures, width)]
    if call.error:
        rows += _text(f"  {one_line(call.error, 2_000)}", width, theme.WARN)
    return rows


_SECTIONS: dict[str, Callable[[DecisionRecord, int], Rows]] = {
    "Understood": _understood,
    "Verdicts": _verdicts,
    "Orders": _orders,
    "Model": _model,
}
