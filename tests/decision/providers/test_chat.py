import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from tests.decision.providers.clocks import TickingClock
from tests.llm.server import Answer, Fault, LlmServer
from tui_trader.clock import SystemClock
from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers import PROVIDERS, Endpoint, transport
from tui_trader.decision.providers.chat import ChatClient
from tui_trader.decision.providers.completion import RETRYABLE, Completion, FailureKind
from tui_trader.decision.providers.reading import NoAnswer, Reading, ReportedError

KEY = "sk-canary-5e8f0c"
PROMPT = Prompt("Answer with JSON.", "What now?")
LONG = '{"action": "long", "size_pct": 0.05, "reason": "the trend is up"}'
REASONING = "EMA20 is above EMA50, and RSI leaves room. I would go long."
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"action": {"type": "string"}},
    "required": ["action"],
    "additionalProperties": False,
}
MakeClient = Callable[..., ChatClient]


@pytest.fixture
async def server() -> AsyncIterator[LlmServer]:
    async with LlmServer() as running:
        yield running


@pytest.fixture
async def make_client(server: LlmServer) -> AsyncIterator[MakeClient]:
    made: list[ChatClient] = []

    def make(
        provider: str = "deepseek", *, at: LlmServer = server, key: str | None = KEY, **more: Any
    ) -> ChatClient:
        endpoint = Endpoint(provider, at.base_url, "test-model", key)
        clock = more.pop("clock", SystemClock())
        client = ChatClient(endpoint, clock, **({"stall_seconds": 30.0} | more))
        made.append(client)
        return client

    yield make
    for client in made:
        await client.close()


async def ask(
    client: ChatClient,
    schema: Mapping[str, Any] = SCHEMA,
    *,
    seen: list[tuple[str, str]] | None = None,
    deadline: float = 60.0,
) -> Completion:
    shown: list[tuple[str, str]] = [] if seen is None else seen
    return await client.complete(
        PROMPT,
        schema,
        lambda reasoning, answer: shown.append((reasoning, answer)),
        deadline_seconds=deadline,
    )


MISBEHAVIOURS: dict[str, tuple[Answer, FailureKind, str]] = {
    "dropped": (
        Answer(LONG, fault=Fault.DROPPED),
        FailureKind.INCOMPLETE,
        "connection failed: 127.0.0.1:",
    ),
    "cut": (
        Answer(LONG, fault=Fault.CUT),
        FailureKind.INCOMPLETE,
        "connection failed: 127.0.0.1:",
    ),
    "cut after a whole decision": (
        Answer(LONG + LONG, fault=Fault.CUT),
        FailureKind.INCOMPLETE,
        "connection failed",
    ),
    "no finish reason": (
        Answer(LONG, finish_reason=None),
        FailureKind.INCOMPLETE,
        "the stream ended before the answer did",
    ),
    "length": (
        Answer(LONG, finish_reason="length"),
        FailureKind.INCOMPLETE,
        "broken off (length): it reached its limit of tokens; raise llm.max_tokens",
    ),
    "content filter": (
        Answer(LONG, finish_reason="content_filter"),
        FailureKind.INCOMPLETE,
        "broken off (content_filter): the provider's filter stopped it",
    ),
    "tool calls": (
        Answer(LONG, finish_reason="tool_calls"),
        FailureKind.INCOMPLETE,
        "broken off (tool_calls): the model asked for a tool",
    ),
    "another reason": (
        Answer(LONG, finish_reason="insufficient_system_resource"),
        FailureKind.INCOMPLETE,
        "broken off (insufficient_system_resource)",
    ),
    "length, not streamed": (
        Answer(LONG, finish_reason="length", streamed=False),
        FailureKind.INCOMPLETE,
        "broken off (length)",
    ),
    "empty": (Answer("", REASONING), FailureKind.INCOMPLETE, "the answer is empty"),
    "blank": (Answer(" \n "), FailureKind.INCOMPLETE, "the answer is empty"),
    "bad chunk": (Answer(LONG, fault=Fault.BAD_CHUNK), FailureKind.PROTOCOL, "is not JSON"),
    "bad bytes": (Answer(LONG, fault=Fault.BAD_BYTES), FailureKind.PROTOCOL, "is not UTF-8"),
    "error chunk": (
        Answer(LONG, fault=Fault.ERROR_CHUNK),
        FailureKind.PROTOCOL,
        "the server reported an error: overloaded",
    ),
    "error chunk with a status": (
        Answer(LONG, fault=Fault.ERROR_CHUNK, error={"code": 502, "message": "host down"}),
        FailureKind.SERVER,
        "deepseek has trouble (error 502: host down)",
    ),
    "error object": (
        Answer(LONG, fault=Fault.ERROR_BODY),
        FailureKind.PROTOCOL,
        "the server reported an error: overloaded",
    ),
    "error object with a status": (
        Answer(LONG, fault=Fault.ERROR_BODY, error={"code": 429, "message": "slow down"}),
        FailureKind.RATE_LIMIT,
        "deepseek wants fewer calls (error 429: slow down)",
    ),
    "html": (
        Answer(LONG, fault=Fault.HTML),
        FailureKind.PROTOCOL,
        "the server sent text/html, not a stream of events: is llm.base_url right?",
    ),
    "400": (
        Answer(status=400, message="temperature must be a number"),
        FailureKind.REQUEST,
        "HTTP 400: temperature must be a number",
    ),
    "401": (
        Answer(status=401, message="bad key"),
        FailureKind.CREDENTIAL,
        "the API key in DEEPSEEK_API_KEY was refused (HTTP 401: bad key)",
    ),
    "402": (
        Answer(status=402, message="Insufficient Balance"),
        FailureKind.PAYMENT,
        "no credit left at deepseek: top it up (HTTP 402: Insufficient Balance)",
    ),
    "402 for a while": (
        Answer(status=402, message="too much in flight", headers={"Retry-After": "3"}),
        FailureKind.RATE_LIMIT,
        "HTTP 402: too much in flight",
    ),
    "403": (
        Answer(status=403, message="not yours"),
        FailureKind.CREDENTIAL,
        "the API key in DEEPSEEK_API_KEY was refused (HTTP 403: not yours)",
    ),
    "403 for what was asked": (
        Answer(status=403, message="your input was flagged"),
        FailureKind.REQUEST,
        "HTTP 403: your input was flagged",
    ),
    "404 for the model": (
        Answer(status=404, message="The model `test-model` does not exist"),
        FailureKind.REQUEST,
        "model test-model is not known to deepseek: set llm.model (HTTP 404: ",
    ),
    "400 for the model": (
        Answer(status=400, message="Model Not Exist"),
        FailureKind.REQUEST,
        "model test-model is not known to deepseek: set llm.model (HTTP 400: Model Not Exist)",
    ),
    "404": (
        Answer(status=404, message="Not Found"),
        FailureKind.REQUEST,
        "has nothing there: is llm.base_url right? (HTTP 404: Not Found)",
    ),
    "too long a prompt": (
        Answer(status=400, message="This model's maximum context length is 4096 tokens"),
        FailureKind.REQUEST,
        "HTTP 400: This model's maximum context length is 4096 tokens",
    ),
    "408": (Answer(status=408, message="late"), FailureKind.SERVER, "HTTP 408: late"),
    "429": (
        Answer(status=429, message="slow down", headers={"Retry-After": "7"}),
        FailureKind.RATE_LIMIT,
        "deepseek wants fewer calls (HTTP 429: slow down)",
    ),
    "429 for want of money": (
        Answer(status=429, error={"code": "insufficient_quota", "message": "over quota"}),
        FailureKind.PAYMENT,
        "no credit left at deepseek: top it up (HTTP 429: over quota)",
    ),
    "error object for want of money": (
        Answer(fault=Fault.ERROR_BODY, error={"code": "insufficient_quota", "message": "none"}),
        FailureKind.PAYMENT,
        "no credit left at deepseek: top it up (error insufficient_quota: none)",
    ),
    "422 with details": (
        Answer(status=422, error={"detail": [{"loc": ["body", "model"], "msg": "no string"}]}),
        FailureKind.REQUEST,
        "no string",
    ),
    "500": (
        Answer(status=500, message="oops"),
        FailureKind.SERVER,
        "deepseek has trouble (HTTP 500: oops)",
    ),
    "503": (
        Answer(status=503, message="busy", headers={"Retry-After": "2.5"}),
        FailureKind.SERVER,
        "deepseek has trouble (HTTP 503: busy)",
    ),
}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
async def test_a_misbehaving_server_is_told_in_one_line_and_the_next_call_is_answered(
    server: LlmServer, make_client: MakeClient, name: str
) -> None:
    answer, kind, said = MISBEHAVIOURS[name]
    server.script.extend([answer, Answer(LONG)])
    client = make_client()
    failed = await ask(client)
    assert failed.failure is kind
    assert failed.error is not None
    assert said in failed.error
    assert failed.error.isprintable()
    assert len(failed.error) <= 200
    assert len(server.requests) == 1
    assert (await ask(client)).answer == LONG


async def test_a_server_that_says_nothing_at_all_is_silent(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.extend([Answer(fault=Fault.SILENT), Answer(LONG)])
    client = make_client(stall_seconds=0.2)
    failed = await ask(client)
    assert (failed.failure, failed.error) == (FailureKind.STALL, "no byte for 0.2 s")
    assert failed.first_token_ms is None
    async with asyncio.timeout(10):
        await server.gone.wait()
    assert (await ask(client)).failure is None


async def test_silence_in_the_middle_ends_the_call_and_what_came_is_kept(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.extend([Answer(LONG, REASONING, fault=Fault.HANG), Answer(LONG)])
    client = make_client(stall_seconds=0.2)
    seen: list[tuple[str, str]] = []
    failed = await ask(client, seen=seen)
    assert (failed.failure, failed.error) == (FailureKind.STALL, "no byte for 0.2 s")
    assert (failed.reasoning, failed.answer) == (REASONING, LONG[: len(LONG) // 2])
    assert seen[-1] == (failed.reasoning, failed.answer)
    async with asyncio.timeout(10):
        await server.gone.wait()
    assert (await ask(client)).failure is None


async def test_comments_are_no_silence_but_do_not_move_the_deadline(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.extend([Answer(LONG, fault=Fault.DRIBBLE), Answer(LONG)])
    client = make_client(stall_seconds=0.5)
    await client._open()
    failed = await ask(client, deadline=1.0)
    assert (failed.failure, failed.error) == (
        FailureKind.DEADLINE,
        "no whole answer within 1 s",
    )
    async with asyncio.timeout(10):
        await server.gone.wait()
    assert (await ask(client)).failure is None


async def test_no_server_is_a_failure_of_the_network() -> None:
    client = ChatClient(Endpoint("local", "http://127.0.0.1:1/v1", "m"), SystemClock())
    failed = await ask(client)
    assert failed.failure is FailureKind.NETWORK
    assert failed.error is not None
    assert failed.error.startswith("connection failed: 127.0.0.1:1: ")
    await client.close()


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.HANG])
async def test_a_cancelled_call_closes_its_connection_at_once(
    server: LlmServer, make_client: MakeClient, fault: Fault
) -> None:
    server.script.extend([Answer(LONG, REASONING, fault=fault), Answer(LONG)])
    client = make_client()
    task = asyncio.create_task(ask(client))
    async with asyncio.timeout(30):
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.gone.wait()
    assert (await ask(client)).failure is None


async def test_a_local_server_that_wants_a_key_names_the_provider_that_has_one(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.append(Answer(status=401, message="Unauthorized"))
    failed = await ask(make_client("local", key=None))
    assert failed.error is not None
    assert "use provider alive, with ALIVE_API_KEY (HTTP 401: Unauthorized)" in failed.error


async def test_the_api_key_comes_out_nowhere_even_where_a_line_is_cut(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.extend(
        [
            Answer(LONG + KEY, f"My key is {KEY}.", piece=5),
            Answer(KEY, finish_reason=KEY, model=KEY),
            *(Answer(status=401, message="x" * length + KEY) for length in range(90, 160)),
        ]
    )
    client = make_client(clock=TickingClock(0.2))
    seen: list[tuple[str, str]] = []
    completions = [await ask(client, seen=seen) for _ in range(72)]
    assert completions[0].answer == f"{LONG}[api key]"
    assert completions[2].failure is FailureKind.CREDENTIAL
    told = [*map(repr, completions)]
    assert not any(KEY[:8] in text for text in told)
    assert not any(KEY in text for shown in seen for text in shown)


async def test_what_a_server_says_can_do_nothing_to_a_terminal(
    server: LlmServer, make_client: MakeClient
) -> None:
    nasty = "bad\x1b]52;c;AAAA\x07 \x9b2J\u202eyek\u200b\r\nsecond" + "x" * 5_000
    server.script.extend(
        [Answer(status=500, message=nasty), Answer(LONG, finish_reason=nasty, model=nasty)]
    )
    client = make_client()
    refused, ended = [await ask(client) for _ in range(2)]
    for text in (refused.error, ended.error, ended.finish_reason, ended.model):
        assert text is not None
        assert text.isprintable()
        assert len(text) <= 200
        assert "second" in text


async def test_a_redirect_is_not_followed_with_the_prompt_and_the_key(
    server: LlmServer, make_client: MakeClient
) -> None:
    async with LlmServer() as elsewhere:
        target = f"{elsewhere.base_url}/chat/completions"
        server.script.append(Answer(status=307, headers={"Location": target}))
        failed = await ask(make_client())
        assert elsewhere.requests == []
    assert failed.failure is FailureKind.REQUEST
    assert failed.error is not None
    assert "sends elsewhere: set llm.base_url to where it is (HTTP 307: " in failed.error


async def test_an_answer_without_end_is_given_up(
    server: LlmServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST_WHOLE", 1_000)
    monkeypatch.setattr(transport, "MOST_STREAMED", 100_000)
    server.script.extend(
        [
            Answer("x" * 250_000, piece=20_000),
            Answer("x" * 2_000, streamed=False),
            Answer(status=500, message="x" * 2_000),
            Answer("x" * 50_000, piece=50),
            Answer(LONG),
        ]
    )
    client = make_client()
    failed = [await ask(client) for _ in range(4)]
    assert [each.failure for each in failed] == [FailureKind.PROTOCOL] * 4
    for each, said in zip(failed, ("100,000", "1,000", "1,000", "100,000"), strict=True):
        assert each.error == f"the server sent more than {said} bytes"
    assert (await ask(client)).failure is None


async def test_an_answer_of_too_many_characters_is_no_decision(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.append(Answer("x" * 200_001, piece=100_000))
    failed = await ask(make_client())
    assert failed.failure is FailureKind.PROTOCOL
    assert "no decision" in (failed.error or "")


async def test_nothing_from_the_environment_travels_to_a_provider(
    server: LlmServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ORG_ID", "PROJECT_ID", "ADMIN_KEY", "WEBHOOK_SECRET", "BASE_URL", "API_KEY"):
        monkeypatch.setenv(f"OPENAI_{name}", "leak-canary")
    leaking = "Authorization: Bearer leak-canary\nX-Leak: leak-canary"
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", leaking)
    server.script.append(Answer(LONG))
    assert (await ask(make_client())).failure is None
    assert server.keys == [KEY]
    (headers,) = server.headers
    assert "leak-canary" not in str(headers)
    assert not any(name.lower().startswith(("x-", "openai-")) for name in headers)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\t", f"{KEY}\x00", f"{KEY}é", f" {KEY}"])
async def test_a_key_that_no_header_can_carry_is_not_sent_and_not_shown(
    server: LlmServer, make_client: MakeClient, key: str
) -> None:
    failed = await ask(make_client(key=key))
    assert failed.failure is FailureKind.CREDENTIAL
    assert failed.error == "DEEPSEEK_API_KEY holds characters that no API key has"
    assert server.requests == []


async def test_another_choice_than_the_first_is_no_part_of_the_answer() -> None:
    reading = Reading(PROVIDERS["local"])
    for index, text in ((0, "a"), (1, "b")):
        reading.add(_chunk({"index": index, "delta": {"content": text}, "finish_reason": None}))
    assert reading.answer == "a"


@pytest.mark.parametrize("reasons", [("length", "stop"), ("stop", "content_filter")])
async def test_an_answer_that_was_broken_off_stays_so(reasons: tuple[str, str]) -> None:
    reading = Reading(PROVIDERS["local"])
    for reason in reasons:
        reading.add(_chunk({"index": 0, "delta": {"content": "a"}, "finish_reason": reason}))
    with pytest.raises(NoAnswer, match="broken off"):
        reading.check("text/event-stream")


def _chunk(choice: dict[str, Any]) -> ChatCompletionChunk:
    return ChatCompletionChunk.model_validate(
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [choice],
        }
    )


async def test_after_it_was_closed_a_client_asks_nothing(
    server: LlmServer, make_client: MakeClient
) -> None:
    client = make_client()
    await client.close()
    assert (await ask(client)).failure is FailureKind.REQUEST
    assert server.requests == []


async def test_a_form_that_the_user_insists_on_is_not_exchanged_for_another(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.refused_forms = frozenset({"json_schema"})
    client = make_client("local", structured="json_schema")
    failed = await ask(client)
    assert failed.failure is FailureKind.REQUEST
    assert 'llm.structured = "auto"' in (failed.error or "")
    assert client.structured == "json_schema"


async def test_reasoning_and_answer_are_shown_as_they_come_and_once_more_at_the_end(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.append(Answer(LONG, REASONING))
    seen: list[tuple[str, str]] = []
    completion = await ask(make_client(clock=TickingClock(0.2)), seen=seen)
    assert seen[0] == (REASONING[:12], "")
    assert (REASONING, "") in seen
    assert seen[-1] == (REASONING, LONG) == (completion.reasoning, completion.answer)
    assert len(seen) == -(-len(REASONING) // 12) + -(-len(LONG) // 12)
    assert completion.failure is None
    assert completion.first_token_ms is not None
    assert 0 < completion.first_token_ms <= completion.latency_ms


async def test_thousands_of_deltas_are_shown_a_few_times_and_no_text_is_lost(
    server: LlmServer, make_client: MakeClient
) -> None:
    text = "0123456789" * 200
    server.script.append(Answer(text, piece=1))
    seen: list[tuple[str, str]] = []
    completion = await ask(make_client(clock=TickingClock(0.001)), seen=seen)
    assert completion.answer == text
    assert seen[0] == ("", "0")
    assert seen[-1] == ("", text)
    assert 15 <= len(seen) <= 25


async def test_the_count_of_tokens_comes_with_its_details(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.extend([Answer(LONG), Answer(LONG, usage=None)])
    client = make_client()
    assert (await ask(client)).usage == {
        "prompt_tokens": 400,
        "completion_tokens": 60,
        "total_tokens": 460,
        "reasoning_tokens": 40,
    }
    assert (await ask(client)).usage == {}


@pytest.mark.parametrize("usage", ["many", ["many"], {"prompt_tokens": "many", "x_tokens": -1}])
async def test_a_count_that_is_none_does_not_spoil_an_answer(
    server: LlmServer, make_client: MakeClient, usage: Any
) -> None:
    server.script.extend([Answer(LONG, usage=usage), Answer(LONG, usage=usage, streamed=False)])
    client = make_client()
    for completion in [await ask(client) for _ in range(2)]:
        assert (completion.failure, completion.answer) == (None, LONG)
        assert completion.usage == {}


@pytest.mark.parametrize(
    ("provider", "report", "cost"),
    [
        ("openrouter", {"cost": 0.25}, 0.25),
        ("openrouter", {"cost": 0}, 0.0),
        ("openrouter", {}, None),
        ("openrouter", {"cost": None}, None),
        ("openrouter", {"cost": "0.25"}, None),
        ("openrouter", {"cost": -1.0}, None),
        ("openrouter", {"cost": float("inf")}, None),
        ("openrouter", {"cost": float("nan")}, None),
        ("openrouter", {"cost": True}, None),
        (
            "openrouter",
            {"cost": 0.25, "is_byok": True, "cost_details": {"upstream_inference_cost": 1.5}},
            1.75,
        ),
        (
            "openrouter",
            {"cost": 0.25, "is_byok": True, "cost_details": {"upstream_inference_cost": None}},
            None,
        ),
        (
            "openrouter",
            {"cost": 0.25, "is_byok": False, "cost_details": {"upstream_inference_cost": 1.5}},
            0.25,
        ),
        ("local", {"cost": 0.25}, None),
    ],
)
async def test_cost_is_what_the_provider_says_in_dollars_or_unknown(
    server: LlmServer,
    make_client: MakeClient,
    provider: str,
    report: dict[str, Any],
    cost: float | None,
) -> None:
    server.script.append(Answer(LONG, usage={"prompt_tokens": 4} | report))
    completion = await ask(make_client(provider))
    assert completion.failure is None
    assert completion.usage == {"prompt_tokens": 4}
    assert completion.reported_cost_usd == cost


async def test_reasoning_is_found_in_either_field_and_taken_once(
    server: LlmServer, make_client: MakeClient
) -> None:
    fields = ("reasoning", "reasoning_content")
    server.script.extend(Answer(LONG, REASONING, reasoning_field=field) for field in fields)
    client = make_client()
    completions = [await ask(client) for _ in fields]
    assert [each.reasoning for each in completions] == [REASONING, REASONING]
    assert tuple(each.reasoning_field for each in completions) == fields
    assert (await ask(client)).reasoning_field is None


@pytest.mark.parametrize("split", [1, 7])
async def test_fragments_and_line_ends_of_any_kind_make_no_difference(
    make_client: MakeClient, split: int
) -> None:
    async with LlmServer([Answer(LONG, REASONING)], split=split, crlf=True) as fragmenting:
        completion = await ask(make_client(at=fragmenting))
        assert (completion.reasoning, completion.answer) == (REASONING, LONG)
        assert completion.failure is None
        assert completion.streamed


async def test_an_answer_in_one_piece_is_taken_too(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.append(Answer(LONG, REASONING, streamed=False, model="test-model-2"))
    seen: list[tuple[str, str]] = []
    completion = await ask(make_client(), seen=seen)
    assert completion.failure is None
    assert seen == [(REASONING, LONG)] == [(completion.reasoning, completion.answer)]
    assert completion.streamed is False
    assert completion.model == "test-model-2"
    assert completion.finish_reason == "stop"
    assert completion.usage["completion_tokens"] == 60


async def test_a_refused_form_is_remembered_and_a_simpler_one_asked_for(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.refused_forms = frozenset({"json_schema", "json_object"})
    server.script.append(Answer(LONG))
    client = make_client("local")
    first, second, third = [await ask(client) for _ in range(3)]
    assert [first.failure, second.failure] == [FailureKind.FORMAT] * 2
    assert FailureKind.FORMAT in RETRYABLE
    assert first.error is not None
    assert first.error.startswith("response_format json_schema was refused; json_object is next")
    assert first.retry_after == 0
    assert third.answer == LONG
    sent = [request.get("response_format", {}).get("type") for request in server.requests]
    assert sent == ["json_schema", "json_object", None]
    assert client.structured == "plain"


async def test_openrouter_s_way_to_refuse_a_form_is_understood(
    server: LlmServer, make_client: MakeClient
) -> None:
    message = "No endpoints found that can handle the requested parameters."
    server.script.append(Answer(status=404, message=message))
    client = make_client("openrouter")
    assert (await ask(client)).failure is FailureKind.FORMAT
    assert client.structured == "json_object"


async def test_an_error_of_something_else_does_not_change_the_form(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.append(Answer(status=400, message="max_tokens is too large"))
    server.script.append(Answer(status=500, message="response_format crashed us"))
    client = make_client("local")
    assert [(await ask(client)).failure for _ in range(2)] == [
        FailureKind.REQUEST,
        FailureKind.SERVER,
    ]
    assert client.structured == "json_schema"


async def test_a_schema_is_called_strict_only_where_it_can_be(
    server: LlmServer, make_client: MakeClient
) -> None:
    client = make_client("openai")
    optional = SCHEMA | {"required": []}
    nested = {"type": "object", "properties": {"items": {"type": "array", "items": optional}}}
    for schema in (SCHEMA, optional, nested, {}):
        await ask(client, schema)
    *formats, without = [request["response_format"] for request in server.requests]
    assert [each["json_schema"]["strict"] for each in formats] == [True, False, False]
    assert [each["json_schema"]["schema"] for each in formats] == [SCHEMA, optional, nested]
    assert without == {"type": "json_object"}


SWITCHES: dict[str, dict[str, dict[str, Any]]] = {
    "deepseek": {
        "on": {"thinking": {"type": "enabled"}},
        "off": {"thinking": {"type": "disabled"}},
    },
    "openrouter": {
        "on": {"reasoning": {"enabled": True}},
        "off": {"reasoning": {"effort": "none"}},
    },
    "together": {
        "on": {"reasoning": {"enabled": True}},
        "off": {"reasoning": {"enabled": False}},
    },
    "local": {"on": {}, "off": {}},
}


@pytest.mark.parametrize("provider", SWITCHES)
@pytest.mark.parametrize("thinking", ["auto", "on", "off"])
async def test_thinking_is_switched_in_the_provider_s_own_words(
    server: LlmServer, make_client: MakeClient, provider: str, thinking: str
) -> None:
    completion = await ask(make_client(provider, thinking=thinking))
    (request,) = server.requests
    expected = SWITCHES[provider].get(thinking, {})
    sent = {name: request[name] for name in ("thinking", "reasoning") if name in request}
    assert sent == expected
    assert completion.parameters["thinking"] == (thinking if expected else "auto")


async def test_what_is_sent_is_written_down_without_secrets(
    server: LlmServer, make_client: MakeClient
) -> None:
    client = make_client("openrouter", thinking="off", temperature=0.0, max_tokens=900)
    completion = await ask(client)
    (request,) = server.requests
    assert request.pop("messages") == [
        {"role": "system", "content": PROMPT.system},
        {"role": "user", "content": PROMPT.user},
    ]
    assert request.pop("response_format")["type"] == "json_schema"
    assert request == {
        "model": "test-model",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "max_tokens": 900,
        "provider": {"require_parameters": True},
        "reasoning": {"effort": "none"},
    }
    assert completion.parameters == {
        "model": "test-model",
        "host": client.endpoint.host,
        "response_format": "json_schema",
        "thinking": "off",
        "temperature": 0.0,
        "max_tokens": 900,
    }
    assert server.keys == [KEY]
    assert KEY not in json.dumps(completion.parameters)


async def test_nothing_is_sent_that_nobody_asked_for(
    server: LlmServer, make_client: MakeClient
) -> None:
    await ask(make_client("local", key=None, structured="plain"))
    (request,) = server.requests
    assert request.keys() == {"model", "messages", "stream", "stream_options"}
    assert server.keys == ["none"]


async def test_openai_is_told_the_limit_of_tokens_by_its_newer_name(
    server: LlmServer, make_client: MakeClient
) -> None:
    await ask(make_client("openai", max_tokens=900))
    (request,) = server.requests
    assert request["max_completion_tokens"] == 900
    assert "max_tokens" not in request


async def test_another_model_that_answers_is_named(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.append(Answer(LONG, model="test-model-0813"))
    assert (await ask(make_client())).model == "test-model-0813"


async def test_how_long_to_stay_away_is_passed_on(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.script.extend(
        [
            Answer(status=429, headers={"Retry-After": "7"}),
            Answer(status=503, headers={"retry-after-ms": "1500", "Retry-After": "7"}),
            Answer(status=429),
        ]
    )
    client = make_client()
    assert [(await ask(client)).retry_after for _ in range(3)] == [7.0, 1.5, None]


def _piece(text: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


@pytest.mark.parametrize(
    "between",
    [
        _piece(0),
        _piece(["0"]),
        _piece([{"type": "text", "text": "0"}]),
        _piece({"text": "0"}),
        {"choices": [{"index": 0, "delta": "0"}]},
        {"choices": [None]},
        {"choices": "0"},
        {"choices": {"delta": {"content": "0"}}},
    ],
)
def test_no_piece_of_an_answer_is_left_out(between: dict[str, Any]) -> None:
    """Else 0.05 would be read as 0.5."""
    reading = Reading(PROVIDERS["deepseek"])
    assert reading.add(ChatCompletionChunk.construct(**_piece('{"size_pct": 0.')))
    with pytest.raises(NoAnswer):
        reading.add(ChatCompletionChunk.construct(**between))


@pytest.mark.parametrize("chunk", [5, None, "0", [_piece("0")]])
def test_a_chunk_that_is_no_object_ends_the_answer(chunk: object) -> None:
    with pytest.raises(NoAnswer):
        Reading(PROVIDERS["deepseek"]).add(chunk)


@pytest.mark.parametrize(
    "chunk",
    [
        {"code": 401, "message": "x"},
        {"object": "error", "message": "x"},
        {"choices": [{"index": 0, "delta": {}, "error": {"code": 502}, "finish_reason": "stop"}]},
    ],
)
def test_an_error_in_place_of_a_piece_ends_the_answer(chunk: dict[str, Any]) -> None:
    reading = Reading(PROVIDERS["openrouter"])
    reading.add(ChatCompletionChunk.construct(**_piece(LONG)))
    with pytest.raises(ReportedError):
        reading.add(ChatCompletionChunk.construct(**chunk))


@pytest.mark.parametrize("chunk", [{"choices": []}, {}, {"type": "ping"}, _piece(None)])
def test_a_chunk_without_text_leaves_none_out(chunk: dict[str, Any]) -> None:
    reading = Reading(PROVIDERS["deepseek"])
    assert not reading.add(ChatCompletionChunk.construct(**chunk))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_whole_body_that_is_an_error_is_one_with_and_without_its_wrapper(wrapped: bool) -> None:
    error = {"code": 401, "message": "x"}
    with pytest.raises(ReportedError) as raised:
        Reading(PROVIDERS["deepseek"]).add_whole(
            json.dumps({"error": error} if wrapped else error).encode()
        )
    assert raised.value.error == error
