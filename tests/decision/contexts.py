"""Contexts to decide on."""

from tui_trader.models import (
    ComposeContext,
    Constraints,
    ExternalNote,
    FeatureVector,
    InstrumentRef,
    MarketSnapshot,
    OpeningBar,
    PortfolioView,
    PositionSnapshot,
    TradeDigest,
    TradeDigestEntry,
)

TS = 1_730_395_200_000
BTC = "BTC/USDT"
ETH = "ETH/USDT"
UPTREND = {"ema_20": 101.0, "ema_50": 99.0, "rsi_14": 60.0, "atr_14": 1.5}
DOWNTREND = {"ema_20": 99.0, "ema_50": 101.0, "rsi_14": 40.0, "atr_14": 1.5}


def vector(symbol: str, values: dict[str, float], missing: tuple[str, ...] = ()) -> FeatureVector:
    return FeatureVector(
        ts=TS,
        instrument=InstrumentRef(symbol=symbol),
        values=values,
        meta={"interval": "5m", "missing": missing},
    )


def quotes(symbol: str, price: float, ts: int) -> FeatureVector:
    """What the default pipeline makes of a quote that came at `ts` (ms)."""
    return FeatureVector(
        ts=ts,
        instrument=InstrumentRef(symbol=symbol),
        values={"bid": price, "ask": price, "last": price, "spread_bps": 20.0},
        meta={"group_by_key": "market_snapshot"},
    )


def snapshot(
    symbol: str,
    price: float,
    stale_ms: int | None = None,
    *,
    ts: int = TS,
    funding_rate: float | None = None,
    next_funding_ts: int | None = None,
) -> MarketSnapshot:
    return MarketSnapshot(
        timestamp=ts,
        symbol=symbol,
        price=price,
        bid=price * 0.999,
        ask=price * 1.001,
        stale_ms=stale_ms,
        funding_rate=funding_rate,
        next_funding_ts=next_funding_ts,
    )


def make_context(
    features: dict[str, dict[str, float]] | None = None,
    *,
    prices: dict[str, float] | None = None,
    held: dict[str, float] | None = None,
    entry: float = 100.0,
    equity: float | None = 10_000.0,
    stale_ms: int | None = None,
    constraints: Constraints | None = None,
    digest: dict[str, TradeDigestEntry] | None = None,
    missing: tuple[str, ...] = (),
    prompt_text: str = "",
    ts: int = TS,
    barred: tuple[OpeningBar, ...] = (),
    notes: tuple[ExternalNote, ...] = (),
) -> ComposeContext:
    features = {BTC: UPTREND} if features is None else features
    prices = dict.fromkeys(features, 102.0) if prices is None else prices
    return ComposeContext(
        ts=ts,
        compose_id="c1",
        features=tuple(vector(symbol, values, missing) for symbol, values in features.items()),
        portfolio=PortfolioView(
            ts=ts,
            cash=10_000.0,
            account_balance=10_000.0,
            total_value=equity,
            buying_power=equity,
            positions={
                symbol: PositionSnapshot(
                    instrument=InstrumentRef(symbol=symbol),
                    quantity=quantity,
                    avg_price=entry,
                    unrealized_pnl=12.5,
                    entry_ts=TS - 7_500_000,
                )
                for symbol, quantity in (held or {}).items()
            },
        ),
        digest=TradeDigest(ts=TS, by_instrument=digest or {}),
        prompt_text=prompt_text,
        market_snapshot={
            symbol: snapshot(symbol, p, stale_ms, ts=ts) for symbol, p in prices.items()
        },
        constraints=constraints or Constraints(max_equity_usage_pct=0.1),
        barred=barred,
        notes=notes,
    )
