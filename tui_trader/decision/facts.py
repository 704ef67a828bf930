"""The facts of one decision in lines: each with its unit, unknown as unknown, stale as stale.

Times are absolute where a line would else change though nothing has happened.
"""

import math
from collections.abc import Iterator, Sequence

from tui_trader.decision.situation import Situation
from tui_trader.decision.words import amount, duration, moment, percent
from tui_trader.models import (
    ComposeContext,
    Constraints,
    FeatureVector,
    OpeningBar,
    PositionSnapshot,
    TradeDigestEntry,
)
from tui_trader.text import one_line

_WARMING_UP = "missing (not enough history yet)"
_NAME_CHARS = 64
_REASON_CHARS = 200
_QUOTED = frozenset({"bid", "ask", "last"})
"""Features of quotes that the prices tell already."""


def limits(in_force: Constraints) -> Iterator[str]:
    """The limits that are in force."""
    if in_force.max_equity_usage_pct is not None:
        yield (
            "- The notional of one position stays within"
            f" {percent(in_force.max_equity_usage_pct)} of equity, what is already held included."
        )
    if in_force.max_leverage is not None:
        yield f"- Leverage stays within {in_force.max_leverage:g}x of equity."
    yield from _exposure(in_force)
    if in_force.max_positions is not None:
        yield f"- No more than {in_force.max_positions} positions are open at one time."
    if in_force.daily_loss_cap_pct is not None:
        yield (
            f"- After a loss of {percent(in_force.daily_loss_cap_pct)} in a UTC day,"
            " positions can only be reduced."
        )
    if in_force.max_drawdown_pct is not None:
        yield (
            f"- After a fall of {percent(in_force.max_drawdown_pct)} from the highest equity,"
            " positions can only be reduced until the operator resumes."
        )
    yield from _pauses(in_force)
    yield from _protection(in_force)
    if in_force.min_confidence:
        least = percent(in_force.min_confidence, 0)
        yield f"- What is decided with a confidence below {least} opens nothing."
    if in_force.min_notional:
        yield f"- An order is worth at least {amount(in_force.min_notional)} in quote currency."
    if not in_force.allow_short:
        yield "- Short positions are not possible."


def _exposure(in_force: Constraints) -> Iterator[str]:
    """The limits on all positions together."""
    if in_force.max_gross_pct is not None:
        yield (
            "- The notional of all positions together stays within"
            f" {percent(in_force.max_gross_pct)} of equity, open orders included."
        )
    if in_force.max_net_pct is not None:
        yield (
            "- The notional of longs less that of shorts, or the other way round, stays within"
            f" {percent(in_force.max_net_pct)} of equity, open orders included."
        )


def _protection(in_force: Constraints) -> Iterator[str]:
    """What every opening must be, or is, protected by."""
    if in_force.trailing_stop_pct is not None:
        yield (
            "- Every opening gets a stop that follows the best price, "
            f"{percent(in_force.trailing_stop_pct)} away from it."
        )
    elif in_force.require_stop:
        yield "- Nothing is opened without a stop-loss."
    if in_force.min_liquidation_distance_pct:
        yield (
            "- Nothing is opened that would be liquidated less than"
            f" {percent(in_force.min_liquidation_distance_pct)} away from the price."
        )


def _pauses(in_force: Constraints) -> Iterator[str]:
    """The limits in time on openings."""
    if in_force.cooldown_seconds:
        span = duration(in_force.cooldown_seconds * 1000)
        yield f"- After an opening in a symbol, nothing more is opened in it for {span}."
    if in_force.cooldown_after_close_seconds:
        span = duration(in_force.cooldown_after_close_seconds * 1000)
        yield f"- After a close in a symbol, even in part, nothing is opened in it for {span}."
    if in_force.min_hold_seconds:
        span = duration(in_force.min_hold_seconds * 1000)
        yield f"- After an opening in a symbol, its other side is not opened for {span}."
    if in_force.max_opens_per_hour is not None:
        yield f"- No more than {in_force.max_opens_per_hour} openings are made in an hour."


def results(context: ComposeContext, known: Sequence[Situation]) -> Iterator[str]:
    """The digest in numbers; free text of earlier answers is never told to a model again."""
    digest = context.digest
    for situation in known:
        entry = digest.by_instrument.get(situation.symbol)
        if entry is None or entry.trade_count == 0:
            yield f"- {_name(situation.symbol)}: no closed trades yet"
        else:
            yield f"- {_name(situation.symbol)}: {', '.join(_digest(entry, context))}"
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
        yield f"last trade at {moment(entry.last_trade_ts, context.ts)}"
    if entry.max_drawdown is not None:
        yield f"largest drawdown {_money(entry.max_drawdown, currency)}"
    if entry.recent_performance_score is not None:
        yield f"recent score {entry.recent_performance_score:.2f} (-1 all lost, 1 all won)"


def barred(bars: Sequence[OpeningBar], now: int) -> Iterator[str]:
    """What can't be opened whatever is decided, and until when."""
    yield "- What is held can always be reduced and closed, these symbols included."
    for bar in bars:
        symbol, reason = _name(bar.symbol), one_line(bar.reason, _REASON_CHARS)
        if bar.until_ts is None:
            yield f"- You cannot open {symbol} as long as this lasts: {reason}."
        else:
            yield f"- You cannot open {symbol} before {moment(bar.until_ts, now)}: {reason}."


def candles(context: ComposeContext, known: Sequence[Situation]) -> Iterator[str]:
    """Trend and features of closed candles, by symbol and timeframe."""
    for situation in known:
        yield f"\n{_name(situation.symbol)}"
        fast, slow = situation.feature("ema_20"), situation.feature("ema_50")
        if fast is None or slow is None or not math.isfinite(fast - slow):
            yield "- Trend: missing"
        else:
            yield f"- Trend: {'bullish' if fast > slow else 'bearish'} (ema_20 against ema_50)"
        if not situation.candle_vectors:
            yield "- Features: missing"
        for vector in situation.candle_vectors:
            yield from _features(vector, context.ts)


def _features(vector: FeatureVector, now: int) -> Iterator[str]:
    """All values of a vector; those that have not warmed up are named as missing."""
    meta = vector.meta or {}
    at = moment(vector.ts, now)
    if interval := meta.get("interval"):
        yield f"- Features of closed {_name(interval)} candles, the last of them closed at {at}:"
    else:
        yield f"- Features as of {at}:"
    for name, value in vector.values.items():
        yield f"  - {_name(name)}: {amount(value) if math.isfinite(value) else 'missing'}"
    for name in meta.get("missing") or ():
        if name not in vector.values:
            yield f"  - {_name(name)}: {_WARMING_UP}"


def account(context: ComposeContext, known: Sequence[Situation]) -> Iterator[str]:
    """The account, and the position in every symbol."""
    portfolio = context.portfolio
    currency = portfolio.quote_ccy
    yield f"- Account equity: {_money(portfolio.total_value, currency)}"
    yield f"- Free for new positions: {_money(portfolio.buying_power, currency)}"
    yield f"- Notional of all positions: {_money(portfolio.gross_exposure, currency)}"
    for situation in known:
        position = situation.position
        if position is None or position.quantity == 0:
            yield f"- {_name(situation.symbol)}: no position (quantity 0)"
        else:
            told = _position(position, currency, context.ts)
            yield f"- {_name(situation.symbol)}: {', '.join(told)}"


def _position(position: PositionSnapshot, currency: str, now: int) -> Iterator[str]:
    yield "long" if position.quantity > 0 else "short"
    yield f"quantity {position.quantity!r}"
    yield f"entry price {_known(position.avg_price)}"
    yield f"mark price {_known(position.mark_price)}"
    share = "" if position.pnl_pct is None else f" ({percent(position.pnl_pct)} of the entry value)"
    yield f"unrealized profit {_money(position.unrealized_pnl, currency)}{share}"
    held = "unknown" if position.entry_ts is None else duration(now - position.entry_ts)
    yield f"held for {held}"
    yield "leverage unknown" if position.leverage is None else f"leverage {position.leverage:g}x"


def prices(context: ComposeContext, known: Sequence[Situation], *, shorts: bool) -> Iterator[str]:
    """Quotes with their age, and the funding of perpetuals; `shorts` says that the market has
    short positions, so that its symbols are perpetuals.

    A symbol is one item of several lines: a price is never told without its age.
    """
    for situation in known:
        yield "\n".join(_quote(situation, context.ts, shorts))


def _quote(situation: Situation, now: int, shorts: bool) -> Iterator[str]:
    snapshot = situation.snapshot
    yield f"\n{_name(situation.symbol)}"
    yield f"- Price: {_known(situation.price)}"
    bid, ask = (snapshot.bid, snapshot.ask) if snapshot else (0.0, 0.0)
    yield f"- Bid: {_known(bid if bid > 0 else None)}, ask: {_known(ask if ask > 0 else None)}"
    yield from _age(situation, now)
    for vector in situation.quote_vectors:
        for name, value in vector.values.items():
            if name not in _QUOTED:
                yield f"- {_name(name)}: {_known(value)}"
    if snapshot is not None and snapshot.funding_rate is not None:
        yield f"- Funding: {_funding(snapshot.funding_rate, snapshot.next_funding_ts, now)}"
    elif shorts or ":" in situation.symbol:
        yield "- Funding: unknown"


def _age(situation: Situation, now: int) -> Iterator[str]:
    snapshot = situation.snapshot
    if snapshot is not None and snapshot.stale_ms is not None:
        yield f"- These prices are {duration(snapshot.stale_ms)} old: open nothing on them."
    elif snapshot is not None and situation.quoted_at is not None:
        yield f"- These prices are {duration(now - situation.quoted_at)} old."


def _funding(rate: float, next_ts: int | None, now: int) -> str:
    """Who pays whom, since a sign alone does not say it."""
    pays = "longs pay shorts" if rate > 0 else "shorts pay longs" if rate < 0 else "nobody pays"
    when = "at an unknown time"
    if next_ts is not None and next_ts > now:
        when = f"at {moment(next_ts, now)}"
    size = f"{amount(abs(rate) * 100)} % ({amount(abs(rate) * 10_000)} bps) of the notional"
    return f"{pays} {size} {when}"


def _name(text: object) -> str:
    """A name that came from a venue or a pipeline, on one line."""
    return one_line(str(text), _NAME_CHARS)


def _known(value: float | None) -> str:
    return "unknown" if value is None or not math.isfinite(value) else amount(value)


def _money(value: float | None, currency: str) -> str:
    known = _known(value)
    return known if known == "unknown" else f"{known} {_name(currency)}"
