"""From a configuration to a running agent: the one place that picks implementations."""

import logging
from pathlib import Path

from tui_trader.agent import kill_file
from tui_trader.agent.account import Account, open_account
from tui_trader.agent.closing import Closer
from tui_trader.agent.control import OperatorControl
from tui_trader.agent.coordinator import CycleIdentity, DecisionCoordinator, Stages
from tui_trader.agent.desk import OrderDesk
from tui_trader.agent.journal import Journal
from tui_trader.agent.market import Market, open_market
from tui_trader.agent.minds import gather_minds
from tui_trader.agent.parts import Pace, RuntimeParts
from tui_trader.agent.publisher import Publisher
from tui_trader.agent.runtime import AgentRuntime
from tui_trader.agent.session import session_info, summary
from tui_trader.agent.strategy import make_request
from tui_trader.agent.venue import book_funding, open_gateway, quantities
from tui_trader.clock import Clock, SystemClock
from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import LoadedConfig
from tui_trader.config.schema import Config
from tui_trader.execution.gateway import Ties, VenueGateway
from tui_trader.execution.interfaces import BaseVenue
from tui_trader.features.candles import SimpleCandleFeatureComputer
from tui_trader.features.indicators import DEFAULT_INDICATORS
from tui_trader.features.pipeline import DefaultFeaturesPipeline
from tui_trader.messages import CycleCompleted, Message, TradingState
from tui_trader.models import (
    MetricPoint,
    PortfolioView,
    StrategySummary,
)
from tui_trader.portfolio.performance import PerformanceTracker
from tui_trader.portfolio.service import InMemoryPortfolioService
from tui_trader.risk.interfaces import RiskMarket
from tui_trader.risk.limits import RiskLimits, SizeFilter, derived_step
from tui_trader.risk.manager import RiskManager
from tui_trader.risk.state import OPENING_VETO
from tui_trader.timeframes import timeframe_ms
from tui_trader.trading_history.digest import RollingDigestBuilder
from tui_trader.trading_history.recorder import StoreHistoryRecorder

logger = logging.getLogger(__name__)

READING_MS = 3_000
"""A decision's sentences take about so long where somebody reads them."""

DIGEST_RECORDS = 500
"""Of earlier runs, so many execution records reach the digest."""


async def assemble(
    loaded: LoadedConfig,
    *,
    max_cycles: int | None = None,
    data_dir: Path | None = None,
    watched: bool = False,
    wall: Clock | None = None,
    venue: BaseVenue | None = None,
) -> AgentRuntime:
    """A runtime as configured, ready to `run`; it holds its account until it has ended.

    `data_dir` replaces the folder that belongs to mode and market; `watched` says that somebody
    looks on, who wants to read what the rules say. `wall` and `venue` stand in for the real time
    and for the venue that is configured. Raises ConfigError, MarketDataError, or what the disk
    says.
    """
    config, wall = loaded.config, wall or SystemClock()
    computer = feature_computer(config)
    market = open_market(config, computer.warmup, wall)
    account = open_account(loaded, market, data_dir, wall)
    try:
        return await _on(
            account, loaded, market, computer, wall, venue, max_cycles, watched=watched
        )
    except BaseException:
        account.opened.close()
        raise


async def _on(
    account: Account,
    loaded: LoadedConfig,
    market: Market,
    computer: SimpleCandleFeatureComputer,
    wall: Clock,
    venue: BaseVenue | None,
    max_cycles: int | None,
    *,
    watched: bool,
) -> AgentRuntime:
    """The runtime that works on an opened account."""
    config = loaded.config
    request = make_request(loaded, market)
    minds = await gather_minds(
        config,
        request,
        account,
        market,
        wall,
        lambda message: publisher.publish(message),
        watched=watched and _readable(config, market),
    )
    asked = request.llm_model_config if minds.house.in_use else None
    session = session_info(loaded, market, account, asked, wall.now_ms())
    publisher = Publisher(
        market.clock,
        session,
        account.risk_state.trading_state,
        state_reason=account.state_reason,
        equity=_equity(account, market),
    )
    max_age_ms = round(config.market.max_age_seconds * 1000)
    features = await minds.agent._build_features_pipeline(request) or DefaultFeaturesPipeline(
        market.source,
        market.symbols,
        market.timeframe,
        market.clock,
        lookback=config.features.lookback,
        max_age_ms=max_age_ms,
        computer=computer,
    )
    risk = RiskManager(_limits(config, market), account.risk_state)
    portfolio = InMemoryPortfolioService(
        account.ledger,
        market.source.ticker,
        market.clock,
        market=config.exchange.market,
        leverage=config.risk.max_leverage,
        constraints=risk.limits.constraints(),
        protection_of=lambda symbol: gateway.protection_of(symbol),
        liquidation_of=lambda symbol: gateway.liquidation_of(symbol),
        external=lambda: gateway.external,
    )
    run_id = f"{config.agent.name}-{account.run}"
    gateway = open_gateway(
        config,
        market,
        account,
        venue,
        run_id,
        Ties(
            quotes=market.source.ticker,
            positions=lambda: quantities(account.ledger),
            objection=lambda: OPENING_VETO[risk.trading_state],
            close=lambda symbol, because: closer.close(symbol, because, by="engine"),
            booked=lambda news: desk.book(news),
            changed=lambda order: desk.tell(order),
            fund=lambda payment: book_funding(account, payment, control.trouble),
            trouble=lambda text: control.trouble(text),
        ),
    )
    journal = Journal(
        StoreHistoryRecorder(account.store),
        account.log,
        RollingDigestBuilder(),
        gateway.save,
        lambda: risk.state.model_dump(mode="json"),
        earlier=account.store.history(kind="execution", limit=DIGEST_RECORDS),
    )
    desk = OrderDesk(
        gateway,
        portfolio,
        risk,
        market.clock,
        publisher.publish,
        journal.write_operator,
        lambda text: control.trouble(text),
    )
    closer = Closer(desk, risk, portfolio, run_id)

    tracker = PerformanceTracker(
        account.ledger,
        market.symbols,
        market.source.ticker,
        now=market.clock.now_ms(),
        earlier=account.store.equity(),
    )

    def follow(message: Message) -> None:
        if isinstance(message, CycleCompleted):
            tracker.add(message.portfolio)

    publisher.subscribe(follow)

    def summarise(view: PortfolioView) -> StrategySummary:
        return summary(session, view, risk.trading_state, minds.cost_usd, tracker.performance())

    coordinator = DecisionCoordinator(
        CycleIdentity(config.agent.name, run_id, config.agent.mode, config.agent.prompt),
        Stages(features, minds.composer, risk, desk, portfolio, journal),
        clock=market.clock,
        wall=wall,
        publish=publisher.publish,
        risk_market=lambda: _risk_market(
            market, gateway, float(minds.spending.today.known_usd), max_age_ms
        ),
        summarise=summarise,
        max_decision_ms=max(max_age_ms, round(request.llm_model_config.deadline_seconds * 1000)),
    )

    def set_state(state: TradingState) -> None:
        risk.set_trading_state(state)
        account.store.save_risk_state(risk.state.model_dump(mode="json"))

    control = OperatorControl(
        clock=market.clock,
        publish=publisher.publish,
        desk=desk,
        closer=closer,
        portfolio=portfolio,
        state=lambda: risk.trading_state,
        set_state=set_state,
        record=journal.write_operator,
        acted=minds.house.operator_acted,
        recorded=lambda compose_id: account.store.history(reference_id=compose_id),
        kill_path=account.kill_path,
    )
    return AgentRuntime(
        RuntimeParts(
            session=session,
            request=request,
            agent=minds.agent,
            pace=Pace(
                round(config.agent.interval_seconds * 1000),
                timeframe_ms(market.timeframe),
                max_cycles,
            ),
            stop_policy=config.agent.stop_policy,
            clock=market.clock,
            source=market.source,
            features=features,
            composer=minds.composer,
            portfolio=portfolio,
            gateway=gateway,
            closer=closer,
            coordinator=coordinator,
            control=control,
            publisher=publisher,
            state=lambda: risk.trading_state,
            protected=lambda symbol: bool(gateway.protection_of(symbol)[1]),
            halted_outside=lambda: kill_file.exists(account.kill_path),
            models=minds.house,
            summarise=summarise,
            release=account.opened.close,
        )
    )


def _equity(account: Account, market: Market) -> list[MetricPoint]:
    """The equity so far; an account that has none yet begins with its capital."""
    capital = float(account.ledger.initial_capital)
    return account.store.equity_points(2_000) or [
        MetricPoint(ts=market.clock.now_ms(), value=capital)
    ]


def _readable(config: Config, market: Market) -> bool:
    """Whether a candle lasts long enough, in real time, to read a few sentences in it."""
    speed = config.market.speed
    if not isinstance(speed, float):
        return False
    return timeframe_ms(market.timeframe) / speed >= READING_MS


def feature_computer(config: Config) -> SimpleCandleFeatureComputer:
    """What computes the configured indicators. Raises ConfigError."""
    lookback = config.features.lookback
    try:
        computer = SimpleCandleFeatureComputer([*DEFAULT_INDICATORS, *config.features.indicators])
    except ValueError as error:
        raise ConfigError(f"features.indicators: {error}") from None
    if lookback < computer.warmup:
        raise ConfigError(
            f"features.lookback = {lookback}, but the indicators need {computer.warmup} candles: "
            "raise it, or choose shorter ones"
        )
    return computer


def _limits(config: Config, market: Market) -> RiskLimits:
    risk, paper = config.risk, config.paper
    sizes = {
        symbol: SizeFilter(
            step=paper.quantity_step or derived_step(price, paper.initial_capital),
            min_notional=paper.min_notional,
        )
        for symbol, price in market.prices.items()
    }
    return RiskLimits(
        max_equity_usage_pct=risk.max_equity_usage_pct,
        max_leverage=risk.max_leverage,
        max_gross_pct=risk.max_gross_pct,
        max_net_pct=risk.max_net_pct,
        daily_loss_cap_pct=risk.daily_loss_cap_pct,
        max_drawdown_pct=risk.max_drawdown_pct,
        cooldown_seconds=risk.cooldown_seconds,
        cooldown_after_close_seconds=risk.cooldown_after_close_seconds,
        min_confidence=risk.min_confidence,
        min_hold_seconds=risk.min_hold_seconds,
        max_opens_per_hour=risk.max_opens_per_hour,
        weak_score=risk.weak_score,
        weak_size_factor=risk.weak_size_factor,
        require_stop=risk.require_stop,
        trailing_stop_pct=risk.trailing_stop_pct,
        min_liquidation_distance_pct=risk.min_liquidation_distance_pct,
        max_spread_bps=risk.max_spread_bps,
        max_tick_jump_pct=risk.max_tick_jump_pct,
        max_slippage_bps=risk.max_slippage_bps,
        trading_enabled=risk.trading_enabled,
        market=config.exchange.market,
        allow_short=config.exchange.market == "linear",
        max_positions=risk.max_positions,
        sizes=sizes,
    )


def _risk_market(
    market: Market, gateway: VenueGateway, model_cost: float, max_age_ms: int
) -> RiskMarket:
    """The market and what is still to come of orders; `model_cost` in quote currency."""
    now = market.clock.now_ms()
    tickers = {
        symbol: ticker
        for symbol in market.symbols
        if (ticker := market.source.ticker(symbol)) is not None
    }
    stale = {symbol for symbol, ticker in tickers.items() if now - ticker.ts > max_age_ms}
    outstanding = gateway.outstanding()
    return RiskMarket(
        now,
        tickers,
        frozenset(stale),
        pending=outstanding.pending,
        unknown=outstanding.unknown,
        model_cost=model_cost,
    )
