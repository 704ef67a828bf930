from hypothesis import given
from hypothesis import strategies as st

from tests.view import samples
from tui_trader.conflation import ConflatingQueue
from tui_trader.messages import (
    CommandResult,
    EngineStopped,
    Fact,
    Gap,
    Level,
    Message,
    Severity,
    TradingState,
)
from tui_trader.view.hub import Hub


def _is_subsequence(part: list[Message], whole: list[Message]) -> bool:
    rest = iter(whole)
    return all(any(one is other for other in rest) for one in part)


@given(st.lists(samples.messages, max_size=60))
def test_what_is_drained_is_the_true_sequence_less_overtaken_levels(sent: list[Message]) -> None:
    hub = Hub()
    for message in sent:
        hub.put(message)
    drained = hub.drain()
    assert _is_subsequence(drained, sent)
    assert [m for m in drained if isinstance(m, Fact)] == [m for m in sent if isinstance(m, Fact)]
    newest = {m.key: m for m in sent if isinstance(m, Level)}
    shown = [m for m in drained if isinstance(m, Level)]
    assert {m.key: m for m in shown} == newest
    assert len(shown) == len(newest)
    assert hub.drain() == []


@given(st.lists(samples.facts, max_size=40), st.integers(1, 10))
def test_facts_are_lossless_up_to_the_bound_and_a_gap_stands_for_the_rest(
    sent: list[Fact], limit: int
) -> None:
    hub = Hub(limit)
    for fact in sent:
        hub.put(fact)
    drained = hub.drain()
    assert len(drained) <= limit
    if len(sent) <= limit:
        assert drained == sent
    else:
        assert drained[0] == Gap()
        assert drained[1:] == sent[len(sent) - len(drained) + 1 :]


def test_a_flood_of_quotes_takes_the_room_of_one_a_symbol() -> None:
    hub = Hub(limit=10)
    for n in range(20_000):
        assert hub.put(samples.quote(n, symbol=(samples.BTC, samples.ETH)[n % 2]))
    assert len(hub) == 2
    assert [m.ts for m in hub.drain() if isinstance(m, Level)] == [19_998, 19_999]


def test_a_newer_snapshot_takes_the_place_of_an_older_one() -> None:
    queue = ConflatingQueue()
    for seq in (1, 2):
        queue.put(samples.snapshot(seq=seq))
    assert queue.drain() == [samples.snapshot(seq=2)]


def test_facts_that_matter_are_urgent_until_drained() -> None:
    urgent = (
        samples.filled(1),
        samples.state(TradingState.HALTED),
        CommandResult(0, "id", "PAUSE", True, ""),
        samples.alert(severity=Severity.ERROR),
        EngineStopped(0, "asked"),
    )
    for fact in urgent:
        hub = Hub()
        hub.put(fact)
        hub.put(samples.quote(0))
        assert hub.urgent
        hub.drain()
        assert not hub.urgent


def test_prices_and_warnings_are_not_urgent() -> None:
    hub = Hub()
    for message in (samples.quote(0), samples.alert(), samples.decision(1), samples.snapshot()):
        hub.put(message)
    assert not hub.urgent
