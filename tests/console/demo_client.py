"""A console on a market that moves by itself: `python -m tests.console.demo_client [--fast]`.

For looking at the console, and for measuring it, without an engine.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import count

from tests.console import market
from tui_trader.clock import VirtualClock
from tui_trader.messages import (
    CandleChanged,
    ClosePosition,
    Command,
    CommandResult,
    DecisionInspected,
    EngineHealth,
    EngineStopped,
    Fact,
    GoLive,
    InspectDecision,
    Kill,
    Message,
    Pause,
    PortfolioMarked,
    QuoteChanged,
    ReasoningStreamed,
    Resume,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import Action, Candle, PortfolioView

_TICK_SECONDS = 0.25
_TICKS_A_CANDLE = 24
_TICKS_A_CYCLE = 60
_STATES = {
    Pause: TradingState.REDUCING,
    Resume: TradingState.ACTIVE,
    Kill: TradingState.HALTED,
}


class DemoClient:
    """Quotes, candles, marks, cycles with streamed words, and obedience to commands."""

    def __init__(self, tick_seconds: float = _TICK_SECONDS) -> None:
        self._seconds = tick_seconds
        self._random = random.Random(7)
        self._start = market.snapshot()
        self._seq = self._start.seq
        self._cycle = 148
        self._candles: dict[str, Candle] = {
            symbol: market.candles(symbol)[-1] for symbol in market.SYMBOLS
        }
        self._portfolio: PortfolioView = market.portfolio()
        self._out: list[Message] = [self._start, market.health()]
        self._ticks = 0
        self._stopping = False
        self._now = market.NOW

    async def batches(self) -> AsyncIterator[Sequence[Message]]:
        """A batch a tick, until closed."""
        while not self._stopping:
            batch, self._out = self._out, []
            if batch:
                yield batch
            await asyncio.sleep(self._seconds)
            self._tick()
        yield [EngineStopped(ts=self._now, seq=self._next_seq(), reason="asked to stop")]

    def send(self, command: Command) -> None:
        """Do as told; live is refused."""
        ok, detail = True, "done"
        for kind, state in _STATES.items():
            if isinstance(command, kind):
                why, who = "asked by the operator", command.issuer
                self._say(TradingStateChanged(ts=self._now, state=state, reason=why, issuer=who))
                detail = f"the state is now {state}"
        if isinstance(command, GoLive):
            ok, detail = False, "no venue for live trading is configured"
        if isinstance(command, InspectDecision):
            record = market.record(command.compose_id)
            self._out.append(DecisionInspected(ts=self._now, record=record))
        if isinstance(command, ClosePosition):
            self._close(command.symbol)
        if isinstance(command, Kill) and command.flatten:
            self._close("")
            detail = "halted and flat"
        self._say(
            CommandResult(
                ts=self._now,
                command_id=command.command_id,
                command=command.kind,
                ok=ok,
                detail=detail,
            )
        )

    def _close(self, symbol: str) -> None:
        held = {
            name: position
            for name, position in self._portfolio.positions.items()
            if symbol and name != symbol
        }
        self._portfolio = self._portfolio.model_copy(update={"positions": held})

    def resync(self) -> None:
        """Nothing was lost here."""

    async def close(self) -> None:
        """End."""
        self._stopping = True
        await asyncio.sleep(self._seconds)

    def _tick(self) -> None:
        self._ticks += 1
        self._now += 1_000
        for symbol in market.SYMBOLS:
            self._move(symbol)
        self._mark()
        step = self._ticks % _TICKS_A_CYCLE
        if 20 <= step < 50:
            words = market.REASONING[: (step - 19) * 10]
            self._out.append(
                ReasoningStreamed(ts=self._now, compose_id=f"c{self._cycle + 1}", text=words)
            )
        if step == 50:
            self._cycle += 1
            for fact in market.cycle(self._cycle, market.NOW, self._seq + 1, Action.HOLD):
                self._say(replace(fact, ts=self._now))
        if self._ticks % 4 == 0:
            due = (_TICKS_A_CYCLE - step) * 1_000
            self._out.append(
                EngineHealth(
                    ts=self._now,
                    feed_age_ms=200,
                    next_cycle_ts=self._now + due,
                    cycle_running=20 <= step < 50,
                )
            )

    def _move(self, symbol: str) -> None:
        candle = self._candles[symbol]
        price = candle.close * (1 + self._random.gauss(0, 0.0004))
        if self._ticks % _TICKS_A_CANDLE == 0:
            self._out.append(CandleChanged(ts=self._now, candle=candle, closed=True))
            opened = {"ts": candle.ts + market.STEP, "open": price, "high": price, "low": price}
            candle = candle.model_copy(update=opened | {"volume": 20.0})
        candle = candle.model_copy(
            update={
                "close": price,
                "high": max(candle.high, price),
                "low": min(candle.low, price),
                "volume": candle.volume + abs(self._random.gauss(0, 5)),
            }
        )
        self._candles[symbol] = candle
        self._out.append(CandleChanged(ts=self._now, candle=candle, closed=False))
        self._out.append(QuoteChanged(ts=self._now, ticker=market.ticker(symbol, price, self._now)))

    def _mark(self) -> None:
        held = {}
        for symbol, old in self._portfolio.positions.items():
            mark = self._candles[symbol].close
            pnl = (mark - (old.avg_price or mark)) * old.quantity
            held[symbol] = old.model_copy(update={"mark_price": mark, "unrealized_pnl": pnl})
        total = sum(item.unrealized_pnl or 0.0 for item in held.values())
        self._portfolio = self._portfolio.model_copy(
            update={
                "positions": held,
                "total_unrealized_pnl": total,
                "total_value": self._portfolio.cash + total,
            }
        )
        self._out.append(PortfolioMarked(ts=self._now, view=self._portfolio))

    def _say(self, fact: Fact) -> None:
        self._out.append(replace(fact, seq=self._next_seq()))

    def _next_seq(self) -> int:
        self._seq = next(count(self._seq + 1))
        return self._seq


if __name__ == "__main__":
    from tui_trader.console import run_console

    seconds = 0.02 if "--fast" in sys.argv else _TICK_SECONDS
    clock = VirtualClock(market.NOW, speed=1 / seconds)
    sys.exit(run_console(lambda: DemoClient(seconds), clock=clock))
