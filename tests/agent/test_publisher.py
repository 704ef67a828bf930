import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.view import samples
from tui_trader.agent.publisher import Publisher
from tui_trader.clock import VirtualClock
from tui_trader.messages import Fact, Message, PortfolioMarked, TradingState
from tui_trader.models import MetricPoint


def _publisher(keep_facts: int = 500, keep_candles: int = 600) -> Publisher:
    return Publisher(
        VirtualClock(1_000),
        samples.SESSION,
        TradingState.ACTIVE,
        equity=[MetricPoint(ts=0, value=9_000.0)],
        keep_facts=keep_facts,
        keep_candles=keep_candles,
        keep_equity=3,
    )


@given(st.lists(samples.messages, max_size=40))
def test_facts_are_numbered_without_a_gap_and_nothing_else_changes(sent: list[Message]) -> None:
    publisher, heard = _publisher(), list[Message]()
    publisher.subscribe(heard.append)
    for message in sent:
        publisher.publish(message)
    assert [m.kind for m in heard] == [m.kind for m in sent]
    assert [m.ts for m in heard if isinstance(m, Fact)] == [
        m.ts for m in sent if isinstance(m, Fact)
    ]
    numbers = [m.seq for m in heard if isinstance(m, Fact)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert publisher.snapshot().seq == len(numbers)


def test_every_sink_hears_the_same_until_it_leaves() -> None:
    publisher = _publisher()
    first, second = list[Message](), list[Message]()
    leave = publisher.subscribe(first.append)
    publisher.subscribe(second.append)
    publisher.publish(samples.quote(1))
    leave()
    leave()
    publisher.publish(samples.quote(2))
    assert first == [samples.quote(1)]
    assert second == [samples.quote(1), samples.quote(2)]


def test_a_sink_that_raises_is_dropped_and_logged_and_hurts_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    publisher, heard, calls = _publisher(), list[Message](), list[Message]()

    def broken(message: Message) -> None:
        calls.append(message)
        raise RuntimeError("no room")

    publisher.subscribe(broken)
    publisher.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        publisher.publish(samples.quote(1))
        publisher.publish(samples.quote(2))
    assert len(calls) == 1
    assert len(heard) == 2
    assert "dropped" in caplog.text


def test_a_sink_may_leave_while_it_is_called() -> None:
    publisher, heard = _publisher(), list[Message]()

    def once(message: Message) -> None:
        heard.append(message)
        leave()

    leave = publisher.subscribe(once)
    publisher.publish(samples.quote(1))
    publisher.publish(samples.quote(2))
    assert len(heard) == 1


def test_a_snapshot_holds_the_newest_of_everything() -> None:
    publisher = _publisher()
    for message in (
        samples.quote(1, 10.0),
        samples.quote(2, 11.0),
        PortfolioMarked(3, samples.portfolio(3)),
        samples.completed(1, ts=4, equity=10_500.0),
        samples.state(TradingState.HALTED, reason="killed"),
    ):
        publisher.publish(message)
    snapshot = publisher.snapshot()
    assert snapshot.ts == 1_000
    assert [ticker.last for ticker in snapshot.quotes] == [11.0]
    assert snapshot.portfolio == samples.portfolio(4, 10_500.0)
    assert [point.value for point in snapshot.equity] == [9_000.0, 10_500.0]
    assert (snapshot.state, snapshot.state_reason) == (TradingState.HALTED, "killed")
    assert snapshot.digest is not None
    assert snapshot.session is samples.SESSION


def test_only_closed_candles_of_the_sessions_timeframe_are_kept_in_order_and_bounded() -> None:
    publisher = _publisher(keep_candles=3)
    for ts in (10, 40, 20, 30):
        publisher.publish(samples.candle(ts))
    publisher.publish(samples.candle(30, close=7.0))
    publisher.publish(samples.candle(50, closed=False))
    publisher.publish(samples.candle(60, interval="1h"))
    kept = publisher.snapshot().candles
    assert [candle.ts for candle in kept] == [20, 30, 40]
    assert kept[1].close == 7.0


def test_what_is_forgotten_is_still_counted() -> None:
    publisher = _publisher(keep_facts=2)
    for message in (
        samples.filled(1, fills=3),
        samples.verdicts(1),
        samples.alert(),
        samples.alert(),
    ):
        publisher.publish(message)
    snapshot = publisher.snapshot()
    assert [fact.seq for fact in snapshot.facts] == [3, 4]
    assert (snapshot.earlier_trades, snapshot.earlier_denials) == (3, 1)


def test_memory_is_bounded_however_long_the_engine_runs() -> None:
    publisher = _publisher(keep_facts=10, keep_candles=10)
    for n in range(1_000):
        publisher.publish(samples.completed(n, ts=n))
        publisher.publish(samples.candle(n))
        publisher.publish(samples.quote(n))
    snapshot = publisher.snapshot()
    assert len(snapshot.facts) == 10
    assert len(snapshot.candles) == 10
    assert len(snapshot.equity) == 3
    assert len(snapshot.quotes) == 1
