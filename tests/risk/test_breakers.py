"""What was lost, closed or seen lately, and what it bars."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.behaviours import given_and_expected
from tests.risk.desk import BTC, ETH, LINEAR, NOON, account, market, target
from tui_trader.messages import TradingState
from tui_trader.models import (
    Action,
    InstrumentRef,
    OpeningBar,
    Ticker,
    TradeInstruction,
    TxResult,
    TxStatus,
)
from tui_trader.risk.interfaces import RiskMarket
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.manager import RiskManager
from tui_trader.risk.state import RiskState

DAY = 86_400_000
LONG = target(Action.LONG, 1)
WAITS = replace(LINEAR, cooldown_after_close_seconds=300)
FALLS = replace(LINEAR, max_drawdown_pct=0.2)


def refused(
    manager: RiskManager,
    equity: float = 10_000.0,
    *,
    ts: int = NOON,
    view: RiskMarket | None = None,
    symbol: str = BTC,
) -> str:
    wish = target(Action.LONG, 1, symbol)
    answer = manager.assess("c", [wish], account(equity), view or market(ts=ts))
    return answer.results[symbol].reason


def filled(
    order: TradeInstruction, quantity: float, status: TxStatus = TxStatus.FILLED
) -> TxResult:
    return TxResult(
        instruction_id=order.instruction_id,
        instrument=order.instrument,
        side=order.side,
        status=status,
        requested_qty=order.quantity,
        filled_qty=quantity,
    )


def closed_at(ts: int, status: TxStatus = TxStatus.FILLED, quantity: float = 1.0) -> RiskManager:
    """A manager whose operator has closed a long position in BTC."""
    manager = RiskManager(WAITS)
    order = manager.close_instruction("op", InstrumentRef(symbol=BTC), 1.0)
    manager.note_results([filled(order, quantity, status)], ts)
    return manager


def test_bh_a0_after_a_close_its_symbol_is_locked_and_no_other() -> None:
    case, expected = given_and_expected("BH-A0")
    day = "2023-11-15T{}+00:00"

    def ms(at: str) -> int:
        return round(datetime.fromisoformat(day.format(at)).astimezone(UTC).timestamp() * 1000)

    limits = replace(LINEAR, cooldown_after_close_seconds=case["cooldown_min"] * 60)
    state = closed_at(ms(case["close"])).state
    for at, locked in expected["locked_at"].items():
        reason = refused(RiskManager(limits, state), ts=ms(at))
        assert (reason == "cooldown after close active") is locked
        other = refused(RiskManager(limits, state), ts=ms(at), symbol=ETH)
        assert bool(other) is expected["other_pair_locked"]


def test_the_lock_is_told_with_its_end() -> None:
    reason = "cooldown after close active"
    bars = closed_at(NOON).bars([BTC, ETH], account(), market())
    assert bars == (OpeningBar(symbol=BTC, reason=reason, until_ts=NOON + 300_000),)


@pytest.mark.parametrize(
    ("status", "quantity", "locked"),
    [
        (TxStatus.PARTIAL, 0.1, True),
        (TxStatus.REJECTED, 0.0, False),
        (TxStatus.UNKNOWN, 0.0, False),
    ],
)
def test_only_what_was_filled_is_a_close(status: TxStatus, quantity: float, locked: bool) -> None:
    assert bool(refused(closed_at(NOON, status, quantity))) is locked


def test_a_close_that_is_filled_later_counts_from_then() -> None:
    manager = RiskManager(WAITS)
    order = manager.close_instruction("op", InstrumentRef(symbol=BTC), 1.0)
    manager.note_results([filled(order, 0.0, TxStatus.UNKNOWN)], NOON)
    manager.note_results([filled(order, 1.0)], NOON + 1_000)
    assert manager.state.last_close == {BTC: NOON + 1_000}


def test_the_cycles_own_reductions_and_a_fired_stop_are_closes_and_an_opening_is_none() -> None:
    manager = RiskManager(WAITS)
    (out,) = manager.assess("a", [target(Action.LONG, 1)], account(BTC=2), market()).instructions
    (opening,) = manager.assess("b", [LONG], account(), market()).instructions
    manager.note_results([filled(opening, 1.0)], NOON)
    assert manager.state.last_close == {}
    manager.note_results([filled(out, 1.0)], NOON)
    assert manager.state.last_close == {BTC: NOON}
    manager.note_close(ETH, NOON + 5)
    assert manager.state.last_close == {BTC: NOON, ETH: NOON + 5}


def test_a_flip_under_the_lock_gets_out_and_not_in() -> None:
    answer = RiskManager(WAITS).assess("c", [target(Action.SHORT, -1)], account(BTC=2), market())
    assert [(order.quantity, order.reduce_only) for order in answer.instructions] == [(2, True)]
    assert answer.verdicts[-1].reason == "no flip: cooldown after close"


def test_an_opening_whose_outcome_was_unknown_is_taken_back_when_it_proves_rejected() -> None:
    manager = RiskManager(LINEAR)
    (order,) = manager.assess("a", [LONG], account(), market()).instructions
    manager.note_results([filled(order, 0.0, TxStatus.UNKNOWN)], NOON)
    assert manager.state.last_open == {BTC: NOON}
    manager.note_results([filled(order, 0.0, TxStatus.REJECTED)], NOON)
    assert manager.state.last_open == {}


def test_a_deposit_is_no_profit_and_a_withdrawal_no_loss() -> None:
    manager = RiskManager(replace(LINEAR, daily_loss_cap_pct=0.1, max_drawdown_pct=0.1))
    assert refused(manager, 1_000.0) == ""
    manager.note_deposit(9_000.0)
    assert refused(manager, 9_000.0, ts=NOON + 1) == ""
    assert refused(manager, 8_999.0, ts=NOON + 2) == "daily loss cap reached"
    manager = RiskManager(replace(LINEAR, daily_loss_cap_pct=0.1, max_drawdown_pct=0.1))
    assert refused(manager, 10_000.0) == ""
    manager.note_deposit(-9_000.0)
    assert refused(manager, 1_000.0, ts=NOON + 1) == ""
    assert refused(manager, 899.0, ts=NOON + 2) == "daily loss cap reached"
    assert refused(manager, 899.0, ts=NOON + DAY) == "drawdown breaker"


def test_a_days_deposits_end_with_it() -> None:
    state = RiskState().seen(NOON, 1_000.0).deposited(500.0)
    assert (state.baseline, state.deposits) == (1_500.0, 500.0)
    assert state.seen(NOON + 1, 1_600.0).baseline == 1_500.0
    assert state.seen(NOON + DAY, 1_600.0).baseline == 1_600.0
    assert RiskState().deposited(500.0).baseline is None


def test_what_models_cost_is_lost_too() -> None:
    manager = RiskManager(replace(LINEAR, daily_loss_cap_pct=0.1))
    assert refused(manager) == ""
    spent = replace(market(), model_cost=1_000.0)
    assert refused(manager, view=spent) == ""
    spent = replace(market(), model_cost=1_000.01)
    assert refused(manager, view=spent) == "daily loss cap reached"


def test_the_drawdown_breaker_holds_until_the_operator_resumes() -> None:
    manager = RiskManager(FALLS)
    assert refused(manager, 10_000.0) == ""
    assert refused(manager, 8_000.0, ts=NOON + DAY) == ""
    assert refused(manager, 7_999.0, ts=NOON + 2 * DAY) == "drawdown breaker"
    assert refused(manager, 10_000.0, ts=NOON + 3 * DAY) == "drawdown breaker"
    (bar,) = manager.bars([BTC], account(), market())
    assert bar.reason == "drawdown breaker"
    manager = RiskManager(FALLS, RiskState.model_validate_json(json.dumps(_stored(manager))))
    assert refused(manager, 10_000.0, ts=NOON + 4 * DAY) == "drawdown breaker"
    out = manager.assess("c", [target(Action.CLOSE, 0)], account(8_000.0, BTC=1), market())
    assert [order.reduce_only for order in out.instructions] == [True]
    manager.set_trading_state(TradingState.ACTIVE)
    assert refused(manager, 8_000.0, ts=NOON + 5 * DAY) == ""
    assert manager.state.peak_equity == 8_000.0
    assert refused(manager, 6_300.0, ts=NOON + 6 * DAY) == "drawdown breaker"


def test_a_pause_does_not_make_a_fall_forgotten() -> None:
    manager = RiskManager(FALLS)
    refused(manager, 10_000.0)
    for state in (TradingState.REDUCING, TradingState.ACTIVE):
        manager.set_trading_state(state)
    assert refused(manager, 7_999.0) == "drawdown breaker"


def _stored(manager: RiskManager) -> dict[str, object]:
    return manager.state.model_dump(mode="json")


def quote(bid: float, ask: float, last: float = 100.0) -> RiskMarket:
    return RiskMarket(NOON, {BTC: Ticker(symbol=BTC, ts=NOON, bid=bid, ask=ask, last=last)})


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        (99.9, 100.1, ""),
        (100.0, 100.0, ""),
        (99.0, 101.0, "spread wider than 100 bps"),
        (100.1, 99.9, "no valid bid and ask"),
        (0.0, 100.1, "no valid bid and ask"),
        (99.9, 0.0, "no valid bid and ask"),
    ],
)
def test_a_quote_that_tells_no_price_opens_nothing(bid: float, ask: float, reason: str) -> None:
    limits = replace(LINEAR, max_spread_bps=100)
    assert refused(RiskManager(limits), view=quote(bid, ask)) == reason
    assert refused(RiskManager(LINEAR), view=quote(bid, ask)) == ""
    close = [target(Action.CLOSE, 0)]
    out = RiskManager(limits).assess("c", close, account(BTC=1), quote(bid, ask))
    assert len(out.instructions) == 1


def jumps(manager: RiskManager, *prices: float) -> list[bool]:
    """Whether each of these prices, seen one after the other, is said to have jumped."""
    views = [market({BTC: price}) for price in prices]
    return [refused(manager, view=view) == "price jumped" for view in views]


def test_a_price_far_from_those_before_it_opens_nothing() -> None:
    manager = RiskManager(replace(LINEAR, max_tick_jump_pct=0.1))
    assert jumps(manager, 100, 110, 99.1) == [False, False, False]
    # A bad tick is refused, what was there before it is not.
    assert jumps(manager, 50, 101) == [True, False]
    # What stays has moved.
    assert jumps(manager, 150, 149, 151) == [True, False, False]
    assert jumps(RiskManager(LINEAR), 100, 1, 100) == [False] * 3


def test_a_jump_is_told_and_remembered_over_a_restart() -> None:
    limits = replace(LINEAR, max_tick_jump_pct=0.1)
    manager = RiskManager(limits)
    refused(manager)
    again = RiskManager(limits, RiskState.model_validate_json(json.dumps(_stored(manager))))
    (bar,) = again.bars([BTC], account(), market({BTC: 120.0}))
    assert bar.reason == "price jumped"
    out = again.assess("c", [target(Action.CLOSE, 0)], account(BTC=1), market({BTC: 1.0}))
    assert len(out.instructions) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_gross_pct": 0},
        {"max_net_pct": -1},
        {"max_drawdown_pct": 1.1},
        {"cooldown_after_close_seconds": -1},
        {"trailing_stop_pct": 1},
        {"min_liquidation_distance_pct": 1},
        {"maintenance_margin_rate": -0.1},
        {"max_spread_bps": 0},
        {"max_tick_jump_pct": 0},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RiskLimits(**wrong)  # type: ignore[arg-type]
