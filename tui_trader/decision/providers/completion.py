"""What came of asking a model once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum


class FailureKind(StrEnum):
    """Why there is no answer, by what can be done about it."""

    CREDENTIAL = "credential"  # 401, 403: no further call until the operator acts
    PAYMENT = "payment"  # 402: likewise
    REQUEST = "request"  # 400, 404, 422: the same question would be refused again
    FORMAT = "format"  # the response_format was refused; the next call asks in a simpler form
    RATE_LIMIT = "rate_limit"  # 429: later, where it said when
    SERVER = "server"  # 5xx
    STALL = "stall"  # silence
    DEADLINE = "deadline"  # the time for the whole answer is up
    NETWORK = "network"  # no connection
    PROTOCOL = "protocol"  # HTML, an error in the stream, a chunk that is not JSON
    INCOMPLETE = "incomplete"  # ended without an answer: cut, too long, filtered, empty


RETRYABLE = frozenset(
    {
        FailureKind.FORMAT,
        FailureKind.RATE_LIMIT,
        FailureKind.SERVER,
        FailureKind.STALL,
        FailureKind.NETWORK,
        FailureKind.PROTOCOL,
        FailureKind.INCOMPLETE,
    }
)
"""What may go away by itself, or with the next call."""

NEEDS_OPERATOR = frozenset({FailureKind.CREDENTIAL, FailureKind.PAYMENT})
"""What only the operator can mend."""


@dataclass(slots=True)
class Completion:
    """What came back. `failure` and `error` say why it is no answer, None when it is one.

    Latencies are ms of real waiting. `usage` holds token counts as the provider reported them,
    `reported_cost_usd` the cost where it did. `retry_after` is how many seconds the server wants to
    be left alone. `streamed` says whether the answer came in pieces, and `reasoning_field` names
    the field of its reasoning; both are None where nothing came.
    """

    model: str
    answer: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    reported_cost_usd: float | None = None
    first_token_ms: int | None = None
    latency_ms: int = 0
    failure: FailureKind | None = None
    error: str | None = None
    retry_after: float | None = None
    parameters: dict[str, object] = field(default_factory=dict)
    streamed: bool | None = None
    reasoning_field: str | None = None


Counted = Callable[[Callable[[], Awaitable[Completion]]], Awaitable[Completion]]
"""Makes the call that it is given, and counts it."""
