import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from tests.decision.contexts import BTC, DOWNTREND, ETH, UPTREND, make_context
from tui_trader.decision.formats import SimpleFormat
from tui_trader.decision.rules import RulesComposer
from tui_trader.decision.situation import situations
from tui_trader.models import Action, ComposeContext, ComposeResult, Constraints, TargetPosition

LTC_BTC = (
    Path(__file__).parents[2] / "../shared/cases/01_ohlcv/binance_5m_2018/LTC_BTC-5m.csv"
).resolve()
SHORTS = Constraints(max_equity_usage_pct=0.1, allow_short=True)


async def decide(context: ComposeContext) -> TargetPosition:
    (target,) = (await RulesComposer().compose(context)).targets
    return target


async def test_it_goes_long_when_trend_price_and_rsi_agree() -> None:
    target = await decide(make_context())
    assert target.action is Action.LONG
    # A tenth of a percent of equity lost at three ATRs of 1.5: 0.001 x 102 / 4.5, rounded down.
    assert target.size_pct == 0.0226
    assert target.target_qty == pytest.approx(10_000 * 0.0226 / 102)


async def test_it_goes_short_only_where_that_is_allowed() -> None:
    features, prices = {BTC: DOWNTREND}, {BTC: 98.0}
    denied = await decide(make_context(features, prices=prices))
    assert (denied.action, denied.target_qty) == (Action.HOLD, 0.0)
    target = await decide(make_context(features, prices=prices, constraints=SHORTS))
    assert target.action is Action.SHORT
    assert target.target_qty < 0


@pytest.mark.parametrize(
    ("changed", "price"),
    [
        ({"ema_50": 101.0}, 102.0),
        ({"ema_50": 100.9}, 102.0),
        ({"rsi_14": 49.0}, 102.0),
        ({"rsi_14": 71.0}, 102.0),
        ({"atr_14": 0.0}, 102.0),
        ({}, 100.5),
    ],
)
async def test_it_opens_nothing_unless_everything_agrees(
    changed: dict[str, float], price: float
) -> None:
    target = await decide(make_context({BTC: UPTREND | changed}, prices={BTC: price}))
    assert (target.action, target.target_qty) == (Action.HOLD, 0.0)


async def test_it_opens_nothing_on_stale_prices_or_unknown_equity() -> None:
    for context in (make_context(stale_ms=60_000), make_context(equity=None)):
        assert (await decide(context)).action is Action.HOLD


@pytest.mark.parametrize(
    ("features", "held", "price", "action"),
    [
        (UPTREND, 2.0, 102.0, Action.HOLD),
        (DOWNTREND, 2.0, 98.0, Action.CLOSE),
        (UPTREND | {"rsi_14": 79.0}, 2.0, 102.0, Action.CLOSE),
        (UPTREND, 2.0, 95.4, Action.CLOSE),
        (DOWNTREND, -2.0, 98.0, Action.HOLD),
        (UPTREND, -2.0, 102.0, Action.CLOSE),
        (DOWNTREND | {"rsi_14": 21.0}, -2.0, 98.0, Action.CLOSE),
        (DOWNTREND, -2.0, 104.6, Action.CLOSE),
    ],
)
async def test_a_position_stands_until_trend_rsi_or_stop_ends_it(
    features: dict[str, float], held: float, price: float, action: Action
) -> None:
    context = make_context({BTC: features}, prices={BTC: price}, held={BTC: held})
    target = await decide(context)
    assert target.action is action
    assert target.target_qty == (0.0 if action is Action.CLOSE else held)


async def test_stale_prices_do_not_keep_it_from_closing() -> None:
    context = make_context({BTC: DOWNTREND}, held={BTC: 2.0}, stale_ms=60_000, equity=None)
    assert (await decide(context)).action is Action.CLOSE


async def test_while_features_are_missing_it_holds_and_says_which() -> None:
    result = await RulesComposer().compose(
        make_context({BTC: {"rsi_14": 60.0, "atr_14": 1.0}}, held={BTC: 2.0})
    )
    assert result.audit is not None
    assert result.audit.outcome == "warming_up"
    assert result.targets[0].target_qty == 2.0
    assert result.targets[0].rationale == "warming up: no ema_20, ema_50 yet"


@given(st.floats(0.0, 1.0), st.floats(1e-4, 1e3), st.floats(1e-6, 1e5), st.floats(1e-2, 1e7))
async def test_the_notional_stays_below_the_limit(
    usage: float, atr: float, price: float, equity: float
) -> None:
    features = {"ema_20": price - atr * 0.5, "ema_50": price - atr, "rsi_14": 60.0, "atr_14": atr}
    target = await decide(
        make_context(
            {BTC: features},
            prices={BTC: price},
            equity=equity,
            constraints=Constraints(max_equity_usage_pct=usage),
        )
    )
    assert target.target_qty * price <= equity * usage * 0.981
    assert target.action is not Action.LONG or target.size_pct > 0


async def test_the_reasoning_arrives_sentence_by_sentence_then_the_answer() -> None:
    seen: list[tuple[str, str]] = []
    pauses: list[int] = []

    async def pace() -> None:
        pauses.append(len(seen))

    composer = RulesComposer(pace=pace)
    composer.on_reasoning = lambda reasoning, answer: seen.append((reasoning, answer))
    result = await composer.compose(make_context())
    assert pauses == [1, 2, 3]
    assert all(later.startswith(earlier) for (earlier, _), (later, _) in pairwise(seen))
    assert [bool(answer) for _, answer in seen] == [False, False, False, True]
    assert result.audit is not None
    assert result.audit.reasoning == (
        "BTC/USDT: EMA20 101 is above EMA50 99, 1.3 ATR apart. Close 102, RSI 60. "
        "Long 2.3 % of equity: uptrend: EMA20 1.3 ATR from EMA50, RSI 60."
    )


async def test_its_raw_output_is_the_decision_that_it_made() -> None:
    context = make_context()
    result = await RulesComposer().compose(context)
    assert result.audit is not None
    answer = SimpleFormat().parse(result.audit.raw_output, situations(context))
    assert answer.targets == result.targets


async def test_several_symbols_are_judged_one_by_one() -> None:
    context = make_context({BTC: UPTREND, ETH: DOWNTREND}, held={ETH: 3.0})
    result = await RulesComposer().compose(context)
    assert [target.action for target in result.targets] == [Action.LONG, Action.CLOSE]
    assert result.audit is not None
    assert [item["symbol"] for item in json.loads(result.audit.raw_output)] == [BTC, ETH]


@pytest.mark.skipif(not LTC_BTC.exists(), reason="shared cases are not here")
@pytest.mark.parametrize("constraints", [Constraints(max_equity_usage_pct=0.1), SHORTS])
async def test_on_real_candles_it_trades_without_churning(constraints: Constraints) -> None:
    table = np.loadtxt(LTC_BTC, delimiter=",", skiprows=1)[:550]
    high, low, close = (np.ascontiguousarray(table[:, column]) for column in (2, 3, 4))
    series = {
        "ema_20": talib.EMA(close, 20),
        "ema_50": talib.EMA(close, 50),
        "rsi_14": talib.RSI(close, 14),
        "atr_14": talib.ATR(high, low, close, 14),
    }
    actions: Counter[Action] = Counter()
    held, entry = 0.0, 0.0
    for bar in range(50, 550):
        result: ComposeResult = await RulesComposer().compose(
            make_context(
                {BTC: {name: float(values[bar]) for name, values in series.items()}},
                prices={BTC: float(close[bar])},
                held={BTC: held} if held else {},
                entry=entry or 1.0,
                constraints=constraints,
            )
        )
        (target,) = result.targets
        actions[target.action] += 1
        if target.target_qty and not held:
            entry = float(close[bar])
        held = target.target_qty
    opened = actions[Action.LONG] + actions[Action.SHORT]
    assert 3 <= opened <= 25
    assert opened - 1 <= actions[Action.CLOSE] <= opened
    assert (actions[Action.SHORT] > 0) == constraints.allow_short
