"""Decisions as a list shows them: one line each, and found by plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_trader.text import one_line
from tui_trader.view.format import UNKNOWN, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_trader.models import TargetPosition
    from tui_trader.view.model import DecisionView

_RISK = ("veto", "clip", "pass")
_EXECUTION = ("ERROR", "REJECTED", "PARTIAL", "FILLED")
"""Worst first: of several, the list shows the one that wants a look."""


def outcome_words(outcome: str) -> str:
    """What became of the question to a model, for people: `brown-out`, `parse error`."""
    return "brown-out" if outcome == "brown_out" else outcome.replace("_", " ")


def lead(decision: DecisionView) -> TargetPosition | None:
    """The target that a line names: the first that changes something, else the first."""
    changing = (target for target in decision.targets if target.action != "hold")
    return next(changing, next(iter(decision.targets), None))


def subject(decision: DecisionView, width: int) -> str:
    """What the lead target is about, in at most `width` cells: `BTC/USDT +2`, or `all 3` held."""
    target, count = lead(decision), len(decision.targets)
    if target is None:
        return UNKNOWN
    if count > 1 and target.action == "hold":
        return f"all {count}"
    more = f" +{count - 1}" if count > 1 else ""
    return fit(one_line(target.instrument.symbol, 24), max(width - len(more), 1)) + more


def risk_word(decision: DecisionView) -> str | None:
    """The hardest verdict: veto, clip or pass; None where nothing was judged."""
    outcomes = {verdict.outcome for verdict in decision.verdicts}
    return next((word for word in _RISK if word in outcomes), None)


def execution_word(decision: DecisionView) -> str | None:
    """The worst outcome of the orders, None where none was answered."""
    statuses = {result.status.value for result in decision.results}
    return next((word for word in _EXECUTION if word in statuses), None)


def tokens(usage: dict[str, int]) -> int | None:
    """All tokens of an answer, None where the provider did not count them."""
    return usage.get("total_tokens") or None


def found(decisions: Sequence[DecisionView], words: str) -> list[DecisionView]:
    """The decisions in which each of `words` stands, newest first; without words all of them."""
    wanted = words.casefold().split()
    newest_first = reversed(decisions)
    if not wanted:
        return list(newest_first)
    return [it for it in newest_first if all(word in _searchable(it) for word in wanted)]


def _searchable(decision: DecisionView) -> str:
    """Number, symbols, actions, outcome, verdicts and executions in one text."""
    parts = [f"#{decision.number}", decision.outcome, outcome_words(decision.outcome)]
    for target in decision.targets:
        parts += (target.instrument.symbol, target.action.value)
    parts += (verdict.outcome for verdict in decision.verdicts)
    parts += (result.status.value for result in decision.results)
    if decision.flags:
        parts.append("flagged")
    return " ".join(parts).casefold()
