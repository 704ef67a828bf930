"""`LlmServer`: /v1/chat/completions on a free loopback port, with scripted answers and faults."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.llm.answers import decide
from tui_trader.decision.providers.probe import PROBE_PROMPT


class Fault(StrEnum):
    """What goes wrong. The first four come instead of an answer, the others amid it."""

    SILENT = "silent"  # not even headers
    DROPPED = "dropped"  # nor those, and the connection is dropped
    HTML = "html"  # status 200 and a web page
    ERROR_BODY = "error body"  # status 200 and an error object
    HANG = "hang"  # nothing more is sent
    DRIBBLE = "dribble"  # keep-alive comments for ever, never another chunk
    CUT = "cut"  # the connection is dropped
    BAD_CHUNK = "bad chunk"  # a chunk that is not JSON
    BAD_BYTES = "bad bytes"  # a chunk that is not UTF-8
    ERROR_CHUNK = "error chunk"  # an error object instead of a chunk


@dataclass(frozen=True, slots=True)
class Answer:
    """One scripted answer. With a `fault` in the middle of it, half of the content is sent before.

    `status` other than 200 sends an error object instead of a stream; `error` is that object, and
    the one that a fault sends, by default made of `message`. `streamed` False sends all of it as
    one JSON object. `model` is who answers, None whom the request named.
    """

    content: str = ""
    reasoning: str = ""
    finish_reason: str | None = "stop"
    fault: Fault | None = None
    status: int = 200
    message: str = "overloaded"
    error: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    streamed: bool = True
    reasoning_field: str = "reasoning_content"
    piece: int = 12
    usage: Mapping[str, Any] | None = field(
        default_factory=lambda: {
            "prompt_tokens": 400,
            "completion_tokens": 60,
            "total_tokens": 460,
            "completion_tokens_details": {"reasoning_tokens": 40},
        }
    )

    @property
    def error_object(self) -> Mapping[str, Any]:
        return self.error or {"message": self.message, "type": "scripted"}


class LlmServer:
    """Serves `script` in order, then answers prompts by itself; `async with` starts and stops it.

    `requests` holds the bodies received, `keys` their API keys. Questions of the probe are served
    from `probe_script`, then answered as they ask, and held in `probes` instead. A response_format
    whose type is in `refused_forms` is refused; one in `ignored_forms` makes no difference to the
    probe's answer. `asked` is set by the first request, `gone` when a client closes its connection
    before its answer was complete. `delay` is seconds between two chunks; `split` the bytes of a
    write, 0 for whole events; with `crlf`, lines end as in HTTP.
    """

    def __init__(
        self,
        script: Iterable[Answer] = (),
        *,
        delay: float = 0.0,
        port: int = 0,
        split: int = 0,
        crlf: bool = False,
        refused_forms: Iterable[str] = (),
        ignored_forms: Iterable[str] = (),
    ) -> None:
        self.script = deque(script)
        self.probe_script: deque[Answer] = deque()
        self.requests: list[dict[str, Any]] = []
        self.probes: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()
        self.base_url = ""
        self.refused_forms = frozenset(refused_forms)
        self.ignored_forms = frozenset(ignored_forms)
        self._delay = delay
        self._port = port
        self._split = split
        self._crlf = crlf
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._respond(request)
        except (asyncio.CancelledError, ConnectionError):
            self.gone.set()
            raise

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.keys.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        self.headers.append(dict(request.headers))
        answer = self._choose(body)
        model = answer.model or body.get("model", "local")
        error = {"error": answer.error_object}
        if answer.status != 200:
            return web.json_response(error, status=answer.status, headers=answer.headers)
        match answer.fault:
            case Fault.SILENT:
                await asyncio.Event().wait()
            case Fault.DROPPED:
                assert request.transport is not None
                request.transport.close()
            case Fault.HTML:
                page = "<html><body>Sign in</body></html>"
                return web.Response(text=page, content_type="text/html")
            case Fault.ERROR_BODY:
                return web.json_response(error)
        if not answer.streamed:
            return web.json_response(_whole(model, answer))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await self._stream(request, response, answer, model)
        return response

    def _choose(self, body: dict[str, Any]) -> Answer:
        """The answer to a request, which is written down."""
        probed = body["messages"][-1]["content"] == PROBE_PROMPT.user
        (self.probes if probed else self.requests).append(body)
        self.asked.set()
        form = body.get("response_format", {}).get("type", "plain")
        if form in self.refused_forms:
            return Answer(status=400, message="This response_format type is unavailable now")
        script = self.probe_script if probed else self.script
        if script:
            return script.popleft()
        if not probed:
            return _own_answer(body)
        return Answer(_probe_answer("plain" if form in self.ignored_forms else form))

    async def _stream(
        self, request: web.Request, response: web.StreamResponse, answer: Answer, model: str
    ) -> None:
        await self._write(response, b": keep-alive\n\n")
        for delta in _deltas(answer):
            await self._write(response, _event(model, [{"index": 0, "delta": delta}]))
            if self._delay:
                await asyncio.sleep(self._delay)
        if answer.fault is not None:
            await self._fail(request, response, answer)
            return
        if answer.finish_reason is not None:
            end = {"index": 0, "delta": {}, "finish_reason": answer.finish_reason}
            await self._write(response, _event(model, [end]))
        if answer.usage is not None:
            await self._write(response, _event(model, [], answer.usage))
        await self._write(response, b"data: [DONE]\n\n")

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        if self._crlf:
            data = data.replace(b"\n", b"\r\n")
        step = self._split or len(data)
        for start in range(0, len(data), step):
            await response.write(data[start : start + step])

    async def _fail(
        self, request: web.Request, response: web.StreamResponse, answer: Answer
    ) -> None:
        match answer.fault:
            case Fault.CUT:
                assert request.transport is not None
                request.transport.abort()
            case Fault.BAD_CHUNK:
                await self._write(response, b'data: {"choices": [{\n\n')
            case Fault.BAD_BYTES:
                await self._write(response, b'data: {"model": "\xff"}\n\n')
            case Fault.ERROR_CHUNK:
                error = json.dumps({"error": answer.error_object})
                await self._write(response, f"data: {error}\n\n".encode())
            case Fault.DRIBBLE:
                while True:
                    await self._write(response, b": keep-alive\n\n")
                    await asyncio.sleep(0.005)
            case _:
                await asyncio.Event().wait()


@contextmanager
def serving(*script: Answer, probes: Iterable[Answer] = ()) -> Iterator[str]:
    """A server on a loop of its own, for a test that waits for a terminal meanwhile. `probes` are
    the answers to the first probes."""
    started, stop = threading.Event(), asyncio.Event()
    found: list[tuple[str, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        async with LlmServer(script) as server:
            server.probe_script.extend(probes)
            found.append((server.base_url, asyncio.get_running_loop()))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    started.wait(30)
    ((base_url, loop),) = found
    try:
        yield base_url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)


def _probe_answer(form: str) -> str:
    """As a model answers the probe: within its schema, as any JSON, or in prose around it."""
    match form:
        case "json_schema":
            return '{"count": 5, "unit": "apples"}'
        case "json_object":
            return '{"count": 5}'
    return 'There are five: {"count": 5}'


def _whole(model: str, answer: Answer) -> dict[str, Any]:
    """The same answer for those who do not stream."""
    message = {
        "role": "assistant",
        "content": answer.content,
        answer.reasoning_field: answer.reasoning,
    }
    return {
        "id": "local-1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
        "usage": answer.usage,
    }


def _own_answer(body: dict[str, Any]) -> Answer:
    prompt = "\n\n".join(str(message["content"]) for message in body["messages"])
    reasoning, content = decide(prompt)
    return Answer(content, reasoning)


def _deltas(answer: Answer) -> Iterator[dict[str, Any]]:
    """Role, reasoning, content: in pieces, and only half of the content before a fault."""
    yield {"role": "assistant", "content": ""}
    for piece in _pieces(answer.reasoning, answer.piece):
        yield {answer.reasoning_field: piece, "content": None}
    content = answer.content
    if answer.fault is not None:
        content = content[: len(content) // 2]
    for piece in _pieces(content, answer.piece):
        yield {"content": piece}


def _pieces(text: str, length: int) -> Iterator[str]:
    for start in range(0, len(text), length):
        yield text[start : start + length]


def _event(
    model: str, choices: list[dict[str, Any]], usage: Mapping[str, Any] | None = None
) -> bytes:
    chunk = {
        "id": "local-1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": model,
        "choices": choices,
    }
    if usage is not None:
        chunk["usage"] = usage
    return f"data: {json.dumps(chunk)}\n\n".encode()
