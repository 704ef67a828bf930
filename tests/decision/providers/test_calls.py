"""What the gateway keeps and says of its calls, and what the probe adds."""

import asyncio
from dataclasses import dataclass

import pytest

from tests.decision.providers.chain import (
    ANSWER,
    BUSY,
    COST,
    NOON,
    OK,
    USAGE,
    Chain,
    Script,
)
from tui_trader.decision.providers.completion import Completion, Counted, FailureKind
from tui_trader.decision.providers.route import ModelClient
from tui_trader.decision.providers.spending import DAY_MS
from tui_trader.messages import ModelState
from tui_trader.models import ModelCall


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
    prompt_tokens = chain.ends[0].token_usage["prompt_tokens"]  # a server in trouble may charge
    assert answered.tokens_run == sum(USAGE.values()) + prompt_tokens
    assert answered.cost_run_usd == pytest.approx(COST + prompt_tokens * 1e-6)
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


async def answer() -> Completion:
    return OK.completion()


async def hang_on() -> Completion:
    await asyncio.Event().wait()
    raise AssertionError


async def ask_twice(counted: Counted) -> None:
    """As a probe does whose first question is refused."""

    async def refuse() -> Completion:
        return Script(FailureKind.REQUEST).completion()

    await counted(refuse)
    await counted(answer)


async def test_the_probe_is_told_worst_first_and_paid_for() -> None:
    @dataclass
    class Report:
        findings = (Finding("it streams"), Finding("no usage", good=False))

    async def probe(client: ModelClient, counted: Counted) -> Report:
        assert client is chain.clients[0]
        await ask_twice(counted)
        return Report()

    chain = Chain([OK], cap=1.0, probe=probe)
    await chain.gateway.prepare()
    assert chain.statuses[-1].detail == "no usage; it streams"
    assert [call.outcome for call in chain.ends] == ["request", "ok"]
    assert chain.gateway.status.cost_today_usd == COST


async def test_a_probe_that_fails_or_hangs_is_said_counted_and_hinders_nothing() -> None:
    async def fail(_client: ModelClient, counted: Counted) -> None:
        await counted(answer)
        raise RuntimeError("no such thing")

    async def hang(_client: ModelClient, counted: Counted) -> None:
        await counted(hang_on)

    for probe, said in ((fail, "the probe failed: no such thing"), (hang, "no answer to the")):
        chain = Chain([OK], cap=1.0, probe=probe)  # type: ignore[arg-type]  # brings no report
        chain.gateway._probe_seconds = 0.01
        await chain.gateway.prepare()
        assert said in chain.statuses[-1].detail
        assert chain.gateway.status.calls_today == 1
        assert (await chain.ask()).outcome == "ok"


async def test_a_probe_that_is_broken_off_after_paid_calls_has_every_one_of_them_counted() -> None:
    at_call: list[str] = []
    hanging = asyncio.Event()

    async def hang_on() -> Completion:
        hanging.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def probe(_client: ModelClient, counted: Counted) -> None:
        await ask_twice(counted)
        at_call.extend(call.outcome for call in chain.kept)
        await counted(hang_on)

    chain = Chain([OK], cap=1.0, probe=probe)  # type: ignore[arg-type]  # brings no report
    probing = asyncio.create_task(chain.gateway.prepare())
    await hanging.wait()
    probing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probing
    assert at_call == ["unfinished", "request", "unfinished", "ok"]
    assert chain.kept[-1].outcome == "unfinished"
    assert [call.attempt for call in chain.kept] == [1, 1, 2, 2, 3]
    assert chain.gateway.status.calls_today == 3
    unfinished = chain.kept[-1].cost_usd
    assert unfinished
    assert chain.gateway.status.cost_today_usd == pytest.approx(COST + unfinished)


async def test_a_probe_makes_no_further_call_when_its_first_has_reached_the_cap() -> None:
    async def probe(_client: ModelClient, counted: Counted) -> None:
        await counted(answer)
        await counted(answer)

    chain = Chain([OK], cap=COST, probe=probe)  # type: ignore[arg-type]  # brings no report
    await chain.gateway.prepare()
    assert [call.outcome for call in chain.kept] == ["unfinished", "ok"]
    assert chain.gateway.status.state is ModelState.CAPPED


async def test_no_probe_is_made_when_the_money_is_spent() -> None:
    async def probe(_client: ModelClient, _counted: Counted) -> None:
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
