"""The digest: equal to a count by hand, and as quick late as early."""

import math
import statistics
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading_history.samples import BTC, DAY_MS, NOON
from tui_trader.models import HistoryRecord, RecordKind, TradeDigestEntry, TradeHistoryEntry
from tui_trader.trading_history import digest as digest_module
from tui_trader.trading_history.digest import RollingDigestBuilder, sharpe_ratio

money = st.floats(-1e6, 1e6).map(lambda value: round(value, 2))
trades = st.builds(
    lambda symbol, pnl, pct, hold, entry, quantity, ts: TradeHistoryEntry.model_validate(
        {
            "instrument": {"symbol": symbol},
            "side": "SELL",
            "type": "LONG",
            "quantity": quantity,
            "entry_price": entry,
            "realized_pnl": pnl,
            "realized_pnl_pct": pct,
            "holding_ms": hold,
            "exit_ts": ts,
        }
    ),
    st.sampled_from(["BTC/USDT", "ETH/USDT", "SOL/USDT"]),
    st.none() | money,
    st.none() | st.floats(-0.5, 0.5),
    st.none() | st.integers(0, 10**9),
    st.none() | st.floats(0.01, 1e5),
    st.floats(0.001, 1e3),
    st.none() | st.integers(NOON, NOON + 30 * DAY_MS),
)


def execution(ts: int, closed: list[TradeHistoryEntry]) -> HistoryRecord:
    payload = {"results": [], "trades": [trade.model_dump(mode="json") for trade in closed]}
    return HistoryRecord(ts=ts, kind=RecordKind.EXECUTION, reference_id="c", payload=payload)


def trade(pnl: float | None = None, **changes: Any) -> TradeHistoryEntry:
    values = {
        "instrument": BTC,
        "side": "SELL",
        "type": "LONG",
        "quantity": 1.0,
        "realized_pnl": pnl,
        **changes,
    }
    return TradeHistoryEntry.model_validate(values)


def by_hand(history: list[TradeHistoryEntry], symbol: str, window: int) -> dict[str, Any]:
    lately = [trade for trade in history if trade.instrument.symbol == symbol][-window:]
    pnl = [trade.realized_pnl for trade in lately if trade.realized_pnl is not None]
    curve = [0.0, *accumulate(pnl)]
    holding = [trade.holding_ms for trade in lately if trade.holding_ms is not None]
    priced = [trade for trade in lately if trade.entry_price is not None]
    won, lost = sum(x for x in pnl if x > 0), -sum(x for x in pnl if x < 0)
    score = (won - lost) / (won + lost) if won + lost else 0.0
    return {
        "trade_count": len(lately),
        "realized_pnl": sum(pnl),
        "win_rate": len([x for x in pnl if x > 0]) / len(pnl) if pnl else None,
        "avg_holding_ms": sum(holding) / len(holding) if holding else None,
        "last_trade_ts": max((t.exit_ts for t in lately if t.exit_ts is not None), default=None),
        "avg_entry_price": sum((t.entry_price or 0) * t.quantity for t in priced)
        / sum(t.quantity for t in priced)
        if priced
        else None,
        "max_drawdown": max(high - low for i, high in enumerate(curve) for low in curve[i:])
        if pnl
        else None,
        "recent_performance_score": score if pnl else None,
    }


@given(st.lists(st.lists(trades, max_size=4), max_size=20), st.integers(1, 8))
def test_the_digest_is_what_a_count_by_hand_says(
    cycles: list[list[TradeHistoryEntry]], window: int
) -> None:
    builder = RollingDigestBuilder(window)
    history: list[TradeHistoryEntry] = []
    for number, closed in enumerate(cycles):
        history += closed
        digest = builder.build([execution(NOON + number, closed)])
        assert digest.ts == NOON + number
        assert set(digest.by_instrument) == {trade.instrument.symbol for trade in history}
        for symbol, entry in digest.by_instrument.items():
            expected = by_hand(history, symbol, window)
            assert set(expected) | {"instrument"} == set(TradeDigestEntry.model_fields)
            for field, value in expected.items():
                close = None if value is None else pytest.approx(value, rel=1e-9, abs=0.51e-5)
                if field == "avg_holding_ms" and value is not None:
                    close = pytest.approx(value, abs=0.5000001)
                assert getattr(entry, field) == close, field
            score = entry.recent_performance_score
            assert score is None or -1 <= score <= 1
        assert digest.sharpe_ratio == sharpe_ratio(history[-window:])


@given(st.lists(st.lists(trades, max_size=3), max_size=10))
def test_cycle_by_cycle_or_all_at_once_gives_the_same(
    cycles: list[list[TradeHistoryEntry]],
) -> None:
    records = [execution(NOON + number, closed) for number, closed in enumerate(cycles)]
    stepwise, at_once = RollingDigestBuilder(5), RollingDigestBuilder(5)
    digest = stepwise.build([])
    for record in records:
        digest = stepwise.build([record])
    assert digest == at_once.build(records)


def test_nothing_executed_is_an_empty_digest_and_other_records_move_only_its_time() -> None:
    builder = RollingDigestBuilder()
    assert builder.build([]).ts == 0
    decided = HistoryRecord(ts=NOON, kind=RecordKind.COMPOSE, reference_id="c", payload={})
    digest = builder.build([decided, execution(NOON, [])])
    assert (digest.ts, digest.by_instrument, digest.sharpe_ratio) == (NOON, {}, None)


def test_unknown_profits_are_unknown_never_zero() -> None:
    entry = RollingDigestBuilder().build([execution(NOON, [trade()])]).by_instrument["BTC/USDT"]
    assert entry.trade_count == 1
    assert (entry.win_rate, entry.max_drawdown, entry.recent_performance_score) == (None,) * 3
    assert (entry.avg_entry_price, entry.avg_holding_ms, entry.last_trade_ts) == (None,) * 3


def test_drawdown_is_measured_from_the_highest_point() -> None:
    closed = [trade(pnl) for pnl in (100.0, -30.0, 10.0, -50.0, 200.0, -10.0)]
    entry = RollingDigestBuilder().build([execution(NOON, closed)]).by_instrument["BTC/USDT"]
    assert entry.max_drawdown == 70.0
    assert entry.realized_pnl == 220.0


def returns(values: list[float], gap_ms: int) -> list[TradeHistoryEntry]:
    return [
        trade(realized_pnl_pct=value, exit_ts=NOON + number * gap_ms)
        for number, value in enumerate(values)
    ]


def test_sharpe_is_the_textbook_formula_scaled_by_trades_a_year() -> None:
    values = [0.01, -0.02, 0.03, 0.005, 0.01, -0.01, 0.02, 0.0, 0.015, -0.005, 0.01]
    expected = statistics.mean(values) / statistics.stdev(values) * math.sqrt(365)
    assert sharpe_ratio(returns(values, DAY_MS)) == pytest.approx(expected)


def test_sharpe_is_unknown_while_it_means_nothing() -> None:
    values = [0.01, -0.02] * 5
    assert sharpe_ratio(returns(values, DAY_MS)) is not None
    assert sharpe_ratio(returns(values[:9], DAY_MS)) is None
    assert sharpe_ratio(returns(values, 60_000)) is None
    assert sharpe_ratio(returns([0.01] * 20, DAY_MS)) is None
    assert sharpe_ratio([trade(1.0)] * 20) is None


def test_the_ten_thousandth_cycle_looks_at_no_more_trades_than_the_hundredth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    summarise = digest_module.summarise

    def counting(lately: Any) -> TradeDigestEntry:
        seen.append(len(lately))
        return summarise(lately)

    monkeypatch.setattr(digest_module, "summarise", counting)
    builder = RollingDigestBuilder(window=20)
    other = trade(1.0, instrument={"symbol": "ETH/USDT"})
    builder.build([execution(NOON, [other])])
    for number in range(2_000):
        builder.build([execution(NOON + number, [trade(1.0)])])
    assert seen == [1, *range(1, 20), *[20] * 1_981]
