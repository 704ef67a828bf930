"""What must hold when faults are over and everything has settled: the engine's books against the
venue's truth."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from tests.simulation.engine import Decision, Engine, Limits
from tests.simulation.invariants import Findings
from tests.simulation.venue import SimVenue, VenueOrder
from tui_trader.execution.orders import PREFIX
from tui_trader.models import OrderRecord, OrderRole, OrderStatus

_PENDING = (OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)
_NEVER = (OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELLED)


def check_at_rest(
    engine: Engine,
    venue: SimVenue,
    decisions: Mapping[str, Decision],
    sent_ms: Mapping[str, int],
    limits: Limits,
    found: Findings,
) -> None:
    """Compare `engine` with `venue`; `decisions` by compose id, `sent_ms` by client order id."""
    records = engine.orders()
    by_name = {record.client_order_id: record for record in records}
    check_books(engine, venue, found)
    check_statuses(by_name, venue.orders, found)
    check_legs([by_name[name] for name in _names(venue.orders) if name in by_name], found)
    check_decisions(records, decisions, sent_ms, limits, found)


def check_books(engine: Engine, venue: SimVenue, found: Findings) -> None:
    """I5, I6, I8: positions, cash and fills are the venue's, exactly."""
    held = {symbol: quantity for symbol, quantity in venue.positions.items() if quantity}
    believed = {symbol: quantity for symbol, quantity in engine.positions().items() if quantity}
    if held != believed:
        found.add("I5", f"the venue holds {_shown(held)}, the engine believes {_shown(believed)}")
    if venue.cash != engine.cash():
        found.add("I6", f"cash is {venue.cash} at the venue, {engine.cash()} in the books")
    booked = Counter(engine.fills())
    real = Counter((fill.symbol, fill.trade_id) for fill in venue.trades)
    if missing := real - booked:
        found.add("I8", f"fills were never booked: {sorted(missing)[:5]}")
    if surplus := booked - real:
        found.add("I8", f"fills were booked that are none, or twice: {sorted(surplus)[:5]}")


def check_statuses(
    records: Mapping[str, OrderRecord], orders: Sequence[VenueOrder], found: Findings
) -> None:
    """I10, I11, I14: every order of ours is known, and what is said of it is true."""
    real = {order.request.client_order_id: order for order in orders}
    for name, record in records.items():
        if record.status in _PENDING:
            found.add("I10", f"nobody knows yet what became of {name} ({record.status})")
        elif name not in real and (record.status not in _NEVER or record.filled_qty):
            found.add("I14", f"{name} is {record.status}, but the venue never had it")
    for name, order in real.items():
        if not name.startswith(PREFIX):
            continue
        known = records.get(name)
        if known is None or (known.status.final and not order.status.final):
            found.add("I11", f"nobody watches {name}, which rests at the venue or has been there")
        elif known.status is not order.status or known.filled_qty != float(order.filled):
            found.add(
                "I14",
                f"{name} is {order.status} with {order.filled} filled, "
                f"the engine says {known.status} with {known.filled_qty}",
            )


def check_legs(accepted: Sequence[OrderRecord], found: Findings) -> None:
    """I1b: one order at the venue for each instruction, protection aside, which is replaced."""
    legs = Counter(
        (record.instruction_id, record.role) for record in accepted if not record.role.protects
    )
    for (instruction_id, role), orders in legs.items():
        if orders > 1:
            found.add("I1b", f"{orders} orders for the {role} of {instruction_id}")


def check_decisions(
    records: Sequence[OrderRecord],
    decisions: Mapping[str, Decision],
    sent_ms: Mapping[str, int],
    limits: Limits,
    found: Findings,
) -> None:
    """I15, I16: what opens exposure comes of a sound decision on a market seen a moment ago."""
    for record in records:
        decision = decisions.get(record.compose_id)
        sent = sent_ms.get(record.client_order_id)
        if record.role is not OrderRole.ENTRY or decision is None or sent is None:
            continue
        if not decision.sound:
            found.add("I15", f"{record.client_order_id} comes of an answer that failed the schema")
        if sent - decision.asked_ms > limits.decision_ms:
            age = sent - decision.asked_ms
            found.add("I16", f"{record.client_order_id} comes of a decision {age} ms old")


def _names(orders: Sequence[VenueOrder]) -> list[str]:
    return [order.request.client_order_id for order in orders]


def _shown(positions: Mapping[str, Decimal]) -> str:
    return (
        ", ".join(f"{quantity} {symbol}" for symbol, quantity in sorted(positions.items())) or "-"
    )
