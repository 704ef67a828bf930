"""The loop: moves the market, runs cycles when they are due, serves the operator at any time."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from tui_trader.agent.base_agent import shielded
from tui_trader.agent.control import Answer
from tui_trader.agent.parts import RuntimeParts
from tui_trader.market_data.interfaces import MarketDataError, MarketUpdate
from tui_trader.messages import (
    AlertRaised,
    CandleChanged,
    Command,
    CycleSkipped,
    EngineHealth,
    EngineStopped,
    Message,
    PortfolioMarked,
    QuoteChanged,
    SessionInfo,
    Severity,
    Snapshot,
    TradingState,
)
from tui_trader.models import StrategySummary
from tui_trader.trading_history.database import StoreError

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 1.0
PROBING_SECONDS = 3.0
"""How long the first cycle waits for what the models' endpoints are found to do."""

TENDING_SECONDS = 1.0

_AGAIN_SECONDS = 0.1


class AgentRuntime:
    """One agent at work. It is what a link hosts, and what `--no-ui` runs."""

    def __init__(self, parts: RuntimeParts) -> None:
        self._parts = parts
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._cycle_lock = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._commands: set[asyncio.Task[None]] = set()
        self._preparation: asyncio.Task[None] | None = None
        self._reason = ""
        self._error: str | None = None
        self._last_due_ms = 0
        self._idle_because = ""
        self._loop_lag_ms = 0.0
        self.cycles = 0
        parts.control.bind(self)

    @property
    def strategy_id(self) -> str:
        """The identity of the running strategy."""
        return self._parts.session.name

    @property
    def session(self) -> SessionInfo:
        """What does not change while the agent runs."""
        return self._parts.session

    @property
    def summary(self) -> StrategySummary:
        """How the run does now."""
        return self._parts.summarise(self._parts.portfolio.get_view())

    @property
    def as_fast_as_it_goes(self) -> bool:
        """Whether market time waits for nothing but the cycles."""
        return self._parts.source.lockstep

    @property
    def error(self) -> str | None:
        """Why the run failed, None when it ended as asked."""
        return self._error

    # --- what a link needs ------------------------------------------------------------------------

    def subscribe(self, sink: Callable[[Message], None]) -> Callable[[], None]:
        """Hear every message from now on; call the returned function to leave."""
        return self._parts.publisher.subscribe(sink)

    def snapshot(self) -> Snapshot:
        """Everything a viewer needs to start."""
        return self._parts.publisher.snapshot()

    def command(self, command: Command) -> None:
        """Carry out a command of the operator, at once, whatever else goes on."""
        task = asyncio.ensure_future(self._parts.control.handle(command))
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    def request_stop(self, reason: str = "stopped") -> None:
        """End the run: the running cycle completes first, with a hold where it is still deciding.
        Positions stay as they are."""
        self._reason = self._reason or reason
        self._stop.set()
        self.cancel_decision(self._reason)

    def cancel_decision(self, because: str) -> None:
        """Break off the decision being made, if any: its cycle ends as a hold. No model is asked
        any more what it can do, either."""
        self._parts.coordinator.cancel_decision(because)
        if self._preparation is not None:
            self._preparation.cancel()

    def decide_now(self) -> Answer:
        """Run a cycle now, unless one is running or there is nothing to decide."""
        if because := self._nothing_to_do():
            return False, f"{because}: resume first"
        if self._cycle_lock.locked():
            return False, "a cycle is running already"
        self._wake.set()
        return True, "a cycle starts"

    # --- the run ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until asked to stop, out of data, or failed (then `error` says why)."""
        try:
            with self._parts.models.open():
                await self._serve()
        except MarketDataError as error:
            self._fail(str(error))
        except Exception as error:
            logger.exception("the engine failed")
            self._fail(f"{type(error).__name__}: {error}")
        except asyncio.CancelledError:
            self._fail("the run was cancelled")
            raise
        finally:
            try:
                await self._finish()
            finally:
                self._end()

    async def _serve(self) -> None:
        """Start, then work until a stop is asked for or something fails."""
        await self._start()
        self._preparation = asyncio.create_task(self._prepare_models())
        self._tasks = [
            asyncio.create_task(work)
            for work in (
                self._wait_for_stop(),
                self._move_market(),
                self._run_cycles(),
                self._beat(),
                self._tend(),
            )
        ]
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _prepare_models(self) -> None:
        await shielded(self._parts.models.prepare(), "models.prepare")

    async def _wait_for_stop(self) -> None:
        await self._stop.wait()

    def _fail(self, error: str) -> None:
        """Fail closed: nothing is opened any more, and the operator is told."""
        self._error = error
        self._stop.set()
        self._publish(AlertRaised(self._parts.clock.now_ms(), Severity.ERROR, "engine", error))

    async def _start(self) -> None:
        parts = self._parts
        await parts.source.open(parts.features.warmup)
        symbols = parts.session.symbols
        for candle in await parts.source.get_recent_candles(symbols, parts.session.timeframe, 500):
            self._publish(CandleChanged(candle.ts, candle, closed=True))
        for ticker in (await parts.source.get_market_snapshot(symbols)).values():
            self._publish(QuoteChanged(ticker.ts, ticker))
        await self._open_venue()
        self._publish(PortfolioMarked(parts.clock.now_ms(), parts.portfolio.get_view()))
        for warning in (*parts.source.warnings, *parts.session.warnings):
            self._publish(AlertRaised(parts.clock.now_ms(), Severity.WARNING, "start", warning))
        await shielded(parts.agent._on_start(self, parts.request), "_on_start")
        self._last_due_ms = parts.clock.now_ms() // parts.pace.candle_ms * parts.pace.candle_ms
        self._wake.set()

    async def _open_venue(self) -> None:
        """Find out what the venue has. Until that has succeeded nothing is opened."""
        parts = self._parts
        try:
            await parts.gateway.open()
        except Exception as error:
            logger.exception("the venue could not be read")
            text = f"the venue could not be read, so nothing is opened yet: {error}"
            self._publish(AlertRaised(parts.clock.now_ms(), Severity.ERROR, "venue", text))

    async def _tend(self) -> None:
        """Once a second: what orders and protection need, whether the market moves or not."""
        if self._parts.source.lockstep:
            await self._stop.wait()
        while True:
            await asyncio.sleep(TENDING_SECONDS)
            await shielded(self._parts.gateway.tend(), "gateway.tend")

    async def _leave_the_market(self) -> None:
        """Do with what is held and what waits as the stop policy says."""
        parts, policy = self._parts, self._parts.stop_policy
        parts.gateway.withdraw(None, "the engine ends")
        await parts.gateway.tend()
        for symbol in sorted(parts.portfolio.get_view().positions):
            if policy == "flatten" or (policy == "keep_protected" and not parts.protected(symbol)):
                closing = await parts.closer.close(symbol, f"stop_policy = {policy}", by="stop")
                for text in (*closing.said, *closing.left.values()):
                    level = Severity.WARNING if closing.left else Severity.INFO
                    self._publish(AlertRaised(parts.clock.now_ms(), level, "stop", text))

    async def _finish(self) -> None:
        parts = self._parts
        await self._let_cycle_end()
        await shielded(self._leave_the_market(), "stop policy")
        tasks = [*self._tasks, *filter(None, [self._preparation])]
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.error("a task ended badly: %s: %s", type(outcome).__name__, outcome)
        await shielded(parts.agent._on_stop(self, parts.request, self._reason), "_on_stop")
        await shielded(parts.gateway.close(), "gateway.close")
        await shielded(parts.composer.close(), "composer.close")
        await shielded(parts.models.close(), "models.close")
        await shielded(parts.source.close(), "source.close")
        while self._commands:
            await asyncio.wait(self._commands)

    async def _let_cycle_end(self) -> None:
        """Wait for the running cycle; its decision is broken off, as soon as it comes to one."""
        while True:
            self.cancel_decision(self._reason or "the engine failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_SECONDS), self._cycle_lock:
                    return

    def _end(self) -> None:
        """The last words, though all before them has failed; then the account is free."""
        parts = self._parts
        logger.info("stopped: %s", self._error or self._reason)
        self._publish(EngineStopped(parts.clock.now_ms(), self._reason or "failed", self._error))
        parts.release()

    async def _move_market(self) -> None:
        """Follow the source; where it waits for cycles, run them between two of its updates."""
        parts, moved = self._parts, False
        lockstep = parts.source.lockstep
        if lockstep:
            await self._cycle_if_awake()
        async for update in parts.source.updates():
            moved = True
            parts.gateway.on_market(update)
            if lockstep:
                await shielded(parts.gateway.tend(), "gateway.tend")
            self._show(update)
            if update.closed and self._due(update.ts):
                self._wake.set()
            if lockstep:
                await self._cycle_if_awake()
            if self._stop.is_set():
                return
        if moved or lockstep:
            self.request_stop("the data has ended")
        else:
            await self._keep_time()

    async def _keep_time(self) -> None:
        """Cycles by the interval alone, for a source that never moves by itself."""
        while True:
            await self._parts.clock.sleep(self._parts.pace.interval_ms / 1000)
            self._wake.set()

    def _due(self, ts: int) -> bool:
        """Whether a candle closing at `ts` (ms) is one to decide on."""
        if ts - self._last_due_ms < self._parts.pace.interval_ms:
            return False
        self._last_due_ms = ts
        return True

    async def _run_cycles(self) -> None:
        """Run a cycle whenever one is due (where the market does not wait for them)."""
        if self._parts.source.lockstep:
            await self._stop.wait()
        while not self._stop.is_set():
            await self._wake.wait()
            await self._cycle_if_awake()

    async def _cycle_if_awake(self) -> None:
        if self._preparation is not None and not self._preparation.done():
            await asyncio.wait([self._preparation], timeout=PROBING_SECONDS)
        if not self._wake.is_set() or self._stop.is_set():
            return
        self._wake.clear()
        if because := self._nothing_to_do():
            if because != self._idle_because:
                self._publish(CycleSkipped(self._parts.clock.now_ms(), because))
            self._idle_because = because
            return
        self._idle_because = ""
        async with self._cycle_lock:
            await self._cycle()

    def _nothing_to_do(self) -> str:
        """Why a cycle would be pointless, empty when it is not."""
        state = self._parts.state()
        if state is TradingState.HALTED:
            return "halted"
        if state is TradingState.REDUCING and not self._parts.portfolio.get_view().positions:
            return "paused, and nothing is held"
        return ""

    async def _cycle(self) -> None:
        parts = self._parts
        try:
            result = await parts.coordinator.run_once()
        except MarketDataError as error:
            self._publish(CycleSkipped(parts.clock.now_ms(), f"no market data: {error}"))
            return
        except (OSError, StoreError) as error:
            parts.control.halt(f"the disk refused: {error}", "engine")
            return
        except Exception as error:
            logger.exception("the cycle failed")
            parts.control.halt(f"the cycle failed: {type(error).__name__}: {error}", "engine")
            return
        self.cycles += 1
        await shielded(
            parts.agent._on_cycle_result(result, self, parts.request), "_on_cycle_result"
        )
        if parts.pace.max_cycles is not None and self.cycles >= parts.pace.max_cycles:
            self.request_stop(f"{self.cycles} cycle{'' if self.cycles == 1 else 's'} done")

    # --- what is shown ----------------------------------------------------------------------------

    def _publish(self, message: Message) -> None:
        self._parts.publisher.publish(message)

    def _show(self, update: MarketUpdate) -> None:
        for ticker in update.tickers:
            self._publish(QuoteChanged(update.ts, ticker))
        for candle in update.candles:
            self._publish(CandleChanged(update.ts, candle, update.closed))
        if not self._parts.source.lockstep:
            self._publish(PortfolioMarked(update.ts, self._parts.portfolio.get_view()))

    async def _beat(self) -> None:
        """Once a second of real time: sign of life, and a look for the kill file."""
        loop = asyncio.get_running_loop()
        while True:
            self._publish(self._health())
            if self._parts.halted_outside() and self._parts.state() is not TradingState.HALTED:
                self._parts.control.halt("the kill file is there", "kill file")
            due = loop.time() + HEARTBEAT_SECONDS
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._loop_lag_ms = max(0.0, loop.time() - due) * 1000

    def _health(self) -> EngineHealth:
        parts = self._parts
        now = parts.clock.now_ms()
        quoted = [
            ticker.ts
            for symbol in parts.session.symbols
            if (ticker := parts.source.ticker(symbol)) is not None
        ]
        return EngineHealth(
            now,
            feed_age_ms=now - max(quoted) if quoted else None,
            next_cycle_ts=None if self._nothing_to_do() else self._next_due_ms(),
            cycle_running=self._cycle_lock.locked(),
            loop_lag_ms=self._loop_lag_ms,
        )

    def _next_due_ms(self) -> int:
        """When the next candle to decide on closes."""
        pace = self._parts.pace
        wanted = self._last_due_ms + pace.interval_ms
        return -(-wanted // pace.candle_ms) * pace.candle_ms
