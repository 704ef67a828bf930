"""A sensible answer to the agent's own prompt, made from the numbers in it."""

import json
import re
from dataclasses import dataclass
from typing import Any

_NUMBER = r"(-?[0-9.]+(?:e[+-]?[0-9]+)?)"


@dataclass(frozen=True, slots=True)
class _Symbol:
    name: str
    price: float | None
    fast: float | None
    slow: float | None
    quantity: float

    @property
    def bullish(self) -> bool | None:
        return None if self.fast is None or self.slow is None else self.fast > self.slow


def decide(prompt: str) -> tuple[str, str]:
    """Reasoning and answer to `prompt`, in the format that the prompt asks for."""
    symbols = _symbols(prompt)
    equity = _find(rf"Account equity: {_NUMBER}", prompt) or 0.0
    share = (_find(rf"within {_NUMBER} % of equity", prompt) or 10.0) / 100 * 0.9
    thoughts = [_thought(symbol) for symbol in symbols]
    if '"items"' in prompt:
        items = [_item(symbol, equity, share) for symbol in symbols]
        return " ".join(thoughts), json.dumps({"items": items})
    if not symbols:
        return "", json.dumps({"action": "hold", "size_pct": 0.0, "reason": "no symbol found"})
    return " ".join(thoughts), json.dumps(_decision(symbols[0], share))


def _symbols(prompt: str) -> list[_Symbol]:
    now = prompt.partition("MARKET CONTEXT: NOW")[2]
    symbols = []
    for block in re.split(r"\n\n(?=\S+\n- Price:)", now)[1:]:
        name = block.partition("\n")[0]
        candles = prompt.partition(f"\n\n{name}\n- Trend:")[2].partition("\n\n")[0]
        held = _find(rf"- {re.escape(name)}: \w+, quantity {_NUMBER}", prompt)
        symbols.append(
            _Symbol(
                name,
                _find(rf"- Price: {_NUMBER}", block),
                _find(rf"- ema_20: {_NUMBER}", candles),
                _find(rf"- ema_50: {_NUMBER}", candles),
                held or 0.0,
            )
        )
    return symbols


def _find(pattern: str, text: str) -> float | None:
    match = re.search(pattern, text)
    return float(match[1]) if match else None


def _thought(symbol: _Symbol) -> str:
    if symbol.bullish is None:
        return f"{symbol.name} has no averages yet, so there is nothing to decide on."
    relation = "above" if symbol.bullish else "below"
    held = f"{symbol.quantity:g} held" if symbol.quantity else "no position"
    return (
        f"{symbol.name}: the fast average {symbol.fast:g} is {relation} the slow one"
        f" {symbol.slow:g}, with {held}."
    )


def _decision(symbol: _Symbol, share: float) -> dict[str, Any]:
    if symbol.bullish and not symbol.quantity:
        return {"action": "long", "size_pct": round(share, 4), "reason": "EMA20 is above EMA50"}
    if symbol.bullish is False and symbol.quantity > 0:
        return {"action": "close", "size_pct": 0.0, "reason": "EMA20 fell below EMA50"}
    return {"action": "hold", "size_pct": 0.0, "reason": "nothing to change"}


def _item(symbol: _Symbol, equity: float, share: float) -> dict[str, Any]:
    item: dict[str, Any] = {"symbol": symbol.name, "confidence": 0.7}
    if symbol.bullish and not symbol.quantity and symbol.price and equity > 0:
        quantity = equity * share / symbol.price
        return item | {"action": "buy", "target_qty": quantity, "rationale": "uptrend"}
    if symbol.bullish is False and symbol.quantity > 0:
        return item | {"action": "flat", "target_qty": 0, "rationale": "the trend has turned"}
    return item | {"action": "noop", "target_qty": symbol.quantity, "rationale": "no change"}
