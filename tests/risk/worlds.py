"""Limits, states and markets to search in: also those that no sound account comes to."""

import math
from dataclasses import replace

from hypothesis import strategies as st

from tests.risk.desk import BTC, ETH, NOON, recent
from tui_trader.messages import TradingState
from tui_trader.models import Ticker, TradeSide
from tui_trader.risk.interfaces import RiskMarket
from tui_trader.risk.limits import RiskLimits, SizeFilter
from tui_trader.risk.state import RiskState

quantities = st.floats(min_value=1e-12, max_value=1e12)
positive = st.floats(min_value=1e-12, max_value=1e9)
fractions = st.floats(min_value=0, max_value=1)
confidences = st.one_of(st.none(), fractions)
digests = st.one_of(st.none(), st.builds(recent, st.none() | st.floats(-1, 1), st.integers(0, 60)))
signs = st.sampled_from((-1.0, 1.0))
optional_tiny = st.sampled_from((None, 1e-6))
prices = st.one_of(st.none(), st.just(math.nan), st.just(0.0), st.just(-1.0), positive)


@st.composite
def limits(draw: st.DrawFn) -> RiskLimits:
    spot = draw(st.booleans())
    return RiskLimits(
        max_equity_usage_pct=draw(st.floats(min_value=0, max_value=1)),
        max_leverage=draw(st.one_of(st.none(), positive)),
        daily_loss_cap_pct=draw(st.sampled_from((None, 0.01))),
        cooldown_seconds=draw(st.sampled_from((None, 3_600.0))),
        min_confidence=draw(fractions),
        min_hold_seconds=draw(st.sampled_from((None, 3_600.0))),
        max_opens_per_hour=draw(st.sampled_from((None, 1))),
        weak_score=draw(st.floats(min_value=-1, max_value=1)),
        weak_size_factor=draw(fractions),
        trading_enabled=draw(st.booleans()),
        market="spot" if spot else "linear",
        allow_short=not spot and draw(st.booleans()),
        max_positions=draw(st.sampled_from((None, 0))),
        max_slippage_bps=draw(st.sampled_from((None, 1))),
        max_spread_bps=draw(optional_tiny),
        max_tick_jump_pct=draw(optional_tiny),
        max_gross_pct=draw(optional_tiny),
        max_net_pct=draw(optional_tiny),
        max_drawdown_pct=draw(optional_tiny),
        cooldown_after_close_seconds=draw(st.sampled_from((None, 3_600.0))),
        require_stop=draw(st.booleans()),
        trailing_stop_pct=draw(optional_tiny),
        min_liquidation_distance_pct=draw(st.sampled_from((None, 0.9))),
        default_size=SizeFilter(step=draw(positive), min_qty=draw(positive), min_notional=1e9),
    )


@st.composite
def states(draw: st.DrawFn) -> RiskState:
    return RiskState(
        trading_state=draw(st.sampled_from(TradingState)),
        day=draw(st.sampled_from((None, NOON // 86_400_000))),
        starting_equity=draw(st.sampled_from((None, 1e9))),
        last_open=draw(st.sampled_from(({}, {BTC: NOON}))),
        last_side=draw(st.sampled_from(({}, {BTC: TradeSide.BUY}, {BTC: TradeSide.SELL}))),
        last_close=draw(st.sampled_from(({}, {BTC: NOON}))),
        opens=draw(st.sampled_from(((), (NOON, NOON)))),
        peak_equity=draw(st.sampled_from((None, 1e9))),
        drawn_down=draw(st.booleans()),
        deposits=draw(st.sampled_from((0.0, 1e9, -1e9))),
        marks=draw(st.sampled_from(({}, {BTC: (1.0,)}, {BTC: (1.0, 1e9)}))),
    )


@st.composite
def markets(draw: st.DrawFn) -> RiskMarket:
    price = draw(prices)
    stale, moved = (frozenset({BTC} if draw(st.booleans()) else ()) for _ in range(2))
    pending = draw(st.sampled_from(({}, {BTC: (1.0, 0.0)}, {BTC: (1e9, 1e9), ETH: (0.0, 3.0)})))
    market = RiskMarket(
        NOON,
        {},
        stale,
        moved,
        expired=draw(st.booleans()),
        pending=pending,
        unknown=frozenset(draw(st.sampled_from(((), (BTC,), (BTC, ETH))))),
        model_cost=draw(st.sampled_from((0.0, 1e12))),
    )
    if price is None:
        return market
    # A venue that sends nonsense: not even validated.
    bid, ask = draw(st.sampled_from(((price, price), (price, 0.0), (price * 2, price))))
    quote = Ticker.model_construct(symbol=BTC, ts=0, bid=bid, ask=ask, last=price)
    return replace(market, tickers={BTC: quote})
