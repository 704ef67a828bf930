"""The life of an order: its name at a venue, and the steps that it may take."""

import hashlib
from base64 import b32encode

from tui_trader.models import (
    OrderRecord,
    OrderReport,
    OrderRequest,
    OrderRole,
    OrderStatus,
    OrderStep,
)

PREFIX = "tt-"

_S = OrderStatus
_ENDS = frozenset({_S.CANCELLED, _S.EXPIRED})
_FOUND = frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.REJECTED}) | _ENDS
LEGAL: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.INTENDED: frozenset({_S.SUBMITTED, _S.UNKNOWN, _S.REJECTED}),
    _S.SUBMITTED: _FOUND | {_S.UNKNOWN},
    _S.UNKNOWN: _FOUND,
    _S.ACCEPTED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED}) | _ENDS,
    _S.PARTIALLY_FILLED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED}) | _ENDS,
    # A fill from before the end may be heard of after it.
    _S.CANCELLED: frozenset({_S.CANCELLED, _S.FILLED}),
    _S.EXPIRED: frozenset({_S.EXPIRED, _S.FILLED}),
    _S.FILLED: frozenset(),
    _S.REJECTED: frozenset(),
}
"""From where to where an order may go. What is rejected has never been at the venue, so an order
that was seen there can't be."""


class IllegalTransition(Exception):
    """A step that no order can take."""


def client_order_id(account: str, instruction_id: str) -> str:
    """The venue's client order id of an instruction: always the same for the same two words.

    29 characters of `[a-z0-9-]`, which every venue that we know takes (Binance asks for at most 36
    of `[.A-Z:/a-z0-9_-]`, its portfolio margin for 32).
    """
    digest = hashlib.sha256(f"{account}|{instruction_id}".encode()).digest()
    return PREFIX + b32encode(digest).decode()[:26].lower()


def is_ours(client_order_id: str) -> bool:
    """Whether an order was sent by an engine of ours."""
    return client_order_id.startswith(PREFIX)


def intended(
    request: OrderRequest, role: OrderRole, instruction_id: str, compose_id: str, ts: int
) -> OrderRecord:
    """An order that is meant, and nowhere yet."""
    return OrderRecord(
        request=request,
        role=role,
        instruction_id=instruction_id,
        compose_id=compose_id,
        steps=(OrderStep(ts=ts, status=OrderStatus.INTENDED),),
    )


def step(order: OrderRecord, status: OrderStatus, ts: int, reason: str = "") -> OrderRecord:
    """`order` one step further. Raises IllegalTransition."""
    if status not in LEGAL[order.status]:
        raise IllegalTransition(f"order {order.client_order_id}: from {order.status} to {status}")
    taken = OrderStep(ts=ts, status=status, filled_qty=order.filled_qty, reason=reason)
    return order.model_copy(update={"status": status, "steps": (*order.steps, taken)})


def absorb(order: OrderRecord, report: OrderReport) -> OrderRecord:
    """`order` after what a venue says of it. What is known already, or was overtaken, changes
    nothing.

    Fills alone say how much is filled, so that nothing is counted twice: a report that knows of
    more fills than have been seen is not final yet.
    """
    status = report.status
    if status in (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED):
        status = OrderStatus.ACCEPTED
    missing = report.filled_qty > order.filled_qty
    if status.final and missing:
        status = OrderStatus.ACCEPTED
    if status is OrderStatus.REJECTED and order.filled_qty:
        return order
    if status is order.status or status not in LEGAL[order.status]:
        return order
    return step(order, status, report.ts, report.reason)


def filled(
    order: OrderRecord, quantity: float, avg_price: float, fee: float, ts: int
) -> OrderRecord:
    """`order` with all its fills so far: `quantity` in all, at `avg_price`, for `fee`."""
    counted = order.model_copy(update={"filled_qty": quantity, "avg_price": avg_price, "fee": fee})
    whole = quantity >= order.request.quantity
    ended = order.status in _ENDS
    status = _S.FILLED if whole else order.status if ended else _S.PARTIALLY_FILLED
    return step(counted, status, ts)
