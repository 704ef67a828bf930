"""A fixed, rich account: what every picture and test of the console is drawn from."""

import math
import random
from dataclasses import replace

from tui_trader.messages import (
    AlertRaised,
    CycleCompleted,
    CycleStarted,
    DecisionMade,
    EngineHealth,
    Fact,
    OrderUpdated,
    QuoteChanged,
    ReasoningStreamed,
    RiskAssessed,
    SessionInfo,
    Severity,
    Snapshot,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import (
    Action,
    Candle,
    Fill,
    InstrumentRef,
    MetricPoint,
    PortfolioView,
    PositionSnapshot,
    TargetPosition,
    Ticker,
    TradeDigest,
    TradeSide,
    TradeType,
    TxResult,
    TxStatus,
    Verdict,
)

NOW = 1_767_364_327_000  # 2026-01-02 14:32:07 UTC
STEP = 300_000
SYMBOLS = ("BTC/USDT", "ETH/USDT", "DOGE/USDT")
STARTS = {"BTC/USDT": 67_000.0, "ETH/USDT": 3_500.0, "DOGE/USDT": 0.0224}

REASONING = (
    "The 4h trend is up (EMA20 above EMA50) and RSI is 61, but funding is stretched and the last "
    "two breakouts failed near the day's high. Waiting for a retest before adding.\n"
    "ETH short still inside its range; the stop stays where it is. DOGE has no edge: hold."
)


def candles(symbol: str, count: int = 200, *, end: int = NOW) -> tuple[Candle, ...]:
    """A walk that is the same every time; the last candle still forms at `end`."""
    steps = random.Random(symbol)
    price = STARTS[symbol]
    last_open = end - end % STEP
    out = []
    for index in range(count):
        drift = math.sin(index / 17) * 0.0012
        close = price * (1 + drift + steps.gauss(0, 0.0016))
        high = max(price, close) * (1 + abs(steps.gauss(0, 0.0009)))
        low = min(price, close) * (1 - abs(steps.gauss(0, 0.0009)))
        out.append(
            Candle(
                ts=last_open - (count - 1 - index) * STEP,
                instrument=InstrumentRef(symbol=symbol),
                open=price,
                high=high,
                low=low,
                close=close,
                volume=80 + abs(steps.gauss(0, 60)) + abs(close - price) / price * 20_000,
                interval="5m",
            )
        )
        price = close
    return tuple(out)


def ticker(symbol: str, last: float | None = None, ts: int = NOW) -> Ticker:
    """A quote around the last close."""
    last = candles(symbol)[-1].close if last is None else last
    return Ticker(symbol=symbol, ts=ts, bid=last * 0.9999, ask=last * 1.0001, last=last)


def position(symbol: str, quantity: float, entry: float, minutes: int) -> PositionSnapshot:
    """A position marked at the last close."""
    mark = candles(symbol)[-1].close
    pnl = (mark - entry) * quantity
    return PositionSnapshot(
        instrument=InstrumentRef(symbol=symbol),
        quantity=quantity,
        avg_price=entry,
        mark_price=mark,
        unrealized_pnl=pnl,
        notional=abs(quantity) * mark,
        leverage=1.0,
        entry_ts=NOW - minutes * 60_000,
        pnl_pct=pnl / (abs(quantity) * entry),
        trade_type=TradeType.LONG if quantity > 0 else TradeType.SHORT,
    )


def portfolio(*, flat: bool = False) -> PortfolioView:
    """Two positions, or none."""
    held = {}
    if not flat:
        held = {
            "BTC/USDT": position("BTC/USDT", 0.015, candles("BTC/USDT")[-27].close, 134),
            "ETH/USDT": position("ETH/USDT", -0.4, candles("ETH/USDT")[-4].close, 17),
        }
    unrealized = sum(p.unrealized_pnl or 0.0 for p in held.values())
    gross = sum(p.notional or 0.0 for p in held.values())
    return PortfolioView(
        strategy_id="demo",
        ts=NOW,
        cash=10_231.42,
        account_balance=10_231.42,
        positions=held,
        gross_exposure=gross,
        net_exposure=gross,
        total_value=10_231.42 + unrealized,
        total_unrealized_pnl=unrealized,
        total_realized_pnl=237.63,
        fees_paid=6.21,
        available_cash=10_231.42 - gross,
        buying_power=10_231.42 - gross,
    )


def session(*, demo: bool = True, mode: str = "paper", model: str | None = "gpt-x") -> SessionInfo:
    """A paper session on three symbols."""
    return SessionInfo(
        name="demo",
        mode=mode,
        venue="simulated",
        market="spot",
        symbols=SYMBOLS,
        timeframe="5m",
        interval_seconds=300,
        strategy="llm" if model else "rules",
        model=model,
        source="simulated",
        initial_capital=10_000,
        quote_ccy="USDT",
        pid=4121,
        started_ts=NOW - 11 * 3_600_000,
        data_folder="/data/demo",
        max_equity_usage_pct=0.2,
        max_leverage=1.0,
        daily_loss_cap_pct=0.03,
        cooldown_seconds=300,
        trading_enabled=True,
        demo=demo,
    )


def equity(count: int = 160) -> tuple[MetricPoint, ...]:
    """Equity that rises with setbacks, since yesterday."""
    steps = random.Random("equity")
    changes = [steps.gauss(1.4, 9.0) + math.sin(index / 11) * 3 for index in range(count)]
    value = (portfolio().total_value or 0.0) - sum(changes[1:])
    out = []
    for index, change in enumerate(changes):
        value += change if index else 0.0
        out.append(MetricPoint(ts=NOW - (count - 1 - index) * STEP * 2, value=value))
    return tuple(out)


def target(symbol: str, action: Action, confidence: float, size: float = 0.0) -> TargetPosition:
    """One symbol's decision."""
    return TargetPosition(
        instrument=InstrumentRef(symbol=symbol),
        action=action,
        target_qty=0.0,
        size_pct=size,
        confidence=confidence,
    )


def cycle(number: int, ts: int, first_seq: int, action: Action = Action.HOLD) -> list[Fact]:
    """The facts of one cycle; a long or short also fills an order."""
    compose_id = f"c{number}"
    facts: list[Fact] = [
        CycleStarted(ts=ts, compose_id=compose_id, number=number),
        DecisionMade(
            ts=ts,
            compose_id=compose_id,
            number=number,
            targets=(
                target("BTC/USDT", action, 0.62, 0.0 if action is Action.HOLD else 0.3),
                target("ETH/USDT", Action.HOLD, 0.55),
                target("DOGE/USDT", Action.HOLD, 0.51),
            ),
            provider="deepseek",
            model="gpt-x",
            outcome="ok",
            rationale="Wait for a retest.",
            reasoning=REASONING,
            latency_ms=2_400,
            token_usage={"total_tokens": 1_912},
        ),
        RiskAssessed(ts=ts, compose_id=compose_id, verdicts=verdicts(action)),
    ]
    if action is not Action.HOLD:
        facts.append(OrderUpdated(ts=ts, result=fill(compose_id, ts, action)))
    facts.append(
        CycleCompleted(
            ts=ts,
            compose_id=compose_id,
            number=number,
            logs=(),
            portfolio=portfolio(),
            digest=TradeDigest(ts=ts, sharpe_ratio=1.8),
            duration_ms=2_450,
        )
    )
    return [_numbered(fact, first_seq + index) for index, fact in enumerate(facts)]


def verdicts(action: Action) -> tuple[Verdict, ...]:
    """A clip for what trades, a veto for a close, else a pass."""
    if action is Action.CLOSE:
        return (
            Verdict(symbol="ETH/USDT", rule="cooldown", outcome="veto", reason="cooldown active"),
        )
    if action is Action.HOLD:
        return (Verdict(symbol="BTC/USDT", rule="hold", outcome="pass"),)
    return (
        Verdict(
            symbol="BTC/USDT",
            rule="max_equity_usage",
            outcome="clip",
            reason="exceeds max position size",
            requested_qty=0.0457,
            allowed_qty=0.015,
        ),
    )


def fill(compose_id: str, ts: int, action: Action) -> TxResult:
    """A filled market order in BTC."""
    side = TradeSide.BUY if action is Action.LONG else TradeSide.SELL
    at = next(c.close for c in candles("BTC/USDT") if c.ts <= ts < c.ts + STEP)
    instruction = f"{compose_id}:BTC/USDT"
    return TxResult(
        instruction_id=instruction,
        instrument=InstrumentRef(symbol="BTC/USDT"),
        side=side,
        status=TxStatus.FILLED,
        requested_qty=0.015,
        filled_qty=0.015,
        avg_exec_price=at,
        fee_cost=0.56,
        order_id=f"o-{compose_id}",
        fills=(
            Fill(
                trade_id=f"t-{compose_id}",
                order_id=f"o-{compose_id}",
                instruction_id=instruction,
                compose_id=compose_id,
                symbol="BTC/USDT",
                side=side,
                quantity=0.015,
                price=at,
                fee=0.56,
                ts=ts,
            ),
        ),
    )


def facts() -> tuple[Fact, ...]:
    """Two hours of cycles, with an alert and a pause among them."""
    actions = {128: Action.SHORT, 134: Action.LONG, 139: Action.CLOSE, 146: Action.LONG}
    out: list[Fact] = []
    for number in range(124, 149):
        ts = NOW - NOW % STEP - (148 - number) * STEP
        out += cycle(number, ts + 2_000, len(out) + 1, actions.get(number, Action.HOLD))
        if number == 141:
            out.append(
                AlertRaised(
                    ts=ts + 90_000,
                    seq=len(out) + 1,
                    severity=Severity.WARNING,
                    topic="feed",
                    text="no quote for 7 s, reconnecting",
                )
            )
    out.append(
        TradingStateChanged(
            ts=NOW - 60_000,
            seq=len(out) + 1,
            state=TradingState.ACTIVE,
            reason="resumed by the operator",
            issuer="console",
        )
    )
    return tuple(out)


def snapshot(
    state: TradingState = TradingState.ACTIVE, *, flat: bool = False, demo: bool = True
) -> Snapshot:
    """The state after all of `facts`."""
    told = facts()
    return Snapshot(
        ts=NOW,
        seq=len(told),
        session=session(demo=demo),
        state=state,
        state_reason="" if state is TradingState.ACTIVE else "asked by the operator",
        portfolio=portfolio(flat=flat),
        candles=tuple(candle for symbol in SYMBOLS for candle in candles(symbol)),
        quotes=tuple(map(ticker, SYMBOLS)),
        equity=equity(),
        facts=told,
        digest=TradeDigest(ts=NOW, sharpe_ratio=1.8),
    )


def empty_snapshot() -> Snapshot:
    """An engine that has just started: no candle, no decision, no account yet."""
    return Snapshot(
        ts=NOW,
        seq=0,
        session=session(),
        state=TradingState.ACTIVE,
        portfolio=None,
        candles=(),
        quotes=(),
        equity=(),
        facts=(),
    )


def health(*, next_in: int = 112_000, feed_age: int | None = 300) -> EngineHealth:
    """A sign of life."""
    return EngineHealth(
        ts=NOW, feed_age_ms=feed_age, next_cycle_ts=NOW + next_in, cycle_running=False
    )


def quote(symbol: str, last: float) -> QuoteChanged:
    """A tick."""
    return QuoteChanged(ts=NOW, ticker=ticker(symbol, last))


def thinking(text: str) -> ReasoningStreamed:
    """A decision being made."""
    return ReasoningStreamed(ts=NOW, compose_id="c149", text=text)


def _numbered(fact: Fact, seq: int) -> Fact:
    return replace(fact, seq=seq)
