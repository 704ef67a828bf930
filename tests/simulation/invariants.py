"""What must hold at every moment, checked on the venue's truth. The numbers are those of the
reliability notes."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tests.simulation.disk import Disk
from tests.simulation.engine import Act, ActKind, Engine, Limits
from tests.simulation.loop import Agenda
from tests.simulation.points import Life
from tests.simulation.venue import SimVenue, VenueOrder
from tui_trader.models import OrderRequest, OrderStatus, OrderType, TradeSide, VenueFill
from tui_trader.models.money import exact

_CLOSING_SECONDS = 30.0
_WATCH_SECONDS = 5.0
_HALTING_SECONDS = 1.0
_MOST = 20  # violations kept of one run


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold, when (Unix ms), and how."""

    invariant: str
    ts: int
    text: str


class Findings:
    """The violations of a run, the first ones."""

    def __init__(self, agenda: Agenda) -> None:
        self.all: list[Violation] = []
        self._agenda = agenda

    def add(self, invariant: str, text: str) -> None:
        """Note a violation."""
        if len(self.all) < _MOST:
            self.all.append(Violation(invariant, self._agenda.now_ms(), text))


class Watch:
    """Looks at every order sent, accepted and filled, and every few seconds at what rests.

    `sent_ms` is when each client order id was first sent, in Unix ms.
    """

    def __init__(
        self,
        agenda: Agenda,
        venue: SimVenue,
        disk: Disk,
        life: Life,
        limits: Limits,
        found: Findings,
        engine: Callable[[], Engine | None],
    ) -> None:
        self.sent_ms: dict[str, int] = {}
        self._agenda = agenda
        self._venue = venue
        self._disk = disk
        self._life = life
        self._limits = limits
        self._found = found
        self._engine = engine
        self._ids: set[str] = set()
        self._killed = False
        self._disk_failed_at: float | None = None
        self._disk_error_at: float | None = None
        self._naked_since: dict[str, float] = {}
        self._closing_at: dict[str, float] = {}
        venue.watchers.accepted.append(self._accepted)
        venue.watchers.filled.append(self._filled)
        agenda.after(_WATCH_SECONDS, self._look)

    # --- what happens to the engine ---------------------------------------------------------------

    def began(self) -> None:
        """A new life: what is unprotected now may stay so for as long again."""
        self._naked_since.clear()

    def crashed(self) -> None:
        """An engine that dies at the moment of a disk error had no time to halt durably."""
        failed = self._disk_failed_at
        if failed is not None and self._agenda.now - failed < _HALTING_SECONDS:
            self._disk_failed_at = None

    def refused_to_start(self) -> None:
        """An engine that can't read its state has nothing that could open exposure."""
        self._disk_failed_at = None

    def disk_failed(self) -> None:
        """The engine was told of an error: it opens nothing from now on."""
        self._disk_error_at = self._agenda.now
        if self._disk_failed_at is None:
            self._disk_failed_at = self._agenda.now

    def asked(self, act: Act) -> None:
        """The operator begins an act; once a resume is on its way, openings may follow."""
        if act.kind is ActKind.RESUME:
            self._killed = False
            self._disk_failed_at = None

    def acknowledged(self, act: Act) -> None:
        """The engine has said that it is done."""
        if act.kind in (ActKind.KILL, ActKind.FLATTEN):
            self._killed = True
            self._agenda.after(self._limits.kill_seconds, self._look_for_entries)

    # --- orders -----------------------------------------------------------------------------------

    def sent(self, request: OrderRequest) -> None:
        """I2, I3, I19: an order leaves the engine now. One that reduces may, when the disk refuses
        in that very moment: nothing blocks the way out."""
        name = request.client_order_id
        self.sent_ms.setdefault(name, self._agenda.now_ms())
        refused = self._agenda.now == self._disk_error_at and request.reduce_only
        if not self._disk.holds_intent(name) and not refused:
            self._found.add("I2", f"{name} was sent before it was on the disk")
        if request.reduce_only and not request.type.waits:
            self._closing_at[request.symbol] = self._agenda.now
        if not self._increases(request):
            return
        if self._killed:
            self._found.add("I3", f"{name} opens exposure after a kill was acknowledged")
        if self._disk_failed_at is not None:
            self._found.add("I19", f"{name} opens exposure after an error of the disk")

    def _increases(self, request: OrderRequest) -> bool:
        held = self._venue.positions[request.symbol]
        after = held + request.side.sign * exact(request.quantity)
        return not request.reduce_only and abs(after) > abs(held)

    def _accepted(self, order: VenueOrder) -> None:
        """I1: one order for each id."""
        name = order.request.client_order_id
        if name in self._ids:
            self._found.add("I1", f"the venue has made two orders of {name}")
        self._ids.add(name)

    def _filled(self, order: VenueOrder, fill: VenueFill) -> None:
        """I4: exposure after a fill that has increased it."""
        held, mark = self._venue.positions[fill.symbol], self._venue.mark(fill.symbol)
        if held * fill.side.sign <= 0:
            return
        room = 1 + exact(self._limits.slack)
        if abs(held) * mark > exact(self._limits.symbol_notional) * room:
            self._found.add("I4", f"{held} {fill.symbol} at {mark} is beyond the cap")
        gross = sum(
            (abs(quantity) * self._venue.mark(symbol))
            for symbol, quantity in self._venue.positions.items()
        )
        if gross > exact(self._limits.gross_notional) * room:
            self._found.add("I4", f"a gross notional of {gross} is beyond the cap")

    # --- what rests -------------------------------------------------------------------------------

    def _look(self) -> None:
        """I18: no position without a stop, longer than allowed, that nobody is closing."""
        self._agenda.after(_WATCH_SECONDS, self._look)
        if self._limits.protect_seconds is None or not self._life.alive:
            return
        now = self._agenda.now
        for symbol, held in self._venue.positions.items():
            if not held or self._covered(symbol, held):
                self._naked_since.pop(symbol, None)
                continue
            since = self._naked_since.setdefault(symbol, now)
            if now - since > self._limits.protect_seconds and not self._being_closed(symbol):
                self._naked_since[symbol] = now
                self._found.add("I18", f"{held} {symbol} without a stop for {now - since:.0f} s")

    def _covered(self, symbol: str, held: Decimal) -> bool:
        side = TradeSide.SELL if held > 0 else TradeSide.BUY
        stops = (
            order.left
            for order in self._venue.open_now()
            if order.request.symbol == symbol
            and order.request.type is OrderType.STOP_MARKET
            and order.request.reduce_only
            and order.request.side is side
        )
        return sum(stops, Decimal(0)) >= abs(held)

    def _being_closed(self, symbol: str) -> bool:
        if self._agenda.now - self._closing_at.get(symbol, -1e9) <= _CLOSING_SECONDS:
            return True
        return any(
            order.request.symbol == symbol
            and order.request.reduce_only
            and not order.request.type.waits
            for order in self._venue.open_now()
        )

    def _look_for_entries(self) -> None:
        """I12: some time after a kill no entry rests, if the engine lived to see to it."""
        if self._killed and self._life.alive and self._engine() is not None:
            self.check_entries()

    def check_entries(self) -> None:
        """I12, now; it says nothing while nothing was killed."""
        for order in self._venue.open_now() if self._killed else ():
            if not order.request.reduce_only and order.status is not OrderStatus.PARTIALLY_FILLED:
                self._found.add("I12", f"{order.request.client_order_id} rests after a kill")
