"""Fills to be booked."""

from tui_trader.models import Fill, TradeSide

BTC = "BTC/USDT"


def fill(
    side: TradeSide,
    quantity: float,
    price: float,
    fee: float,
    trade_id: str,
    *,
    symbol: str = BTC,
    ts: int = 0,
    compose_id: str = "c",
) -> Fill:
    return Fill(
        trade_id=trade_id,
        order_id=f"o-{trade_id}",
        instruction_id=f"{compose_id}:{symbol}",
        compose_id=compose_id,
        symbol=symbol,
        side=side,
        quantity=quantity,
        price=price,
        fee=fee,
        ts=ts,
    )
