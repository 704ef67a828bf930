"""What is told of openings that would be refused is what the rules then refuse, and all of it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk.desk import BTC, ETH, LINEAR, NOON, account, market, recent, target
from tui_trader.messages import TradingState
from tui_trader.models import Action, OpeningBar, TradeDigest, TradeSide
from tui_trader.risk import rules
from tui_trader.risk.assessor import WEAK_MIN_TRADES
from tui_trader.risk.interfaces import RiskMarket
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.manager import RiskManager
from tui_trader.risk.state import RiskState

SIDES = ((Action.LONG, 1), (Action.SHORT, -1))
FLIP_TOO_SOON = "no short within 300 s of opening long"


@st.composite
def limits(draw: st.DrawFn) -> RiskLimits:
    allow_short = draw(st.booleans())
    return RiskLimits(
        max_equity_usage_pct=1.0,
        max_leverage=None,
        daily_loss_cap_pct=draw(st.sampled_from((None, 0.05))),
        cooldown_seconds=draw(st.sampled_from((None, 60.0, 7_200.0))),
        min_hold_seconds=draw(st.sampled_from((None, 300.0, 7_200.0))),
        max_opens_per_hour=draw(st.sampled_from((None, 1, 2))),
        cooldown_after_close_seconds=draw(st.sampled_from((None, 60.0))),
        max_drawdown_pct=draw(st.sampled_from((None, 0.2))),
        max_spread_bps=draw(st.sampled_from((None, 10.0))),
        max_tick_jump_pct=draw(st.sampled_from((None, 0.1))),
        weak_size_factor=draw(st.sampled_from((0.0, 0.5))),
        trading_enabled=draw(st.integers(0, 9)) > 0,
        market="linear" if allow_short else "spot",
        allow_short=allow_short,
    )


@st.composite
def states(draw: st.DrawFn) -> RiskState:
    state = RiskState(
        trading_state=draw(st.sampled_from((TradingState.ACTIVE,) * 4 + tuple(TradingState))),
        day=draw(st.sampled_from((None, NOON // 86_400_000))),
        starting_equity=draw(st.sampled_from((None, 10_000.0, 20_000.0))),
        peak_equity=draw(st.sampled_from((None, 10_000.0, 20_000.0))),
        last_close=draw(st.sampled_from(({}, {BTC: NOON - 1_000}, {ETH: NOON - 60_000}))),
        marks=draw(st.sampled_from(({}, {BTC: (100.0,)}, {BTC: (50.0, 200.0), ETH: (10.0,)}))),
    )
    for symbol in draw(st.lists(st.sampled_from((BTC, ETH)), max_size=3)):
        ago = draw(st.sampled_from((-1, 0, 59_999, 60_000, 299_999, 300_000, 3_600_000)))
        state = state.opened(symbol, NOON - ago, draw(st.sampled_from(TradeSide)))
        if draw(st.integers(0, 4)) == 0:
            state = state.model_copy(update={"last_side": {}})
    return state


markets = st.sampled_from(
    (
        market(),
        market(),
        market(),
        market({ETH: 10.0}),
        market(stale=[BTC, "X/USDT"]),
        replace(market(), unknown=frozenset({BTC})),
    )
)


@settings(max_examples=500)
@given(
    limits=limits(),
    state=states(),
    market=markets,
    digest=st.sampled_from((None, recent(-0.9), recent(-0.9, WEAK_MIN_TRADES - 1), recent(None))),
    equity=st.sampled_from((10_000.0, 10_000.0, None)),
    held=st.sampled_from((0.0, 2.0, -2.0)),
)
def test_every_bar_is_a_veto_and_every_standing_veto_was_told(
    limits: RiskLimits,
    state: RiskState,
    market: RiskMarket,
    digest: TradeDigest | None,
    equity: float | None,
    held: float,
) -> None:
    view = account(equity, **({"BTC": held} if held else {}))
    told = RiskManager(limits, state).bars((BTC, ETH), view, market, digest)
    known = {(bar.symbol, bar.reason): bar for bar in told}
    assert len(known) == len(told)
    met: set[tuple[str, str]] = set()
    for symbol, base in ((BTC, held), (ETH, 0.0)):
        for action, sign in SIDES[: 2 if limits.allow_short else 1]:
            wish = target(action, base + sign if base * sign > 0 else float(sign), symbol)
            answer = RiskManager(limits, state).assess("c", [wish], view, market, digest)
            opens = [order for order in answer.instructions if not order.reduce_only]
            vetoes = [verdict for verdict in answer.verdicts if verdict.outcome == "veto"]
            assert len(opens) + len(vetoes) == 1
            standing = [verdict.reason for verdict in vetoes if verdict.rule in rules.STANDING]
            both_sides = {reason for name, reason in known if name == symbol}
            assert set(standing) <= both_sides
            # A bar that names the other side only says nothing of this one.
            mine = {reason for reason in both_sides if not _names_other_side(reason, action)}
            assert mine <= set(standing)
            met.update((symbol, reason) for reason in standing)
    assert met == known.keys()


def _names_other_side(reason: str, action: Action) -> bool:
    other = {Action.LONG: "no short within", Action.SHORT: "no long within"}
    return reason.startswith(other[action])


@pytest.mark.parametrize(
    ("limits", "state", "bar"),
    [
        (
            replace(LINEAR, cooldown_seconds=60),
            RiskState().opened(BTC, NOON - 1_000, TradeSide.BUY),
            OpeningBar(symbol=BTC, reason="cooldown period active", until_ts=NOON + 59_000),
        ),
        (
            replace(LINEAR, min_hold_seconds=300),
            RiskState().opened(BTC, NOON - 1_000, TradeSide.BUY),
            OpeningBar(symbol=BTC, reason=FLIP_TOO_SOON, until_ts=NOON + 299_000),
        ),
        (
            replace(LINEAR, max_opens_per_hour=1),
            RiskState().opened(ETH, NOON - 1_000, TradeSide.BUY),
            OpeningBar(symbol=BTC, reason="max opens per hour reached", until_ts=NOON + 3_599_000),
        ),
        (
            replace(LINEAR, daily_loss_cap_pct=0.05),
            RiskState(day=NOON // 86_400_000, starting_equity=20_000.0),
            OpeningBar(symbol=BTC, reason="daily loss cap reached"),
        ),
        (
            replace(LINEAR, trading_enabled=False),
            RiskState(),
            OpeningBar(symbol=BTC, reason="trading disabled"),
        ),
        (
            LINEAR,
            RiskState(trading_state=TradingState.REDUCING),
            OpeningBar(symbol=BTC, reason="paused: reducing only"),
        ),
    ],
)
def test_what_is_told_of_each_rule(limits: RiskLimits, state: RiskState, bar: OpeningBar) -> None:
    assert RiskManager(limits, state).bars([BTC], account(), market()) == (bar,)


def test_nothing_is_told_where_everything_may_be_opened() -> None:
    assert RiskManager(LINEAR).bars([BTC, ETH], account(), market()) == ()


def test_stale_data_a_missing_price_and_an_unknown_equity_are_told() -> None:
    manager = RiskManager(LINEAR)
    stale = manager.bars([BTC, ETH], account(), market(stale=[ETH]))
    assert stale == (OpeningBar(symbol=ETH, reason="market data stale"),)
    (blind,) = manager.bars(["X/USDT"], account(), market())
    assert blind.reason == "no valid price"
    (broke,) = manager.bars([BTC], account(equity=None), market())
    assert broke.reason == "equity unknown"


def test_recent_losses_are_told_only_where_they_refuse_everything() -> None:
    digest = recent(-0.9)
    assert RiskManager(LINEAR).bars([BTC, ETH], account(), market(), digest) == ()
    strict = RiskManager(replace(LINEAR, weak_size_factor=0))
    (bar,) = strict.bars([BTC, ETH], account(), market(), digest)
    assert bar == OpeningBar(symbol=BTC, reason="recent score -0.900 below -0.5")


def test_asking_changes_nothing() -> None:
    manager = RiskManager(LINEAR)
    before = manager.state
    manager.bars([BTC], account(), market())
    assert manager.state == before


def test_a_rule_that_fails_is_a_bar_and_no_lost_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(proposal: object, limits: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(rules, "OPENING_RULES", (("cooldown", broken),))
    (bar,) = RiskManager(LINEAR).bars([BTC], account(), market())
    assert bar.reason == "risk check failed: ZeroDivisionError: oops"
