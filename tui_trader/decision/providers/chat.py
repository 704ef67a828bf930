"""One streamed completion of an OpenAI-compatible endpoint: whole, or not an answer."""

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tui_trader.clock import Clock
from tui_trader.decision.interfaces import OnReasoning
from tui_trader.decision.json_reader import printable
from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers.catalogue import Endpoint
from tui_trader.decision.providers.completion import Completion

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionChunk

_ERROR_CHARS = 200


class ChatClient:
    """Asks one endpoint, without retries, under two limits.

    `stall_seconds` is how long no byte may arrive (a keep-alive comment counts as one);
    `deadline_seconds` is what the whole answer may take. Both are real time, whatever the clock.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        *,
        stall_seconds: float = 5.0,
        deadline_seconds: float = 20.0,
    ) -> None:
        self.endpoint = endpoint
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._deadline_seconds = deadline_seconds
        self._client: AsyncOpenAI | None = None

    async def complete(self, prompt: Prompt, on_delta: OnReasoning) -> Completion:
        """The completion of `prompt`; `on_delta` is called with reasoning and answer so far.

        Raises nothing but CancelledError, which closes the connection at once.
        """
        completion = Completion(self.endpoint.model)
        started = self._clock.monotonic()
        try:
            client = await self._open()
            async with asyncio.timeout(self._deadline_seconds):
                media_type = await self._read(client, prompt, completion, on_delta, started)
            completion.error = _incomplete(completion, media_type)
        except Exception as error:  # whatever a server or the library does, it is not a trade
            completion.error = self._clean(self._explain(error))[:_ERROR_CHARS]
        completion.reasoning = self._clean(completion.reasoning)
        completion.answer = self._clean(completion.answer)
        completion.latency_ms = self._ms_since(started)
        return completion

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _open(self) -> "AsyncOpenAI":
        """The client, made on first use in a thread: importing openai takes most of a second."""
        if self._client is None:
            self._client = await asyncio.to_thread(self._connect)
        return self._client

    def _connect(self) -> "AsyncOpenAI":
        import httpx2
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=self.endpoint.api_key or "none",
            base_url=self.endpoint.base_url,
            max_retries=0,
            timeout=httpx2.Timeout(self._stall_seconds),
        )

    async def _read(
        self,
        client: "AsyncOpenAI",
        prompt: Prompt,
        completion: Completion,
        on_delta: OnReasoning,
        started: float,
    ) -> str:
        """Take in the whole stream; returns the media type that the server gave it."""
        stream = await client.chat.completions.create(
            model=self.endpoint.model,
            messages=[
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            stream=True,
            stream_options={"include_usage": True},
            extra_body=(
                {"response_format": {"type": "json_object"}} if self.endpoint.json_mode else None
            ),
        )
        async with stream:
            async for chunk in stream:
                if _add(chunk, completion):
                    if completion.first_token_ms is None:
                        completion.first_token_ms = self._ms_since(started)
                    on_delta(self._clean(completion.reasoning), self._clean(completion.answer))
            return stream.response.headers.get("content-type", "").partition(";")[0]

    def _ms_since(self, started: float) -> int:
        return round((self._clock.monotonic() - started) * 1000)

    def _clean(self, text: str) -> str:
        """`text` without the API key and without what can't be written as UTF-8."""
        key = self.endpoint.api_key
        return printable(text.replace(key, "[api key]") if key else text)

    def _explain(self, error: Exception) -> str:
        """An exception of the library or the network in a few words, on one line."""
        import openai

        if isinstance(error, openai.APITimeoutError):
            return f"no byte for {self._stall_seconds:g} s"
        if isinstance(error, TimeoutError):
            return f"no whole answer within {self._deadline_seconds:g} s"
        if isinstance(error, json.JSONDecodeError):
            return "a chunk of the answer is not JSON"
        if isinstance(error, openai.APIStatusError):
            return _one_line(f"HTTP {error.status_code}: {_server_message(error)}")
        if isinstance(error, openai.APIConnectionError):
            host = urlsplit(self.endpoint.base_url).netloc.rpartition("@")[2]
            return _one_line(f"connection failed: {host}: {error.__cause__ or error}")
        return _one_line(f"{type(error).__name__}: {error}")


def _add(chunk: "ChatCompletionChunk", completion: Completion) -> bool:
    """Take in one chunk; True if it brought text. The usage chunk has no choices."""
    completion.model = chunk.model or completion.model
    if chunk.usage is not None:
        completion.usage = _token_counts(chunk.usage)
    if not chunk.choices:
        return False
    choice = chunk.choices[0]
    completion.finish_reason = choice.finish_reason or completion.finish_reason
    delta = choice.delta
    reasoning = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
    thought = reasoning if isinstance(reasoning, str) else ""
    said = delta.content or ""
    completion.reasoning += thought
    completion.answer += said
    return bool(thought or said)


def _token_counts(usage: "CompletionUsage") -> dict[str, int]:
    """All token counts of a usage report, those of its details among them."""
    report: dict[str, Any] = usage.model_dump()
    counts = {**report}
    for details in ("prompt_tokens_details", "completion_tokens_details"):
        counts.update(report.get(details) or {})
    return {
        name: count
        for name, count in counts.items()
        if isinstance(count, int) and not isinstance(count, bool)
    }


def _incomplete(completion: Completion, media_type: str) -> str | None:
    """Why a stream that ended without an exception is no answer, None when it is one."""
    match completion.finish_reason:
        case None if media_type != "text/event-stream" and completion.first_token_ms is None:
            return f"the server sent {media_type or 'something'}, not a stream of events"
        case "stop":
            return None if completion.answer.strip() else "the answer is empty"
        case None:
            return "the stream ended before the answer did"
        case reason:
            return f"the answer was broken off ({_one_line(reason)})"


def _server_message(error: Any) -> str:
    """What the server said about an HTTP error: the message of its JSON body, else the reason."""
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return str(body["message"])
    return str(error.response.reason_phrase)


def _one_line(text: str) -> str:
    return " ".join(text.split())
