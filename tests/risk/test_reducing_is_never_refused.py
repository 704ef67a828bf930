"""From any state, under any limits: what only reduces exposure is sent, as far as was asked."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.risk.desk import BTC, ETH, NOON, account, recent, target
from tui_trader.messages import TradingState
from tui_trader.models import Action, Ticker, TradeDigest, TradeInstruction, TradeSide
from tui_trader.risk.interfaces import RiskMarket
from tui_trader.risk.limits import RiskLimits, SizeFilter
from tui_trader.risk.manager import RiskManager
from tui_trader.risk.state import RiskState

quantities = st.floats(min_value=1e-12, max_value=1e12)
positive = st.floats(min_value=1e-12, max_value=1e9)
fractions = st.floats(min_value=0, max_value=1)
confidences = st.one_of(st.none(), fractions)
digests = st.one_of(st.none(), st.builds(recent, st.none() | st.floats(-1, 1), st.integers(0, 60)))
signs = st.sampled_from((-1.0, 1.0))
prices = st.one_of(st.none(), st.just(math.nan), st.just(0.0), st.just(-1.0), positive)


@st.composite
def limits(draw: st.DrawFn) -> RiskLimits:
    spot = draw(st.booleans())
    return RiskLimits(
        max_equity_usage_pct=draw(st.floats(min_value=0, max_value=1)),
        max_leverage=draw(st.one_of(st.none(), positive)),
        daily_loss_cap_pct=draw(st.one_of(st.none(), st.just(0.01))),
        cooldown_seconds=draw(st.one_of(st.none(), st.just(3_600.0))),
        min_confidence=draw(fractions),
        min_hold_seconds=draw(st.one_of(st.none(), st.just(3_600.0))),
        max_opens_per_hour=draw(st.one_of(st.none(), st.just(1))),
        weak_score=draw(st.floats(min_value=-1, max_value=1)),
        weak_size_factor=draw(fractions),
        trading_enabled=draw(st.booleans()),
        market="spot" if spot else "linear",
        allow_short=not spot and draw(st.booleans()),
        max_positions=draw(st.one_of(st.none(), st.just(0))),
        max_slippage_bps=draw(st.one_of(st.none(), st.just(1))),
        default_size=SizeFilter(step=draw(positive), min_qty=draw(positive), min_notional=1e9),
    )


@st.composite
def states(draw: st.DrawFn) -> RiskState:
    return RiskState(
        trading_state=draw(st.sampled_from(TradingState)),
        day=draw(st.one_of(st.none(), st.just(NOON // 86_400_000))),
        starting_equity=draw(st.one_of(st.none(), st.just(1e9))),
        last_open=draw(st.sampled_from(({}, {BTC: NOON}))),
        last_side=draw(st.sampled_from(({}, {BTC: TradeSide.BUY}, {BTC: TradeSide.SELL}))),
        opens=draw(st.sampled_from(((), (NOON, NOON)))),
    )


@st.composite
def markets(draw: st.DrawFn) -> RiskMarket:
    price = draw(prices)
    stale, moved = (frozenset({BTC} if draw(st.booleans()) else ()) for _ in range(2))
    if price is None:
        return RiskMarket(NOON, {}, stale, moved)
    # A venue that sends nonsense: not even validated.
    quote = Ticker.model_construct(symbol=BTC, ts=0, bid=price, ask=price, last=price)
    return RiskMarket(NOON, {BTC: quote}, stale, moved)


@given(
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
def test_every_reducing_order_passes(
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


@given(limits=limits(), state=states(), market=markets(), held=quantities, sign=signs)
def test_a_flip_always_gets_out(
    limits: RiskLimits, state: RiskState, market: RiskMarket, held: float, sign: float
) -> None:
    wish = [target(Action.SHORT if sign > 0 else Action.LONG, -sign)]
    answer = RiskManager(limits, state).assess("c", wish, account(None, BTC=held * sign), market)
    out = answer.instructions[0]
    assert (out.quantity, out.reduce_only, out.side.sign) == (held, True, -sign)
    assert len(answer.instructions) == 1  # equity is unknown: nothing opens


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


@given(
    wanted=st.lists(st.tuples(st.sampled_from((BTC, ETH)), st.floats(-200, 200)), max_size=4),
    btc=st.floats(-20, 20),
    usage=st.floats(min_value=0.01, max_value=1),
    leverage=st.floats(min_value=0.1, max_value=3),
)
def test_projected_exposure_never_grows_beyond_its_caps(
    wanted: list[tuple[str, float]], btc: float, usage: float, leverage: float
) -> None:
    limits = RiskLimits(
        market="linear", allow_short=True, max_equity_usage_pct=usage, max_leverage=leverage
    )
    quotes = {
        symbol: Ticker(symbol=symbol, ts=NOON, bid=10.0, ask=10.0, last=10.0)
        for symbol in (BTC, ETH)
    }
    view = account(1_000.0, BTC=btc)
    wishes = [
        target(Action.LONG if quantity > 0 else Action.SHORT, quantity, symbol)
        for symbol, quantity in wanted
    ]
    answer = RiskManager(limits).assess("c", wishes, view, RiskMarket(NOON, quotes))
    held = {BTC: btc, ETH: 0.0}
    for order in answer.instructions:
        held[order.instrument.symbol] += order.quantity * order.side.sign
        if not order.reduce_only:
            assert abs(held[order.instrument.symbol]) * 10 <= 1_000 * usage * 1.000001
            assert sum(map(abs, held.values())) * 10 <= 1_000 * leverage * 1.000001
