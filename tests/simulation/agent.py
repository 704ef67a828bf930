"""The real agent as an engine of the simulation: the real assembly, stages, store and runtime, on
the world's clock, prices, venue and script."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import numpy as np

from tests.simulation.engine import Act, ActKind, Wish
from tests.simulation.loop import Agenda
from tests.simulation.prices import HISTORY_SECONDS, STEP_SECONDS, Prices
from tests.simulation.world import World
from tui_trader.agent import assembly
from tui_trader.agent.account import Account, open_account
from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.market import Market
from tui_trader.agent.runtime import AgentRuntime
from tui_trader.clock import Clock
from tui_trader.config.loader import LoadedConfig
from tui_trader.config.schema import Config
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.market_data.array_source import ArraySource, quote
from tui_trader.market_data.interfaces import MarketUpdate
from tui_trader.market_data.series import CandleSeries
from tui_trader.messages import (
    ClosePosition,
    Command,
    CommandResult,
    Kill,
    Message,
    Pause,
    Resume,
    TradingState,
)
from tui_trader.models import (
    Action,
    ComposeContext,
    ComposeResult,
    InstrumentRef,
    OrderRecord,
    TargetPosition,
    Ticker,
    UserRequest,
)
from tui_trader.timeframes import timeframe_ms

_SPREAD_BPS = 1.0
_FRAME = "1m"


class WorldSource(ArraySource):
    """The world's prices as a feed: a quote every `STEP_SECONDS`, candles of one minute."""

    def __init__(
        self, symbols: Sequence[str], prices: Prices, agenda: Agenda, clock: Clock
    ) -> None:
        self._symbols = symbols
        self._prices = prices
        self._agenda = agenda
        self._clock = clock

    def closed_series(self, symbol: str, interval: str, lookback: int) -> CandleSeries:
        length = timeframe_ms(interval)
        cells = round(length / 1000 / STEP_SECONDS)
        path = self._prices.path(symbol)
        closed = (len(path) - 1) // cells
        first = max(0, closed - lookback)
        steps = np.array(path[first * cells : closed * cells], dtype=np.float64).reshape(-1, cells)
        start_ms = self._agenda.start_ms - round(HISTORY_SECONDS * 1000)
        return CandleSeries(
            symbol,
            interval,
            start_ms + length * np.arange(first, closed, dtype=np.int64),
            np.ascontiguousarray(steps[:, 0]),
            steps.max(axis=1),
            steps.min(axis=1),
            np.ascontiguousarray(steps[:, -1]),
            np.full(len(steps), 100.0),
        )

    def ticker(self, symbol: str) -> Ticker:
        return quote(symbol, self._clock.now_ms(), self._prices.mark(symbol), _SPREAD_BPS)

    async def updates(self) -> AsyncIterator[MarketUpdate]:
        """It never ends."""
        step_ms, frame_ms = round(STEP_SECONDS * 1000), timeframe_ms(_FRAME)
        while True:
            now = self._clock.now_ms()
            due = now // step_ms * step_ms + step_ms
            await self._clock.sleep_until(due)
            tickers = tuple(self.ticker(symbol) for symbol in self._symbols)
            closed = due % frame_ms == 0
            candles = (
                tuple(self.closed_series(s, _FRAME, 1).candle(0) for s in self._symbols)
                if closed
                else ()
            )
            yield MarketUpdate(due, tickers, candles, closed)


class WorldAgent(BaseStrategyAgent):
    """Decides as the script of `world` says."""

    world: ClassVar[World]

    async def _create_decision_composer(self, request: UserRequest) -> BaseComposer:
        return WorldComposer(self.world)


class WorldComposer(BaseComposer):
    """The script as a model: it thinks, then wishes, or says what is no answer."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def compose(self, context: ComposeContext) -> ComposeResult:
        decision = self._world.script.decide(context.compose_id)
        await self._world.clock.sleep(decision.thinking)
        if not decision.sound:
            raise ValueError("the answer has failed the schema")
        return ComposeResult(targets=tuple(map(_target, decision.wishes)))


def _target(wish: Wish) -> TargetPosition:
    kinds = {1: Action.LONG, 0: Action.CLOSE, -1: Action.SHORT}
    sign = (wish.quantity > 0) - (wish.quantity < 0)
    return TargetPosition(
        instrument=InstrumentRef(symbol=wish.symbol),
        action=kinds[sign],
        target_qty=wish.quantity,
        stop_loss=wish.stop if sign else None,
        take_profit=wish.target if sign else None,
    )


class AgentEngine:
    """One life of the agent."""

    def __init__(self, world: World, runtime: AgentRuntime, account: Account) -> None:
        self._runtime = runtime
        self._account = account
        self._numbers = count(1)
        self._answers: dict[str, asyncio.Future[bool]] = {}
        self._life = world.life.number
        runtime.subscribe(self._heard)

    async def run(self) -> None:
        await self._runtime.run()

    def stop(self) -> None:
        self._runtime.request_stop("the simulation ends")

    def abandon(self) -> None:
        with suppress(BaseException):
            self._account.opened.close()

    async def operate(self, act: Act) -> bool:
        name = f"{self._life}.{next(self._numbers)}"
        self._answers[name] = asyncio.get_running_loop().create_future()
        self._runtime.command(_command(name, act))
        return await self._answers[name]

    def state(self) -> TradingState:
        return self._runtime.snapshot().state

    def orders(self) -> Sequence[OrderRecord]:
        return [kept.record for kept in self._account.store.orders()]

    def fills(self) -> Sequence[tuple[str, str]]:
        return [(fill.symbol, fill.trade_id) for fill in self._account.store.fills()]

    def positions(self) -> Mapping[str, Decimal]:
        return {s: position.quantity for s, position in self._account.ledger.positions.items()}

    def cash(self) -> Decimal:
        ledger = self._account.ledger
        return ledger.balance - sum((p.cost for p in ledger.positions.values()), Decimal(0))

    def _heard(self, message: Message) -> None:
        if isinstance(message, CommandResult) and message.command_id in self._answers:
            answer = self._answers[message.command_id]
            if not answer.done():
                answer.set_result(message.ok)


def _command(name: str, act: Act) -> Command:
    if act.kind is ActKind.PAUSE:
        return Pause(name, "operator")
    if act.kind is ActKind.RESUME:
        return Resume(name, "operator")
    if act.kind is ActKind.CLOSE:
        return ClosePosition(name, "operator", symbol=act.symbol)
    return Kill(name, "operator", flatten=act.kind is ActKind.FLATTEN)


def _config(world: World) -> LoadedConfig:
    limits = world.limits
    return LoadedConfig(
        Config.model_validate(
            {
                "agent": {
                    "symbols": world.symbols,
                    "timeframe": _FRAME,
                    "interval_seconds": 60.0,
                    "strategy": "tests.simulation.agent:WorldAgent",
                },
                "market": {"speed": 1.0, "max_age_seconds": limits.decision_ms / 1000},
                "exchange": {"market": "linear"},
                "risk": {
                    "max_equity_usage_pct": 0.9 * limits.symbol_notional / world.capital,
                    "max_leverage": 0.9 * limits.gross_notional / world.capital,
                    "min_confidence": 0.0,
                },
                "paper": {"initial_capital": world.capital, "quantity_step": 0.0001},
                "features": {"lookback": 60},
                "logging": {"level": "error"},
            }
        )
    )


async def make_engine(world: World) -> AgentEngine:
    """A life of the agent on the files that the last one has left."""
    WorldAgent.world = world
    opened: list[Account] = []
    market = Market(
        source=WorldSource(world.symbols, world.prices, world.agenda, world.clock),
        clock=world.clock,
        symbols=world.symbols,
        timeframe=_FRAME,
        account="simulation",
        afresh=False,
        prices={symbol: world.prices.mark(symbol) for symbol in world.symbols},
    )

    def open_here(
        loaded: LoadedConfig, market: Market, folder: Path | None, wall: Clock
    ) -> Account:
        opened.append(open_account(loaded, market, folder, wall))
        return opened[0]

    with (
        patch.object(assembly, "open_market", lambda *_: market),
        patch.object(assembly, "open_account", open_here),
    ):
        runtime = await assembly.assemble(
            _config(world), data_dir=world.folder, wall=world.clock, venue=world.wire
        )
    return AgentEngine(world, runtime, opened[0])
