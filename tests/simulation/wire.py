"""The way to the venue and back, with everything that goes wrong on it.

A request that was sent goes on though its sender is cancelled or dead.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from tests.simulation.loop import Agenda
from tests.simulation.points import Life, Points
from tests.simulation.trace import Trace
from tui_trader.execution.interfaces import BaseVenue, OrderRejected, OutcomeUnknown
from tui_trader.models import (
    FundingPayment,
    OrderReport,
    OrderRequest,
    VenueAccount,
    VenueEvent,
    VenueFill,
)

T = TypeVar("T")

_LATEST = 0.9
"""A late request lands, and an unseen order is seen, within this share of `landing_ms`."""

_LAG_SECONDS = 5.0
_SILENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a request: it lands after `out` seconds (None: never), and after `wait`
    seconds the sender gets `error` (None: the venue's answer, `wait` seconds after the landing)."""

    out: float | None
    wait: float
    error: Exception | None = None


class FaultyWire(BaseVenue):
    """`inner`, a venue whose methods never wait, behind latency and `faults` (see faults.BASE).

    Every request is a line of `trace` and a place to die: before it is sent, when it was sent, when
    it has landed, when its answer is here. `sent` is called with each order at the moment of
    sending. `life` says whether the engine may still ask.
    """

    def __init__(
        self,
        inner: BaseVenue,
        agenda: Agenda,
        rng: Random,
        faults: dict[str, float],
        points: Points,
        life: Life,
        trace: Trace,
    ) -> None:
        self.holds_protection = inner.holds_protection
        self.landing_ms = inner.landing_ms
        self.faults = faults
        self.sent: Callable[[OrderRequest], None] = lambda request: None
        self._inner = inner
        self._agenda = agenda
        self._rng = rng
        self._points = points
        self._life = life
        self._trace = trace
        self._sinks: list[Callable[[VenueEvent], None]] = []
        self._unseen: dict[str, float] = {}
        self._hidden_fills: dict[tuple[str, str], float] = {}
        self._past: deque[tuple[float, VenueAccount, list[OrderReport]]] = deque(maxlen=64)
        inner.listen(self._happened)

    def cut(self) -> None:
        """The engine is dead: nobody listens any more."""
        self._sinks.clear()

    async def submit(self, request: OrderRequest) -> OrderReport:
        words = (
            request.client_order_id,
            request.symbol,
            request.side,
            request.quantity,
            request.type,
            request.price or request.trigger_price or "",
            "reduce" if request.reduce_only else "",
        )
        sent_at = self._agenda.now

        def carry_out() -> OrderReport:
            report = at_once(self._inner.submit(request))
            if self._falls("unseen"):
                last = sent_at + self.landing_ms / 1000 * _LATEST
                until = min(self._agenda.now + self._rng.uniform(0.5, 10.0), last)
                self._unseen[request.client_order_id] = until
            return report

        self._points.reach("submit: before send")
        self.sent(request)
        fate = self._refusal(request) or self._fate(may_land=True)
        return await self._request("submit", words, carry_out, fate)

    async def cancel(self, symbol: str, client_order_id: str) -> None:
        self._points.reach("cancel: before send")
        await self._request(
            "cancel",
            (symbol, client_order_id),
            lambda: at_once(self._inner.cancel(symbol, client_order_id)),
            self._fate(may_land=True),
        )

    async def lookup(self, symbol: str, client_order_id: str) -> OrderReport | None:
        def look() -> OrderReport | None:
            if self._unseen.get(client_order_id, 0.0) > self._agenda.now:
                return None
            return at_once(self._inner.lookup(symbol, client_order_id))

        return await self._ask("lookup", look, client_order_id)

    async def open_orders(self) -> list[OrderReport]:
        def look() -> list[OrderReport]:
            past = self._some_past()
            orders = past[2] if past else at_once(self._inner.open_orders())
            now = self._agenda.now
            return [
                report
                for report in orders
                if self._unseen.get(report.request.client_order_id, 0.0) <= now
            ]

        return await self._ask("open_orders", look)

    async def fills(self, since_ms: int) -> list[VenueFill]:
        def look() -> list[VenueFill]:
            now = self._agenda.now
            return [
                fill
                for fill in at_once(self._inner.fills(since_ms))
                if self._hidden_fills.get((fill.symbol, fill.trade_id), 0.0) <= now
            ]

        return await self._ask("fills", look, since_ms)

    async def funding(self, since_ms: int) -> list[FundingPayment]:
        return await self._ask("funding", lambda: at_once(self._inner.funding(since_ms)), since_ms)

    async def account(self) -> VenueAccount:
        def look() -> VenueAccount:
            past = self._some_past()
            return past[1] if past else at_once(self._inner.account())

        return await self._ask("account", look)

    def listen(self, sink: Callable[[VenueEvent], None]) -> None:
        self._life.check()
        self._sinks.append(sink)

    # --- requests ---------------------------------------------------------------------------------

    async def _ask(self, kind: str, look: Callable[[], T], *words: object) -> T:
        self._points.reach(f"{kind}: before send")
        return await self._request(kind, words, look, self._fate(may_land=False))

    async def _request(
        self, kind: str, words: tuple[object, ...], carry_out: Callable[[], T], fate: Fate
    ) -> T:
        self._trace.requests += 1
        self._trace.add(self._agenda.now_ms(), kind, *words, fate.error or "")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        life = self._life.number

        def land() -> None:
            given = _given(carry_out)
            if fate.error is None:
                self._agenda.after(fate.wait, lambda: self._answer(life, answer, given))
            if self._lives(life):
                self._points.reach(f"{kind}: landed")

        if fate.out is not None:
            self._agenda.after(fate.out, land)
        if (error := fate.error) is not None:
            self._agenda.after(fate.wait, lambda: self._answer(life, answer, error))
        self._points.reach(f"{kind}: sent")
        try:
            result = await answer
        except Exception:
            self._points.reach(f"{kind}: failed")
            raise
        self._points.reach(f"{kind}: answered")
        return result

    def _answer(self, life: int, answer: "asyncio.Future[T]", given: tuple[T] | Exception) -> None:
        """Wake the sender, if it is still there."""
        if not self._lives(life) or answer.done():
            return
        if isinstance(given, Exception):
            answer.set_exception(given)
        else:
            answer.set_result(given[0])

    def _lives(self, life: int) -> bool:
        return self._life.alive and self._life.number == life

    def _falls(self, fault: str) -> bool:
        return self._rng.random() < self.faults[fault]

    def _latency(self) -> float:
        return min(0.01 + self._rng.expovariate(20.0), 1.0)

    def _refusal(self, request: OrderRequest) -> Fate | None:
        fault = "protection_refused" if request.type.waits else "refused"
        if not self._falls(fault):
            return None
        return Fate(None, self._latency(), OrderRejected("the venue refuses it"))

    def _fate(self, *, may_land: bool) -> Fate:
        """Drawn for each request; what `may_land` late is a request that changes something."""
        rng, out = self._rng, self._latency()
        landing = self.landing_ms / 1000 * _LATEST
        if self._falls("lost"):
            return Fate(None, rng.uniform(1.0, 10.0), TimeoutError("no answer"))
        if self._falls("answer_lost"):
            return Fate(out, rng.uniform(1.0, 10.0), OutcomeUnknown("the answer was lost"))
        if self._falls("late") and may_land:
            error = OutcomeUnknown("given up")
            return Fate(rng.uniform(min(0.2, landing), landing), rng.uniform(0.2, 3.0), error)
        if self._falls("unavailable"):
            return Fate(out, out + 0.01, OutcomeUnknown("503: unknown error, check the status"))
        if self._falls("reset"):
            lands = rng.random() < 0.5
            return Fate(out if lands else None, 2 * out, ConnectionResetError("reset by peer"))
        if self._falls("no_answer"):
            lands = rng.random() < 0.5
            return Fate(out if lands else None, _SILENCE_SECONDS, TimeoutError("a long silence"))
        return Fate(out, self._latency())

    # --- what is pushed and what is old -----------------------------------------------------------

    def _happened(self, event: VenueEvent) -> None:
        if isinstance(event, VenueFill) and self._falls("fills_lag"):
            until = self._agenda.now + self._rng.uniform(0.5, _LAG_SECONDS)
            self._hidden_fills[event.symbol, event.trade_id] = until
        if self.faults["old_account"]:
            account = at_once(self._inner.account())
            self._past.append((self._agenda.now, account, at_once(self._inner.open_orders())))
        if self._falls("push_lost"):
            return
        late = self._rng.uniform(0.5, 20.0) if self._falls("push_late") else 0.0
        self._push(event, self._latency() + late)
        if self._falls("push_doubled"):
            self._push(event, self._latency() + late + self._rng.uniform(0.0, 5.0))

    def _push(self, event: VenueEvent, delay: float) -> None:
        life = self._life.number

        def deliver() -> None:
            if self._lives(life):
                for sink in self._sinks:
                    sink(event)

        self._agenda.after(delay, deliver)

    def _some_past(self) -> tuple[float, VenueAccount, list[OrderReport]] | None:
        """The venue as it was a few seconds ago, where this answer is an old one."""
        if not self._falls("old_account"):
            return None
        then = self._agenda.now - self._rng.uniform(0.5, _LAG_SECONDS)
        return next((past for past in reversed(self._past) if past[0] <= then), None)


def _given(carry_out: Callable[[], T]) -> tuple[T] | Exception:
    """The venue's answer, or its refusal."""
    try:
        return (carry_out(),)
    except OrderRejected as refusal:
        return refusal


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits. Raises RuntimeError when it does."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("a venue behind the wire has waited; its latency is the wire's")
