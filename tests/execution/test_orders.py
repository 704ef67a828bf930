import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_trader.execution.orders import (
    LEGAL,
    IllegalTransition,
    absorb,
    client_order_id,
    filled,
    intended,
    step,
)
from tui_trader.models import (
    OrderRecord,
    OrderReport,
    OrderRequest,
    OrderRole,
    OrderStatus,
    TradeSide,
)

BINANCE = re.compile(r"^[\.A-Z\:/a-z0-9_-]{1,36}$")


def test_an_order_has_one_name_for_good() -> None:
    # The very text: a change would let a restarted engine send known orders again.
    assert client_order_id("paper", "run-000001:BTC/USDT") == "tt-xnqcsmdyfetlwk7amliqz7k324"


def test_every_instruction_and_account_has_its_own_name() -> None:
    names = {
        client_order_id(account, f"c{n}:BTC/USDT") for account in ("a", "b") for n in range(500)
    }
    assert len(names) == 1_000


def test_venues_take_the_name_however_long_the_instructions_is() -> None:
    for instruction_id in ("", "c:BTC/USDT:USDT:1", "é" * 500):
        name = client_order_id("account", instruction_id)
        assert BINANCE.match(name)
        assert len(name) <= 32


# --- the steps of an order ------------------------------------------------------------------------

S = OrderStatus
NEVER_AFTER = {
    S.INTENDED: [S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELLED, S.EXPIRED],
    S.ACCEPTED: [S.INTENDED, S.SUBMITTED, S.UNKNOWN, S.REJECTED],
    S.PARTIALLY_FILLED: [S.INTENDED, S.SUBMITTED, S.UNKNOWN, S.ACCEPTED, S.REJECTED],
    S.FILLED: list(S),
    S.REJECTED: list(S),
}
VENUE_SAYS = (S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELLED, S.EXPIRED, S.REJECTED)


def meant(quantity: float = 1.0) -> OrderRecord:
    request = OrderRequest(
        client_order_id="tt-1", symbol="BTC/USDT", side=TradeSide.BUY, quantity=quantity
    )
    return intended(request, OrderRole.ENTRY, "c:BTC/USDT", "c", 0)


def at(status: OrderStatus) -> OrderRecord:
    return meant().model_copy(update={"status": status})


@pytest.mark.parametrize(("before", "after"), [(b, a) for b in NEVER_AFTER for a in NEVER_AFTER[b]])
def test_what_can_not_follow_is_refused(before: OrderStatus, after: OrderStatus) -> None:
    with pytest.raises(IllegalTransition, match=f"from {before} to {after}"):
        step(at(before), after, 1)


def test_every_state_can_be_reached_and_only_the_last_ones_are_final() -> None:
    reached, front = {S.INTENDED}, [S.INTENDED]
    while front:
        for status in LEGAL[front.pop()] - reached:
            reached.add(status)
            front.append(status)
    assert reached == set(S)
    assert {status for status in S if not LEGAL[status] - {status}} == {S.FILLED, S.REJECTED}
    for status in S:
        assert status.final is (status in (S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED))


def test_each_step_is_kept_with_its_time_and_reason() -> None:
    order = step(step(meant(), S.SUBMITTED, 5), S.REJECTED, 9, "no money")
    assert [(it.ts, it.status, it.reason) for it in order.steps] == [
        (0, S.INTENDED, ""),
        (5, S.SUBMITTED, ""),
        (9, S.REJECTED, "no money"),
    ]


reports = st.builds(
    OrderReport,
    request=st.just(meant().request),
    status=st.sampled_from(VENUE_SAYS),
    filled_qty=st.sampled_from([0.0, 0.25, 1.0]),
    ts=st.integers(0, 99),
)


@settings(max_examples=2_000)
@given(st.lists(reports, max_size=8), st.sampled_from([S.SUBMITTED, S.UNKNOWN]))
def test_whatever_a_venue_says_in_whatever_order_no_illegal_step_is_taken(
    said: list[OrderReport], start: OrderStatus
) -> None:
    order = at(start)
    for report in said:
        before = order
        order = absorb(order, report)
        if order is not before:
            assert order.status in LEGAL[before.status]
            assert order.filled_qty == before.filled_qty, "fills alone count"
        assert absorb(order, report).status is order.status, "told twice it is the same"
    if any(report.filled_qty for report in said):
        assert order.status is not S.FILLED


def test_an_end_that_knows_of_more_fills_than_were_seen_is_not_believed_yet() -> None:
    end = OrderReport(request=meant().request, status=S.CANCELLED, filled_qty=0.25, ts=3)
    seen = absorb(at(S.SUBMITTED), end)
    assert seen.status is S.ACCEPTED
    counted = filled(seen, 0.25, 100.0, 0.1, 4)
    assert absorb(counted, end).status is S.CANCELLED
