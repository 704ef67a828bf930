import json
from dataclasses import replace

import pytest

from tests.behaviours import given_and_expected
from tests.risk.desk import BTC, ETH, LINEAR, NOON, account, market, said, target
from tui_trader.messages import TradingState
from tui_trader.models import (
    Action,
    DecisionObject,
    InstrumentRef,
    MarketSnapshot,
    TradeInstruction,
    TradeSide,
    TxResult,
    TxStatus,
)
from tui_trader.risk import rules
from tui_trader.risk.limits import RiskLimits, SizeFilter
from tui_trader.risk.manager import RiskManager
from tui_trader.risk.state import RiskState

DAY = 86_400_000


def sent(order: TradeInstruction) -> tuple[str, str, float, bool]:
    return (order.instruction_id, order.side.value, order.quantity, order.reduce_only)


def result_of(order: TradeInstruction, status: TxStatus, filled: float) -> TxResult:
    return TxResult(
        instruction_id=order.instruction_id,
        instrument=order.instrument,
        side=order.side,
        status=status,
        requested_qty=order.quantity,
        filled_qty=filled,
    )


def test_a_hold_is_approved_and_sends_nothing() -> None:
    answer = RiskManager(LINEAR).assess("c", [target(Action.HOLD, 5)], account(BTC=2), market())
    assert answer.instructions == ()
    assert answer.results[BTC].approved
    assert said(answer.verdicts) == [("pass", "")]


def test_an_opening_within_its_limits_is_sent_whole() -> None:
    answer = RiskManager(LINEAR).assess("c", [target(Action.LONG, 3)], account(), market())
    assert [sent(order) for order in answer.instructions] == [(f"c:{BTC}", "BUY", 3, False)]
    assert said(answer.verdicts) == [("pass", "")]
    assert (answer.results[BTC].approved, answer.results[BTC].reason) == (True, "")


def test_what_is_held_counts_and_only_the_difference_is_ordered() -> None:
    answer = RiskManager(LINEAR).assess("c", [target(Action.LONG, 3)], account(BTC=2.9), market())
    assert [sent(order) for order in answer.instructions] == [(f"c:{BTC}", "BUY", 0.1, False)]


def test_a_close_without_a_position_is_denied_in_s0s_words() -> None:
    answer = RiskManager(LINEAR).assess("c", [target(Action.CLOSE, 0)], account(), market())
    assert answer.results[BTC].reason == "no position to close"
    assert said(answer.verdicts) == [("veto", "no position to close")]


def test_a_flip_is_a_close_and_then_an_opening() -> None:
    answer = RiskManager(LINEAR).assess("c", [target(Action.SHORT, -2)], account(BTC=3), market())
    assert [sent(order) for order in answer.instructions] == [
        (f"c:{BTC}", "SELL", 3, True),
        (f"c:{BTC}:1", "SELL", 2, False),
    ]


def test_a_flip_whose_opening_is_refused_still_closes() -> None:
    answer = RiskManager(LINEAR).assess("c", [target(Action.SHORT, -51)], account(BTC=3), market())
    assert [sent(order) for order in answer.instructions] == [(f"c:{BTC}", "SELL", 3, True)]
    assert said(answer.verdicts) == [("pass", ""), ("veto", "exceeds max position size")]
    assert answer.results[BTC].approved


def test_the_opening_half_of_a_flip_is_judged_as_from_flat() -> None:
    answer = RiskManager(LINEAR).assess("c", [target(Action.SHORT, -50)], account(BTC=50), market())
    assert [order.reduce_only for order in answer.instructions] == [True, False]


def test_closes_of_all_symbols_come_first() -> None:
    wishes = [target(Action.LONG, 1), target(Action.CLOSE, 0, ETH)]
    answer = RiskManager(LINEAR).assess("c", wishes, account(ETH=-4), market())
    assert [order.instrument.symbol for order in answer.instructions] == [ETH, BTC]


def test_two_openings_cannot_break_the_leverage_together() -> None:
    limits = replace(LINEAR, max_leverage=0.8)
    wishes = [target(Action.LONG, 50), target(Action.SHORT, -500, ETH)]
    answer = RiskManager(limits).assess("c", wishes, account(), market())
    assert [order.instrument.symbol for order in answer.instructions] == [BTC]
    assert answer.results[ETH].reason == "exceeds max leverage"


def test_a_close_in_the_same_cycle_makes_room() -> None:
    limits = replace(LINEAR, max_leverage=0.5, max_positions=1)
    wishes = [target(Action.LONG, 50), target(Action.CLOSE, 0, ETH)]
    answer = RiskManager(limits).assess("c", wishes, account(ETH=500), market())
    assert len(answer.instructions) == 2


def test_a_held_symbol_without_any_price_blocks_openings_elsewhere() -> None:
    answer = RiskManager(LINEAR).assess(
        "c", [target(Action.LONG, 1)], account(ETH=1), market({BTC: 100.0})
    )
    assert answer.results[BTC].reason == "exceeds max leverage"


def test_bh_78_what_rounds_to_nothing_is_not_sent() -> None:
    case, expected = given_and_expected("BH-78")
    limits = replace(LINEAR, default_size=SizeFilter(step=case["step"]))
    wish = [target(Action.LONG, case["amount"])]
    answer = RiskManager(limits).assess("c", wish, account(), market())
    assert answer.instructions == ()
    assert answer.results[BTC].reason == expected["reason"]


def test_bh_81_an_opening_below_the_minimum_notional_is_not_sent() -> None:
    case, _ = given_and_expected("BH-81")
    limits = replace(LINEAR, default_size=SizeFilter(step=0.001, min_notional=10))
    wish = [target(Action.LONG, case["amount"])]
    answer = RiskManager(limits).assess("c", wish, account(), market({BTC: case["px"]}))
    assert answer.instructions == ()
    assert answer.results[BTC].reason == "below minimum notional"


def test_a_size_cut_to_the_step_is_said() -> None:
    answer = RiskManager(LINEAR).assess("c", [target(Action.LONG, 1.23456)], account(), market())
    assert answer.instructions[0].quantity == 1.234
    assert said(answer.verdicts) == [("clip", "cut to step 0.001"), ("pass", "")]


def test_a_size_named_within_the_cap_is_cut_to_it_when_the_price_has_moved() -> None:
    wish = [target(Action.LONG, 50, size_pct=0.5)]
    answer = RiskManager(LINEAR).assess("c", wish, account(), market({BTC: 101.0}))
    assert answer.instructions[0].quantity == 49.504
    assert answer.verdicts[0].reason == "price moved: cut to cap"


def test_a_size_named_beyond_the_cap_is_refused_and_not_cut() -> None:
    wish = [target(Action.LONG, 51, size_pct=0.51)]
    answer = RiskManager(LINEAR).assess("c", wish, account(), market())
    assert answer.results[BTC].reason == "exceeds max position size"


def test_a_size_that_adds_to_a_position_is_never_cut_but_refused() -> None:
    wish = [target(Action.LONG, 50.1, size_pct=0.4)]
    answer = RiskManager(LINEAR).assess("c", wish, account(BTC=10.1), market())
    assert answer.results[BTC].reason == "exceeds max position size"


def test_on_spot_a_short_only_reduces() -> None:
    manager = RiskManager(RiskLimits())
    answer = manager.assess("c", [target(Action.SHORT, -1)], account(BTC=2), market())
    assert [sent(order) for order in answer.instructions] == [(f"c:{BTC}", "SELL", 2, True)]
    assert said(answer.verdicts) == [("clip", "spot market cannot be short"), ("pass", "")]
    answer = manager.assess("c", [target(Action.SHORT, -1)], account(), market())
    assert answer.instructions == ()
    assert answer.results[BTC].reason == "spot market cannot be short"


def test_bh_a8_a_fourth_symbol_is_refused_and_a_held_one_may_grow() -> None:
    case, _ = given_and_expected("BH-A8")
    limits = replace(LINEAR, max_positions=case["max_positions"])
    names = [f"S{n}/USDT" for n in range(4)]
    wishes = [target(Action.LONG, 1, name) for name in names]
    manager = RiskManager(limits)
    prices = dict.fromkeys([*names, BTC], 100.0)
    answer = manager.assess("c", wishes, account(), market(prices))
    assert len(answer.instructions) == 3
    assert answer.results[names[3]].reason == "max positions reached"
    grown = manager.assess("d", [target(Action.LONG, 2)], account(BTC=1), market(prices))
    assert len(grown.instructions) == 1


def test_of_two_targets_for_a_symbol_the_nearer_to_flat_counts() -> None:
    wishes = [target(Action.LONG, 5), target(Action.CLOSE, 0)]
    answer = RiskManager(LINEAR).assess("c", wishes, account(BTC=2), market())
    assert [sent(order) for order in answer.instructions] == [(f"c:{BTC}", "SELL", 2, True)]
    assert answer.verdicts[0].outcome == "veto"


def test_a_decision_that_could_not_be_sized_is_denied_for_its_reason() -> None:
    manager = RiskManager(LINEAR)
    wish = [target(Action.LONG, 0, size_pct=0.1)]
    blind = manager.assess("c", wish, account(), market({}))
    assert blind.results[BTC].reason == "no valid price"
    broke = manager.assess("c", wish, account(equity=None), market())
    assert broke.results[BTC].reason == "equity unknown"


def test_a_rule_that_fails_refuses_the_opening_and_spares_the_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(proposal: object, limits: object) -> str:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(rules, "OPENING_RULES", (("broken", broken),))
    wishes = [target(Action.LONG, 1), target(Action.CLOSE, 0, ETH)]
    answer = RiskManager(LINEAR).assess("c", wishes, account(ETH=1), market())
    assert [order.instrument.symbol for order in answer.instructions] == [ETH]
    assert answer.results[BTC].reason == "risk check failed: ZeroDivisionError: oops"


def test_the_slippage_bound_is_for_openings_only() -> None:
    manager = RiskManager(replace(LINEAR, max_slippage_bps=20))
    answer = manager.assess("c", [target(Action.SHORT, -2)], account(BTC=3), market())
    assert [order.max_slippage_bps for order in answer.instructions] == [None, 20]


def test_the_cooldown_starts_when_an_opening_is_submitted() -> None:
    manager = RiskManager(replace(LINEAR, cooldown_seconds=60))
    manager.assess("c", [target(Action.LONG, 1)], account(), market())
    again = manager.assess("d", [target(Action.LONG, 2)], account(BTC=1), market(ts=NOON + 59_000))
    assert again.results[BTC].reason == "cooldown period active"
    later = manager.assess("e", [target(Action.LONG, 2)], account(BTC=1), market(ts=NOON + 60_000))
    assert later.results[BTC].approved


@pytest.mark.parametrize(
    ("status", "filled", "kept"),
    [
        (TxStatus.REJECTED, 0.0, False),
        (TxStatus.ERROR, 0.0, True),
        (TxStatus.FILLED, 1.0, True),
        (TxStatus.PARTIAL, 0.5, True),
    ],
)
def test_the_cooldown_is_taken_back_when_nothing_was_filled(
    status: TxStatus, filled: float, kept: bool
) -> None:
    before = RiskState(last_open={BTC: NOON - DAY})
    manager = RiskManager(replace(LINEAR, cooldown_seconds=60), before)
    answer = manager.assess("c", [target(Action.LONG, 1)], account(), market())
    assert manager.state.last_open == {BTC: NOON}
    manager.note_results([result_of(answer.instructions[0], status, filled)], NOON)
    assert manager.state.last_open == {BTC: NOON if kept else NOON - DAY}


def test_a_close_starts_no_cooldown() -> None:
    manager = RiskManager(LINEAR)
    manager.assess("c", [target(Action.CLOSE, 0)], account(BTC=1), market())
    assert manager.state.last_open == {}


def test_the_days_baseline_is_the_first_equity_of_each_utc_day() -> None:
    manager = RiskManager(replace(LINEAR, daily_loss_cap_pct=0.1))
    wish = [target(Action.LONG, 1)]
    assert manager.assess("a", wish, account(1_000.0), market()).results[BTC].approved
    lost = manager.assess("b", wish, account(899.0), market(ts=NOON + 1_000))
    assert lost.results[BTC].reason == "daily loss cap reached"
    fresh = manager.assess("c", wish, account(899.0), market(ts=NOON + DAY))
    assert fresh.results[BTC].approved
    assert manager.state.starting_equity == 899.0


def test_a_clock_that_jumps_back_starts_no_new_day() -> None:
    state = RiskState().seen(NOON, 1_000.0)
    assert state.seen(NOON - DAY, 500.0) == state
    assert state.seen(NOON + DAY, None) == state


def test_paused_and_halted_open_nothing_and_let_everything_out() -> None:
    manager = RiskManager(LINEAR)
    for state, reason in (
        (TradingState.REDUCING, "paused: reducing only"),
        (TradingState.HALTED, "halted"),
    ):
        manager.set_trading_state(state)
        wishes = [target(Action.LONG, 1), target(Action.CLOSE, 0, ETH)]
        answer = manager.assess("c", wishes, account(ETH=1), market())
        assert [order.instrument.symbol for order in answer.instructions] == [ETH]
        assert answer.results[BTC].reason == reason


def test_the_operator_hears_of_repeated_requests_for_everything() -> None:
    manager = RiskManager(LINEAR)

    def ask(size_pct: float, action: Action = Action.LONG) -> tuple[str, ...]:
        wish = [target(action, 1, size_pct=size_pct)]
        return manager.assess("c", wish, account(), market()).alerts

    assert [ask(1.0), ask(1.0), ask(0.0, Action.HOLD)] == [(), (), ()]
    assert ask(1.0) == (f"{BTC}: all of equity asked for 3 times in a row",)
    assert [ask(1.0), ask(0.2), ask(1.0)] == [(), (), ()]


def test_the_state_survives_a_restart_as_plain_json() -> None:
    manager = RiskManager(replace(LINEAR, cooldown_seconds=60))
    manager.assess("c", [target(Action.LONG, 1, size_pct=1.0)], account(), market())
    manager.set_trading_state(TradingState.REDUCING)
    stored = json.dumps(manager.state.model_dump(mode="json"))
    assert RiskState.model_validate(json.loads(stored)) == manager.state


def test_the_operators_close_takes_exactly_what_is_held() -> None:
    order = RiskManager(LINEAR).close_instruction("op", InstrumentRef(symbol=BTC), -0.12345)
    assert sent(order) == (f"op:{BTC}", "BUY", 0.12345, True)


def snapshot(price: float = 100.0, stale_ms: int | None = None) -> MarketSnapshot:
    return MarketSnapshot(
        timestamp=NOON, symbol=BTC, price=price, bid=price, ask=price, stale_ms=stale_ms
    )


@pytest.mark.parametrize(
    ("action", "size_pct", "price", "held", "equity", "reason"),
    [
        (Action.HOLD, 0.0, 0.0, 0.0, 1_000.0, ""),
        (Action.CLOSE, 0.0, 100.0, 0.0, 1_000.0, "no position to close"),
        (Action.CLOSE, 0.0, 0.0, 1.0, 1_000.0, ""),
        (Action.LONG, 0.1, 0.0, 0.0, 1_000.0, "no valid price"),
        (Action.LONG, 0.1, 100.0, 0.0, 1_000.0, ""),
        (Action.LONG, 0.11, 100.0, 0.0, 1_000.0, "exceeds max position size"),
        (Action.LONG, 0.1, 100.0, 0.5, 1_000.0, "exceeds max position size"),
        (Action.SHORT, 0.1, 100.0, 0.5, 1_000.0, ""),
        (Action.LONG, 0.1, 100.0, 0.0, float("nan"), "equity unknown"),
    ],
)
def test_s0s_validate_asks_the_same_rules(
    action: Action, size_pct: float, price: float, held: float, equity: float, reason: str
) -> None:
    manager = RiskManager(replace(LINEAR, max_equity_usage_pct=0.1))
    decision = DecisionObject(action=action, size_pct=size_pct)
    answer = manager.validate(decision, snapshot(price), held, equity)
    assert (answer.approved, answer.reason) == (not reason, reason)
    assert manager.state.last_open == {}


def test_validate_opens_nothing_on_a_stale_snapshot() -> None:
    decision = DecisionObject(action=Action.LONG, size_pct=0.1)
    answer = RiskManager(LINEAR).validate(decision, snapshot(stale_ms=60_000), 0.0, 1_000.0)
    assert answer.reason == "market data stale"


def test_a_composers_own_orders_are_judged_like_targets() -> None:
    manager = RiskManager(LINEAR)
    own = TradeInstruction(
        instruction_id="mine",
        compose_id="c",
        instrument=InstrumentRef(symbol=BTC),
        side=TradeSide.BUY,
        quantity=51,
    )
    answer = manager.assess("c", manager.targets_of([own], account()), account(), market())
    assert answer.results[BTC].reason == "exceeds max position size"
