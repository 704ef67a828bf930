"""An account and a market to judge on."""

from collections.abc import Iterable, Mapping

from tui_trader.models import (
    Action,
    InstrumentRef,
    PortfolioView,
    PositionSnapshot,
    TargetPosition,
    Ticker,
    TradeDigest,
    TradeDigestEntry,
    Verdict,
)
from tui_trader.risk.interfaces import RiskMarket
from tui_trader.risk.limits import RiskLimits, SizeFilter

BTC, ETH = "BTC/USDT", "ETH/USDT"
NOON = 1_700_049_600_000  # 2023-11-15 12:00 UTC

LINEAR = RiskLimits(
    market="linear", allow_short=True, max_equity_usage_pct=0.5, default_size=SizeFilter(step=0.001)
)


def ticker(symbol: str, price: float) -> Ticker:
    return Ticker(symbol=symbol, ts=NOON, bid=price, ask=price, last=price)


def market(
    prices: Mapping[str, float] | None = None, *, ts: int = NOON, stale: Iterable[str] = ()
) -> RiskMarket:
    prices = {BTC: 100.0, ETH: 10.0} if prices is None else prices
    tickers = {symbol: ticker(symbol, price) for symbol, price in prices.items()}
    return RiskMarket(ts, tickers, frozenset(stale))


def account(equity: float | None = 10_000.0, **held: float) -> PortfolioView:
    """A view with `BTC=` and `ETH=` signed quantities."""
    symbols = {"BTC": BTC, "ETH": ETH}
    return PortfolioView(
        ts=NOON,
        cash=equity or 0.0,
        account_balance=equity or 0.0,
        total_value=equity,
        positions={
            symbols[name]: PositionSnapshot(
                instrument=InstrumentRef(symbol=symbols[name]), quantity=quantity
            )
            for name, quantity in held.items()
        },
    )


def target(
    action: Action,
    quantity: float,
    symbol: str = BTC,
    size_pct: float = 0.0,
    confidence: float | None = None,
) -> TargetPosition:
    return TargetPosition(
        instrument=InstrumentRef(symbol=symbol),
        action=action,
        target_qty=quantity,
        size_pct=size_pct,
        confidence=confidence,
    )


def recent(score: float | None, trades: int = 50, symbol: str = BTC) -> TradeDigest:
    """A digest in which `symbol` has closed so many trades with so much success."""
    entry = TradeDigestEntry(
        instrument=InstrumentRef(symbol=symbol),
        trade_count=trades,
        recent_performance_score=score,
    )
    return TradeDigest(ts=NOON, by_instrument={symbol: entry})


def said(verdicts: Iterable[Verdict]) -> list[tuple[str, str]]:
    """Outcome and reason of every verdict."""
    return [(verdict.outcome, verdict.reason) for verdict in verdicts]
