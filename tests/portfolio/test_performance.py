"""Every figure against its formula over all points at once, written down independently."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.portfolio.books import BTC, fill
from tui_trader.models import MetricPoint, Performance, PortfolioView, Ticker, TradeSide
from tui_trader.portfolio.equity_curve import EquityCurve
from tui_trader.portfolio.ledger import Ledger
from tui_trader.portfolio.performance import PerformanceTracker

HOUR = 3_600_000
DAY = 24 * HOUR
CAPITAL = 10_000.0

Points = list[tuple[int, float]]


def curve_of(points: Points, start: int = 0) -> EquityCurve:
    curve = EquityCurve(CAPITAL, start)
    for ts, equity in points:
        curve.add(ts, equity)
    return curve


def returns_of(points: Points, step: int, start: int = 0) -> np.ndarray:
    """Last value of each period, carried over silent ones, then the changes."""
    last = {-(-ts // step): value for ts, value in [(start, CAPITAL), *points]}
    periods = np.arange(min(last), max(last) + 1)
    known = np.array(sorted(last))
    values = np.array([last[period] for period in known])
    carried = values[np.searchsorted(known, periods, side="right") - 1]
    changes: np.ndarray = np.diff(carried) / carried[:-1]
    return changes


def tracked(
    ledger: Ledger, prices: dict[str, float], symbols: tuple[str, ...] = (BTC,)
) -> PerformanceTracker:
    def quotes(symbol: str) -> Ticker | None:
        if (last := prices.get(symbol)) is None:
            return None
        return Ticker(symbol=symbol, ts=0, bid=last, ask=last, last=last)

    return PerformanceTracker(ledger, symbols, quotes, now=0)


def view(ts: int, equity: float | None, transferred: float = 0.0) -> PortfolioView:
    return PortfolioView(
        ts=ts, cash=0, account_balance=0, total_value=equity, transferred=transferred
    )


steps = st.lists(
    st.tuples(
        st.one_of(
            st.integers(0, 2 * HOUR), st.integers(0, 3 * DAY), st.sampled_from([HOUR, DAY, 0])
        ),
        st.floats(-0.2, 0.25),
    ),
    max_size=80,
)


def points_of(walk: list[tuple[int, float]]) -> Points:
    ts, equity, points = 0, CAPITAL, []
    for wait, change in walk:
        ts, equity = ts + wait, equity * (1 + change)
        points.append((ts, equity))
    return points


@settings(max_examples=500)
@given(steps)
def test_the_ratios_are_those_of_all_regular_returns_at_once(walk: list[tuple[int, float]]) -> None:
    points = points_of(walk)
    sharpe, sortino, periods = curve_of(points).ratios()
    returns, expected = returns_of(points, DAY), 365
    if len(returns) < 30:
        returns, expected = returns_of(points, HOUR), 8_760
    assert periods == expected
    below = np.sqrt(np.mean(np.minimum(returns, 0) ** 2)) if len(returns) else 0.0
    if len(returns) < 30 or returns.std(ddof=1) <= 1e-12:
        assert sharpe is None
    else:
        assert sharpe == pytest.approx(
            returns.mean() / returns.std(ddof=1) * math.sqrt(expected), rel=1e-6, abs=1e-9
        )
    if len(returns) < 30 or below <= 1e-12:
        assert sortino is None
    else:
        assert sortino == pytest.approx(
            returns.mean() / below * math.sqrt(expected), rel=1e-6, abs=1e-9
        )


@settings(max_examples=500)
@given(steps)
def test_the_drawdown_is_that_of_all_points_at_once(walk: list[tuple[int, float]]) -> None:
    points = points_of(walk)
    curve = curve_of(points)
    times = np.array([0, *(ts for ts, _ in points)])
    values = np.array([CAPITAL, *(equity for _, equity in points)])
    highest = np.maximum.accumulate(values)
    falls = 1 - values / highest
    assert curve.drawdown == pytest.approx(falls[-1], abs=1e-12)
    assert curve.total_return == pytest.approx(values[-1] / CAPITAL - 1, abs=1e-12)
    deepest = curve.max_drawdown
    assert (deepest.fraction if deepest else 0.0) == pytest.approx(falls.max(), abs=1e-12)
    if deepest is not None:
        low = int(np.argmax(falls))
        peak = int(np.argmax(values[: low + 1]))
        assert deepest.quote == pytest.approx(values[peak] - values[low])
        assert (deepest.peak_ts, deepest.ts) == (times[peak], times[low])


@settings(max_examples=1_000)
@given(steps, st.integers(0, 79), st.floats(-0.9, 5.0))
def test_a_transfer_is_no_return(walk: list[tuple[int, float]], at: int, share: float) -> None:
    """After a deposit of a share of equity, all money moves as it did; so do all figures."""
    plain, moved = EquityCurve(CAPITAL, 0), EquityCurve(CAPITAL, 0)
    transferred, size = 0.0, 1.0
    for number, (ts, equity) in enumerate(points_of(walk)):
        plain.add(ts, equity)
        if number == at:
            transferred, size = share * equity, 1 + share
        moved.add(ts, equity * size, transferred)
    assert moved.total_return == pytest.approx(plain.total_return, abs=1e-9)
    assert moved.drawdown == pytest.approx(plain.drawdown, abs=1e-9)
    assert moved.cagr == pytest.approx(plain.cagr, rel=1e-6, abs=1e-9)
    assert moved.ratios() == pytest.approx(plain.ratios(), rel=1e-4, abs=1e-6)


def test_an_account_emptied_by_withdrawal_has_lost_nothing() -> None:
    curve = curve_of([(1, 11_000.0)])
    curve.add(2, 0.0, -11_000.0)
    curve.add(3, 0.0, -11_000.0)
    assert curve.total_return == pytest.approx(0.1)
    assert curve.drawdown == 0.0
    curve.add(4, 500.0, -10_500.0)
    curve.add(5, 550.0, -10_500.0)
    assert curve.total_return == pytest.approx(0.21)


def test_a_fall_after_a_deposit_is_told_in_the_money_of_then() -> None:
    curve = curve_of([])
    curve.add(1, 20_000.0, 10_000.0)
    curve.add(2, 18_000.0, 10_000.0)
    fall = curve.max_drawdown
    assert fall is not None
    assert fall.fraction == pytest.approx(0.1)
    assert fall.quote == pytest.approx(2_000)


def test_a_growth_a_year_is_told_from_thirty_days_on() -> None:
    assert curve_of([(30 * DAY - 1, 11_000.0)]).cagr is None
    assert curve_of([(30 * DAY, 11_000.0)]).cagr == pytest.approx(1.1 ** (365 / 30) - 1)
    assert curve_of([(365 * DAY, 12_000.0)]).cagr == pytest.approx(0.2)
    assert curve_of([(30 * DAY, 1e300)]).cagr is None


def test_steady_growth_has_no_ratio_and_no_drawdown() -> None:
    curve = curve_of([(day * DAY, CAPITAL * 1.01**day) for day in range(1, 60)])
    assert curve.ratios() == (None, None, 365)
    assert curve.max_drawdown is None


def test_an_account_that_was_ruined_has_no_ratio() -> None:
    wild = [(day * DAY, CAPITAL * (1 + 0.1 * (day % 3))) for day in range(1, 60)]
    assert curve_of(wild).ratios()[0] is not None
    assert curve_of([*wild, (60 * DAY, -5.0), (61 * DAY, 100.0)]).ratios()[:2] == (None, None)


def test_a_clock_set_back_does_not_turn_time_round() -> None:
    curve = curve_of([(2 * DAY, 10_100.0), (DAY, 10_000.0)])
    assert curve.ts == 2 * DAY
    assert curve.drawdown == pytest.approx(1 - 10_000 / 10_100)


def traded() -> Ledger:
    """Won 18, lost 11.5, still holding one."""
    ledger = Ledger(CAPITAL)
    for side, quantity, price, fee, name, ts in (
        (TradeSide.BUY, 2, 100, 1.0, "a", 10),
        (TradeSide.SELL, 2, 110, 1.0, "b", 20),
        (TradeSide.SELL, 1, 100, 0.5, "c", 50),
        (TradeSide.BUY, 1, 110, 1.0, "d", 80),
        (TradeSide.BUY, 1, 100, 0.0, "e", 90),
    ):
        ledger.apply(fill(side, quantity, price, fee, name, ts=ts))
    return ledger


def test_trades_are_counted_from_the_fills() -> None:
    ledger = traded()
    ledger.apply_funding(BTC, -0.25, 95)
    tracker = tracked(ledger, {BTC: 100.0})
    tracker.add(view(100, 10_006.25))
    figures = tracker.performance()
    assert (figures.trades, figures.win_rate) == (2, 0.5)
    assert figures.profit_factor == pytest.approx(18 / 11.5)
    assert figures.expectancy == pytest.approx((18 - 11.5) / 2)
    assert figures.avg_holding_ms == 20
    assert figures.exposure == pytest.approx((10 + 30 + 10) / 100)
    assert figures.turnover == 200 + 220 + 100 + 110 + 100
    assert (figures.fees, figures.funding) == (3.5, -0.25)


def test_a_fill_told_twice_is_counted_once() -> None:
    ledger = traded()
    before = (ledger.tally.trades, ledger.tally.turnover, ledger.tally.in_market_ms(100))
    ledger.apply(fill(TradeSide.SELL, 2, 110, 1.0, "b", ts=20))
    assert (ledger.tally.trades, ledger.tally.turnover, ledger.tally.in_market_ms(100)) == before


def test_what_is_unknown_yet_is_none_and_never_infinite() -> None:
    figures = tracked(Ledger(CAPITAL), {}).performance()
    known = figures.model_dump(exclude_none=True)
    assert known == {
        "start_ts": 0,
        "end_ts": 0,
        "total_return": 0.0,
        "periods_a_year": 8_760,
        "drawdown": 0.0,
        "turnover": 0.0,
        "trades": 0,
        "fees": 0.0,
        "funding": 0.0,
    }
    ledger = Ledger(CAPITAL)
    ledger.apply(fill(TradeSide.BUY, 1, 100, 0, "a"))
    ledger.apply(fill(TradeSide.SELL, 1, 110, 0, "b"))
    assert tracked(ledger, {}).performance().profit_factor is None


def test_buying_and_holding_weighs_the_symbols_alike() -> None:
    prices = {BTC: 100.0, "ETH/USDT": 10.0}
    tracker = tracked(Ledger(CAPITAL), prices, (BTC, "ETH/USDT"))
    tracker.add(view(1, CAPITAL))
    prices.update({BTC: 110.0, "ETH/USDT": 15.0})
    assert tracker.performance().buy_and_hold == pytest.approx((0.1 + 0.5) / 2)
    del prices[BTC]
    assert tracker.performance().buy_and_hold is None


def test_a_point_without_a_value_is_none() -> None:
    tracker = tracked(Ledger(CAPITAL), {})
    tracker.add(view(5, None))
    assert tracker.performance().end_ts == 0


def test_a_run_goes_on_where_the_last_one_ended() -> None:
    points = [(hour * HOUR, CAPITAL + 100 * math.sin(hour)) for hour in range(1, 100)]
    whole, first = tracked(Ledger(CAPITAL), {}), points[0][0]

    def at_once(split: int) -> Performance:
        tracker = PerformanceTracker(
            Ledger(CAPITAL),
            (BTC,),
            lambda symbol: Ticker(symbol=symbol, ts=0, bid=1, ask=1, last=1),
            now=points[split][0],
            earlier=[MetricPoint(ts=ts, value=equity) for ts, equity in points[:split]],
        )
        for ts, equity in points[split:]:
            tracker.add(view(ts, equity))
        return tracker.performance()

    for ts, equity in points:
        whole.add(view(ts, equity))
    assert at_once(40) == at_once(98)
    assert at_once(40).start_ts == first
    assert at_once(40).buy_and_hold is None
    assert at_once(40).max_drawdown == whole.performance().max_drawdown
