from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.llm.server import Answer, Fault, LlmServer
from tui_trader.clock import SystemClock
from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers import Endpoint
from tui_trader.decision.providers.chat import ChatClient
from tui_trader.decision.providers.probe import PROBE_TOKENS, Capabilities, probe

MakeClient = Callable[..., ChatClient]


@pytest.fixture
async def server() -> AsyncIterator[LlmServer]:
    async with LlmServer() as running:
        yield running


@pytest.fixture
async def make_client(server: LlmServer) -> AsyncIterator[MakeClient]:
    made: list[ChatClient] = []

    def make(provider: str = "local", **more: Any) -> ChatClient:
        endpoint = Endpoint(provider, server.base_url, "test-model", "sk-1")
        client = ChatClient(endpoint, SystemClock(), **({"stall_seconds": 30.0} | more))
        made.append(client)
        return client

    yield make
    for client in made:
        await client.close()


def told(found: Capabilities, *, good: bool) -> list[str]:
    return [finding.text for finding in found.findings if finding.good is good]


async def test_what_works_is_told_in_sentences(server: LlmServer, make_client: MakeClient) -> None:
    client = make_client("deepseek")
    server.probe_script.append(Answer('{"count": 5}', "two and three"))
    found = await probe(client, deadline_seconds=60)
    assert found.answered
    assert found.reachable
    assert found.credentials_accepted
    assert found.structured == client.structured == "json_object"
    assert told(found, good=True) == [
        f"{client.endpoint.host} can be reached",
        "the API key in DEEPSEEK_API_KEY was accepted",
        "the answer is streamed",
        "json_object works",
        "reasoning comes in reasoning_content",
        "tokens are reported",
        f"first token after {found.last.first_token_ms} ms, all after {found.last.latency_ms} ms",
        "model test-model answers",
    ]
    assert told(found, good=False) == ["cost is not reported, and no price of test-model is known"]
    assert len(found.calls) == 1


async def test_what_is_missing_or_not_as_asked_is_told_as_well(
    server: LlmServer, make_client: MakeClient
) -> None:
    answer = Answer('{"count": 5}', streamed=False, usage=None, model="other-model")
    server.probe_script.append(answer)
    found = await probe(make_client(structured="json_object"), deadline_seconds=60)
    assert told(found, good=False) == [
        "the answer comes in one piece, and can't be watched",
        "tokens are not reported, and have to be estimated",
        "model test-model was asked, other-model answers",
    ]
    assert "no reasoning is shown" in told(found, good=True)


async def test_a_cost_that_is_reported_is_told(server: LlmServer, make_client: MakeClient) -> None:
    answer = Answer('{"count": 5, "unit": "apples"}', usage={"prompt_tokens": 9, "cost": 0.001})
    server.probe_script.append(answer)
    found = await probe(make_client("openrouter"), deadline_seconds=60)
    assert "cost is reported" in told(found, good=True)


FORMS = [
    # refused, ignored, what the probe adopts, what it says of the forms, how many calls it takes
    ((), (), "json_schema", ["json_schema works"], 1),
    (
        ("json_schema",),
        (),
        "json_object",
        ["json_schema is refused", "json_object works"],
        2,
    ),
    (
        (),
        ("json_schema",),
        "json_object",
        ["json_schema is not kept to", "json_object works"],
        2,
    ),
    (
        ("json_schema",),
        ("json_object",),
        "plain",
        ["json_schema is refused", "json_object is not kept to", "plain works"],
        3,
    ),
    (
        ("json_schema", "json_object"),
        (),
        "plain",
        ["json_schema is refused", "json_object is refused", "plain works"],
        3,
    ),
]


@pytest.mark.parametrize(("refused", "ignored", "adopted", "said", "calls"), FORMS)
async def test_the_strictest_form_that_really_works_is_found_and_kept_to(
    server: LlmServer,
    make_client: MakeClient,
    refused: tuple[str, ...],
    ignored: tuple[str, ...],
    adopted: str,
    said: list[str],
    calls: int,
) -> None:
    server.refused_forms, server.ignored_forms = frozenset(refused), frozenset(ignored)
    client = make_client()
    found = await probe(client, deadline_seconds=60)
    assert found.structured == client.structured == adopted
    assert [text for text in told(found, good=True) if text.startswith(("json", "plain"))] == said
    assert len(found.calls) == len(server.probes) == calls

    schema = {"type": "object"}
    asked = Prompt("s", "u")
    await client.complete(asked, schema, lambda *_: None, deadline_seconds=60)
    (request,) = server.requests
    assert request.get("response_format", {}).get("type", "plain") == adopted


async def test_a_form_that_the_user_chose_is_where_the_probe_begins(
    server: LlmServer, make_client: MakeClient
) -> None:
    found = await probe(make_client(structured="plain"), deadline_seconds=60)
    assert found.structured == "plain"
    assert "response_format" not in server.probes[0]


async def test_a_probe_is_cheap_and_never_mistaken_for_a_question(
    server: LlmServer, make_client: MakeClient
) -> None:
    await probe(make_client(max_tokens=100_000), deadline_seconds=60)
    assert server.requests == []
    (sent,) = server.probes
    assert sent["max_tokens"] == PROBE_TOKENS
    assert len(str(sent["messages"])) < 400


async def test_a_model_that_thinks_for_longer_than_the_probe_answers_all_the_same(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.probe_script.append(Answer("", "hm " * 99, finish_reason="length"))
    client = make_client("local")
    found = await probe(client, deadline_seconds=60)
    assert found.answered
    assert found.structured is None
    assert client.structured == "json_schema"
    assert told(found, good=False)[:1] != [found.findings[0].text]
    assert "was not awaited" in found.findings[0].text
    assert not any("llm.max_tokens" in finding.text for finding in found.findings)


async def test_a_form_that_the_user_insists_on_is_reported_not_changed(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.ignored_forms = frozenset({"json_schema"})
    client = make_client("local", structured="json_schema")
    found = await probe(client, deadline_seconds=60)
    assert client.structured == "json_schema"
    assert len(server.probes) == 1
    assert "json_schema is not kept to" in told(found, good=False)


@pytest.mark.parametrize(
    ("answer", "said", "accepted"),
    [
        (
            Answer(status=401, message="bad key"),
            "the API key in DEEPSEEK_API_KEY was refused (HTTP 401: bad key)",
            False,
        ),
        (
            Answer(status=402, message="empty"),
            "no credit left at deepseek: top it up (HTTP 402: empty)",
            True,
        ),
        (Answer(status=500, message="oops"), "deepseek has trouble (HTTP 500: oops)", None),
        (
            Answer(fault=Fault.HTML),
            "the server sent text/html, not a stream of events: is llm.base_url right?",
            None,
        ),
    ],
)
async def test_what_goes_wrong_is_told_first_and_nothing_is_claimed(
    server: LlmServer,
    make_client: MakeClient,
    answer: Answer,
    said: str,
    accepted: bool | None,
) -> None:
    server.probe_script.append(answer)
    client = make_client("deepseek")
    found = await probe(client, deadline_seconds=60)
    assert found.findings[0].text == said
    assert told(found, good=False) == [said]
    assert not found.answered
    assert found.structured is None
    assert found.credentials_accepted is accepted
    assert found.reachable
    assert len(found.calls) == 1
    assert client.structured == "json_object"


async def test_an_address_where_nobody_listens_is_not_reachable() -> None:
    client = ChatClient(Endpoint("local", "http://127.0.0.1:1/v1", "m"), SystemClock())
    found = await probe(client, deadline_seconds=60)
    assert not found.reachable
    assert found.credentials_accepted is None
    assert len(found.findings) == 1
    await client.close()


async def test_a_silent_endpoint_costs_the_probe_one_limit_and_not_three(
    server: LlmServer, make_client: MakeClient
) -> None:
    server.probe_script.append(Answer(fault=Fault.SILENT))
    found = await probe(make_client(stall_seconds=0.2), deadline_seconds=60)
    assert len(server.probes) == 1
    assert told(found, good=False) == ["no byte for 0.2 s"]
