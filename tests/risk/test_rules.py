import math
from dataclasses import replace

import pytest

from tests.risk.desk import BTC, NOON
from tui_trader.messages import TradingState
from tui_trader.models import Action, TradeSide
from tui_trader.risk import rules
from tui_trader.risk.limits import RiskLimits, SizeFilter
from tui_trader.risk.proposal import Proposal
from tui_trader.risk.state import RiskState

LIMITS = RiskLimits(
    max_equity_usage_pct=0.1, max_leverage=3.0, daily_loss_cap_pct=0.05, cooldown_seconds=60
)
SOUND = Proposal(
    action=Action.LONG,
    symbol=BTC,
    ts=NOON,
    base=0.0,
    quantity=1.0,
    price=100.0,
    equity=1_000.0,
    other_notional=0.0,
    other_positions=0,
    stale=False,
    state=RiskState(starting_equity=1_000.0),
)


def objection(proposal: Proposal, limits: RiskLimits = LIMITS) -> str:
    found = rules.first_objection(proposal, limits)
    return found[1].reason if found else ""


def test_a_proposal_exactly_at_its_cap_passes() -> None:
    assert objection(SOUND) == ""


def test_rule_2_a_close_needs_a_position() -> None:
    assert rules.no_position_to_close(Action.CLOSE, 0.0) == "no position to close"
    assert rules.no_position_to_close(Action.CLOSE, -1e-12) == ""
    assert rules.no_position_to_close(Action.LONG, 0.0) == ""


def test_rule_3_a_price_is_needed() -> None:
    assert objection(replace(SOUND, price=None)) == "no valid price"


def test_rule_4_compares_what_would_be_held() -> None:
    assert objection(replace(SOUND, quantity=1.001)) == "exceeds max position size"
    assert objection(replace(SOUND, base=0.5, quantity=0.6)) == "exceeds max position size"
    assert objection(replace(SOUND, base=0.5, quantity=0.5)) == ""
    short = replace(SOUND, action=Action.SHORT, base=-0.5, quantity=-0.6)
    assert objection(short) == "exceeds max position size"


def test_rule_5_counts_all_positions() -> None:
    assert objection(replace(SOUND, other_notional=2_900.0)) == ""
    assert objection(replace(SOUND, other_notional=2_901.0)) == "exceeds max leverage"
    assert objection(replace(SOUND, other_notional=None)) == "exceeds max leverage"
    unlimited = replace(LIMITS, max_leverage=None)
    assert objection(replace(SOUND, other_notional=1e9), unlimited) == ""


def test_rule_6_the_daily_loss_cap() -> None:
    lost = replace(SOUND, quantity=0.5, equity=949.9)
    assert objection(lost) == "daily loss cap reached"
    assert objection(replace(lost, equity=950.0)) == ""
    assert objection(replace(lost, state=RiskState())) == "daily loss cap reached"
    assert objection(lost, replace(LIMITS, daily_loss_cap_pct=None)) == ""


def test_rule_7_the_cooldown_of_the_symbol() -> None:
    def opened(symbol: str, at: int) -> Proposal:
        return replace(SOUND, state=SOUND.state.opened(symbol, at, TradeSide.BUY))

    assert objection(opened(BTC, NOON - 59_999)) == "cooldown period active"
    assert objection(opened(BTC, NOON - 60_000)) == ""
    assert objection(opened("ETH/USDT", NOON)) == ""
    assert objection(opened(BTC, NOON + 1)) == "cooldown period active"


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ({"state": RiskState(trading_state=TradingState.REDUCING)}, "paused: reducing only"),
        ({"state": RiskState(trading_state=TradingState.HALTED)}, "halted"),
        ({"stale": True}, "market data stale"),
        ({"moved": True}, "position changed while deciding"),
        ({"equity": None}, "equity unknown"),
        ({"action": Action.SHORT}, "target contradicts action"),
        ({"action": Action.CLOSE}, "target contradicts action"),
        ({"quantity": 0.0}, "below step"),
        ({"equity": -1.0}, "exceeds max position size"),
    ],
)
def test_further_vetoes(flaw: dict[str, object], reason: str) -> None:
    assert objection(replace(SOUND, **flaw)) == reason  # type: ignore[arg-type]


def test_trading_disabled_opens_nothing() -> None:
    assert objection(SOUND, replace(LIMITS, trading_enabled=False)) == "trading disabled"


def test_minimum_sizes() -> None:
    small = replace(LIMITS, default_size=SizeFilter(min_qty=2, min_notional=0))
    assert objection(SOUND, small) == "below minimum quantity"
    cheap = replace(LIMITS, sizes={BTC: SizeFilter(min_notional=100.01)})
    assert objection(SOUND, cheap) == "below minimum notional"


def test_max_positions_lets_what_is_held_grow() -> None:
    limits = replace(LIMITS, max_positions=3)
    assert objection(replace(SOUND, other_positions=2), limits) == ""
    assert objection(replace(SOUND, other_positions=3), limits) == "max positions reached"
    assert objection(replace(SOUND, other_positions=3, base=0.1, quantity=0.1), limits) == ""


def test_a_decision_that_is_less_sure_of_itself_than_asked_opens_nothing() -> None:
    limits = replace(LIMITS, min_confidence=0.6)
    assert objection(replace(SOUND, confidence=0.6), limits) == ""
    assert objection(replace(SOUND, confidence=1.0), limits) == ""
    unsure = replace(SOUND, confidence=0.5999999)
    assert objection(unsure, limits) == "confidence 0.5999999 below minimum 0.6"
    assert objection(replace(SOUND, confidence=0.0), replace(LIMITS, min_confidence=0.0)) == ""


def test_a_decision_without_a_confidence_is_not_asked_for_it() -> None:
    assert objection(SOUND, replace(LIMITS, min_confidence=1.0)) == ""


def test_a_confidence_that_is_no_number_opens_nothing() -> None:
    assert "confidence nan" in objection(replace(SOUND, confidence=math.nan))


HOLDING = replace(LIMITS, cooldown_seconds=None, min_hold_seconds=300)
SHORT = replace(SOUND, action=Action.SHORT, quantity=-1.0)


def opened(proposal: Proposal, side: TradeSide, ago_ms: int, symbol: str = BTC) -> Proposal:
    return replace(proposal, state=proposal.state.opened(symbol, NOON - ago_ms, side))


def test_the_other_side_waits_for_the_minimum_hold() -> None:
    early = opened(SHORT, TradeSide.BUY, 299_999)
    assert objection(early, HOLDING) == "no short within 300 s of opening long"
    assert objection(opened(SHORT, TradeSide.BUY, 300_000), HOLDING) == ""
    assert objection(opened(SHORT, TradeSide.BUY, -1), HOLDING) != ""
    mirrored = opened(SOUND, TradeSide.SELL, 0)
    assert objection(mirrored, HOLDING) == "no long within 300 s of opening short"


def test_the_minimum_hold_stops_neither_the_same_side_nor_another_symbol() -> None:
    assert objection(opened(SHORT, TradeSide.SELL, 0), HOLDING) == ""
    assert objection(opened(SOUND, TradeSide.BUY, 0), HOLDING) == ""
    assert objection(opened(SHORT, TradeSide.BUY, 0, "ETH/USDT"), HOLDING) == ""
    unlimited = replace(HOLDING, min_hold_seconds=None)
    assert objection(opened(SHORT, TradeSide.BUY, 0), unlimited) == ""


@pytest.mark.parametrize("proposal", [SOUND, SHORT])
def test_a_last_opening_of_unknown_side_is_the_other_side_of_both(proposal: Proposal) -> None:
    old = RiskState(starting_equity=1_000.0, last_open={BTC: NOON - 1})
    refused = objection(replace(proposal, state=old), HOLDING)
    assert refused.endswith("within 300 s of opening a position of unknown side")
    late = old.model_copy(update={"last_open": {BTC: NOON - 300_000}})
    assert objection(replace(proposal, state=late), HOLDING) == ""


def test_the_openings_of_all_symbols_within_an_hour_are_limited() -> None:
    limits = replace(LIMITS, cooldown_seconds=None, max_opens_per_hour=2)
    one = opened(SOUND, TradeSide.BUY, 3_599_999, "ETH/USDT")
    assert objection(one, limits) == ""
    two = opened(one, TradeSide.BUY, 0, "SOL/USDT")
    assert objection(two, limits) == "max opens per hour reached"
    assert objection(replace(two, ts=NOON + 1), limits) == ""
    assert objection(two, replace(limits, max_opens_per_hour=None)) == ""


def test_an_opening_from_before_a_clock_jumped_back_still_counts() -> None:
    limits = replace(LIMITS, cooldown_seconds=None, max_opens_per_hour=1)
    assert objection(opened(SOUND, TradeSide.BUY, -86_400_000), limits) != ""


def test_a_rule_that_waits_says_until_when_and_not_longer() -> None:
    limits = replace(LIMITS, cooldown_seconds=0.0015, min_hold_seconds=7_200, max_opens_per_hour=2)
    proposal = SHORT
    for ago in (3_000_000, 1_000_000, 0):
        proposal = opened(proposal, TradeSide.BUY, ago)
    waits = []
    while found := rules.first_objection(proposal, limits):
        name, (_, until) = found
        assert until is not None
        just_before = rules.first_objection(replace(proposal, ts=until - 1), limits)
        assert just_before == found
        waits.append((name, until - NOON))
        proposal = replace(proposal, ts=until)
    # 2 of the last 3 openings may not be younger than an hour: the second oldest decides.
    assert waits == [("cooldown", 2), ("opens_per_hour", 2_600_000), ("min_hold", 7_200_000)]


def test_recent_losses_refuse_where_the_operator_wants_it_so() -> None:
    limits = replace(LIMITS, weak_score=-0.25, weak_size_factor=0)
    assert objection(replace(SOUND, score=-0.25), limits) == ""
    assert objection(replace(SOUND, score=-0.251), limits) == "recent score -0.251 below -0.25"
    assert objection(SOUND, limits) == ""
    assert objection(replace(SOUND, score=-1.0), replace(limits, weak_size_factor=0.1)) == ""


def test_the_standing_rules_look_at_no_more_of_a_decision_than_symbol_and_side() -> None:
    other = replace(SOUND, action=Action.CLOSE, base=-7.0, quantity=1e9, confidence=0.0, moved=True)
    limits = replace(LIMITS, max_positions=0, default_size=SizeFilter(min_qty=1e12))
    assert rules.first_objection(other, limits) is not None
    assert rules.first_objection(other, limits, standing=True) is None
    assert {name for name, _ in rules.OPENING_RULES} > rules.STANDING


def test_s0s_rules_answer_in_s0s_order() -> None:
    everything = replace(
        SOUND,
        price=None,
        quantity=2.0,
        other_notional=3_000.0,
        equity=900.0,
        state=SOUND.state.opened(BTC, NOON, TradeSide.BUY),
    )
    assert objection(everything) == "no valid price"
    assert objection(replace(everything, price=100.0)) == "exceeds max position size"
    assert objection(replace(everything, price=100.0, quantity=0.5)) == "exceeds max leverage"
    near = replace(everything, price=100.0, quantity=0.5, other_notional=0.0)
    assert objection(near) == "daily loss cap reached"
    assert objection(replace(near, equity=1_000.0)) == "cooldown period active"


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_equity_usage_pct": 1.5},
        {"max_leverage": 0},
        {"daily_loss_cap_pct": 0},
        {"cooldown_seconds": -1},
        {"min_confidence": 1.01},
        {"min_confidence": math.nan},
        {"min_hold_seconds": math.inf},
        {"max_opens_per_hour": 0},
        {"weak_score": -1.01},
        {"weak_size_factor": 1.5},
        {"allow_short": True},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RiskLimits(**wrong)  # type: ignore[arg-type]
