"""What travels to a model's endpoint, and how much may come back."""

from collections.abc import AsyncIterator

import httpx2

from tui_trader.decision.providers.completion import FailureKind
from tui_trader.decision.providers.reading import NoAnswer

MOST_STREAMED = 32_000_000
"""Bytes of a stream of events: some 100,000 tokens, each in an event of its own."""

MOST_WHOLE = 2_000_000
"""Bytes of anything else: an answer in one piece, a page, an error."""

_SENT = frozenset({"host", "content-length", "content-type", "accept", "user-agent", "connection"})


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """Sends the headers that a request needs, and the key that was configured, and nothing else:
    the library takes others from the environment, whoever the provider is. A body without end is
    given up."""

    def __init__(self, api_key: str) -> None:
        super().__init__()
        self._api_key = api_key

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        needed = {name: text for name, text in request.headers.items() if name.lower() in _SENT}
        sent = httpx2.Request(
            request.method,
            request.url,
            headers={
                **needed,
                "Authorization": f"Bearer {self._api_key}",
                "Accept-Encoding": "identity",
            },
            stream=request.stream,
            extensions=request.extensions,
        )
        response = await super().handle_async_request(sent)
        events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
        most = MOST_STREAMED if events and response.status_code == 200 else MOST_WHOLE
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream, most)
        return response


class _Bounded(httpx2.AsyncByteStream):
    """A body of at most `most` bytes. Raises NoAnswer where there are more."""

    def __init__(self, body: httpx2.AsyncByteStream, most: int) -> None:
        self._body = body
        self._left = most
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            self._left -= len(part)
            if self._left < 0:
                text = f"the server sent more than {self._most:,} bytes"
                raise NoAnswer(FailureKind.PROTOCOL, text)
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()
