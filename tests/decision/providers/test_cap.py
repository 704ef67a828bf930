"""The daily cap: no call beyond it, whatever ends a call or the process, and none uncounted."""

import asyncio
from pathlib import Path

import pytest

from tests.decision.providers.chain import (
    ANSWER,
    COST,
    NOON,
    OK,
    PROMPT,
    USAGE,
    Chain,
    ManualClock,
    Script,
)
from tui_trader.decision.providers.completion import FailureKind
from tui_trader.decision.providers.interfaces import Question
from tui_trader.decision.providers.spending import DAY_MS
from tui_trader.messages import ModelState
from tui_trader.models import ModelCall
from tui_trader.trading_history.store import Store


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
    assert [call.answer for call in reply.calls] == ["y" * 3_000] * 3, "nothing paid for is lost"
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
    assert "what a call of today has cost is unknown" in chain.alerts[0]
    chain.gateway.operator_acted()
    assert (await chain.ask()).outcome == "ok"
    assert (await chain.ask()).outcome == "stopped"


async def test_a_cost_of_an_earlier_run_that_stayed_unknown_holds_the_cap_of_the_day_too() -> None:
    earlier = ModelCall(
        compose_id="e1", attempt=1, asked_at=NOON, provider="p", model="m", token_usage=USAGE
    )
    assert (await Chain([OK], earlier=[earlier]).ask()).outcome == "ok"  # nothing to keep
    chain = Chain([OK], [OK], cap=1.0, earlier=[earlier])
    assert chain.gateway.status.state is ModelState.STOPPED
    await chain.gateway.prepare()
    for _ in range(3):
        reply = await chain.ask()
        assert reply.outcome == "stopped"
    assert chain.calls == [0, 0]
    assert [reply.completion.error] == chain.alerts
    assert "decide now (d)" in chain.alerts[0]
    chain.gateway.operator_acted()
    assert [(await chain.ask()).outcome for _ in range(3)] == ["ok"] * 3
    assert chain.statuses[-1].state is ModelState.READY


async def test_an_unknown_cost_is_of_its_day_and_one_accepted_is_no_leave_for_the_next() -> None:
    chain = Chain([OK], prices=None, reports_cost=True, cap=1.0)
    assert [(await chain.ask()).outcome for _ in range(2)] == ["ok", "stopped"]
    chain.gateway.operator_acted()
    chain.later(12 * 3_600)
    assert [(await chain.ask()).outcome for _ in range(2)] == ["ok", "stopped"]
    assert len(chain.alerts) == 2


async def test_a_cost_that_one_model_s_call_left_unknown_leaves_no_call_to_another() -> None:
    cut = Script(FailureKind.NETWORK, text="x")
    chain = Chain([cut], [OK], prices=None, reports_cost=True, cap=1.0)
    assert (await chain.ask()).outcome == "stopped"
    assert chain.calls == [1, 0]
