"""What one move of the market does to an order that waits. Pure functions on prices."""

from dataclasses import dataclass

from tui_trader.models import Candle, OrderRequest, OrderType


@dataclass(frozen=True, slots=True)
class Move:
    """How a symbol has moved since the last look: the first price of it, its range, and the volume
    that was traded (base currency)."""

    open: float
    high: float
    low: float
    volume: float


def move_between(before: Candle | None, now: Candle) -> Move:
    """What of a candle is new since `before`: all of it where that is another candle."""
    if before is None or before.ts != now.ts:
        return Move(now.open, now.high, now.low, now.volume)
    start = before.close
    return Move(
        open=start,
        high=now.high if now.high > before.high else max(start, now.close),
        low=now.low if now.low < before.low else min(start, now.close),
        volume=max(0.0, now.volume - before.volume),
    )


def touched_at(request: OrderRequest, move: Move) -> float | None:
    """The price at which a waiting order is touched, None when it is not.

    A move that begins beyond the price fills at its beginning, which is worse than a stop's price
    and better than a limit's or a target's; else the price itself is met inside the move.
    """
    buys = request.side.sign > 0
    if request.type is OrderType.STOP_MARKET:
        return _met(request.trigger_price, move, rising=buys)
    if request.type is OrderType.TAKE_PROFIT:
        return _met(request.trigger_price, move, rising=not buys)
    return _met(request.price, move, rising=not buys)


def _met(price: float | None, move: Move, *, rising: bool) -> float | None:
    if price is None:
        return None
    beyond_at_start = move.open >= price if rising else move.open <= price
    if beyond_at_start:
        return move.open
    reached = move.high >= price if rising else move.low <= price
    return price if reached else None


def urgency(request: OrderRequest) -> int:
    """Inside one move nobody knows what came first: the worst is assumed. Stops go before
    everything, limits that open before targets."""
    return {OrderType.STOP_MARKET: 0, OrderType.LIMIT: 1, OrderType.MARKET: 1}.get(request.type, 2)
