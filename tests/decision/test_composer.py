import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Literal

import pytest
from pydantic import SecretStr

from tests.decision.contexts import BTC, DOWNTREND, ETH, UPTREND, make_context
from tests.llm.server import Answer, Fault, LlmServer
from tui_trader.decision.composer import LlmComposer
from tui_trader.decision.interfaces import BaseComposer
from tui_trader.models import (
    Action,
    ComposeContext,
    ComposeResult,
    ExchangeConfig,
    InstrumentRef,
    LlmModelConfig,
    TradeInstruction,
    TradeSide,
    TradingConfig,
    UserRequest,
)

KEY = "sk-canary-5e8f0c"
LONG = '{"action": "long", "size_pct": 0.05, "reason": "the trend is up"}'
REASONING = "EMA20 is above EMA50, and RSI leaves room. I would go long."


@pytest.fixture
async def server() -> AsyncIterator[LlmServer]:
    async with LlmServer() as running:
        yield running


MakeComposer = Callable[..., LlmComposer]


def make_request(
    base_url: str,
    *,
    provider: str = "local",
    answer_format: str = "simple",
    stall: float = 30.0,
    deadline: float = 60.0,
    structured: Literal["auto", "plain"] = "auto",
) -> UserRequest:
    return UserRequest(
        llm_model_config=LlmModelConfig(
            provider=provider,
            model_id="test-model",
            api_key=SecretStr(KEY),
            base_url=base_url,
            format=answer_format,
            stall_seconds=stall,
            deadline_seconds=deadline,
            structured=structured,
            max_attempts=1,
        ),
        exchange_config=ExchangeConfig(),
        trading_config=TradingConfig(symbols=(BTC,)),
    )


@pytest.fixture
async def make_composer(server: LlmServer) -> AsyncIterator[MakeComposer]:
    made: list[LlmComposer] = []

    def make(
        *, stall: float = 30.0, deadline: float = 60.0, plan: bool = False, json_mode: bool = True
    ) -> LlmComposer:
        composer = LlmComposer(
            make_request(
                server.base_url,
                provider="deepseek",
                structured="auto" if json_mode else "plain",
                answer_format="plan" if plan else "simple",
                stall=stall,
                deadline=deadline,
            )
        )
        made.append(composer)
        return composer

    yield make
    for composer in made:
        await composer.close()


def assert_held(result: ComposeResult, held: float, outcome: str) -> None:
    assert result.audit is not None
    assert result.audit.outcome == outcome
    for target in result.targets:
        assert (target.action, target.target_qty) == (Action.HOLD, held)


async def test_reasoning_arrives_before_the_answer_and_the_answer_is_acted_on(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    server.script.append(Answer(LONG, REASONING))
    seen: list[tuple[str, str]] = []
    composer = make_composer()
    composer.on_reasoning = lambda reasoning, answer: seen.append((reasoning, answer))
    result = await composer.compose(make_context(prices={BTC: 100.0}))

    (target,) = result.targets
    assert target.action is Action.LONG
    assert target.target_qty == pytest.approx(5.0)
    assert result.rationale == "the trend is up"
    assert seen[0] == (REASONING[:12], "")
    assert seen[-1] == (REASONING, LONG)


async def test_the_audit_says_what_was_told_and_what_came_back(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    server.script.append(Answer(LONG, REASONING))
    result = await make_composer().compose(make_context())
    audit = result.audit
    assert audit is not None
    assert (audit.provider, audit.model, audit.outcome) == ("deepseek", "test-model", "ok")
    assert (audit.raw_output, audit.reasoning, audit.error) == (LONG, REASONING, None)
    assert audit.token_usage == {
        "prompt_tokens": 400,
        "completion_tokens": 60,
        "total_tokens": 460,
        "reasoning_tokens": 40,
    }
    assert audit.latency_ms is not None
    assert audit.first_token_ms is not None
    assert 0 <= audit.first_token_ms <= audit.latency_ms
    (request,) = server.requests
    assert audit.prompt == "\n\n".join(message["content"] for message in request["messages"])
    assert audit.prompt_hash is not None


async def test_the_request_streams_with_usage_and_the_key(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    await make_composer().compose(make_context())
    await make_composer(json_mode=False).compose(make_context())
    with_json, without = server.requests
    assert with_json["model"] == "test-model"
    assert with_json["stream"] is True
    assert with_json["stream_options"] == {"include_usage": True}
    assert with_json["response_format"] == {"type": "json_object"}
    assert "response_format" not in without
    assert server.keys == [KEY, KEY]


async def test_reasoning_may_come_in_the_other_field(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    server.script.append(Answer(LONG, REASONING, reasoning_field="reasoning"))
    result = await make_composer().compose(make_context())
    assert result.audit is not None
    assert result.audit.reasoning == REASONING


async def test_an_answer_that_is_not_valid_is_a_hold_with_the_answer_kept(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    raw = "I think we should buy more because the trend looks good"
    server.script.append(Answer(raw))
    result = await make_composer().compose(make_context(held={BTC: 0.036}))
    assert_held(result, 0.036, "parse_error")
    assert result.targets[0].rationale == "forced hold due to parsing error"
    assert result.audit is not None
    assert result.audit.raw_output == raw
    assert result.audit.error is not None


FAILURES = {
    "cut": (Answer(LONG, fault=Fault.CUT), "connection failed"),
    "cut after a whole answer": (Answer(LONG + LONG, fault=Fault.CUT), "connection failed"),
    "no finish reason": (Answer(LONG, finish_reason=None), "ended before the answer did"),
    "length": (Answer(LONG, finish_reason="length"), "broken off (length)"),
    "content filter": (Answer(LONG, finish_reason="content_filter"), "broken off"),
    "bad chunk": (Answer(LONG, fault=Fault.BAD_CHUNK), "not JSON"),
    "error chunk": (Answer(LONG, fault=Fault.ERROR_CHUNK), "overloaded"),
    "html": (Answer(LONG, fault=Fault.HTML), "text/html"),
    "empty": (Answer("", REASONING), "the answer is empty"),
    "401": (Answer(status=401, message="bad key"), "HTTP 401: bad key"),
    "402": (Answer(status=402, message="no credit"), "HTTP 402: no credit"),
    "429": (Answer(status=429, message="slow down"), "HTTP 429: slow down"),
    "500": (Answer(status=500, message="oops"), "HTTP 500: oops"),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failed_call_is_a_hold_that_says_why(
    server: LlmServer, make_composer: MakeComposer, name: str
) -> None:
    answer, said = FAILURES[name]
    server.script.append(answer)
    result = await make_composer().compose(make_context(held={BTC: 0.5}))
    assert_held(result, 0.5, "stopped" if name in ("401", "402") else "llm_error")
    assert result.audit is not None
    assert result.audit.error is not None
    assert said in result.audit.error
    assert "\n" not in result.audit.error
    assert result.targets[0].rationale == f"forced hold: no answer of a model: {result.audit.error}"
    assert len(server.requests) == 1


async def test_what_arrived_before_a_failure_is_kept_for_the_record(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    server.script.append(Answer(LONG, REASONING, fault=Fault.ERROR_CHUNK))
    result = await make_composer().compose(make_context())
    assert result.audit is not None
    assert result.audit.reasoning == REASONING
    assert result.audit.raw_output == LONG[: len(LONG) // 2]


async def test_silence_ends_in_a_hold(server: LlmServer, make_composer: MakeComposer) -> None:
    server.script.append(Answer(LONG, REASONING, fault=Fault.HANG))
    result = await make_composer(stall=0.1).compose(make_context())
    assert_held(result, 0.0, "llm_error")
    assert result.audit is not None
    assert result.audit.error == "no byte for 0.1 s"
    async with asyncio.timeout(10):
        await server.gone.wait()


async def test_an_answer_that_never_ends_runs_into_the_deadline(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    server.script.append(Answer(LONG, REASONING, fault=Fault.DRIBBLE))
    result = await make_composer(deadline=0.3).compose(make_context())
    assert_held(result, 0.0, "llm_error")
    assert result.audit is not None
    assert (result.audit.error or "").startswith("no whole answer within 0.")
    async with asyncio.timeout(10):
        await server.gone.wait()


async def test_no_server_is_a_hold() -> None:
    composer = LlmComposer(make_request("http://127.0.0.1:1/v1"))
    result = await composer.compose(make_context())
    assert_held(result, 0.0, "llm_error")
    await composer.close()


async def test_a_cancelled_call_closes_its_connection_and_is_not_swallowed(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    server.script.append(Answer(LONG, REASONING, fault=Fault.HANG))
    composer = make_composer()
    thinking = asyncio.Event()
    composer.on_reasoning = lambda _reasoning, _answer: thinking.set()
    task = asyncio.create_task(composer.compose(make_context()))
    async with asyncio.timeout(30):
        await thinking.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.gone.wait()


async def test_the_composer_works_again_after_a_failure(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    server.script.extend([Answer(LONG, fault=Fault.CUT), Answer(LONG)])
    composer = make_composer()
    assert_held(await composer.compose(make_context()), 0.0, "llm_error")
    assert (await composer.compose(make_context())).targets[0].action is Action.LONG


async def test_the_api_key_never_comes_out_again(
    server: LlmServer, make_composer: MakeComposer, caplog: pytest.LogCaptureFixture
) -> None:
    echo = json.dumps({"action": "long", "size_pct": 0.05, "reason": KEY})
    server.script.extend(
        [Answer(status=500, message=f"invalid key {KEY}"), Answer(echo, f"My key is {KEY}.")]
    )
    composer = make_composer()
    seen: list[str] = []
    composer.on_reasoning = lambda reasoning, answer: seen.extend((reasoning, answer))
    with caplog.at_level(logging.DEBUG, logger="tui_trader"):
        results = [await composer.compose(make_context()) for _ in range(2)]
    assert [result.audit and result.audit.outcome for result in results] == ["llm_error", "ok"]
    assert KEY not in "".join(result.model_dump_json() for result in results)
    assert KEY not in caplog.text
    assert not any(KEY in text for text in seen)


async def test_no_call_is_made_while_everything_is_warming_up(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    composer = make_composer(plan=True)
    for context in (
        make_context({BTC: {}, ETH: {}}),
        make_context({BTC: UPTREND}, prices={}),
        make_context({}),
    ):
        assert_held(await composer.compose(context), 0.0, "warming_up")
    assert server.requests == []


@pytest.mark.parametrize("plan", [False, True])
async def test_the_local_server_answers_any_prompt_sensibly(
    make_composer: MakeComposer, plan: bool
) -> None:
    composer = make_composer(plan=plan)
    opened = await composer.compose(make_context())
    closed = await composer.compose(make_context({BTC: DOWNTREND}, held={BTC: 0.5}))
    kept = await composer.compose(make_context(held={BTC: 0.5}))
    results = (opened, closed, kept)
    assert [result.audit and result.audit.outcome for result in results] == ["ok"] * 3
    assert [result.targets[0].action for result in results] == [
        Action.LONG,
        Action.CLOSE,
        Action.HOLD,
    ]
    assert opened.targets[0].size_pct == pytest.approx(0.09)


async def test_a_character_that_is_split_over_two_chunks_is_joined(
    server: LlmServer, make_composer: MakeComposer
) -> None:
    server.script.append(Answer(LONG, "\ud83d\ude80\ud83d up", piece=1))
    result = await make_composer().compose(make_context())
    assert result.audit is not None
    assert result.audit.reasoning == "🚀\ufffd up"


class OwnComposer(BaseComposer):
    """The form of source document S4's rule-based example."""

    def __init__(self, request: object) -> None:
        self.request = request

    async def compose(self, context: ComposeContext) -> ComposeResult:
        instructions = [
            TradeInstruction(
                instruction_id=f"{context.compose_id}:{each.instrument.symbol}",
                compose_id=context.compose_id,
                instrument=InstrumentRef(symbol=each.instrument.symbol),
                side=TradeSide.BUY,
                quantity=1.0,
            )
            for each in context.features
            if each.values.get("rsi_14", 50.0) < 30
        ]
        return ComposeResult(instructions=instructions, rationale="Rule-based signals")


async def test_a_user_s_composer_needs_no_more_than_compose() -> None:
    result = await OwnComposer(None).compose(make_context({BTC: {"rsi_14": 25.0}}))
    assert [each.instruction_id for each in result.instructions] == ["c1:BTC/USDT"]


def test_importing_the_composer_imports_no_openai() -> None:
    check = (
        "import sys, tui_trader.decision.composer, tui_trader.decision.rules;"
        "print(*{'openai', 'httpx2', 'pandas', 'talib', 'textual'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
