"""What the risk layer said lately, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tui_trader.console import theme
from tui_trader.console.canvas import Row
from tui_trader.console.figures import effective
from tui_trader.console.panel import Panel, Rows, centred
from tui_trader.console.widgets.agent import OUTCOMES
from tui_trader.text import one_line
from tui_trader.view.format import clock_time, fit, pad, quantity

if TYPE_CHECKING:
    from tui_trader.models import Verdict
    from tui_trader.view.model import DecisionView


class VerdictsPanel(Panel):
    """One line for each clip, veto or pass of the newest decisions."""

    WATCHES: ClassVar[frozenset[str]] = frozenset(("DECISION", "SESSION", "STATE"))

    def heading(self) -> Row:
        denials = self.scene.view.denials if self.scene.view else None
        count = "–" if denials is None else str(denials)
        return (("Verdicts ", theme.TITLE), (f"{count} denied", theme.MUTED))

    def body(self, width: int, height: int) -> Rows:
        view = self.scene.view
        rows: Rows = []
        for decision in reversed(view.decisions if view else ()):
            rows += [_row(decision, verdict, width) for verdict in effective(decision.verdicts)]
            if len(rows) >= height:
                break
        return rows[:height] or centred("no verdict yet", width, height)


def _row(decision: DecisionView, verdict: Verdict, width: int) -> Row:
    text = one_line(verdict.reason or verdict.rule)
    if verdict.outcome == "clip":
        text = f"{quantity(verdict.requested_qty)} → {quantity(verdict.allowed_qty)}  {text}"
    return (
        (f"{clock_time(decision.ts)[:8]} #{decision.number:<5}", theme.MUTED),
        OUTCOMES[verdict.outcome],
        (f" {pad(one_line(verdict.symbol, 20), 11)}", theme.STRONG),
        (fit(text, max(width - 31, 1)), theme.TEXT if verdict.outcome != "pass" else theme.MUTED),
    )
