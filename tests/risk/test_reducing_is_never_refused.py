"""From any state, under any limits: what only reduces exposure is sent, as far as was asked."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk.desk import BTC, ETH, account, target
from tests.risk.worlds import (
    confidences,
    digests,
    fractions,
    limits,
    markets,
    quantities,
    signs,
    states,
)
from tui_trader.models import Action, TradeDigest, TradeInstruction
from tui_trader.risk.interfaces import RiskMarket
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.manager import RiskManager
from tui_trader.risk.state import RiskState

reductions = given(
    limits=limits(),
    state=states(),
    market=markets(),
    equity=st.one_of(st.none(), st.floats(min_value=-1e9, max_value=1e9)),
    held=quantities,
    sign=signs,
    share=st.one_of(st.just(0.0), st.floats(min_value=0, max_value=0.99)),
    action=st.sampled_from((Action.CLOSE, Action.LONG, Action.SHORT)),
    size_pct=fractions,
    confidence=confidences,
    digest=digests,
)


def check_a_reduction(
    limits: RiskLimits,
    state: RiskState,
    market: RiskMarket,
    equity: float | None,
    held: float,
    sign: float,
    share: float,
    action: Action,
    size_pct: float,
    confidence: float | None,
    digest: TradeDigest | None,
) -> None:
    wanted = held * share
    view = account(equity, BTC=held * sign, ETH=7.0)
    manager = RiskManager(limits, state)
    wishes = [
        target(Action.LONG, 9.0, ETH),
        target(action, wanted * sign, size_pct=size_pct, confidence=confidence),
    ]
    answer = manager.assess("c", wishes, view, market, digest)
    (order,) = [order for order in answer.instructions if order.instrument.symbol == BTC]
    assert answer.results[BTC].approved
    assert order.reduce_only
    assert order.side.sign == -sign
    assert order.quantity <= held
    assert held - order.quantity <= wanted + 2 * math.ulp(held)
    if share == 0:
        assert order.quantity == held


test_every_reducing_order_passes = settings(max_examples=1_500)(reductions(check_a_reduction))
test_a_campaign_of_reductions = pytest.mark.campaign(
    pytest.mark.timeout(0)(settings(max_examples=100_000)(reductions(check_a_reduction)))
)


@settings(max_examples=1_000)
@given(
    limits=limits(),
    state=states(),
    market=markets(),
    equity=st.one_of(st.none(), st.floats(min_value=-1e9, max_value=1e9)),
    held=quantities,
    sign=signs,
    wanted=st.floats(min_value=-1e9, max_value=1e9),
    confidence=confidences,
    digest=digests,
)
def test_no_gate_changes_what_reduces(
    limits: RiskLimits,
    state: RiskState,
    market: RiskMarket,
    equity: float | None,
    held: float,
    sign: float,
    wanted: float,
    confidence: float | None,
    digest: TradeDigest | None,
) -> None:
    """What reduces is what would be sent if there were no limit but what the market can do."""
    action = Action.LONG if wanted > held * sign else Action.SHORT
    wishes = [
        target(Action.SHORT, -1.0, ETH),
        target(action if wanted else Action.CLOSE, wanted, confidence=confidence),
    ]
    view = account(equity, BTC=held * sign, ETH=7.0)
    unlimited = RiskLimits(
        market=limits.market, allow_short=limits.allow_short, default_size=limits.default_size
    )

    def reduced(manager: RiskManager, digest: TradeDigest | None) -> list[TradeInstruction]:
        answer = manager.assess("c", wishes, view, market, digest)
        return [order for order in answer.instructions if order.reduce_only]

    gated = reduced(RiskManager(limits, state), digest)
    assert gated == reduced(RiskManager(unlimited), None)
    assert ETH in {order.instrument.symbol for order in gated}


@settings(max_examples=500)
@given(limits=limits(), state=states(), market=markets(), held=quantities, sign=signs)
def test_a_flip_always_gets_out(
    limits: RiskLimits, state: RiskState, market: RiskMarket, held: float, sign: float
) -> None:
    wish = [target(Action.SHORT if sign > 0 else Action.LONG, -sign)]
    answer = RiskManager(limits, state).assess("c", wish, account(None, BTC=held * sign), market)
    out = answer.instructions[0]
    assert (out.quantity, out.reduce_only, out.side.sign) == (held, True, -sign)
    assert len(answer.instructions) == 1  # equity is unknown: nothing opens


@settings(max_examples=500)
@given(limits=limits(), state=states(), market=markets(), wanted=quantities, sign=signs)
def test_nothing_opens_on_unknown_equity_price_or_stale_data_or_a_moved_position(
    limits: RiskLimits, state: RiskState, market: RiskMarket, wanted: float, sign: float
) -> None:
    known = market.tickers.get(BTC)
    sound = known is not None and known.mark is not None and BTC not in market.stale | market.moved
    equity = None if sound else 1e9
    wish = [target(Action.LONG if sign > 0 else Action.SHORT, wanted * sign)]
    answer = RiskManager(limits, state).assess("c", wish, account(equity), market)
    assert answer.instructions == ()
    assert not answer.results[BTC].approved
