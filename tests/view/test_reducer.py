import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.view import samples
from tui_trader.agent.publisher import Publisher
from tui_trader.clock import VirtualClock
from tui_trader.messages import (
    CandleChanged,
    CommandResult,
    CycleStarted,
    EngineHealth,
    EngineStopped,
    Gap,
    Message,
    ModelState,
    Pause,
    ReasoningStreamed,
    Severity,
    TradingState,
)
from tui_trader.models import Candle
from tui_trader.view.model import (
    MAX_CANDLES,
    MAX_DECISIONS,
    MAX_EQUITY,
    MAX_EVENTS,
    MAX_MARKERS,
    Dirty,
    LinkState,
    ViewModel,
)
from tui_trader.view.reducer import (
    REASONING_KEPT,
    REASONING_STEP,
    link_ended,
    link_lost,
    overdue,
    reduce,
    sent,
)


def _after(*messages: Message, view: ViewModel | None = None) -> ViewModel:
    view = view or ViewModel()
    for message in messages:
        view, _ = reduce(view, message)
    return view


def _attached() -> ViewModel:
    return _after(samples.snapshot())


def _texts(view: ViewModel) -> list[tuple[str, str]]:
    return [(line.topic, line.text) for line in view.events]


# --- attaching late -------------------------------------------------------------------------------


def _watched_and_attached(
    messages: Sequence[Message], attach_at: int, keep_facts: int
) -> tuple[ViewModel, ViewModel]:
    """The view of one who watched all along, and of one who attached after `attach_at` messages."""
    publisher = Publisher(
        VirtualClock(0), samples.SESSION, TradingState.ACTIVE, keep_facts=keep_facts
    )
    heard: list[Message] = [publisher.snapshot()]
    publisher.subscribe(heard.append)
    late: list[Message] = []
    for number, message in enumerate(messages):
        if number == attach_at:
            late.append(publisher.snapshot())
            publisher.subscribe(late.append)
        publisher.publish(message)
    if not late:
        late.append(publisher.snapshot())
    return _after(*heard), _after(*late)


def _closes_only_once(messages: Sequence[Message]) -> list[Message]:
    """`messages` without candles that form after they have closed: no engine says that."""
    closed: set[tuple[str, ...]] = set()
    kept = []
    for message in messages:
        if isinstance(message, CandleChanged):
            if message.key in closed and not message.closed:
                continue
            if message.closed:
                closed.add(message.key)
        kept.append(message)
    return kept


def _without_the_moment(view: ViewModel) -> ViewModel:
    """`view` without what only the next level brings back."""
    return replace(view, candles={}, reasoning=None, health=None)


def _closed_candles(view: ViewModel, messages: Sequence[Message]) -> dict[str, list[Candle]]:
    closed = {m.candle.ts for m in messages if isinstance(m, CandleChanged) and m.closed}
    found = {
        symbol: [candle for candle in candles if candle.ts in closed]
        for symbol, candles in view.candles.items()
    }
    return {symbol: candles for symbol, candles in found.items() if candles}


@given(st.lists(samples.messages, max_size=50).map(_closes_only_once), st.integers(0, 50))
def test_attaching_late_shows_the_same_as_having_watched(
    messages: list[Message], attach_at: int
) -> None:
    watched, attached = _watched_and_attached(messages, attach_at, keep_facts=500)
    assert _without_the_moment(attached) == _without_the_moment(watched)


@given(st.lists(samples.messages, max_size=50).map(_closes_only_once), st.integers(0, 50))
def test_numbers_are_the_same_however_little_of_the_past_is_told(
    messages: list[Message], attach_at: int
) -> None:
    watched, attached = _watched_and_attached(messages, attach_at, keep_facts=3)

    def numbers(view: ViewModel) -> list[object]:
        return [
            (view.state, view.state_reason, view.last_seq),
            (view.trades, view.denials, view.cycle_number),
            (view.portfolio, view.equity, view.digest, view.quotes, view.model_status),
        ]

    assert numbers(attached) == numbers(watched)


@given(st.lists(samples.messages, max_size=50).map(_closes_only_once))
def test_a_snapshot_carries_every_closed_candle(messages: list[Message]) -> None:
    publisher = Publisher(VirtualClock(0), samples.SESSION, TradingState.ACTIVE)
    watched = _attached()
    for message in messages:
        publisher.publish(message)
        watched, _ = reduce(watched, message)
    attached = _after(publisher.snapshot())
    assert _closed_candles(attached, messages) == _closed_candles(watched, messages)


@given(st.lists(samples.messages, max_size=40), st.data())
def test_a_fact_told_twice_counts_once(messages: list[Message], data: st.DataObject) -> None:
    publisher = Publisher(VirtualClock(0), samples.SESSION, TradingState.ACTIVE)
    heard: list[Message] = []
    publisher.subscribe(heard.append)
    for message in messages:
        publisher.publish(message)
    once = _after(*heard)
    again = data.draw(st.sampled_from(heard)) if heard else None
    facts_again = [m for m in heard if m is again and not hasattr(m, "key")]
    assert _after(*facts_again, view=once) == once


def test_a_snapshot_replaces_what_is_the_engines_and_keeps_pending_commands() -> None:
    view, _ = sent(_after(samples.decision(1), samples.quote(0)), Pause("mine", "console"), now=1.0)
    view = _after(samples.snapshot(samples.decision(7)), view=view)
    assert [decision.number for decision in view.decisions] == [7]
    assert view.quotes == {}
    assert [command.command_id for command in view.pending] == ["mine"]
    assert view.link is LinkState.ATTACHED


def test_an_answer_that_only_the_snapshot_tells_is_heard() -> None:
    view, _ = sent(_attached(), Pause("mine", "console"), now=1.0)
    answer = CommandResult(5, "mine", "PAUSE", True, "paused", seq=3)
    view = _after(Gap(), samples.snapshot(answer, seq=3), view=view)
    assert view.pending == ()
    assert view.outcome is not None
    assert view.outcome.detail == "paused"


# --- unknown --------------------------------------------------------------------------------------


def test_the_state_is_unknown_before_the_first_snapshot() -> None:
    assert ViewModel().state is None
    assert _attached().state is TradingState.ACTIVE


def test_after_the_link_is_lost_the_state_is_unknown() -> None:
    view = _after(EngineHealth(0, 1, None, False), view=_attached())
    lost, dirty = link_lost(view, "reset\x1b[2J by peer")
    assert (lost.link, lost.state, lost.health) == (LinkState.LOST, None, None)
    assert lost.state_reason == "reset[2J by peer"
    assert dirty & Dirty.STATE


@pytest.mark.parametrize("error", [None, "ValueError: broken"])
def test_after_the_engine_has_stopped_the_state_is_unknown(error: str | None) -> None:
    view = _after(EngineStopped(9, "asked", error), view=_attached())
    assert (view.link, view.state) == (LinkState.ENDED, None)
    assert view.stopped == EngineStopped(9, "asked", error)
    assert view.events[-1].severity is (Severity.INFO if error is None else Severity.ERROR)
    ended, _ = link_ended(view)
    assert ended.state_reason == (error or "asked")


def test_a_snapshot_of_a_stopped_engine_does_not_bring_it_back() -> None:
    view = _after(samples.snapshot(EngineStopped(9, "asked", seq=1), seq=1))
    assert (view.link, view.state) == (LinkState.ENDED, None)


def test_after_a_gap_the_state_is_unknown_until_the_snapshot() -> None:
    view = _after(Gap(), view=_attached())
    assert (view.state, view.gaps) == (None, 1)
    assert _after(samples.snapshot(), view=view).state is TradingState.ACTIVE
    assert _after(samples.snapshot(), view=view).gaps == 1


# --- levels ---------------------------------------------------------------------------------------


def _times(view: ViewModel) -> list[int]:
    return [candle.ts for candle in view.candles[samples.BTC]]


def test_a_forming_candle_is_replaced_and_a_new_one_appended() -> None:
    view = _after(
        samples.candle(0, 1.0), samples.candle(1, 2.0, closed=False), samples.candle(1, 3.0)
    )
    assert [c.close for c in view.candles[samples.BTC]] == [1.0, 3.0]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_candles_stand_in_order_of_time_whatever_their_arrival(arrivals: list[int]) -> None:
    view = _after(*(samples.candle(ts, close=n + 1.0) for n, ts in enumerate(arrivals)))
    assert _times(view) == sorted(set(arrivals))
    newest = {ts: n + 1.0 for n, ts in enumerate(arrivals)}
    assert {c.ts: c.close for c in view.candles[samples.BTC]} == newest


def test_candles_are_bounded_and_the_oldest_goes() -> None:
    view = _after(*(samples.candle(ts) for ts in range(1, MAX_CANDLES + 11)))
    assert _times(view) == list(range(11, MAX_CANDLES + 11))
    assert _times(_after(samples.candle(0), view=view)) == _times(view)


def test_candles_of_another_timeframe_are_not_mixed_in() -> None:
    assert _after(samples.candle(0, interval="1h"), view=_attached()).candles == {}


def test_reasoning_streams_until_the_decision_and_not_after_it() -> None:
    view = _after(ReasoningStreamed(1, "c1", "I \x1bthink\nso", "{"))
    assert view.reasoning is not None
    assert (view.reasoning.text, view.reasoning.live) == ("I think\nso", True)
    late = ReasoningStreamed(3, "c1", "late")
    view = _after(samples.decision(1), late, view=view)
    assert view.reasoning is not None
    assert (view.reasoning.text, view.reasoning.live) == ("I think\nso", False)


# --- facts ----------------------------------------------------------------------------------------


def test_a_decision_gathers_what_became_of_it() -> None:
    view = _after(
        CycleStarted(0, "c1", 1),
        samples.decision(1),
        samples.verdicts(1),
        samples.order(1),
        samples.filled(1, ts=7, fills=2),
        samples.completed(1, ts=8),
    )
    decision = view.decision
    assert decision is not None
    assert len(decision.verdicts) == 3
    assert [result.filled_qty for result in decision.results] == [0.03]
    assert decision.complete
    assert (view.cycle_number, view.trades, view.denials) == (1, 2, 1)
    assert [(m.ts, m.price) for m in view.markers[samples.BTC]] == [(7, 67_412.5)] * 2
    assert [(p.ts, p.value) for p in view.equity] == [(8, 10_010.0)]


def test_an_unknown_equity_is_no_point() -> None:
    assert _after(samples.completed(1, equity=None)).equity == ()


def test_an_order_of_the_operator_is_shown_without_a_decision() -> None:
    view = _after(samples.decision(1), samples.filled(2))
    assert view.decision is not None
    assert view.decision.results == ()
    assert view.trades == 1


def test_events_are_plain_words() -> None:
    view = _after(
        samples.decision(1),
        samples.verdicts(1),
        samples.order(1),
        samples.filled(1),
        samples.refused(2, "no funds"),
        samples.state(TradingState.REDUCING, reason="lunch"),
        CommandResult(0, "id", "CLOSE_POSITION", False, "no position to close"),
        CommandResult(0, "id", "PAUSE", True, "paused"),
        samples.alert(text="feed is late"),
    )
    assert _texts(view) == [
        ("decision", "#1 LONG BTC/USDT 8.0%"),
        ("risk", "veto BTC/USDT daily_loss: cap of 3.00 % reached"),
        ("risk", "clip ETH/USDT equity_usage 0.9 → 0.5"),
        ("order", "BUY BTC/USDT 0.015 market"),
        ("fill", "BUY BTC/USDT 0.015 @ 67,412.50 fee 0.56"),
        ("order", "BUY BTC/USDT 0.015 REJECTED: no funds"),
        ("state", "REDUCING by console: lunch"),
        ("command", "close position failed: no position to close"),
        ("feed", "feed is late"),
    ]


def test_an_unusable_answer_is_a_warning_with_its_reason() -> None:
    broken = replace(samples.decision(3, outcome="parse_error"), error="no JSON")
    line = _after(broken).events[-1]
    assert line.severity is Severity.WARNING
    assert line.text == "#3 parse error: no JSON; LONG BTC/USDT 8.0%"


def test_a_line_says_what_an_answer_cost_and_that_it_contradicts() -> None:
    paid = replace(
        samples.decision(148),
        token_usage={"total_tokens": 1_912},
        latency_ms=2_400,
        cost_usd=0.004,
        flags=("RSI 80, told 61", "price"),
    )
    assert _after(paid).events[-1].text == (
        "#148 LONG BTC/USDT 8.0% (1,912 tok, 2.4s, $0.004) ! 2 flags"
    )


@pytest.mark.parametrize(
    ("outcome", "words", "severity"),
    [
        ("brown_out", "brown-out", Severity.WARNING),
        ("capped", "capped", Severity.WARNING),
        ("stopped", "stopped", Severity.ERROR),
        ("llm_error", "llm error", Severity.WARNING),
    ],
)
def test_each_failure_of_a_model_has_its_line(outcome: str, words: str, severity: Severity) -> None:
    failed = replace(samples.decision(3, outcome=outcome), error="401: refused", targets=())
    line = _after(failed).events[-1]
    assert (line.text, line.severity) == (f"#3 {words}: 401: refused; no targets", severity)


def test_how_the_model_does_is_the_newest_that_was_heard() -> None:
    nasty = replace(samples.status(ModelState.CAPPED), detail="spent\x1b[2J", model="m\u202e")
    view = _after(samples.status(ModelState.READY), nasty, view=_attached())
    assert view.model_status == replace(samples.status(ModelState.CAPPED), detail="spent[2J")
    late = replace(samples.snapshot(), model_status=nasty)
    assert _after(late).model_status == view.model_status
    assert _after(samples.snapshot(), view=view).model_status is None


# --- reasoning that grows -------------------------------------------------------------------------


def test_of_long_reasoning_the_end_stays_and_the_rest_is_counted() -> None:
    text = "".join(f"{number:9} " for number in range(20_000))
    view = _after(ReasoningStreamed(1, "c1", text, tokens=50_000))
    assert view.reasoning is not None
    assert view.reasoning.text == text[view.reasoning.cut :]
    assert REASONING_KEPT <= len(view.reasoning.text) < REASONING_KEPT + REASONING_STEP
    assert view.reasoning.tokens == 50_000
    decided = _after(replace(samples.decision(1), reasoning=text), view=view)
    assert decided.reasoning == replace(view.reasoning, live=False)


def test_the_work_of_an_update_does_not_grow_with_the_reasoning() -> None:
    # In Chinese each character is work, so that calls count it.
    whole = "趋势向上，等待回调。\n" * 18_200
    assert len(whole) > 200_000
    view, work = ViewModel(), []
    for step in range(1, 501):
        message = ReasoningStreamed(step, "c1", whole[: step * 400])
        calls = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            view, _ = reduce(view, message)
        finally:
            sys.setprofile(None)
        work.append(calls)
        assert view.reasoning is not None
        assert len(view.reasoning.text) <= REASONING_KEPT + REASONING_STEP
    full = (REASONING_KEPT + REASONING_STEP) // 400
    assert max(work[full:]) <= 1.01 * max(work[:full])
    assert max(work[:full]) > 1_000, "nothing was counted"


def test_words_of_models_and_venues_are_cleaned_on_the_way_in() -> None:
    nasty = "\x1b]0;own\x07ed\u202e\nby me"
    view = _after(
        samples.decision(1, rationale=nasty, reasoning=nasty),
        samples.refused(1, nasty),
        samples.alert(text=nasty),
    )
    decision = view.decision
    assert decision is not None
    assert view.reasoning is not None
    assert decision.rationale == view.reasoning.text == "]0;owned\nby me"
    assert decision.results[0].reason == "]0;owned by me"
    assert view.events[-1].text == "]0;owned by me"
    assert "\x1b" not in repr(view)


# --- commands -------------------------------------------------------------------------------------


def test_a_command_waits_until_its_answer_and_is_overdue_after_the_limit() -> None:
    view, dirty = sent(_attached(), Pause("mine", "console"), now=10.0)
    assert dirty is Dirty.COMMANDS
    assert view.state is TradingState.ACTIVE
    assert overdue(view, now=12.0) == ()
    assert [command.kind for command in overdue(view, now=12.1)] == ["PAUSE"]
    view = _after(CommandResult(5, "mine", "PAUSE", True, "paused"), view=view)
    assert view.pending == ()
    assert view.outcome is not None
    assert view.outcome.ok


def test_the_answer_to_somebody_else_is_not_our_outcome() -> None:
    view, _ = sent(_attached(), Pause("mine", "console"), now=10.0)
    view = _after(CommandResult(5, "other", "KILL", True, "halted"), view=view)
    assert len(view.pending) == 1
    assert view.outcome is None


# --- bounds and purity ----------------------------------------------------------------------------


def test_everything_that_grows_is_bounded() -> None:
    view = ViewModel()
    for n in range(MAX_EQUITY + 100):
        view = _after(samples.decision(n), samples.filled(n), samples.completed(n, ts=n), view=view)
    assert len(view.events) == MAX_EVENTS
    assert len(view.decisions) == MAX_DECISIONS
    assert len(view.markers[samples.BTC]) == MAX_MARKERS
    assert len(view.equity) == MAX_EQUITY


@given(st.lists(samples.messages, max_size=20), samples.messages)
def test_reduce_is_pure_and_names_every_part_it_changes(
    before: list[Message], message: Message
) -> None:
    view = _after(samples.snapshot(), *before)
    kept = replace(view)
    after, dirty = reduce(view, message)
    assert view == kept
    assert (after, dirty) == reduce(view, message)
    parts = {
        Dirty.SESSION: ("link", "session"),
        Dirty.STATE: ("state", "state_reason"),
        Dirty.QUOTE: ("quotes",),
        Dirty.CANDLES: ("candles", "markers"),
        Dirty.PORTFOLIO: ("portfolio", "digest"),
        Dirty.EQUITY: ("equity",),
        Dirty.DECISION: ("decisions", "cycle_number", "trades", "denials"),
        Dirty.REASONING: ("reasoning",),
        Dirty.EVENTS: ("events",),
        Dirty.HEALTH: ("health",),
        Dirty.COMMANDS: ("pending", "outcome"),
        Dirty.MODEL: ("model_status",),
        Dirty.INSPECTION: ("inspections",),
    }
    for part, names in parts.items():
        if any(getattr(after, name) != getattr(view, name) for name in names):
            assert dirty & part, part
