"""Recorded answers of real providers, through the client in every way in which they may arrive."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tui_trader.clock import SystemClock
from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers import Endpoint
from tui_trader.decision.providers.chat import ChatClient
from tui_trader.decision.providers.completion import Completion, FailureKind

FOLDER = Path(__file__).parents[3] / "../shared/cases/05_llm/sse"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the shared cases are not here")


@cache
def index() -> dict[str, dict[str, Any]]:
    if not FOLDER.exists():
        return {}
    entries = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    return {entry["file"]: entry for entry in entries}


def streams() -> list[str]:
    return [name for name, entry in index().items() if entry["kind"] == "sse"]


@dataclass(frozen=True, slots=True)
class Sent:
    """How the bytes of a transcript go out: in writes of `split` bytes (0: all at once), in chunked
    transfer or not, and only the first `cut` of them."""

    split: int = 0
    crlf: bool = False
    chunked: bool = False
    cut: float | None = None

    def body(self, name: str) -> bytes:
        body = (FOLDER / name).read_bytes()
        if self.crlf:
            body = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return body

    def writes(self, name: str) -> list[bytes]:
        body = self.body(name)
        if self.cut is not None:
            body = body[: int(len(body) * self.cut)]
        step = self.split or len(body) or 1
        parts = [body[start : start + step] for start in range(0, len(body), step)]
        if self.chunked:
            parts = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts]
            if self.cut is None:
                parts.append(b"0\r\n\r\n")
        return parts


def headers(name: str, sent: Sent) -> bytes:
    entry = index()[name]
    streamed = entry["kind"] == "sse"
    lines = [
        f"HTTP/1.1 {entry['status']} As recorded",
        f"Content-Type: {'text/event-stream' if streamed else 'application/json'}",
        "Connection: close",
    ]
    if sent.chunked:
        lines.append("Transfer-Encoding: chunked")
    elif not streamed:
        lines.append(f"Content-Length: {len(sent.body(name))}")
    return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def serving(name: str, sent: Sent) -> AsyncIterator[str]:
    """The base_url of a server that knows one transcript."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        (length,) = (
            int(line.partition(b":")[2])
            for line in asked.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        for part in (headers(name, sent), *sent.writes(name)):
            writer.write(part)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def replay(name: str, sent: Sent) -> tuple[Completion, list[tuple[str, str]]]:
    host = name.partition("__")[0]
    provider = {"api.deepseek.com": "deepseek", "openrouter.ai": "openrouter"}.get(host, "local")
    shown: list[tuple[str, str]] = []
    async with serving(name, sent) as base_url:
        client = ChatClient(
            Endpoint(provider, base_url, "asked-for", "sk-1"), SystemClock(), stall_seconds=30
        )
        completion = await client.complete(
            Prompt("s", "u"),
            {"type": "object"},
            lambda reasoning, answer: shown.append((reasoning, answer)),
            deadline_seconds=60,
        )
        await client.close()
    return completion, shown


def read_simply(name: str) -> tuple[str, str]:
    """Reasoning and answer of a transcript, read line by line with nothing of the client's."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    if index()[name]["kind"] == "json":
        message = json.loads(text).get("choices", [{"message": {}}])[0]["message"]
        return message.get("reasoning_content") or "", message.get("content") or ""
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: {")]
    deltas = [choice["delta"] for line in lines for choice in json.loads(line).get("choices", [])]
    reasoning = "".join(
        delta.get("reasoning_content") or delta.get("reasoning") or "" for delta in deltas
    )
    return reasoning, "".join(delta.get("content") or "" for delta in deltas)


def told_tokens(name: str) -> dict[str, int]:
    """The counts of a usage report that the index holds, those of its details among them."""
    usage = index()[name]["usage"]
    counts = dict(usage)
    for details in (value for value in usage.values() if isinstance(value, dict)):
        counts.update(details)
    return {key: count for key, count in counts.items() if key.endswith("_tokens")}


WHOLE = {
    "whole": Sent(),
    "chunked": Sent(chunked=True),
    "in 7-byte writes": Sent(split=7),
    "in chunks of 7 bytes": Sent(split=7, chunked=True),
    "with CRLF": Sent(crlf=True),
    "with CRLF in 7-byte writes": Sent(split=7, crlf=True),
    "byte by byte": Sent(split=1, crlf=True, chunked=True),
}


@pytest.mark.parametrize("name", index())
@pytest.mark.parametrize("way", WHOLE)
async def test_text_reasoning_and_usage_come_out_as_they_were_recorded(name: str, way: str) -> None:
    entry = index()[name]
    completion, shown = await replay(name, WHOLE[way])
    if entry["status"] != 200:
        assert completion.failure is FailureKind.RATE_LIMIT
        assert "temporarily rate-limited upstream" in (completion.error or "")
        assert shown == []
        return
    reasoning, answer = read_simply(name)
    assert (completion.reasoning, completion.answer) == (reasoning, answer)
    assert shown[-1] == (reasoning, answer)
    assert answer.startswith(entry["content_head"])
    assert bool(reasoning) is entry.get("has_reasoning", entry.get("reasoning_len", 0) > 0)
    assert completion.finish_reason == entry["finish"][-1]
    assert completion.usage == told_tokens(name)
    assert completion.reported_cost_usd == entry["usage"].get("cost")
    assert completion.streamed is (entry["kind"] == "sse")
    assert completion.model != "asked-for"
    stopped = entry["finish"] == ["stop"]
    assert completion.failure is (None if stopped else FailureKind.INCOMPLETE)


@pytest.mark.parametrize("name", streams())
def test_the_simple_reader_reads_what_the_index_says(name: str) -> None:
    entry = index()[name]
    reasoning, answer = read_simply(name)
    assert (len(answer), len(reasoning)) == (entry["content_len"], entry["reasoning_len"])
    assert answer.endswith(entry["content_tail"])
    assert reasoning.startswith(entry["reasoning_head"])


@pytest.mark.parametrize("name", index())
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("split", [0, 7])
async def test_half_an_answer_is_none(name: str, chunked: bool, split: int) -> None:
    completion, _ = await replay(name, Sent(split=split, chunked=chunked, cut=0.5))
    assert completion.failure is not None
    assert completion.error
    if index()[name]["status"] != 200:
        assert completion.failure is FailureKind.RATE_LIMIT


@pytest.mark.parametrize("name", streams())
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_cut_anywhere_before_the_end_of_the_text_is_no_answer(
    name: str, chunked: bool
) -> None:
    """After it the text is whole, and may be used where the connection ended in good order."""
    body = (FOLDER / name).read_bytes()
    finished = body.index(b"\n\n", body.index(b'"finish_reason":"stop"')) + 2
    whole = read_simply(name)
    cuts = [share / 20 for share in range(21)]
    for cut in [*cuts, (finished - 1) / len(body), (finished - 8) / len(body)]:
        completion, _ = await replay(name, Sent(chunked=chunked, cut=cut))
        if int(len(body) * cut) < finished:
            assert completion.failure is not None, cut
        elif completion.failure is None:
            assert (completion.reasoning, completion.answer) == whole
        if chunked:
            ended = int(len(body) * cut) >= len(body) - len(b"\n")
            assert completion.failure is not None or ended, cut
