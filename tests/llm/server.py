"""`LlmServer`: /v1/chat/completions on a free loopback port, with scripted answers and faults."""

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.llm.answers import decide


class Fault(StrEnum):
    """What goes wrong in the middle of an answer."""

    HANG = "hang"  # nothing more is sent
    DRIBBLE = "dribble"  # keep-alive comments for ever, never another chunk
    CUT = "cut"  # the connection is dropped
    BAD_CHUNK = "bad chunk"  # a chunk that is not JSON
    ERROR_CHUNK = "error chunk"  # an error object instead of a chunk
    HTML = "html"  # status 200 and a web page


@dataclass(frozen=True, slots=True)
class Answer:
    """One scripted answer. With `fault`, half of the content is sent before it happens.

    `status` other than 200 sends an error object instead of a stream; `message` is its text.
    """

    content: str = ""
    reasoning: str = ""
    finish_reason: str | None = "stop"
    fault: Fault | None = None
    status: int = 200
    message: str = "scripted error"
    reasoning_field: str = "reasoning_content"
    piece: int = 12
    usage: dict[str, Any] = field(
        default_factory=lambda: {
            "prompt_tokens": 400,
            "completion_tokens": 60,
            "total_tokens": 460,
            "completion_tokens_details": {"reasoning_tokens": 40},
        }
    )


class LlmServer:
    """Serves `script` in order, then answers prompts by itself; `async with` starts and stops it.

    `requests` holds the bodies received, `keys` their API keys. `gone` is set when a client closes
    its connection before its answer was complete. `delay` is seconds between two chunks.
    """

    def __init__(self, script: Iterable[Answer] = (), *, delay: float = 0.0, port: int = 0) -> None:
        self.script = deque(script)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.gone = asyncio.Event()
        self.base_url = ""
        self._delay = delay
        self._port = port
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
            return await self._answer(request)
        except (asyncio.CancelledError, ConnectionError):
            self.gone.set()
            raise

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        answer = self.script.popleft() if self.script else _own_answer(body)
        if answer.status != 200:
            error = {"error": {"message": answer.message, "type": "scripted"}}
            return web.json_response(error, status=answer.status)
        if answer.fault is Fault.HTML:
            return web.Response(text="<html><body>Sign in</body></html>", content_type="text/html")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await self._stream(request, response, answer, body.get("model", "local"))
        return response

    async def _stream(
        self, request: web.Request, response: web.StreamResponse, answer: Answer, model: str
    ) -> None:
        await response.write(b": keep-alive\n\n")
        for delta in _deltas(answer):
            await response.write(_event(model, [{"index": 0, "delta": delta}]))
            if self._delay:
                await asyncio.sleep(self._delay)
        if answer.fault is not None:
            await self._fail(request, response, answer.fault)
            return
        if answer.finish_reason is not None:
            end = {"index": 0, "delta": {}, "finish_reason": answer.finish_reason}
            await response.write(_event(model, [end]))
        await response.write(_event(model, [], answer.usage))
        await response.write(b"data: [DONE]\n\n")

    async def _fail(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> None:
        match fault:
            case Fault.CUT:
                assert request.transport is not None
                request.transport.abort()
            case Fault.BAD_CHUNK:
                await response.write(b'data: {"choices": [{\n\n')
            case Fault.ERROR_CHUNK:
                await response.write(b'data: {"error": {"message": "overloaded"}}\n\n')
            case Fault.DRIBBLE:
                while True:
                    await response.write(b": keep-alive\n\n")
                    await asyncio.sleep(0.005)
            case _:
                await asyncio.Event().wait()


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


def _event(model: str, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
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
