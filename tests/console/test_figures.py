"""Figures that the console derives: right where known, unknown elsewhere."""

from dataclasses import replace

import pytest

from tests.console import market
from tui_trader.console import figures
from tui_trader.models import MetricPoint, Verdict
from tui_trader.view.model import ViewModel

DAY = 86_400_000
MIDNIGHT = market.NOW - market.NOW % DAY


def view(points: list[tuple[int, float]], *, worth: float = 110.0, started: int = 0) -> ViewModel:
    account = market.portfolio().model_copy(update={"total_value": worth})
    return ViewModel(
        session=replace(market.session(), started_ts=started),
        portfolio=account,
        equity=tuple(MetricPoint(ts=ts, value=value) for ts, value in points),
    )


def test_the_day_is_compared_with_the_last_value_of_yesterday() -> None:
    shown = view([(MIDNIGHT - 10, 90.0), (MIDNIGHT - 5, 100.0), (MIDNIGHT + 5, 105.0)])
    assert figures.day_change(shown, market.NOW) == pytest.approx((10.0, 0.1))


def test_an_engine_of_today_is_compared_with_its_first_value() -> None:
    shown = view([(MIDNIGHT + 5, 100.0), (MIDNIGHT + 9, 105.0)], started=MIDNIGHT + 1)
    assert figures.day_change(shown, market.NOW) == pytest.approx((10.0, 0.1))


def test_a_day_whose_beginning_was_forgotten_is_unknown() -> None:
    shown = view([(MIDNIGHT + 5, 100.0)], started=MIDNIGHT - DAY)
    assert figures.day_change(shown, market.NOW) is None
    assert figures.day_change(view([]), market.NOW) is None


def test_drawdown_is_counted_from_the_highest_value_so_far() -> None:
    assert figures.drawdowns([100, 120, 90, 130]) == [0, 0, pytest.approx(-0.25), 0]


def test_an_unknown_notional_makes_the_largest_share_unknown() -> None:
    account = market.portfolio()
    known = figures.largest_share(account)
    assert known is not None
    blind = account.positions["BTC/USDT"].model_copy(update={"notional": None})
    held = {**account.positions, "BTC/USDT": blind}
    assert figures.largest_share(account.model_copy(update={"positions": held})) is None
    assert figures.leverage(account.model_copy(update={"total_value": None})) is None


def test_vetoes_and_clips_hide_passes() -> None:
    passed = Verdict(symbol="A", rule="r", outcome="pass")
    vetoed = Verdict(symbol="B", rule="r", outcome="veto")
    assert figures.effective((passed, vetoed, passed)) == [vetoed]
    assert figures.effective((passed, passed)) == [passed]
    assert figures.effective(()) == []
