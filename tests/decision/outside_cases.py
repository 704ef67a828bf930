"""The `orders` adapter as a plain function, for the parser cases from outside.

`check_llm_parser.py tests.decision.outside_cases:decide` scores it.
"""

from typing import Any

from tests.decision.contexts import UPTREND, make_context
from tui_trader.decision.formats import OrdersFormat
from tui_trader.decision.situation import Situation, situations
from tui_trader.models import Action, Constraints, TargetPosition

MARK_PRICES = {"BTCUSDT": 100_000.0, "ETHUSDT": 3_500.0, "SOLUSDT": 150.0}
LIMITS = Constraints(max_leverage=20.0, allow_short=True)


def decide(raw: str) -> list[dict[str, Any]]:
    """What a flat account of 10,000 does on `raw`, in the words of the cases; [] is to hold."""
    context = make_context(dict.fromkeys(MARK_PRICES, UPTREND), prices=MARK_PRICES)
    known = {situation.symbol: situation for situation in situations(context)}
    answer = OrdersFormat().parse(raw, tuple(known.values()), LIMITS)
    return [
        _opening(target, known[target.instrument.symbol])
        for target in answer.targets
        if target.action in (Action.LONG, Action.SHORT)
    ]


def _opening(target: TargetPosition, situation: Situation) -> dict[str, Any]:
    assert situation.price is not None
    return {
        "symbol": situation.symbol,
        "action": f"open_{target.action.value}",
        "leverage": target.leverage,
        "position_size_usd": abs(target.target_qty) * situation.price,
        "stop_loss": target.stop_loss,
        "take_profit": target.take_profit,
    }
