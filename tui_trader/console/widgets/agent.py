"""The newest decision: what it asks for, what risk made of it, what was executed, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType

from tui_trader.console import theme
from tui_trader.console.canvas import Part, Row, spread
from tui_trader.console.figures import effective
from tui_trader.console.panel import Panel, Rows, centred
from tui_trader.console.scene import Scene
from tui_trader.console.scroll import Scroll, wrapped
from tui_trader.console.widgets.events import SCROLL_BINDINGS
from tui_trader.text import one_line
from tui_trader.view.decisions import outcome_words, tokens
from tui_trader.view.format import clock_time, fit, percent, price, quantity, seconds, usd

if TYPE_CHECKING:
    from tui_trader.messages import ModelStatus
    from tui_trader.models import TargetPosition, TxResult, Verdict
    from tui_trader.view.model import DecisionView

DIRECTIONS: dict[str, Part] = {
    "long": ("▲ LONG ", theme.UP_STRONG),
    "short": ("▼ SHORT", theme.DOWN_STRONG),
    "close": ("■ CLOSE", theme.WARN_STRONG),
    "hold": ("= HOLD ", theme.STRONG),
}
OUTCOMES: dict[str, Part] = {
    "pass": ("PASS", theme.UP),
    "clip": ("CLIP", theme.WARN_STRONG),
    "veto": ("VETO", theme.DANGER),
}
_LOW = 6


WORDS_SECONDS = 0.25
"""Between two drawings of words that stream: faster than anybody reads."""


class AgentPanel(Panel):
    """Facts above, the model's words below and marked as such.

    Words are followed while they stream; scrolled back, they are held as they are.
    """

    WATCHES: ClassVar[frozenset[str]] = frozenset(
        ("DECISION", "REASONING", "SESSION", "STATE", "MODEL")
    )
    TICKS: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = SCROLL_BINDINGS

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._scroll = Scroll()
        self._held = ""
        self._told = ""
        self._lines = 0
        self._room = 1
        self._drawn_at = float("-inf")

    def apply(self, scene: Scene) -> None:
        """Show another moment. Words alone wait for their turn, the last of them for the next
        second."""
        words_alone = _but_words(scene) == _but_words(self.scene)
        self.scene = scene
        if words_alone and scene.now - self._drawn_at < WORDS_SECONDS:
            return
        self._drawn_at = scene.now
        self.redraw()

    def action_scroll_lines(self, lines: int) -> None:
        """Look back in the words, or forth."""
        if self._scroll.following:
            self._held = self._newest()
        self._scroll.move(lines, self._lines, self._room)
        self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look back."""
        event.stop()
        self.action_scroll_lines(-2)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look forth."""
        event.stop()
        self.action_scroll_lines(2)

    def heading(self) -> Row:
        view = self.scene.view
        if view is None or view.session is None:
            return (("Agent", theme.TITLE),)
        who = view.session.model or view.session.strategy
        title = (("Agent ", theme.TITLE), (fit(one_line(who, 40), 24), theme.MUTED))
        decision = view.decision
        if decision is None or self.size.width < 40:
            return title
        return (*title, (f" · #{decision.number} {clock_time(decision.ts)}", theme.MUTED))

    def note(self) -> Row:
        if not self._scroll.following:
            return (("held · end follows", theme.WARN),)
        reasoning = self.scene.view.reasoning if self.scene.view else None
        if reasoning is None:
            return ()
        cut = f"first {reasoning.cut:,} characters cut" if reasoning.cut else ""
        if not reasoning.live:
            return ((cut, theme.MUTED),) if cut else ()
        count = f"{reasoning.tokens:,} tok" if reasoning.tokens is not None else ""
        return ((" · ".join(filter(None, ("thinking…", count, cut))), theme.KEY),)

    def body(self, width: int, height: int) -> Rows:
        view = self.scene.view
        if view is None:
            return centred("waiting for the first decision…", width, height)
        trouble = _model_trouble(view.model_status, width, max(height // 3, 1))
        if view.decision is None and view.reasoning is None:
            waiting = "waiting for the first decision…"
            return [*trouble, *centred(waiting, width, height - len(trouble))]
        room = max(height - len(trouble), 1)
        facts = _facts(view.decision, width, room) if view.decision else []
        words = self._words(width, max(room - len(facts), 1))
        return [*trouble, *facts, *words]

    def _words(self, width: int, height: int) -> Rows:
        reasoning = self.scene.view.reasoning if self.scene.view else None
        if reasoning is not None and reasoning.compose_id != self._told:
            self._told, self._scroll.top = reasoning.compose_id, None
        text = self._newest() if self._scroll.following else self._held
        label = "its words, not facts" if width >= 30 else "its words"
        head: Rows = [((f"┄ {label} {'┄' * width}"[:width], theme.FRAME),)] if height > 3 else []
        paragraphs = (wrapped(line, width) for line in text.rstrip().split("\n"))
        lines = list(chain.from_iterable(paragraphs))
        room = max(height - len(head), 1)
        self._lines, self._room = len(lines), room
        start = self._scroll.start(len(lines), room)
        return [*head, *(((line, theme.WORDS),) for line in lines[start : start + room])]

    def _newest(self) -> str:
        """The words so far, or of the newest decision."""
        view = self.scene.view
        reasoning = view.reasoning if view else None
        if reasoning is not None and reasoning.live:
            return "\n".join(filter(None, (reasoning.text, reasoning.answer)))
        return _text(view.decision if view else None, reasoning.text if reasoning else "")


def _but_words(scene: Scene) -> tuple[object, ...]:
    """All that the panel shows, but the words that stream."""
    view = scene.view
    if view is None:
        return (scene.live,)
    streaming = view.reasoning and (view.reasoning.compose_id, view.reasoning.live)
    return (scene.live, streaming, view.decisions, view.session, view.state, view.model_status)


_TROUBLE = {
    "brown-out": ("nothing opens, closes go on; it is asked again by itself", theme.WARN_STRONG),
    "capped": ("no call until 00:00Z, or raise daily_cap_usd; closes go on", theme.WARN_STRONG),
    "stopped": ("no call until you act: mend the key; closes go on", theme.DANGER),
}


def _model_trouble(status: ModelStatus | None, width: int, height: int) -> Rows:
    """Why the model is not asked, and what to do, in at most `height` rows; none while it is."""
    if status is None or status.state.value not in _TROUBLE:
        return []
    remedy, style = _TROUBLE[status.state.value]
    said = f" ({status.detail})" if status.detail else ""
    *full, last = wrapped(f"! model {status.state.value.upper()}: {remedy}{said}", width)
    if len(full) >= height:
        full, last = full[: height - 1], " ".join((*full[height - 1 :], last))
    return [((fit(line, width), style),) for line in (*full, last)]


def _text(decision: DecisionView | None, reasoning: str) -> str:
    """The reasoning, and the rationale after it where that says something else."""
    rationale = decision.rationale if decision else ""
    if rationale and rationale not in reasoning:
        return f"{reasoning.rstrip()}\n{rationale}" if reasoning else rationale
    return reasoning


def _facts(decision: DecisionView, width: int, height: int) -> Rows:
    """Targets, verdicts and executions in as many rows as leave some for the words."""
    targets = sorted(decision.targets, key=lambda target: target.action == "hold")
    verdicts = effective(decision.verdicts)
    if height < _LOW:
        return [_summary(decision, targets, verdicts, width)]
    room = max(height // 4, 1)
    rows: Rows = [_audit(decision, width)]
    rows += [_target(target, width) for target in targets[:room]]
    if len(targets) > room:
        rows.append(((f"  and {len(targets) - room} more", theme.MUTED),))
    rows += [_verdict(verdict, width) for verdict in verdicts[:room]] or [_unjudged(decision)]
    rows += [_execution(result, width) for result in decision.results[:room]] or [
        (("exec  ", theme.MUTED), ("nothing sent" if decision.complete else "…", theme.MUTED))
    ]
    return rows


def _audit(decision: DecisionView, width: int) -> Row:
    if decision.outcome != "ok":
        because = decision.error or "no answer was used"
        text = f"{outcome_words(decision.outcome)}: {because}"
        return ((fit(text, width), theme.DANGER),)
    parts = [decision.provider, *filter(None, (decision.model,))]
    if decision.latency_ms is not None:
        parts.append(seconds(decision.latency_ms))
    if (count := tokens(decision.token_usage)) is not None:
        parts.append(f"{count:,} tokens")
    if decision.cost_usd is not None:
        parts.append(usd(decision.cost_usd))
    flags = (flag_mark(decision.flags),) if decision.flags else ()
    return spread(((fit(one_line(" · ".join(parts), 160), width), theme.MUTED),), flags, width)


def flag_mark(flags: Sequence[str]) -> Part:
    """How many of its words contradict what it was told."""
    return (f" ! {len(flags)} flag{'' if len(flags) == 1 else 's'}", theme.WARN_STRONG)


def _target(target: TargetPosition, width: int) -> Row:
    action = DIRECTIONS[target.action.value]
    confidence = f"conf {target.confidence:.2f}" if target.confidence is not None else ""
    size = f"{percent(target.size_pct, signed=False, decimals=0)} " if target.size_pct else ""
    left = (action, (f" {one_line(target.instrument.symbol, 20)}", theme.STRONG))
    return spread(left, ((f" {size}{confidence}", theme.MUTED),), width)


def _verdict(verdict: Verdict, width: int) -> Row:
    outcome = OUTCOMES[verdict.outcome]
    if verdict.outcome == "pass":
        return (("risk  ", theme.MUTED), outcome)
    text = f" {one_line(verdict.symbol, 20)} {one_line(verdict.reason or verdict.rule)}"
    return (("risk  ", theme.MUTED), outcome, (fit(text, max(width - 10, 1)), theme.TEXT))


def _unjudged(decision: DecisionView) -> Row:
    text = "nothing to judge" if decision.complete else "…"
    return (("risk  ", theme.MUTED), (text, theme.MUTED))


def _execution(result: TxResult, width: int) -> Row:
    good = result.status in ("FILLED", "PARTIAL")
    text = f" {result.side} {quantity(result.filled_qty)} {one_line(result.instrument.symbol, 20)}"
    if result.avg_exec_price is not None:
        text += f" @ {price(result.avg_exec_price)}"
    if not good and result.reason:
        text = f" {one_line(result.reason)}"
    style = theme.UP if result.status == "FILLED" else theme.WARN_STRONG if good else theme.DANGER
    return (
        ("exec  ", theme.MUTED),
        (result.status.value, style),
        (fit(text, max(width - 6 - len(result.status), 1)), theme.TEXT),
    )


def _summary(
    decision: DecisionView, targets: list[TargetPosition], verdicts: list[Verdict], width: int
) -> Row:
    """Everything in one row, for a low panel."""
    if decision.outcome != "ok" or not targets:
        return _audit(decision, width)
    target = targets[0]
    more = f" +{len(targets) - 1}" if len(targets) > 1 else ""
    symbol = (f" {one_line(target.instrument.symbol, 20)}{more}", theme.STRONG)
    head = (DIRECTIONS[target.action.value], symbol)
    tail: list[Row] = []
    if target.confidence is not None:
        tail.append(((f"  conf {target.confidence:.2f}", theme.MUTED),))
    if verdicts:
        tail.append((("  risk ", theme.MUTED), OUTCOMES[verdicts[0].outcome]))
    if decision.results:
        tail.append((("  exec ", theme.MUTED), (decision.results[0].status.value, theme.TEXT)))
    return spread(head, tuple(chain.from_iterable(tail)), width)
