"""How surely, how often and after what results something is opened."""

import json
from dataclasses import replace

import pytest

from tests.decision.contexts import make_context
from tests.risk.desk import BTC, ETH, LINEAR, NOON, account, market, recent, said, target
from tui_trader.decision.formats import answer_format
from tui_trader.decision.situation import situations
from tui_trader.models import Action, TradeSide, TxResult, TxStatus
from tui_trader.risk.assessor import WEAK_MIN_TRADES
from tui_trader.risk.limits import SizeFilter
from tui_trader.risk.manager import RiskManager
from tui_trader.risk.state import RiskState

HELD = replace(LINEAR, min_hold_seconds=300)


def test_an_unsure_flip_gets_out_and_not_in() -> None:
    manager = RiskManager(replace(LINEAR, min_confidence=0.6))
    wish = [target(Action.SHORT, -2, confidence=0.59)]
    answer = manager.assess("c", wish, account(BTC=3), market())
    assert [(order.quantity, order.reduce_only) for order in answer.instructions] == [(3, True)]
    assert said(answer.verdicts)[-1] == ("veto", "confidence 0.59 below minimum 0.6")


def test_an_unsure_opening_is_denied_and_a_sure_one_sent() -> None:
    manager = RiskManager(replace(LINEAR, min_confidence=0.6))
    unsure = manager.assess("c", [target(Action.LONG, 1, confidence=0.0)], account(), market())
    assert unsure.results[BTC].reason == "confidence 0.0 below minimum 0.6"
    sure = manager.assess("d", [target(Action.LONG, 1, confidence=0.6)], account(), market())
    assert len(sure.instructions) == 1


def test_a_flip_too_soon_closes_and_the_other_side_waits_even_from_flat() -> None:
    manager = RiskManager(HELD)
    manager.assess("a", [target(Action.LONG, 1)], account(), market())
    wish = [target(Action.SHORT, -1)]
    flip = manager.assess("b", wish, account(BTC=1), market(ts=NOON + 60_000))
    assert [(order.quantity, order.reduce_only) for order in flip.instructions] == [(1, True)]
    early = manager.assess("c", wish, account(), market(ts=NOON + 299_999))
    assert early.results[BTC].reason == "no short within 300 s of opening long"
    again = manager.assess("d", [target(Action.LONG, 1)], account(), market(ts=NOON + 120_000))
    assert len(again.instructions) == 1
    late = manager.assess("e", wish, account(BTC=1), market(ts=NOON + 420_000))
    assert [order.reduce_only for order in late.instructions] == [True, False]


def test_the_openings_of_one_cycle_count_against_the_hour() -> None:
    manager = RiskManager(replace(LINEAR, max_opens_per_hour=1))
    wishes = [target(Action.LONG, 1), target(Action.SHORT, -1, ETH)]
    answer = manager.assess("c", wishes, account(), market())
    assert [order.instrument.symbol for order in answer.instructions] == [BTC]
    assert answer.results[ETH].reason == "max opens per hour reached"
    later = manager.assess("d", wishes[1:], account(), market(ts=NOON + 3_600_000))
    assert len(later.instructions) == 1
    assert manager.state.opens == (NOON + 3_600_000,)


@pytest.mark.parametrize(
    ("status", "filled", "kept"),
    [
        (TxStatus.REJECTED, 0.0, False),
        (TxStatus.ERROR, 0.0, True),
        (TxStatus.FILLED, 1.0, True),
        (TxStatus.REJECTED, 0.5, True),
    ],
)
def test_an_opening_with_nothing_filled_is_taken_back_whole(
    status: TxStatus, filled: float, kept: bool
) -> None:
    before = RiskState().opened(BTC, NOON - 1_000, TradeSide.SELL).seen(NOON, 10_000.0)
    manager = RiskManager(LINEAR, before)
    wishes = [target(Action.LONG, 1), target(Action.LONG, 1, ETH)]
    answer = manager.assess("c", wishes, account(), market())
    assert manager.state.last_side == {BTC: TradeSide.BUY, ETH: TradeSide.BUY}
    assert manager.state.opens == (NOON - 1_000, NOON, NOON)
    after = manager.state
    results = [
        TxResult(
            instruction_id=order.instruction_id,
            instrument=order.instrument,
            side=order.side,
            status=status,
            requested_qty=order.quantity,
            filled_qty=filled,
        )
        for order in answer.instructions
    ]
    manager.note_results(results, NOON)
    wanted = after if kept else before
    assert manager.state.last_open == wanted.last_open
    assert manager.state.last_side == wanted.last_side
    assert manager.state.opens == wanted.opens


def test_the_memory_of_openings_survives_a_restart_as_plain_json() -> None:
    manager = RiskManager(LINEAR)
    manager.assess("c", [target(Action.SHORT, -1)], account(), market())
    stored = json.dumps(manager.state.model_dump(mode="json"))
    assert RiskState.model_validate(json.loads(stored)) == manager.state
    assert manager.state.last_side == {BTC: TradeSide.SELL}


def test_a_state_from_before_these_gates_still_loads_and_fails_closed() -> None:
    stored = {"trading_state": "ACTIVE", "day": None, "last_open": {BTC: NOON}}
    state = RiskState.model_validate(stored)
    for wish in (target(Action.LONG, 1), target(Action.SHORT, -1)):
        answer = RiskManager(HELD, state).assess("c", [wish], account(), market())
        assert answer.instructions == ()


@pytest.mark.parametrize(
    ("score", "trades", "quantity"),
    [
        (-0.51, WEAK_MIN_TRADES, 1.5),
        (-0.5, WEAK_MIN_TRADES, 3.0),
        (-1.0, WEAK_MIN_TRADES - 1, 3.0),
        (None, 50, 3.0),
        (1.0, 50, 3.0),
    ],
)
def test_recent_losses_cut_an_opening(score: float | None, trades: int, quantity: float) -> None:
    answer = RiskManager(LINEAR).assess(
        "c", [target(Action.LONG, 3)], account(), market(), recent(score, trades)
    )
    assert [order.quantity for order in answer.instructions] == [quantity]


def test_a_cut_is_said_and_made_to_the_step() -> None:
    wish = [target(Action.SHORT, -0.003)]
    answer = RiskManager(LINEAR).assess("c", wish, account(), market(), recent(-0.75))
    assert [order.quantity for order in answer.instructions] == [0.001]
    clip = answer.verdicts[0]
    assert (clip.outcome, clip.reason) == ("clip", "recent score -0.750 below -0.5: cut to 50%")
    assert (clip.requested_qty, clip.allowed_qty) == (-0.003, -0.001)


def test_only_what_opens_is_cut() -> None:
    manager, digest = RiskManager(LINEAR), recent(-1.0)
    flip = manager.assess("c", [target(Action.SHORT, -2)], account(BTC=3), market(), digest)
    assert [order.quantity for order in flip.instructions] == [3, 1]
    more = manager.assess("d", [target(Action.LONG, 3)], account(BTC=2), market(), digest)
    assert [order.quantity for order in more.instructions] == [0.5]


def test_a_cut_lets_nothing_pass_that_would_have_been_refused() -> None:
    wish = [target(Action.LONG, 51)]
    answer = RiskManager(LINEAR).assess("c", wish, account(), market(), recent(-1.0))
    assert answer.results[BTC].reason == "exceeds max position size"


def test_what_a_cut_leaves_too_small_is_not_sent() -> None:
    limits = replace(LINEAR, default_size=SizeFilter(step=0.001, min_notional=10))
    wish = [target(Action.LONG, 0.15)]
    answer = RiskManager(limits).assess("c", wish, account(), market(), recent(-1.0))
    assert answer.results[BTC].reason == "below minimum notional"
    dust = [target(Action.LONG, 0.001)]
    answer = RiskManager(LINEAR).assess("c", dust, account(), market(), recent(-1.0))
    assert (answer.instructions, answer.results[BTC].reason) == ((), "below step")


def test_the_operator_hears_of_everything_whatever_the_model_speaks() -> None:
    context = make_context(prices={BTC: 68_654.5}, equity=10_000.0)
    answers = {
        "simple": '{"action": "long", "size_pct": 1.0, "reason": "up"}',
        "plan": '{"items": [{"symbol": "BTC/USDT", "action": "buy", "target_qty": 0.1456}]}',
    }
    for name, raw in answers.items():
        manager = RiskManager(LINEAR)
        asked = answer_format(name, (BTC,)).parse(raw, situations(context)).targets
        assert [wish.action for wish in asked] == [Action.LONG], name
        told = [manager.assess("c", asked, account(), market()).alerts for _ in range(3)]
        assert told == [(), (), (f"{BTC}: all of equity asked for 3 times in a row",)], name
