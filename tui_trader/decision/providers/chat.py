"""One completion of an OpenAI-compatible endpoint: whole, or not an answer."""

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from tui_trader.clock import Clock
from tui_trader.decision.interfaces import OnReasoning
from tui_trader.decision.json_reader import printable
from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers.asking import (
    Settings,
    Thinking,
    form_of,
    parameters,
    request_body,
)
from tui_trader.decision.providers.catalogue import Endpoint, Structured, simpler
from tui_trader.decision.providers.completion import Completion, FailureKind
from tui_trader.decision.providers.failures import Call, one_line
from tui_trader.decision.providers.reading import NoAnswer, Reading

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_SHOW_SECONDS = 0.1


class ChatClient:
    """Asks one endpoint, without retries, under two limits.

    `stall_seconds` is how long no byte may arrive (a keep-alive comment counts as one), and the
    deadline of a call what the whole answer may take; both are real time, whatever the clock.
    `structured` is the form that answers are asked for in; with `steps_down` it becomes a simpler
    one where the endpoint refuses it. `max_tokens` bounds reasoning and answer together.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        *,
        stall_seconds: float = 5.0,
        thinking: Thinking = "auto",
        structured: Structured | Literal["auto"] = "auto",
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.structured: Structured = (
            endpoint.spec.structured if structured == "auto" else structured
        )
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._settings = Settings(thinking, temperature, max_tokens)
        self.steps_down = structured == "auto"
        self._client: AsyncOpenAI | None = None
        self._closed = False

    async def complete(
        self,
        prompt: Prompt,
        schema: Mapping[str, Any],
        on_delta: OnReasoning,
        *,
        deadline_seconds: float,
        max_tokens: int | None = None,
    ) -> Completion:
        """The completion of `prompt`, in the form of `schema` where the endpoint can be held to it;
        `on_delta` is called with reasoning and answer so far. `max_tokens` goes before the client's
        own. Raises nothing but CancelledError, which closes the connection at once.
        """
        to, form = self.endpoint, form_of(self.structured, schema)
        settings = self._settings
        if max_tokens is not None:
            settings = dataclasses.replace(settings, max_tokens=max_tokens)
        completion = Completion(to.model, parameters=parameters(to, form, settings))
        progress = _Progress(to, self._clock, completion, on_delta)
        try:
            async with asyncio.timeout(deadline_seconds):
                client = await self._open()
                body = request_body(to, form, schema, settings)
                await _exchange(client, prompt, body, progress)
        except Exception as error:  # whatever a server or the library does, it is not a trade
            call = Call(to, form, self._stall_seconds, deadline_seconds)
            failure = call.failure(error, self._clock.now_ms())
            completion.failure, completion.error = failure.kind, failure.error
            completion.retry_after = failure.retry_after
            if failure.kind is FailureKind.FORMAT:
                self._refused(form, completion)
        progress.record()
        return completion

    def _refused(self, form: Structured, completion: Completion) -> None:
        """Ask for a simpler form from now on; one that the user insists on can't be had."""
        if self.steps_down:
            self.structured = simpler(form)
            return
        completion.failure = FailureKind.REQUEST
        completion.error = f'response_format {form} was refused: set llm.structured = "auto"'
        completion.retry_after = None

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _open(self) -> "AsyncOpenAI":
        """The client, made on first use in a thread: importing openai takes most of a second."""
        if self._closed:
            raise NoAnswer(FailureKind.REQUEST, "the connection to the model was closed for good")
        if not self.endpoint.key_can_be_sent:
            text = f"{self.endpoint.spec.key_env} holds characters that no API key has"
            raise NoAnswer(FailureKind.CREDENTIAL, text)
        if self._client is None:
            self._client = await asyncio.to_thread(self._connect)
        return self._client

    def _connect(self) -> "AsyncOpenAI":
        import httpx2
        from openai import AsyncOpenAI

        from tui_trader.decision.providers.transport import GuardedTransport

        key = self.endpoint.api_key or "none"
        timeout = httpx2.Timeout(self._stall_seconds)
        return AsyncOpenAI(
            api_key=key,
            base_url=self.endpoint.base_url,
            max_retries=0,
            timeout=timeout,
            # Whoever answers at the address that the user gave must not send the prompt elsewhere.
            http_client=httpx2.AsyncClient(
                transport=GuardedTransport(key), timeout=timeout, follow_redirects=False
            ),
        )


class _Progress:
    """What of an answer has been shown, and what has been written down."""

    def __init__(
        self, endpoint: Endpoint, clock: Clock, completion: Completion, on_delta: OnReasoning
    ) -> None:
        self.endpoint = endpoint
        self.reading = Reading(endpoint.spec)
        self._clock = clock
        self._completion = completion
        self._on_delta = on_delta
        self._started = clock.monotonic()
        self._shown: float | None = None

    def came(self) -> None:
        """More text has come: show it, but not every piece of it."""
        now = self._clock.monotonic()
        if self._completion.first_token_ms is None:
            self._completion.first_token_ms = round((now - self._started) * 1000)
        if self._shown is None or now - self._shown >= _SHOW_SECONDS:
            self.show()
            self._shown = now

    def show(self) -> None:
        """Show all that has come."""
        completion, reading = self._completion, self.reading
        known = completion.reasoning, completion.answer
        completion.reasoning = self._clean(reading.reasoning)
        completion.answer = self._clean(reading.answer)
        if known != (completion.reasoning, completion.answer):
            self._on_delta(completion.reasoning, completion.answer)

    def record(self) -> None:
        """Write down what the call was, whatever came of it."""
        completion, reading = self._completion, self.reading
        completion.model = one_line(self._clean(reading.model or completion.model))
        if reading.finish_reason is not None:
            completion.finish_reason = one_line(self._clean(reading.finish_reason))
        completion.usage = reading.usage
        completion.reported_cost_usd = reading.cost_usd
        completion.streamed = reading.streamed
        completion.reasoning_field = reading.reasoning_field
        completion.latency_ms = round((self._clock.monotonic() - self._started) * 1000)

    def _clean(self, text: str) -> str:
        """`text` without the API key and without what can't be written as UTF-8."""
        return printable(self.endpoint.without_key(text))


async def _exchange(
    client: "AsyncOpenAI", prompt: Prompt, body: dict[str, Any], progress: _Progress
) -> None:
    """Ask, and take in all that comes back. Raises whatever stands in the way of an answer."""
    reading = progress.reading
    async with client.chat.completions.with_streaming_response.create(
        model=progress.endpoint.model,
        messages=[
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": prompt.user},
        ],
        stream=True,
        extra_body=body,
    ) as response:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if media_type == "application/json":
                if reading.add_whole(await response.read()):
                    progress.came()
            else:
                async for chunk in await response.parse():
                    if reading.add(chunk):
                        progress.came()
        finally:
            progress.show()
        reading.check(media_type)
