"""The prompt: what a model is told. What never changes comes first, for the providers' caches."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tui_trader.decision.formats.base import AnswerFormat
from tui_trader.decision.situation import Situation, situations
from tui_trader.decision.words import amount, duration, percent, utc
from tui_trader.models import ComposeContext, Constraints, FeatureVector, TradeDigestEntry

_MISSING = "missing (not enough history yet)"
_ALWAYS_SHOWN = ("ema_20", "ema_50", "rsi_14")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt in two messages: `system` is the same in every cycle, `user` is the situation."""

    system: str
    user: str

    @property
    def text(self) -> str:
        """The whole prompt, as it is recorded."""
        return f"{self.system}\n\n{self.user}"

    @property
    def sha256(self) -> str:
        """The hash of the whole prompt, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def build_prompt(context: ComposeContext, answer_format: AnswerFormat) -> Prompt:
    """The prompt for one decision in the vocabulary of `answer_format`."""
    constraints = context.constraints or context.portfolio.constraints or Constraints()
    return Prompt(
        system="\n".join(_instructions(constraints, answer_format, context.prompt_text)),
        user="\n".join(_circumstances(context)),
    )


def _instructions(
    constraints: Constraints, answer_format: AnswerFormat, strategy: str
) -> Iterator[str]:
    yield "You decide for an automated trading agent. Your answer is read by a program."
    yield "\nALLOWED ACTIONS"
    for action, meaning in answer_format.actions(constraints.allow_short).items():
        yield f'- "{action}": {meaning}'
    yield "\nCONSTRAINTS"
    yield "- Answer with valid JSON only: no text before or after it, no code fence."
    idle = answer_format.idle
    yield f'- "{idle}" is better than a reckless trade; when you are not sure, answer "{idle}".'
    yield "- A value marked as missing or unknown is neither zero nor a signal."
    yield from (f"- {limit}" for limit in _limits(constraints))
    yield "\nOUTPUT FORMAT"
    yield answer_format.describe()
    if strategy.strip():
        yield "\nSTRATEGY (from the operator)"
        yield strategy.strip()


def _limits(limits: Constraints) -> Iterator[str]:
    """The limits that are in force, as facts."""
    if limits.max_equity_usage_pct is not None:
        yield (
            "The notional of one position stays within"
            f" {percent(limits.max_equity_usage_pct)} of equity, what is already held included."
        )
    if limits.max_leverage is not None:
        yield f"Leverage stays within {limits.max_leverage:g}x of equity."
    if limits.max_positions is not None:
        yield f"No more than {limits.max_positions} positions are open at one time."
    if limits.daily_loss_cap_pct is not None:
        yield (
            f"After a loss of {percent(limits.daily_loss_cap_pct)} in a UTC day,"
            " positions can only be reduced."
        )
    if limits.cooldown_seconds:
        span = duration(limits.cooldown_seconds * 1000)
        yield f"After a position was opened, no other is opened for {span}."
    if limits.min_notional is not None:
        yield f"An order is worth at least {amount(limits.min_notional)} in quote currency."
    if not limits.allow_short:
        yield "Short positions are not possible."


def _circumstances(context: ComposeContext) -> Iterator[str]:
    known = situations(context)
    yield "MARKET CONTEXT"
    yield f"Time: {utc(context.ts)}"
    for situation in known:
        yield from _market(situation)
    yield "\nYOUR POSITION"
    yield from _account(context, known)
    yield "\nRECENT RESULTS"
    yield from _results(context, known)
    yield "\nOutput your decision as JSON now:"


def _market(situation: Situation) -> Iterator[str]:
    snapshot = situation.snapshot
    yield f"\n{situation.symbol}"
    yield f"- Price: {_known(situation.price)}"
    bid, ask = (snapshot.bid, snapshot.ask) if snapshot else (0.0, 0.0)
    yield f"- Bid: {_known(bid if bid > 0 else None)}, ask: {_known(ask if ask > 0 else None)}"
    if snapshot and snapshot.stale_ms is not None:
        yield f"- These prices are {duration(snapshot.stale_ms)} old: open nothing on them."
    fast, slow = situation.feature("ema_20"), situation.feature("ema_50")
    if fast is None or slow is None:
        yield f"- Trend: {_MISSING}"
    else:
        yield f"- Trend: {'bullish' if fast > slow else 'bearish'} (ema_20 against ema_50)"
    if not situation.vectors:
        yield f"- Features: {_MISSING}"
    for vector in situation.vectors:
        yield from _features(vector)


def _features(vector: FeatureVector) -> Iterator[str]:
    """All values of a vector; those that have not warmed up are named as missing."""
    meta = vector.meta or {}
    interval = meta.get("interval")
    yield f"- Features of closed {interval} candles:" if interval else "- Features:"
    missing = dict.fromkeys((*_ALWAYS_SHOWN, *meta.get("missing", ())))
    for name, value in vector.values.items():
        yield f"  - {name}: {amount(value)}"
    for name in missing:
        if name not in vector.values:
            yield f"  - {name}: {_MISSING}"


def _account(context: ComposeContext, known: Sequence[Situation]) -> Iterator[str]:
    portfolio = context.portfolio
    currency = portfolio.quote_ccy
    yield f"- Account equity: {_money(portfolio.total_value, currency)}"
    yield f"- Free for new positions: {_money(portfolio.buying_power, currency)}"
    for situation in known:
        position = situation.position
        if position is None or position.quantity == 0:
            yield f"- {situation.symbol}: no position (quantity 0)"
            continue
        side = "long" if position.quantity > 0 else "short"
        held = "unknown" if position.entry_ts is None else duration(context.ts - position.entry_ts)
        yield (
            f"- {situation.symbol}: {side}, quantity {position.quantity!r},"
            f" entry price {_known(position.avg_price)},"
            f" unrealized profit {_money(position.unrealized_pnl, currency)}, held for {held}"
        )


def _results(context: ComposeContext, known: Sequence[Situation]) -> Iterator[str]:
    """The digest in numbers; free text of earlier answers is never told to a model again."""
    digest = context.digest
    for situation in known:
        entry = digest.by_instrument.get(situation.symbol)
        if entry is None or entry.trade_count == 0:
            yield f"- {situation.symbol}: no closed trades yet"
        else:
            yield f"- {situation.symbol}: {', '.join(_digest(entry, context))}"
    if digest.sharpe_ratio is not None:
        yield f"- Sharpe ratio of the account, annualized: {digest.sharpe_ratio:.2f}"


def _digest(entry: TradeDigestEntry, context: ComposeContext) -> Iterator[str]:
    currency = context.portfolio.quote_ccy
    yield f"{entry.trade_count} closed trades"
    yield f"realized profit {_money(entry.realized_pnl, currency)}"
    if entry.win_rate is not None:
        yield f"{percent(entry.win_rate, 0)} of them won"
    if entry.avg_holding_ms is not None:
        yield f"held for {duration(entry.avg_holding_ms)} on average"
    if entry.last_trade_ts is not None:
        yield f"last trade {duration(context.ts - entry.last_trade_ts)} ago"
    if entry.max_drawdown is not None:
        yield f"largest drawdown {_money(entry.max_drawdown, currency)}"
    if entry.recent_performance_score is not None:
        yield f"recent score {entry.recent_performance_score:.2f} (-1 all lost, 1 all won)"


def _known(value: float | None) -> str:
    return "unknown" if value is None else amount(value)


def _money(value: float | None, currency: str) -> str:
    return "unknown" if value is None else f"{amount(value)} {currency}"
