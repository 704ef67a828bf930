"""The gateway: no call after refused credentials, none beyond the cap, none beyond the deadline."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decision.providers.chain import (
    ANSWER,
    BAD_KEY,
    BUSY,
    COST,
    NOON,
    OK,
    PROMPT,
    USAGE,
    Chain,
    ManualClock,
    Script,
)
from tui_trader.decision.providers.completion import NEEDS_OPERATOR, RETRYABLE, FailureKind
from tui_trader.decision.providers.gateway import SHORTEST_CALL
from tui_trader.decision.providers.interfaces import Question
from tui_trader.decision.providers.route import ModelClient
from tui_trader.decision.providers.spending import DAY_MS
from tui_trader.messages import ModelState
from tui_trader.models import ModelCall
from tui_trader.trading_history.store import Store

# --- credentials ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(NEEDS_OPERATOR))
async def test_after_refused_credentials_no_call_is_made_until_the_operator_acts(
    kind: FailureKind,
) -> None:
    chain = Chain([Script(kind), OK])
    replies = [await chain.ask()]
    for _ in range(50):
        chain.later(3_600)
        replies.append(await chain.ask())
    assert {reply.outcome for reply in replies} == {"stopped"}
    assert chain.calls == [1]
    assert chain.gateway.status.state is ModelState.STOPPED
    assert f"scripted {kind}" in chain.gateway.status.detail

    chain.gateway.operator_acted()
    assert chain.statuses[-1].state is ModelState.READY
    assert (await chain.ask()).outcome == "ok"
    assert chain.calls == [2]


async def test_a_refused_model_is_left_alone_while_the_others_go_on() -> None:
    chain = Chain([BAD_KEY], [OK], [OK])
    for _ in range(20):
        assert (await chain.ask()).outcome == "ok"
        chain.later()
    assert chain.calls == [1, 20, 0]
    assert chain.gateway.status.state is ModelState.READY
    assert "in place of deepseek:model-0: scripted credential" in chain.gateway.status.detail


async def test_when_all_are_refused_each_was_asked_once_and_again_after_the_operator_acts() -> None:
    chain = Chain([BAD_KEY], [Script(FailureKind.PAYMENT)])
    for _ in range(20):
        assert (await chain.ask()).outcome == "stopped"
    assert chain.calls == [1, 1]
    chain.gateway.operator_acted()
    assert (await chain.ask()).outcome == "stopped"
    assert chain.calls == [2, 2]


async def test_a_refusal_is_told_once_with_its_remedy() -> None:
    chain = Chain([BAD_KEY], [Script(FailureKind.PAYMENT)])
    for _ in range(5):
        await chain.ask()
    assert chain.alerts == [
        "deepseek:model-0 is asked no more: scripted credential: check DEEPSEEK_API_KEY,"
        " then resume",
        "local:model-1 is asked no more: scripted payment: pay local, then resume",
    ]


async def test_credentials_that_the_probe_saw_refused_are_not_tried_again() -> None:
    @dataclass
    class Report:
        findings = ()
        calls = (BAD_KEY.completion(),)

    async def probe(_client: ModelClient) -> Report:
        return Report()

    chain = Chain([OK], probe=probe)
    await chain.gateway.prepare()
    assert (await chain.ask()).outcome == "stopped"
    assert chain.calls == [0]


# --- the daily cap --------------------------------------------------------------------------------


async def test_the_cap_stops_calls_until_the_utc_day_changes() -> None:
    chain = Chain([OK], cap=COST * 3)
    outcomes = []
    for _ in range(6):
        outcomes.append((await chain.ask()).outcome)
        chain.later()
    assert outcomes == ["ok", "ok", "ok", "capped", "capped", "capped"]
    assert chain.calls == [3]
    status = chain.gateway.status
    assert (status.state, status.cost_today_usd) == (ModelState.CAPPED, COST * 3)
    assert "no model is asked before 2024-11-02 00:00:00 UTC" in status.detail

    chain.later(12 * 3_600)
    assert chain.gateway.status.state is ModelState.READY
    assert (await chain.ask()).outcome == "ok"
    assert chain.gateway.status.cost_today_usd == COST
    assert chain.gateway.status.cost_run_usd == COST * 4


async def test_the_cap_is_told_once_a_day() -> None:
    chain = Chain([OK], cap=COST)
    for _ in range(48):
        await chain.ask()
        chain.later(1_800)
    assert len(chain.alerts) == 2
    assert all("llm.daily_cap_usd = 0.002 are spent" in alert for alert in chain.alerts)


async def test_the_cap_survives_any_number_of_restarts(tmp_path: Path) -> None:
    clock, calls, outcomes = ManualClock(), 0, []
    for number in range(10):
        store = Store(tmp_path / "state.db")
        chain = Chain(
            [OK],
            clock=clock,
            cap=COST * 3,
            earlier=store.calls(since_ms=clock.now_ms() - DAY_MS),
            record=store.record_call,
        )
        question = Question(f"run-{number}-1", PROMPT, {})
        reply = await chain.gateway.ask(question, lambda _reasoning, _answer: None)
        outcomes.append(reply.outcome)
        calls += sum(chain.calls)
        store.close()
        clock.seconds += 3_600
    assert outcomes == ["ok"] * 3 + ["capped"] * 7
    assert calls == 3


async def test_a_crash_in_the_middle_of_a_call_is_paid_for_after_the_restart() -> None:
    chain = Chain([Script(hang=True)], cap=1.0)
    task = asyncio.create_task(chain.ask())
    await chain.clients[0].hanging.wait()
    [begun] = chain.kept  # all that a process that is killed now leaves behind
    assert (begun.outcome, begun.estimated) == ("unfinished", True)
    assert begun.cost_usd is not None
    assert begun.cost_usd > 0
    again = Chain([OK], cap=begun.cost_usd, earlier=[begun])
    assert (await again.ask()).outcome == "capped"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_call_is_counted_and_the_cancellation_goes_on() -> None:
    said = "x" * 3_000
    chain = Chain([Script(hang=True, text=said, reasoning=said)], cap=0.02)
    seen: list[tuple[str, str]] = []
    task = asyncio.create_task(chain.ask(lambda *texts: seen.append(texts)))
    await chain.clients[0].hanging.wait()
    chain.later(7)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [(said, said)]
    [call] = chain.ends
    assert (call.outcome, call.estimated, call.latency_ms) == ("cancelled", True, 7_000)
    assert call.token_usage["completion_tokens"] == 2_000
    assert call.cost_usd is not None
    assert call.cost_usd > 0.02
    assert chain.statuses[-1].state is ModelState.CAPPED
    assert (await chain.ask()).outcome == "capped"
    assert chain.calls == [1]


async def test_a_cut_answer_without_usage_counts_towards_the_cap() -> None:
    cut = Script(FailureKind.INCOMPLETE, text="y" * 3_000)
    chain = Chain([cut], cap=0.03, attempts=3)
    reply = await chain.ask()
    assert reply.outcome == "llm_error"
    assert [call.token_usage["completion_tokens"] for call in reply.calls] == [1_000] * 3
    assert all(call.estimated for call in reply.calls)
    assert (await chain.ask()).outcome == "capped"
    assert chain.calls == [3]


async def test_an_answer_that_never_reports_usage_counts_towards_the_cap() -> None:
    silent = Script(text="z" * 30_000, usage={})
    chain = Chain([silent], cap=0.3)
    outcomes = [(await chain.ask()).outcome for _ in range(5)]
    assert outcomes == ["ok", "ok", "ok", "capped", "capped"]


async def test_a_retry_and_a_fallback_are_held_to_the_cap_too() -> None:
    dear = Script(FailureKind.INCOMPLETE, usage={"prompt_tokens": 1, "completion_tokens": 1_000})
    chain = Chain([dear], [OK], cap=0.015, attempts=3)
    reply = await chain.ask()
    assert (reply.outcome, chain.calls) == ("llm_error", [2, 0])
    assert (await chain.ask()).outcome == "capped"


async def test_a_wall_clock_that_is_set_back_begins_no_second_day() -> None:
    chain = Chain([OK], cap=COST)
    await chain.ask()
    chain.clock.shift_ms -= DAY_MS
    assert (await chain.ask()).outcome == "capped"
    chain.clock.shift_ms += DAY_MS
    assert (await chain.ask()).outcome == "capped"
    assert chain.calls == [1]


async def test_what_can_t_be_written_down_is_not_called_and_is_called_when_it_can() -> None:
    full = True
    kept: list[ModelCall] = []

    def record(call: ModelCall) -> None:
        if full:
            raise OSError("the disk is full")
        kept.append(call)

    chain = Chain([OK], [OK], record=record)
    for _ in range(3):
        reply = await chain.ask()
        assert reply.outcome == "brown_out"
        assert reply.completion.error == "calls can't be written down: the disk is full"
    assert chain.calls == [0, 0]
    assert len(chain.alerts) == 1
    full = False
    assert (await chain.ask()).outcome == "ok"
    assert [call.outcome for call in kept] == ["unfinished", "ok"]
    assert (await chain.ask()).outcome == "ok"
    assert chain.statuses[-1].state is ModelState.READY
    assert len(chain.alerts) == 2


async def test_an_answer_that_was_paid_for_is_used_even_if_its_end_can_t_be_written_down() -> None:
    kept: list[ModelCall] = []

    def record(call: ModelCall) -> None:
        if call.outcome == "ok":
            raise OSError("the disk is full")
        kept.append(call)

    chain = Chain([OK], cap=1.0, record=record)
    assert (await chain.ask()).completion.answer == ANSWER
    assert [call.outcome for call in kept] == ["unfinished"]
    assert chain.gateway.status.cost_today_usd == COST


async def test_under_a_cap_a_model_without_a_price_is_refused_and_the_setting_named() -> None:
    with pytest.raises(ValueError, match=r"deepseek:model-0.*llm.price_input_usd"):
        Chain([OK], prices=None, cap=1.0)
    chain = Chain([OK], prices=None)
    assert (await chain.ask()).outcome == "ok"
    assert chain.gateway.status.cost_today_usd is None
    assert chain.gateway.status.tokens_today == sum(USAGE.values())


async def test_where_only_the_provider_knows_the_price_a_cut_call_costs_as_the_dearest_token() -> (
    None
):
    named = Script(reported_cost_usd=0.022, usage={"prompt_tokens": 10, "completion_tokens": 1})
    cut = Script(FailureKind.NETWORK, text="x" * 3_000)
    chain = Chain([named, cut], prices=None, reports_cost=True, cap=2.0, attempts=1)
    await chain.ask()
    assert (await chain.ask()).outcome == "llm_error"
    prompt_tokens = chain.ends[-1].token_usage["prompt_tokens"]
    assert chain.ends[-1].cost_usd == pytest.approx((1_000 + prompt_tokens) * 0.002)
    assert chain.ends[-1].estimated
    assert (await chain.ask()).outcome == "capped"


async def test_under_a_cap_a_cost_that_stays_unknown_stops_the_model_until_the_operator_acts() -> (
    None
):
    chain = Chain([OK], prices=None, reports_cost=True, cap=1.0)
    assert (await chain.ask()).outcome == "ok"
    for _ in range(3):
        assert (await chain.ask()).outcome == "stopped"
    assert chain.calls == [1]
    assert len(chain.alerts) == 1
    assert "what its last call has cost is unknown" in chain.alerts[0]
    chain.gateway.operator_acted()
    assert (await chain.ask()).outcome == "ok"


# --- the deadline ---------------------------------------------------------------------------------

_scripts = st.builds(
    Script,
    st.sampled_from(FailureKind),
    seconds=st.floats(0, 40),
    retry_after=st.none() | st.floats(0, 400),
)


@given(
    scripts=st.lists(st.lists(_scripts, min_size=1, max_size=5), min_size=1, max_size=3),
    deadline=st.floats(0.1, 60),
    attempts=st.integers(1, 10),
    cycles=st.integers(1, 4),
)
def test_no_decision_takes_longer_than_its_deadline_and_no_later_call_is_too_short(
    scripts: list[list[Script]], deadline: float, attempts: int, cycles: int
) -> None:
    async def check() -> None:
        chain = Chain(*scripts, deadline=deadline, attempts=attempts, breaker_failures=4)
        for _ in range(cycles):
            started, before = chain.clock.seconds, chain.calls
            reply = await chain.ask()
            assert chain.clock.seconds <= started + deadline + 1e-6
            assert len(reply.calls) == sum(chain.calls) - sum(before)
            new = [client.calls - old for client, old in zip(chain.clients, before, strict=True)]
            assert max(new) <= attempts
            allowed = [
                (start, seconds)
                for client, count in zip(chain.clients, new, strict=True)
                for start, seconds in list(zip(client.started, client.allowed, strict=True))[
                    client.calls - count :
                ]
            ]
            for start, seconds in allowed:
                assert seconds == pytest.approx(started + deadline - start)
            assert all(seconds >= SHORTEST_CALL for _, seconds in sorted(allowed)[1:])
            chain.later(3)

    asyncio.run(check())


async def test_each_call_gets_only_what_is_left() -> None:
    chain = Chain([Script(FailureKind.SERVER, seconds=6.0)], [OK], attempts=2, deadline=20.0)
    assert (await chain.ask()).outcome == "ok"
    first, second = chain.clients[0].allowed
    assert first == 20.0
    assert second == pytest.approx(20.0 - 6.0 - chain.slept[0])
    assert chain.clients[1].allowed == [pytest.approx(second - 6.0)]


async def test_a_model_that_takes_the_whole_deadline_leaves_no_call_to_another() -> None:
    chain = Chain([Script(seconds=99.0)], [OK])
    reply = await chain.ask()
    assert (reply.outcome, reply.completion.failure) == ("llm_error", FailureKind.DEADLINE)
    assert chain.calls == [1, 0]


# --- retries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(FailureKind))
async def test_only_what_may_go_away_by_itself_is_asked_again(kind: FailureKind) -> None:
    chain = Chain([Script(kind), OK])
    reply = await chain.ask()
    assert chain.calls == [2 if kind in RETRYABLE else 1]
    assert (reply.outcome == "ok") is (kind in RETRYABLE)


async def test_retries_back_off_further_each_time_with_jitter_and_end_at_their_number() -> None:
    chain = Chain([BUSY], attempts=4, deadline=60.0)
    reply = await chain.ask()
    assert chain.calls == [4]
    assert reply.completion.error == "scripted server (the last of 4 calls)"
    assert len(chain.slept) == 3
    for seconds, ceiling in zip(chain.slept, (0.5, 1.0, 2.0), strict=True):
        assert ceiling / 2 <= seconds <= ceiling
    assert chain.slept != [0.25, 0.5, 1.0]


async def test_a_server_that_names_a_time_is_asked_then_and_not_before() -> None:
    chain = Chain([Script(FailureKind.RATE_LIMIT, retry_after=7.0), OK])
    assert (await chain.ask()).outcome == "ok"
    assert chain.slept == [7.0]
    assert chain.clients[0].started[1] == chain.clients[0].ended[0] + 7.0


async def test_a_server_that_may_be_asked_again_at_once_is() -> None:
    chain = Chain([Script(FailureKind.RATE_LIMIT, retry_after=0.0), OK])
    assert (await chain.ask()).outcome == "ok"
    assert chain.slept == [0.0]


async def test_a_time_beyond_the_deadline_goes_to_the_next_model_and_holds_for_later_cycles() -> (
    None
):
    chain = Chain([Script(FailureKind.RATE_LIMIT, retry_after=100.0), OK], [OK])
    assert (await chain.ask()).outcome == "ok"
    assert chain.slept == []
    assert chain.clients[1].started == chain.clients[0].ended
    for _ in range(3):
        chain.later(25)
        await chain.ask()
    assert chain.calls == [1, 4]
    chain.later(25)
    await chain.ask()
    assert chain.calls == [2, 4]


async def test_a_server_can_t_send_us_away_for_good() -> None:
    chain = Chain([Script(FailureKind.RATE_LIMIT, retry_after=1e12), OK])
    await chain.ask()
    chain.later(3_599)
    assert (await chain.ask()).outcome == "brown_out"
    chain.later(2)
    assert (await chain.ask()).outcome == "ok"


# --- breaker, brown-out, fallbacks ----------------------------------------------------------------


async def test_failures_in_a_row_open_the_breaker_and_one_try_closes_or_reopens_it() -> None:
    chain = Chain([BUSY], attempts=1, breaker_failures=3)
    outcomes = []
    for _ in range(5):
        outcomes.append((await chain.ask()).outcome)
        chain.later(1)
    assert outcomes == ["llm_error"] * 3 + ["brown_out"] * 2
    chain.later(60)
    assert (await chain.ask()).outcome == "llm_error"
    assert (await chain.ask()).outcome == "brown_out"
    assert chain.calls == [4]
    chain.later(60)
    chain.clients[0].script = [OK, BUSY]
    assert (await chain.ask()).outcome == "ok"
    assert [(await chain.ask()).outcome for _ in range(4)] == ["llm_error"] * 3 + ["brown_out"]


async def test_an_answer_between_failures_keeps_the_breaker_closed() -> None:
    chain = Chain([BUSY, BUSY, OK, BUSY, BUSY, OK], attempts=1, breaker_failures=3)
    outcomes = [(await chain.ask()).outcome for _ in range(6)]
    assert outcomes == ["llm_error", "llm_error", "ok"] * 2


async def test_the_breaker_opens_within_a_decision_and_its_time_is_not_the_wall_clock_s() -> None:
    chain = Chain([BUSY], attempts=10, breaker_failures=2)
    assert len((await chain.ask()).calls) == 2
    chain.clock.shift_ms += 3_600_000
    assert (await chain.ask()).outcome == "brown_out"
    chain.clock.shift_ms -= 9_000_000
    chain.later(61)
    assert (await chain.ask()).outcome == "llm_error"


async def test_a_brown_out_is_told_when_it_begins_and_when_it_ends_and_shown_between() -> None:
    chain = Chain([BUSY], [BUSY], attempts=1, breaker_failures=1)
    states = []
    for _ in range(4):
        reply = await chain.ask()
        states.append(chain.statuses[-1].state)
    assert reply.outcome == "brown_out"
    assert reply.completion.error is not None
    assert "deepseek:model-0: scripted server" in reply.completion.error
    chain.later(61)
    chain.clients[1].script = [OK]
    assert (await chain.ask()).outcome == "ok"
    states.append(chain.statuses[-1].state)
    assert states == [ModelState.BROWN_OUT] * 4 + [ModelState.READY]
    began, ended = chain.alerts
    assert began == (
        "brown-out: deepseek:model-0: scripted server; local:model-1: scripted server;"
        " asked again from 2024-11-01 12:01:01 UTC on: nothing opens until a model answers"
    )
    assert ended == "the brown-out is over: local:model-1 answers"


async def test_the_operator_may_try_before_the_breaker_would() -> None:
    chain = Chain([BUSY, OK], attempts=1, breaker_failures=1)
    await chain.ask()
    assert (await chain.ask()).outcome == "brown_out"
    chain.gateway.operator_acted()
    assert (await chain.ask()).outcome == "ok"


async def test_a_fallback_that_answers_is_named_and_told_when_it_begins_and_ends() -> None:
    refused = Script(FailureKind.REQUEST)
    chain = Chain([refused, refused, OK], [OK])
    first, second, third = [await chain.ask() for _ in range(3)]
    assert [reply.provider for reply in (first, second, third)] == ["local", "local", "deepseek"]
    assert [call.outcome for call in first.calls] == ["request", "ok"]
    assert [call.provider for call in first.calls] == ["deepseek", "local"]
    assert chain.alerts == [
        "local:model-1 in place of deepseek:model-0: scripted request",
        "deepseek:model-0 answers again",
    ]


@pytest.mark.parametrize("kind", sorted(FailureKind))
async def test_each_kind_of_failure_has_its_line(kind: FailureKind) -> None:
    chain = Chain([Script(kind)], attempts=1)
    reply = await chain.ask()
    assert reply.completion.error == f"scripted {kind}"
    assert f"scripted {kind}" in chain.statuses[-1].detail
    assert [call.outcome for call in reply.calls] == [kind]


# --- what is kept and said ------------------------------------------------------------------------


async def test_every_call_is_kept_before_it_is_made_and_before_the_reply_is_given() -> None:
    at_call: list[int] = []
    chain = Chain([BUSY, BUSY, OK])
    reply = await chain.ask(lambda _reasoning, _answer: at_call.append(len(chain.kept)))
    assert at_call == [5]
    assert [call.outcome for call in chain.kept] == ["unfinished", "server"] * 2 + [
        "unfinished",
        "ok",
    ]
    assert [call.attempt for call in chain.kept] == [1, 1, 2, 2, 3, 3]
    assert reply.calls == tuple(chain.ends)
    answered = reply.calls[-1]
    assert (answered.compose_id, answered.model, answered.provider) == (
        "c1",
        "answering-model",
        "deepseek",
    )
    assert (answered.token_usage, answered.cost_usd, answered.estimated) == (USAGE, COST, False)


async def test_two_gateways_number_the_calls_of_one_decision_together() -> None:
    chain = Chain([OK])
    other = Chain([OK], spending=chain.spending, record=chain.kept.append)
    await asyncio.gather(chain.ask(), other.ask())
    assert [call.attempt for call in chain.kept] == [1, 1, 2, 2]


async def test_the_status_follows_every_call() -> None:
    chain = Chain([BUSY, OK])
    await chain.ask()
    failed, answered = chain.statuses
    assert (failed.calls_today, failed.detail) == (1, "deepseek:model-0: scripted server")
    assert (answered.calls_today, answered.detail) == (2, "")
    assert (answered.tokens_run, answered.cost_run_usd) == (sum(USAGE.values()), COST)
    assert answered.ts == chain.clock.now_ms()


async def test_earlier_calls_of_the_day_are_in_the_day_but_not_in_the_run() -> None:
    earlier = [
        ModelCall(
            compose_id=f"e{number}",
            attempt=1,
            asked_at=asked_at,
            provider="deepseek",
            model="m",
            token_usage=USAGE,
            cost_usd=cost,
        )
        for number, (asked_at, cost) in enumerate([(NOON - DAY_MS, 9.0), (NOON, 0.1), (NOON, 0.2)])
    ]
    status = Chain([OK], earlier=earlier).gateway.status
    assert (status.calls_today, status.cost_today_usd) == (2, 0.3)
    assert (status.calls_run, status.cost_run_usd) == (0, 0.0)


@dataclass
class Finding:
    text: str
    good: bool = True


async def test_the_probe_is_told_worst_first_and_paid_for() -> None:
    @dataclass
    class Report:
        findings = (Finding("it streams"), Finding("no usage", good=False))
        calls = (Script(FailureKind.REQUEST).completion(), OK.completion())

    async def probe(client: ModelClient) -> Report:
        assert client is chain.clients[0]
        return Report()

    chain = Chain([OK], cap=1.0, probe=probe)
    await chain.gateway.prepare()
    assert chain.statuses[-1].detail == "no usage; it streams"
    assert [call.outcome for call in chain.ends] == ["request", "ok"]
    assert chain.gateway.status.cost_today_usd == COST


async def test_a_probe_that_fails_or_hangs_is_said_counted_and_hinders_nothing() -> None:
    async def fail(_client: ModelClient) -> None:
        raise RuntimeError("no such thing")

    async def hang(_client: ModelClient) -> None:
        await asyncio.Event().wait()

    for probe, said in ((fail, "the probe failed: no such thing"), (hang, "no answer to the")):
        chain = Chain([OK], cap=1.0, probe=probe)  # type: ignore[arg-type]  # brings no report
        chain.gateway._probe_seconds = 0.01
        await chain.gateway.prepare()
        assert said in chain.statuses[-1].detail
        assert chain.gateway.status.calls_today == 1
        assert (await chain.ask()).outcome == "ok"


async def test_no_probe_is_made_when_the_money_is_spent() -> None:
    async def probe(_client: ModelClient) -> None:
        raise AssertionError("asked")

    spent = ModelCall(
        compose_id="e", attempt=1, asked_at=NOON, provider="p", model="m", cost_usd=1.0
    )
    chain = Chain([OK], cap=1.0, earlier=[spent], probe=probe)  # type: ignore[arg-type]
    await chain.gateway.prepare()
    assert chain.statuses[-1].state is ModelState.CAPPED
    assert len(chain.alerts) == 1


async def test_closing_closes_every_client() -> None:
    chain = Chain([OK], [OK])
    await chain.gateway.close()
    assert all(client.closed for client in chain.clients)


async def test_what_arrives_is_passed_on_for_every_attempt() -> None:
    seen: list[tuple[str, str]] = []
    cut = Script(FailureKind.NETWORK, text='{"act', reasoning="hm")
    await Chain([cut, OK]).ask(lambda *texts: seen.append(texts))
    assert seen == [("hm", '{"act'), ("", ANSWER)]
