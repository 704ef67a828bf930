from decimal import Decimal
from typing import Any

import pytest

from tests.behaviours import given_and_expected
from tests.portfolio.books import BTC, fill
from tui_trader.models import TradeHistoryEntry, TradeSide, TradeType
from tui_trader.portfolio.ledger import Ledger

START = 10_000.0


def booked(fills: list[dict[str, Any]]) -> Ledger:
    """A ledger after the fills of a case."""
    ledger = Ledger(START)
    for number, given in enumerate(fills):
        trade_id = given.get("trade_id", f"t{number}")
        side = TradeSide[given["side"].upper()]
        ledger.apply(fill(side, given["qty"], given["px"], given["fee"], trade_id))
    return ledger


def round_trip(case: dict[str, Any]) -> TradeHistoryEntry:
    """Open and close as a case tells, fees at its rate on both sides."""
    ledger = Ledger(START)
    entry_fee = case["open_px"] * case["qty"] * case["fee_rate"]
    exit_fee = case["close_px"] * case["qty"] * case["fee_rate"]
    sides = (TradeSide.BUY, TradeSide.SELL)
    opened, closed = sides[::-1] if case.get("side") == "short" else sides
    opening = fill(opened, case["qty"], case["open_px"], entry_fee, "in", ts=1_000)
    ledger.apply(opening, leverage=case.get("leverage"))
    if funding := case.get("funding_received"):
        ledger.apply_funding(BTC, funding, 2_000)
    closing = fill(closed, case["qty"], case["close_px"], exit_fee, "out", ts=5_000)
    (entry,) = ledger.apply(closing)
    assert entry.realized_pnl == pytest.approx(float(ledger.net_realized), abs=1e-12)
    return entry


@pytest.mark.parametrize("case_id", ["BH-02", "BH-03"])
def test_bh_02_and_03_adding_averages_the_price(case_id: str) -> None:
    case, expected = given_and_expected(case_id)
    position = booked(case["fills"]).positions[BTC]
    assert (position.quantity, position.avg_price) == (expected["qty"], expected["avg"])


def test_bh_04_a_partial_close_keeps_the_average() -> None:
    case, expected = given_and_expected("BH-04")
    ledger = booked(case["fills"])
    position = ledger.positions[BTC]
    assert (position.quantity, position.avg_price) == (expected["qty"], expected["avg"])
    assert ledger.realized == expected["realized"]


def test_bh_09_unrealised_and_total() -> None:
    case, expected = given_and_expected("BH-09")
    ledger = booked(case["fills"])
    unrealized = ledger.positions[BTC].unrealized(Decimal(case["mark"]))
    assert unrealized == expected["unrealized"]
    assert ledger.net_realized == expected["realized"]
    equity = ledger.equity({BTC: case["mark"]})
    assert equity is not None
    assert equity - ledger.initial_capital == expected["total"]


def test_bh_13_the_same_trade_id_counts_once() -> None:
    case, expected = given_and_expected("BH-13")
    assert booked(case["fills"]).quantity_of(BTC) == expected["qty"]


@pytest.mark.parametrize("case_id", ["BH-20", "BH-30", "BH-37"])
def test_bh_20_30_and_37_profit_and_ratio_of_a_round_trip(case_id: str) -> None:
    case, expected = given_and_expected(case_id)
    entry = round_trip(case)
    assert entry.realized_pnl == pytest.approx(expected["profit"], abs=1e-6)
    assert entry.realized_pnl_pct == pytest.approx(expected["ratio"], abs=1e-6)


def test_bh_42_funding_outside_the_holding_period_is_not_the_trades() -> None:
    ledger = Ledger(START)
    ledger.apply_funding(BTC, -1.0, 500)
    ledger.apply(fill(TradeSide.BUY, 1, 100, 0, "in", ts=1_000))
    (entry,) = ledger.apply(fill(TradeSide.SELL, 1, 110, 0, "out", ts=2_000))
    ledger.apply_funding(BTC, -1.0, 3_000)
    assert entry.realized_pnl == 10.0
    assert ledger.balance == 10_008


def test_a_short_earns_when_the_price_falls() -> None:
    ledger = Ledger(START)
    ledger.apply(fill(TradeSide.SELL, 30, 2.2, 0.165, "in"))
    (entry,) = ledger.apply(fill(TradeSide.BUY, 30, 2.0, 0.15, "out"))
    assert entry.type is TradeType.SHORT
    assert entry.realized_pnl == pytest.approx(5.685)
    # The base of the ratio is what the entry brought in: 66 less its fee.
    assert entry.realized_pnl_pct == pytest.approx(5.685 / 65.835)


def test_a_flip_closes_and_opens_at_its_own_price_and_shares_its_fee() -> None:
    ledger = Ledger(START)
    ledger.apply(fill(TradeSide.BUY, 2, 100, 0.2, "in", ts=1_000))
    (entry,) = ledger.apply(fill(TradeSide.SELL, 3, 110, 0.33, "flip", ts=4_000))
    assert (entry.quantity, entry.entry_price, entry.exit_price) == (2.0, 100.0, 110.0)
    assert entry.realized_pnl == pytest.approx(20 - 0.2 - 0.22)
    position = ledger.positions[BTC]
    assert (position.quantity, position.avg_price) == (Decimal(-1), Decimal(110))
    assert (position.entry_ts, position.fees) == (4_000, Decimal("0.11"))


def test_a_closed_trade_names_where_it_came_from() -> None:
    ledger = Ledger(START, strategy_id="s", exchange_id="paper", quote_ccy="USDT")
    ledger.apply(fill(TradeSide.BUY, 2, 100, 0, "in", ts=1_000), leverage=3.0)
    (entry,) = ledger.apply(fill(TradeSide.SELL, 1, 110, 0, "out", ts=5_000))
    assert (entry.entry_ts, entry.exit_ts, entry.holding_ms) == (1_000, 5_000, 4_000)
    assert (entry.trade_id, entry.compose_id, entry.instruction_id) == ("out", "c", f"c:{BTC}")
    assert (entry.side, entry.type, entry.leverage) == (TradeSide.SELL, TradeType.LONG, 3.0)
    assert (entry.strategy_id, entry.instrument.exchange_id) == ("s", "paper")


def test_a_partial_close_takes_its_share_of_fees_and_funding() -> None:
    ledger = Ledger(START)
    ledger.apply(fill(TradeSide.BUY, 4, 100, 0.4, "in"))
    ledger.apply_funding(BTC, 2.0, 9)
    (first,) = ledger.apply(fill(TradeSide.SELL, 1, 110, 0.11, "a"))
    (second,) = ledger.apply(fill(TradeSide.SELL, 3, 110, 0.33, "b"))
    assert first.realized_pnl == pytest.approx(10 + 0.5 - 0.1 - 0.11)
    assert second.realized_pnl == pytest.approx(30 + 1.5 - 0.3 - 0.33)


def test_funding_counts_once() -> None:
    ledger = Ledger(START)
    ledger.apply_funding(BTC, 1.5, 8)
    ledger.apply_funding(BTC, 1.5, 8)
    assert ledger.funding == Decimal("1.5")


def test_a_transfer_counts_once_by_its_key_or_by_time_and_amount() -> None:
    ledger = Ledger(START)
    for amount, ts, key in (
        (100.0, 1, ""),
        (100.0, 1, ""),
        (50.0, 1, ""),
        (25.0, 2, "x"),
        (25.0, 3, "x"),
        (25.0, 2, "y"),
        (-75.0, 4, ""),
    ):
        ledger.apply_transfer(amount, ts, key)
    assert ledger.transferred == 100 + 50 + 25 + 25 - 75
    assert ledger.balance == 10_125
    assert ledger.net_realized == 0


def test_tenths_add_up() -> None:
    ledger = Ledger(0.0)
    ledger.apply(fill(TradeSide.BUY, 0.1, 1, 0.1, "a"))
    ledger.apply(fill(TradeSide.BUY, 0.2, 1, 0.2, "b"))
    assert ledger.quantity_of(BTC) == Decimal("0.3")
    ledger.apply(fill(TradeSide.SELL, 0.3, 1, 0, "c"))
    assert ledger.positions == {}
    assert ledger.balance == Decimal("-0.3")


def test_a_position_with_more_digits_than_a_float_is_closed_by_its_float() -> None:
    ledger = Ledger(START)
    ledger.apply(fill(TradeSide.BUY, 1e9, 1e-5, 0, "a"))
    ledger.apply(fill(TradeSide.BUY, 1.23456789e-8, 1e-5, 0, "b"))
    ledger.apply(fill(TradeSide.SELL, float(ledger.quantity_of(BTC)), 1e-5, 0, "c"))
    assert ledger.positions == {}


def test_equity_is_unknown_while_a_held_symbol_has_no_mark() -> None:
    ledger = booked([{"side": "buy", "qty": 1, "px": 100, "fee": 0}])
    assert ledger.equity({}) is None
    assert ledger.equity({BTC: 101.0}) == 10_001


def test_a_position_names_the_cycle_that_opened_it_until_it_is_flat_or_flipped() -> None:
    ledger = Ledger(1_000.0)
    named = []
    for number, (side, quantity) in enumerate(
        [
            (TradeSide.BUY, 1),
            (TradeSide.BUY, 2),
            (TradeSide.SELL, 1),
            (TradeSide.SELL, 5),
            (TradeSide.BUY, 3),
            (TradeSide.BUY, 1),
        ]
    ):
        ledger.apply(fill(side, quantity, 10, 0, str(number), compose_id=f"c{number}"))
        position = ledger.positions.get(BTC)
        named.append(position.opened_by if position else "flat")
    assert named == ["c0", "c0", "c0", "c3", "flat", "c5"]


def test_who_opened_a_position_is_not_made_up() -> None:
    ledger = Ledger(1_000.0)
    ledger.apply(fill(TradeSide.BUY, 1, 10, 0, "a", compose_id=""))
    ledger.apply(fill(TradeSide.BUY, 1, 10, 0, "b", compose_id="c2"))
    assert ledger.positions[BTC].opened_by is None
