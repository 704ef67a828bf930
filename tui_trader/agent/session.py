"""What is said of a run: what does not change while it lasts, and how it does."""

import os

from tui_trader.agent.account import Account
from tui_trader.agent.market import Market
from tui_trader.config.loader import LoadedConfig
from tui_trader.decision.providers import PROVIDERS
from tui_trader.messages import SessionInfo, TradingState
from tui_trader.models import (
    LlmModelConfig,
    Performance,
    PortfolioView,
    StrategyStatus,
    StrategySummary,
    TradingMode,
)

DOLLARS = frozenset({"USD", "USDT", "USDC", "BUSD", "FDUSD", "DAI", "TUSD"})
"""Quote currencies from which a cost in US dollars can be taken as it is."""

STATUS = {
    TradingState.ACTIVE: StrategyStatus.RUNNING,
    TradingState.REDUCING: StrategyStatus.PAUSED,
    TradingState.HALTED: StrategyStatus.STOPPED,
}


def session_info(
    loaded: LoadedConfig, market: Market, account: Account, llm: LlmModelConfig | None, started: int
) -> SessionInfo:
    """What does not change while the agent runs, since `started` (Unix ms); `llm` are the models
    that it asks, None where it asks none."""
    config = loaded.config
    return SessionInfo(
        name=config.agent.name,
        mode=config.agent.mode,
        venue="paper",
        market=config.exchange.market,
        symbols=market.symbols,
        timeframe=market.timeframe,
        interval_seconds=config.agent.interval_seconds,
        strategy=config.agent.strategy,
        model=None if llm is None else llm.model_id or PROVIDERS[llm.provider].default_model,
        source=config.market.source,
        initial_capital=config.paper.initial_capital,
        quote_ccy=account.ledger.quote_ccy,
        pid=os.getpid(),
        started_ts=started,
        data_folder=str(account.folder),
        max_equity_usage_pct=config.risk.max_equity_usage_pct,
        max_leverage=config.risk.max_leverage,
        daily_loss_cap_pct=config.risk.daily_loss_cap_pct,
        cooldown_seconds=config.risk.cooldown_seconds,
        trading_enabled=config.risk.trading_enabled,
        demo=loaded.demo,
        warnings=account.warnings,
    )


def summary(
    session: SessionInfo,
    view: PortfolioView,
    state: TradingState,
    model_cost: float | None,
    performance: Performance | None = None,
) -> StrategySummary:
    """How the run does. `model_cost` is what the account's models have cost, in USD; None where
    that is unknown."""
    total = view.total_value
    profit = None if total is None else total - session.initial_capital - view.transferred
    net = None
    if profit is not None and model_cost is not None:
        in_dollars = session.quote_ccy in DOLLARS or not model_cost
        net = profit - model_cost if in_dollars else None
    return StrategySummary(
        strategy_id=session.name,
        name=session.name,
        model_id=session.model,
        exchange_id=session.venue,
        mode=TradingMode.VIRTUAL,
        status=STATUS[state],
        realized_pnl=view.total_realized_pnl,
        unrealized_pnl=view.total_unrealized_pnl,
        pnl_abs=profit,
        pnl_pct=None if profit is None else profit / session.initial_capital,
        model_cost_usd=model_cost,
        net_pnl=net,
        performance=performance,
        last_updated_ts=view.ts,
    )
