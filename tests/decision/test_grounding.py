"""Numbers in a rationale against the snapshot: what contradicts it is flagged, nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decision.contexts import BTC, make_context
from tui_trader.decision.grounding import contradictions
from tui_trader.decision.situation import situations

CONTEXT = make_context(
    {BTC: {"ema_20": 67_120.5, "ema_50": 66_900.0, "rsi_14": 48.3, "macd": -12.5}},
    prices={BTC: 67_412.5},
)
KNOWN = situations(CONTEXT)


def flags(text: str) -> tuple[str, ...]:
    return contradictions([KNOWN[0].hold(text)], KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "RSI is 72, overbought",
        "RSI(14) at 72.1",
        "rsi_14 = 30",
        "EMA20 is 60,000",
        "RSI is 72, so I would sell",
        "price is 60,000 and I might buy",
        "EMA 20 above 68,000",
        "price is 71k",
        "The price: 6741.25",
        "RSI below 30 and falling",
        "RSI > 70",
        "MACD is 12.5",
    ],
)
def test_a_number_that_contradicts_the_snapshot_is_flagged(text: str) -> None:
    (flag,) = flags(text)
    assert flag.startswith(f"{BTC}: ")
    assert "was said, but it is" in flag


@pytest.mark.parametrize(
    "text",
    [
        "RSI is 48",
        "RSI 48.3 is neutral",
        "RSI(14) at 48.3 and EMA20 at 67,120",
        "EMA20 is above EMA50",
        "EMA20 above 67,000, price is 67.4k",
        "price around 67,400",
        "Wait: if RSI is 72 I would sell",
        "I will buy when price is 60,000",
        "stop at price 65,000",
        "RSI is unknown",
        "ADX is 90",
        "EMA200 is 50,000",
        "MACD is -12.5",
        "risk 2 % of equity, RSI period 14",
        "price is 3 % lower",
        "waiting for RSI < 30",
        "We need RSI below 30",
        "RSI > 70 needed",
        "RSI < 30 for a long",
        "price above 70,000 would confirm",
        "looking for price above 70,000",
        "the entry price is 60,000",
        "take profit price is 70,000",
        "support: price of 65,000",
        "MACD is 1.2%",
        "RSI is 1e2",
        "price is 67.412,50",
        "",
    ],
)
def test_what_agrees_or_states_nothing_is_not_flagged(text: str) -> None:
    assert flags(text) == ()


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    flags(text)
