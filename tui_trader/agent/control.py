"""The operator's hand: pause, resume, kill, close. It needs neither the model nor the console."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from tui_trader.agent import kill_file
from tui_trader.agent.closing import Closer
from tui_trader.agent.decision_records import decision_record
from tui_trader.agent.desk import OrderDesk
from tui_trader.clock import Clock
from tui_trader.messages import (
    AlertRaised,
    CancelOrder,
    ClosePosition,
    Command,
    CommandResult,
    DecideNow,
    DecisionInspected,
    GoLive,
    InspectDecision,
    Kill,
    Message,
    Pause,
    Resume,
    Severity,
    Stop,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import HistoryRecord, OrderStatus
from tui_trader.portfolio.interfaces import BasePortfolioService

logger = logging.getLogger(__name__)

VERIFYING_SECONDS = 2.0
"""So long the venue is waited for when it is asked what it has."""

Answer = tuple[bool, str]
"""Whether a command was carried out, and what to tell the operator."""


class RunningLoop(Protocol):
    """What the operator's hand needs of the loop."""

    def cancel_decision(self, because: str) -> None:
        """Break off the decision being made, if any."""
        ...

    def decide_now(self) -> Answer:
        """Run a cycle now, or say why not."""
        ...

    def request_stop(self, reason: str) -> None:
        """End the run after the running cycle."""
        ...


class OperatorControl:
    """Carries out commands and answers each with exactly one CommandResult.

    `set_state` changes the trading state in memory at once, then makes it durable; it raises when
    the disk refuses. `acted` is called when the operator resumes or asks for a decision: what waits
    for that may go on. `recorded` reads what was written down of one cycle, by its `compose_id`.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        publish: Callable[[Message], None],
        desk: OrderDesk,
        closer: Closer,
        portfolio: BasePortfolioService,
        state: Callable[[], TradingState],
        set_state: Callable[[TradingState], None],
        record: Callable[[Sequence[HistoryRecord]], None],
        acted: Callable[[], None],
        recorded: Callable[[str], Sequence[HistoryRecord]],
        kill_path: Path | None,
    ) -> None:
        self._clock = clock
        self._publish = publish
        self._desk = desk
        self._closer = closer
        self._portfolio = portfolio
        self._state = state
        self._set_state = set_state
        self._record = record
        self._acted = acted
        self._recorded = recorded
        self._loop: RunningLoop | None = None
        self._kill_path = kill_path
        self._handlers: dict[str, Callable[[Command], Awaitable[Answer]]] = {
            Pause.kind: self._pause,
            Resume.kind: self._resume,
            Kill.kind: self._kill,
            ClosePosition.kind: self._close,
            CancelOrder.kind: self._cancel,
            DecideNow.kind: self._decide,
            InspectDecision.kind: self._inspect,
            GoLive.kind: self._go_live,
            Stop.kind: self._stop,
        }

    def bind(self, loop: RunningLoop) -> None:
        """Know the loop that this hand reaches into."""
        self._loop = loop

    async def handle(self, command: Command) -> None:
        """Carry out `command` and publish its one answer, whatever happens."""
        try:
            ok, detail = await self._handlers[command.kind](command)
        except Exception as error:
            logger.exception("command %s failed", command.kind)
            ok, detail = False, f"failed: {type(error).__name__}: {error}"
        logger.info("command %s by %s: %s %s", command.kind, command.issuer, ok, detail)
        self._publish(
            CommandResult(self._clock.now_ms(), command.command_id, command.kind, ok, detail)
        )

    async def _pause(self, command: Command) -> Answer:
        if self._state() is TradingState.HALTED:
            return False, "halted already, which is more than paused"
        self._break_off("paused")
        self._desk.gateway.withdraw(None, "paused")
        self._change(TradingState.REDUCING, "paused: nothing new is opened", command.issuer)
        return True, "paused: closes go on, nothing new is opened"

    async def _resume(self, command: Command) -> Answer:
        if command.believed is not None and command.believed is not self._state():
            return False, f"the state is {self._state()}, not {command.believed}: look, then resume"
        try:
            self._record([])  # first of all what the disk has refused so far
            # While not halted, a kill file is news that nobody has seen yet: it stays.
            if self._kill_path is not None and self._state() is TradingState.HALTED:
                kill_file.clear(self._kill_path)
            self._change(TradingState.ACTIVE, "resumed", command.issuer)
            self._acted()
        except Exception as error:
            self.halt(f"the resume could not be stored: {error}", command.issuer)
            raise
        return True, "active"

    async def _kill(self, command: Command) -> Answer:
        """Halt in memory first, so that nothing slips in; acknowledge once it is durable."""
        flatten = isinstance(command, Kill) and command.flatten
        because = f"killed by {command.issuer}"
        trouble = self.halt(because, command.issuer)
        said = ["halted"]
        if flatten:
            # Also when nothing seems to be held: an order may be on its way, and is waited for.
            _, closed = await self._close_all("", because)
            said.append(closed)
        else:
            self._desk.gateway.withdraw(None, because)
        sure, verified = await self._verify()
        said.append(verified)
        return not trouble and (sure or not flatten), "; ".join([*said, *trouble])

    async def _verify(self) -> tuple[bool, str]:
        """Whether the account is flat, by the books and by the venue's own word, and in words."""
        try:
            async with asyncio.timeout(VERIFYING_SECONDS):
                account = await self._desk.gateway.account()
        except Exception as error:
            held = self._portfolio.get_view().positions
            books = f"still held: {_listed(held)}" if held else "flat by our books"
            return False, f"{books}; the venue could not be asked: {str(error) or 'no answer'}"
        held = self._portfolio.get_view().positions
        there = {} if account is None else account.positions
        others = [symbol for symbol, position in there.items() if position.quantity]
        if held:
            return False, f"still held: {_listed(held)}"
        if others:
            return True, f"flat; at the venue, not ours and left alone: {_listed(others)}"
        return True, "flat"

    def halt(self, reason: str, issuer: str) -> list[str]:
        """Halt at once and durably on two media (kill file, database); return what went wrong."""
        trouble = []
        try:
            if self._kill_path is not None:
                kill_file.write(self._kill_path, reason, self._clock.now_ms())
        except OSError as error:
            trouble.append(f"the kill file could not be written: {error}")
        try:
            self._change(TradingState.HALTED, reason, issuer)
        except Exception as error:
            trouble.append(f"the halt could not be stored: {error}")
        self._break_off("halted")
        for text in trouble:
            self._publish(AlertRaised(self._clock.now_ms(), Severity.ERROR, "kill", text))
        return trouble

    def trouble(self, text: str) -> None:
        """Something that must never happen has happened: nothing is opened any more."""
        if self._state() is TradingState.HALTED:
            self._publish(AlertRaised(self._clock.now_ms(), Severity.ERROR, "engine", text))
        else:
            self.halt(text, "engine")

    async def _close(self, command: Command) -> Answer:
        symbol = command.symbol if isinstance(command, ClosePosition) else ""
        return await self._close_all(symbol, f"closed by {command.issuer}")

    async def _close_all(self, only: str, because: str) -> Answer:
        """Close `only` (or everything) at market, and say what is left."""
        closing = await self._closer.close(only, because)
        said = closing.said
        if not said and not closing.left:
            return False, f"no position in {only}" if only else "no position to close"
        said += [f"{symbol}: {why}" for symbol, why in closing.left.items()]
        return not closing.left, "; ".join(said)

    async def _cancel(self, command: Command) -> Answer:
        name = command.client_order_id if isinstance(command, CancelOrder) else ""
        because = f"cancelled by {command.issuer}"
        if not name:
            waiting = self._desk.gateway.outstanding().pending
            self._desk.gateway.withdraw(None, because)
            await self._desk.gateway.tend()
            left = self._desk.gateway.outstanding().pending
            if not waiting:
                return False, "no order that opens is waiting"
            return not left, f"not cancelled yet: {_listed(left)}" if left else "all are cancelled"
        try:
            status = await self._desk.gateway.cancel(name, because)
        except KeyError:
            return False, f"no order {name} is known"
        except ValueError as error:
            return False, f"order {name}: {error}"
        return OrderStatus(status).final, f"order {name} is {status}"

    async def _decide(self, command: Command) -> Answer:
        self._acted()
        return self._loop.decide_now() if self._loop else (False, "the engine is starting")

    async def _inspect(self, command: Command) -> Answer:
        """Show a decision's record: one query by an index, on the way of no trade."""
        compose_id = command.compose_id if isinstance(command, InspectDecision) else ""
        if not compose_id:
            return False, "which decision? None was named"
        record = decision_record(self._recorded(compose_id))
        if record is None:
            return False, f"no decision {compose_id} is written down (a cycle is when it ends)"
        self._publish(DecisionInspected(self._clock.now_ms(), record))
        return True, f"decision {compose_id}"

    async def _go_live(self, command: Command) -> Answer:
        return False, "refused: there is no venue for live trading in this version"

    async def _stop(self, command: Command) -> Answer:
        if self._loop:
            self._loop.request_stop(f"stopped by {command.issuer}")
        return True, "stopping after the running cycle"

    def _break_off(self, because: str) -> None:
        if self._loop:
            self._loop.cancel_decision(because)

    def _change(self, state: TradingState, reason: str, issuer: str) -> None:
        try:
            self._set_state(state)
        finally:
            self._publish(TradingStateChanged(self._clock.now_ms(), self._state(), reason, issuer))


def _listed(symbols: Iterable[str]) -> str:
    return ", ".join(sorted(symbols))
