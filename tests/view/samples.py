"""Messages as an engine would publish them, for tests."""

from hypothesis import strategies as st

from tui_trader.messages import (
    AlertRaised,
    CandleChanged,
    CommandResult,
    CycleCompleted,
    CycleSkipped,
    CycleStarted,
    DecisionInspected,
    DecisionMade,
    EngineHealth,
    Fact,
    Message,
    ModelState,
    ModelStatus,
    OrderRequested,
    OrderUpdated,
    PortfolioMarked,
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
    ComposeAudit,
    DecisionRecord,
    Fill,
    InstrumentRef,
    PortfolioView,
    TargetPosition,
    Ticker,
    TradeDigest,
    TradeInstruction,
    TradeSide,
    TxResult,
    TxStatus,
    Verdict,
)

BTC = "BTC/USDT"
ETH = "ETH/USDT"
MINUTES = 300_000

SESSION = SessionInfo(
    name="sample",
    mode="paper",
    venue="simulated",
    market="spot",
    symbols=(BTC, ETH),
    timeframe="5m",
    interval_seconds=300.0,
    strategy="rules",
    model=None,
    source="simulated",
    initial_capital=10_000.0,
    quote_ccy="USDT",
    pid=1,
    started_ts=0,
    data_folder="data",
    max_equity_usage_pct=0.1,
    max_leverage=1.0,
    daily_loss_cap_pct=0.03,
    cooldown_seconds=None,
    trading_enabled=True,
)


def instrument(symbol: str = BTC) -> InstrumentRef:
    return InstrumentRef(symbol=symbol)


def candle(
    ts: int, close: float = 100.0, symbol: str = BTC, interval: str = "5m", closed: bool = True
) -> CandleChanged:
    bar = Candle(
        ts=ts,
        instrument=instrument(symbol),
        open=close,
        high=close,
        low=close,
        close=close,
        volume=1.0,
        interval=interval,
    )
    return CandleChanged(ts, bar, closed)


def quote(ts: int, last: float = 100.0, symbol: str = BTC) -> QuoteChanged:
    return QuoteChanged(ts, Ticker(symbol=symbol, ts=ts, bid=last, ask=last, last=last))


def portfolio(ts: int, equity: float | None = 10_000.0) -> PortfolioView:
    return PortfolioView(ts=ts, cash=10_000.0, account_balance=10_000.0, total_value=equity)


def decision(
    number: int, ts: int = 0, rationale: str = "because", reasoning: str = "", outcome: str = "ok"
) -> DecisionMade:
    target = TargetPosition(
        instrument=instrument(), action=Action.LONG, target_qty=0.5, size_pct=0.08
    )
    return DecisionMade(
        ts,
        compose_id=f"c{number}",
        number=number,
        targets=(target,),
        provider="rules",
        model=None,
        outcome=outcome,
        rationale=rationale,
        reasoning=reasoning,
    )


def status(state: ModelState, ts: int = 0, cost: float | None = 0.31) -> ModelStatus:
    return ModelStatus(ts, state, "deepseek", "m", "why", cost_today_usd=cost)


def record(compose_id: str = "c1", **audit: object) -> DecisionRecord:
    said = {"provider": "deepseek", "prompt": "told", "raw_output": "{}"} | audit
    return DecisionRecord(compose_id=compose_id, ts=0, audit=ComposeAudit.model_validate(said))


def inspected(compose_id: str = "c1", **audit: object) -> DecisionInspected:
    return DecisionInspected(0, record(compose_id, **audit))


def verdicts(number: int, ts: int = 0) -> RiskAssessed:
    veto = Verdict(symbol=BTC, rule="daily_loss", outcome="veto", reason="cap of 3.00 % reached")
    clip = Verdict(
        symbol=ETH, rule="equity_usage", outcome="clip", requested_qty=0.9, allowed_qty=0.5
    )
    passed = Verdict(symbol=BTC, rule="leverage", outcome="pass")
    return RiskAssessed(ts, f"c{number}", (veto, clip, passed))


def order(number: int, ts: int = 0) -> OrderRequested:
    instruction = TradeInstruction(
        instruction_id=f"c{number}:{BTC}",
        compose_id=f"c{number}",
        instrument=instrument(),
        side=TradeSide.BUY,
        quantity=0.015,
    )
    return OrderRequested(ts, instruction)


def filled(number: int, ts: int = 0, fills: int = 1) -> OrderUpdated:
    executions = tuple(
        Fill(
            trade_id=f"t{number}.{n}",
            order_id=f"o{number}",
            instruction_id=f"c{number}:{BTC}",
            compose_id=f"c{number}",
            symbol=BTC,
            side=TradeSide.BUY,
            quantity=0.015,
            price=67_412.5,
            fee=0.56,
            ts=ts,
        )
        for n in range(fills)
    )
    return OrderUpdated(ts, _result(number, TxStatus.FILLED, 0.015 * fills, executions))


def refused(number: int, reason: str, ts: int = 0) -> OrderUpdated:
    return OrderUpdated(ts, _result(number, TxStatus.REJECTED, 0.0, (), reason))


def _result(
    number: int,
    status: TxStatus,
    filled_qty: float,
    fills: tuple[Fill, ...],
    reason: str | None = None,
) -> TxResult:
    return TxResult(
        instruction_id=f"c{number}:{BTC}",
        instrument=instrument(),
        side=TradeSide.BUY,
        status=status,
        requested_qty=0.015,
        filled_qty=filled_qty,
        avg_exec_price=67_412.5 if filled_qty else None,
        fills=fills,
        reason=reason,
    )


def completed(number: int, ts: int = 0, equity: float | None = 10_010.0) -> CycleCompleted:
    return CycleCompleted(
        ts,
        compose_id=f"c{number}",
        number=number,
        logs=(),
        portfolio=portfolio(ts, equity),
        digest=TradeDigest(ts=ts),
        duration_ms=3,
    )


def state(to: TradingState, ts: int = 0, reason: str = "asked") -> TradingStateChanged:
    return TradingStateChanged(ts, to, reason, "console")


def alert(ts: int = 0, severity: Severity = Severity.WARNING, text: str = "look") -> AlertRaised:
    return AlertRaised(ts, severity, "feed", text)


def snapshot(*facts: Fact, seq: int = 0) -> Snapshot:
    return Snapshot(
        ts=0,
        seq=seq,
        session=SESSION,
        state=TradingState.ACTIVE,
        portfolio=None,
        candles=(),
        quotes=(),
        equity=(),
        facts=facts,
    )


_times = st.integers(0, 20).map(lambda n: n * MINUTES)
_cycles = st.integers(1, 6)
_symbols = st.sampled_from([BTC, ETH])
_prices = st.floats(1.0, 1e5)
_words = st.text(max_size=30)

facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(lambda n, ts: CycleStarted(ts, f"c{n}", n), _cycles, _times),
    st.builds(decision, _cycles, _times, _words, _words),
    st.builds(verdicts, _cycles, _times),
    st.builds(order, _cycles, _times),
    st.builds(filled, _cycles, _times, st.integers(0, 3)),
    st.builds(refused, _cycles, _words, _times),
    st.builds(completed, _cycles, _times, st.none() | _prices),
    st.builds(CycleSkipped, _times, _words),
    st.builds(state, st.sampled_from(TradingState), _times, _words),
    st.builds(alert, _times, st.sampled_from(Severity), _words),
    st.builds(CommandResult, _times, _words, st.just("PAUSE"), st.booleans(), _words),
)
levels: st.SearchStrategy[Message] = st.one_of(
    st.builds(quote, _times, _prices, _symbols),
    st.builds(candle, _times, _prices, _symbols, st.sampled_from(["5m", "1h"]), st.booleans()),
    st.builds(lambda ts, value: PortfolioMarked(ts, portfolio(ts, value)), _times, _prices),
    st.builds(lambda n, ts, text: ReasoningStreamed(ts, f"c{n}", text), _cycles, _times, _words),
    st.builds(status, st.sampled_from(ModelState), _times, st.none() | _prices),
    st.builds(lambda n, words: inspected(f"c{n}", prompt=words), _cycles, _words),
    st.builds(
        lambda ts: EngineHealth(ts, feed_age_ms=1, next_cycle_ts=None, cycle_running=False), _times
    ),
)
messages: st.SearchStrategy[Message] = st.one_of(facts, levels)
