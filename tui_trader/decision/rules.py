"""A transparent trend strategy that says in words why it acts; needs no model and no key."""

import json
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from tui_trader.decision.interfaces import BaseComposer
from tui_trader.decision.situation import Situation, situations
from tui_trader.decision.words import amount, percent
from tui_trader.models import (
    Action,
    ComposeAudit,
    ComposeContext,
    ComposeResult,
    Constraints,
    TargetPosition,
)

_FEATURES = ("ema_20", "ema_50", "rsi_14", "atr_14")
_MIN_STRENGTH = 0.25  # EMAs closer than this many ATRs are noise: entering on a touch would churn
_RSI_BAND = 20.0  # enter while RSI is within this of 50, on the side of the trend
_RSI_EXHAUSTED = 28.0  # leave when RSI is further than this from 50
_STOP_ATR = 3.0
_RISK_FRACTION = 0.001  # of equity, lost when price moves to the stop
_HEADROOM = 0.98  # stay below the limit, so that rounding and slippage don't run into it
_DEFAULT_USAGE = 0.10


@dataclass(frozen=True, slots=True)
class _Reading:
    """The values the strategy looks at, in quote currency; `rsi` from 0 to 100."""

    close: float
    fast: float
    slow: float
    rsi: float
    atr: float

    @property
    def side(self) -> int:
        """+1 in an uptrend, -1 in a downtrend, 0 between them."""
        return (self.fast > self.slow) - (self.fast < self.slow)

    @property
    def strength(self) -> float:
        """The distance of the EMAs in ATRs."""
        return abs(self.fast - self.slow) / self.atr if self.atr > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What to do in one symbol and why; `size_pct` is a fraction of equity."""

    action: Action
    reason: str
    size_pct: float = 0.0


class RulesComposer(BaseComposer):
    """Trades with the trend of EMA 20 and EMA 50.

    Enters once EMAs, price and RSI agree (short only where the constraints allow it); leaves when
    the trend turns, RSI is exhausted, or price has moved three ATRs against the entry. A position
    that stands is left alone. Size: a tenth of a percent of equity is lost at the stop, and the
    notional stays a little below `max_equity_usage_pct`.

    `pace` is awaited after each sentence, so that a watcher can read along; None costs nothing.
    """

    def __init__(self, *, pace: Callable[[], Awaitable[None]] | None = None) -> None:
        self._pace = pace

    async def compose(self, context: ComposeContext) -> ComposeResult:
        limits = context.constraints or context.portfolio.constraints or Constraints()
        said = ""
        warm = False
        targets: list[TargetPosition] = []
        for situation in situations(context):
            reading = _read(situation)
            warm = warm or reading is not None
            judgement = _judge(situation, reading, limits)
            targets.append(_target(situation, judgement))
            for sentence in _sentences(situation, reading, judgement):
                said += sentence
                await self._say(said)
        raw = _as_json(targets)
        self.stream(said, raw)
        return ComposeResult(
            targets=tuple(targets),
            rationale=targets[0].rationale if len(targets) == 1 else said.strip(),
            audit=ComposeAudit(
                provider="rules",
                outcome="ok" if warm else "warming_up",
                raw_output=raw,
                reasoning=said.strip(),
            ),
        )

    async def _say(self, so_far: str) -> None:
        self.stream(so_far)
        if self._pace is not None:
            await self._pace()


def _read(situation: Situation) -> _Reading | None:
    """The strategy's inputs; None while any of them is missing."""
    values = (situation.close, *map(situation.feature, _FEATURES))
    known = [value for value in values if value is not None]
    return _Reading(*known) if len(known) == len(values) else None


def _judge(situation: Situation, reading: _Reading | None, limits: Constraints) -> _Judgement:
    if reading is None:
        missing = [name for name in _FEATURES if situation.feature(name) is None]
        return _Judgement(Action.HOLD, f"warming up: no {', '.join(missing) or 'price'} yet")
    if situation.quantity:
        reason = _exit_reason(situation, reading)
        if reason is not None:
            return _Judgement(Action.CLOSE, reason)
        return _Judgement(Action.HOLD, "the trend carries the position")
    obstacle = _obstacle(situation, reading, limits)
    if obstacle is not None:
        return _Judgement(Action.HOLD, obstacle)
    size_pct = _size_pct(reading, limits)
    if size_pct == 0.0:
        return _Judgement(Action.HOLD, "the limits leave no room for a position")
    trend = "uptrend" if reading.side > 0 else "downtrend"
    return _Judgement(
        Action.LONG if reading.side > 0 else Action.SHORT,
        f"{trend}: EMA20 {reading.strength:.1f} ATR from EMA50, RSI {reading.rsi:.0f}",
        size_pct,
    )


def _exit_reason(situation: Situation, reading: _Reading) -> str | None:
    """Why the position held should be closed, None while it should stand."""
    side = 1 if situation.quantity > 0 else -1
    if reading.side == -side:
        return "the trend has turned against the position"
    if side * (reading.rsi - 50.0) > _RSI_EXHAUSTED:
        return f"RSI {reading.rsi:.0f}: the move is exhausted"
    entry = situation.position.avg_price if situation.position else None
    if entry is not None and side * (entry - reading.close) > _STOP_ATR * reading.atr:
        return f"price is more than {_STOP_ATR:g} ATR on the wrong side of the entry"
    return None


def _obstacle(situation: Situation, reading: _Reading, limits: Constraints) -> str | None:
    """Why no position is opened, None when everything agrees."""
    side = reading.side
    if situation.quantity_for(1.0) is None:
        return "price or equity is unknown"
    if situation.snapshot is not None and situation.snapshot.stale_ms is not None:
        return "the prices are stale"
    if side == 0 or reading.strength < _MIN_STRENGTH:
        return "no clear trend"
    if side < 0 and not limits.allow_short:
        return "downtrend, and shorts are not allowed"
    if side * (reading.close - reading.fast) <= 0:
        return "price has not come back to the trend's side of EMA20"
    if not 0.0 <= side * (reading.rsi - 50.0) <= _RSI_BAND:
        return f"RSI {reading.rsi:.0f} does not confirm the trend"
    return None


def _size_pct(reading: _Reading, limits: Constraints) -> float:
    """The fraction of equity to trade: what loses `_RISK_FRACTION` at the stop, within the limit.

    Rounded down to a hundredth of a percent, so that what is said is what is traded.
    """
    usage = _DEFAULT_USAGE if limits.max_equity_usage_pct is None else limits.max_equity_usage_pct
    by_risk = _RISK_FRACTION * reading.close / (_STOP_ATR * reading.atr)
    return math.floor(min(by_risk, usage * _HEADROOM, 1.0) * 10_000) / 10_000


def _target(situation: Situation, judgement: _Judgement) -> TargetPosition:
    if judgement.action is Action.HOLD:
        return situation.hold(judgement.reason)
    quantity = situation.quantity_for(judgement.size_pct) or 0.0  # flat before, or after
    return TargetPosition(
        instrument=situation.instrument,
        action=judgement.action,
        target_qty=-quantity if judgement.action is Action.SHORT else quantity,
        size_pct=judgement.size_pct,
        rationale=judgement.reason,
    )


def _sentences(
    situation: Situation, reading: _Reading | None, judgement: _Judgement
) -> Iterator[str]:
    """What the strategy sees and concludes, a line of sentences for each symbol."""
    if reading is not None:
        relation = {1: "above", 0: "at", -1: "below"}[reading.side]
        yield (
            f"{situation.symbol}: EMA20 {amount(reading.fast)} is {relation}"
            f" EMA50 {amount(reading.slow)}, {reading.strength:.1f} ATR apart. "
        )
        yield f"Close {amount(reading.close)}, RSI {reading.rsi:.0f}. "
        held = situation.quantity
        if held:
            yield f"Holding {amount(held)}. "
        subject = ""
    else:
        subject = f"{situation.symbol}: "
    size = f" {percent(judgement.size_pct)} of equity" if judgement.size_pct else ""
    yield f"{subject}{judgement.action.value.capitalize()}{size}: {judgement.reason}.\n"


def _as_json(targets: list[TargetPosition]) -> str:
    """The decision as a model would have written it: S0's object, or a list with symbols."""
    items = [
        {"action": target.action.value, "size_pct": target.size_pct, "reason": target.rationale}
        for target in targets
    ]
    if len(targets) == 1:
        return json.dumps(items[0], ensure_ascii=False)
    named = [
        {"symbol": target.instrument.symbol, "target_qty": target.target_qty, **item}
        for target, item in zip(targets, items, strict=True)
    ]
    return json.dumps(named, ensure_ascii=False)
