"""The gateway: no call after refused credentials, none beyond the deadline, none in a brown-out."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decision.providers.chain import (
    BAD_KEY,
    BUSY,
    OK,
    Chain,
    Script,
)
from tui_trader.decision.providers.completion import (
    NEEDS_OPERATOR,
    RETRYABLE,
    Completion,
    Counted,
    FailureKind,
)
from tui_trader.decision.providers.gateway import SHORTEST_CALL
from tui_trader.decision.providers.route import ModelClient
from tui_trader.messages import ModelState

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
        " then decide now (d), or restart",
        "local:model-1 is asked no more: scripted payment: pay local, then decide now (d), or"
        " restart",
    ]


async def test_credentials_that_the_probe_saw_refused_are_not_tried_again() -> None:
    @dataclass
    class Report:
        findings = ()

    async def probe(_client: ModelClient, counted: Counted) -> Report:
        await counted(refuse)
        return Report()

    async def refuse() -> Completion:
        return BAD_KEY.completion()

    chain = Chain([OK], probe=probe)
    await chain.gateway.prepare()
    assert (await chain.ask()).outcome == "stopped"
    assert chain.calls == [0]


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
