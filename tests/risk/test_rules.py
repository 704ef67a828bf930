from dataclasses import replace

import pytest

from tests.risk.desk import BTC, NOON
from tui_trader.messages import TradingState
from tui_trader.models import Action
from tui_trader.risk import rules
from tui_trader.risk.limits import RiskLimits, SizeFilter
from tui_trader.risk.rules import Proposal
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
    return found[1] if found else ""


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
        return replace(SOUND, state=SOUND.state.opened(symbol, at))

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


def test_s0s_rules_answer_in_s0s_order() -> None:
    everything = replace(
        SOUND,
        price=None,
        quantity=2.0,
        other_notional=3_000.0,
        equity=900.0,
        state=SOUND.state.opened(BTC, NOON),
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
        {"allow_short": True},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RiskLimits(**wrong)  # type: ignore[arg-type]
