"""Why a call brought no answer: the kind, one line in plain words, and when to come back."""

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from tui_trader.decision.providers.catalogue import Endpoint, Structured, simpler
from tui_trader.decision.providers.completion import FailureKind
from tui_trader.decision.providers.reading import NoAnswer, ReportedError

_LONGEST_WAIT_SECONDS = 86_400.0
_SHOWN_CHARS = 200
_ABOUT_THE_FORM = re.compile(
    r"response_format|json_schema|json_object|json mode|structured output|requested parameters"
    r"|grammar",
    re.IGNORECASE,
)
_UNKNOWN_MODEL = re.compile(
    r"model\b.{0,80}\b(not (exist|found|a valid|supported)|does not exist|unknown)"
    r"|(unknown|invalid|no such) model|not a valid model",
    re.IGNORECASE,
)
_NAMED = {
    **dict.fromkeys(
        (
            *("account_deactivated", "authentication_error", "authentication_fails_error"),
            *("invalid_api_key", "invalid_authentication", "permission_denied"),
            *("permission_error", "unauthenticated", "unauthorized"),
        ),
        FailureKind.CREDENTIAL,
    ),
    **dict.fromkeys(
        (
            *("billing_hard_limit_reached", "billing_not_active", "insufficient_balance"),
            *("insufficient_credits", "insufficient_quota", "payment_required"),
        ),
        FailureKind.PAYMENT,
    ),
}
"""What servers call, in an error's `code` or `type`, that which no further call will mend, whatever
status they send with it."""
_KEY_REFUSED = re.compile(
    r"(?:incorrect|invalid|expired|missing|no|revoked|disabled|wrong) api[ _-]?key"
    r"|api[ _-]?key (?:is|was|has)?\s*(?:been )?"
    r"(?:incorrect|invalid|expired|missing|revoked|disabled|refused|not valid)"
    r"|key refused|authentication fail|unauthori[sz]ed|not authenticated",
    re.IGNORECASE,
)
_NOT_PAID = re.compile(r"insufficient (?:balance|credit|fund|quota)", re.IGNORECASE)
_ABOUT_THE_CONTENT = re.compile(r"moderation|flagged", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """`retry_after` is in seconds, None where the server named no time."""

    kind: FailureKind
    error: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked, and within which limits (seconds); `form` is the one of the answer."""

    endpoint: Endpoint
    form: Structured
    stall_seconds: float
    deadline_seconds: float

    def failure(self, error: Exception, now_ms: int) -> Failure:
        """What `error`, of this package, the library or the network, means for the caller. `now_ms`
        is what the time of day is."""
        import httpx2
        import openai

        given_up = next((each for each in _causes(error) if isinstance(each, NoAnswer)), None)
        if given_up is not None:
            return self._failure(given_up.kind, str(given_up))
        # A refusal whose text was cut off on its way is still a refusal.
        if isinstance(error, httpx2.TransportError) and (response := _refusal(error)):
            return self._refused(response, None, now_ms)
        match error:
            case ReportedError():
                return self._reported(error.error)
            case openai.APIStatusError():
                return self._refused(error.response, error.body, now_ms)
            case openai.APIConnectionError() | httpx2.TransportError():
                return self._unconnected(error)
            case openai.APIError():
                return self._reported(error.body)
            case TimeoutError():
                text = f"no whole answer within {self.deadline_seconds:g} s"
                return self._failure(FailureKind.DEADLINE, text)
            case json.JSONDecodeError():
                return self._failure(FailureKind.PROTOCOL, "a chunk of the answer is not JSON")
            case UnicodeDecodeError():
                return self._failure(FailureKind.PROTOCOL, "a chunk of the answer is not UTF-8")
        return self._failure(FailureKind.PROTOCOL, f"{type(error).__name__}: {error}")

    def _failure(self, kind: FailureKind, text: str, wait: float | None = None) -> Failure:
        return Failure(kind, one_line(self.endpoint.without_key(text)), wait)

    def _unconnected(self, error: Exception) -> Failure:
        """No connection, or one that broke or fell silent."""
        import httpx2
        import openai

        cause = error.__cause__ or error
        if isinstance(cause, httpx2.ConnectTimeout):
            text = f"no connection to {self.endpoint.host} within {self.stall_seconds:g} s"
            return self._failure(FailureKind.NETWORK, text)
        if isinstance(error, openai.APITimeoutError) or isinstance(cause, httpx2.TimeoutException):
            return self._failure(FailureKind.STALL, f"no byte for {self.stall_seconds:g} s")
        text = f"connection failed: {self.endpoint.host}: {cause}"
        # The question was on its way: whoever took it in may charge for it.
        broke = isinstance(cause, httpx2.ReadError | httpx2.RemoteProtocolError)
        return self._failure(FailureKind.INCOMPLETE if broke else FailureKind.NETWORK, text)

    def _refused(self, response: Any, body: object, now_ms: int) -> Failure:
        """An HTTP status other than 2xx."""
        message = _message(body) or str(response.reason_phrase)
        wait = retry_after(response.headers, now_ms)
        return self._by_status(response.status_code, body, message, wait, "HTTP")

    def _reported(self, error: object) -> Failure:
        """An error that came with status 200; its code, where it has one, is an HTTP status."""
        message = _message(error) or "no reason given"
        status = _status(error)
        if status or _needs_operator(0, error, message):
            return self._by_status(status, error, message, None, "error")
        return self._failure(FailureKind.PROTOCOL, f"the server reported an error: {message}")

    def _by_status(
        self, status: int, body: object, message: str, wait: float | None, label: str
    ) -> Failure:
        kind = self._kind(status, body, message, wait)
        hint = self._hint(kind, status, message)
        said = f"{label} {status or _code(body) or 'without a code'}: {message}"
        # The simpler form may be asked for at once.
        wait = 0.0 if kind is FailureKind.FORMAT else wait
        return self._failure(kind, f"{hint} ({said})" if hint else said, wait)

    def _kind(self, status: int, body: object, message: str, wait: float | None) -> FailureKind:
        match status:
            case 400 | 404 | 422 if self._refuses_the_form(body, message):
                return FailureKind.FORMAT
            case 401:
                return FailureKind.CREDENTIAL
            # OpenRouter: the model may not be shown this text; the key is all right.
            case 403 if not _ABOUT_THE_CONTENT.search(message) or "key" in message.casefold():
                return FailureKind.CREDENTIAL
            # OpenRouter: too much under way at once; it says when there is credit again.
            case 402 if wait is not None:
                return FailureKind.RATE_LIMIT
            case 402:
                return FailureKind.PAYMENT
            case _ if named := _needs_operator(status, body, message):
                return named
            case 429:
                return FailureKind.RATE_LIMIT
            case 408 | 409 | 425:
                return FailureKind.SERVER
        return FailureKind.SERVER if status >= 500 else FailureKind.REQUEST

    def _refuses_the_form(self, body: object, message: str) -> bool:
        if self.form == "plain":
            return False
        about = body.get("param") if isinstance(body, dict) else None
        return about == "response_format" or bool(_ABOUT_THE_FORM.search(message))

    def _hint(self, kind: FailureKind, status: int, message: str) -> str:
        """What the status means, and how to mend it where the user can."""
        to = self.endpoint
        key = to.spec.key_env
        match kind:
            case FailureKind.CREDENTIAL if key is None:
                return f"{to.host} wants an API key: use provider alive, with ALIVE_API_KEY"
            case FailureKind.CREDENTIAL:
                return f"the API key in {key} was refused"
            case FailureKind.PAYMENT:
                return f"no credit left at {to.provider}: top it up"
            case FailureKind.FORMAT:
                return f"response_format {self.form} was refused; {simpler(self.form)} is next"
            case FailureKind.RATE_LIMIT:
                return f"{to.provider} wants fewer calls"
            case FailureKind.SERVER:
                return f"{to.provider} has trouble"
        if 300 <= status < 400:
            return f"{to.host} sends elsewhere: set llm.base_url to where it is"
        if status in (400, 404, 422) and _UNKNOWN_MODEL.search(message):
            return f"model {to.model} is not known to {to.provider}: set llm.model"
        if status == 404:
            return f"{to.host} has nothing there: is llm.base_url right?"
        return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """`error`, and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__


def _refusal(error: BaseException | None) -> Any:
    """The response that was being read when `error` came up, where it was one of a refusal."""
    import httpx2

    while error is not None:
        if isinstance(error, httpx2.HTTPStatusError):
            return error.response
        error = error.__context__
    return None


def one_line(text: str) -> str:
    """`text` on one line, capped, without characters that do something to a terminal."""
    harmless = "".join(
        " " if unicodedata.category(character)[0] in "CZ" else character
        for character in text[: _SHOWN_CHARS * 4]
    )
    line = " ".join(harmless.split())
    return line if len(line) <= _SHOWN_CHARS else line[: _SHOWN_CHARS - 1] + "…"


def retry_after(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Seconds to wait, as a response asks for in `retry-after-ms`, or in `retry-after` as seconds
    or as a date; None where it does not.

    A date is taken against the server's own clock where it tells it, else against `now_ms`.
    """
    if (ms := _number(headers.get("retry-after-ms"))) is not None:
        return _bounded(ms / 1000)
    asked = headers.get("retry-after")
    if (seconds := _number(asked)) is not None:
        return _bounded(seconds)
    until = _date_ms(asked)
    if until is None:
        return None
    told = _date_ms(headers.get("date"))
    return _bounded((until - (now_ms if told is None else told)) / 1000)


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _date_ms(text: str | None) -> int | None:
    try:
        return round(parsedate_to_datetime(text or "").timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _message(error: object) -> str | None:
    """What a server said of an error: some send an object, some a text, some a page."""
    if isinstance(error, str):
        return None if error.lstrip().startswith("<") else error
    if not isinstance(error, dict):
        return None
    found = error.get("message") or error.get("detail")
    message = str(found) if found else None
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    # OpenRouter's own message says no more than that the host returned an error.
    return f"{message}: {raw}" if message and isinstance(raw, str) else message


def _code(error: object) -> object:
    return error.get("code") if isinstance(error, dict) else None


def _status(error: object) -> int:
    """The HTTP status that an error names, as `code` or as `status`; 0 where it names none."""
    told = (error.get("code"), error.get("status")) if isinstance(error, dict) else ()
    return next((int(each) for each in map(str, told) if re.fullmatch("[45][0-9][0-9]", each)), 0)


def _needs_operator(status: int, body: object, message: str) -> FailureKind | None:
    """What only the operator can mend, by what it is called, or by what is said of it where the
    status may mean anything; None for any other error."""
    names = (body.get("code"), body.get("type")) if isinstance(body, dict) else ()
    found = [
        _NAMED[name.lower()] for name in names if isinstance(name, str) and name.lower() in _NAMED
    ]
    if found or status not in (0, 400, 403, 404, 422):
        return next(iter(found), None)
    if _NOT_PAID.search(message):
        return FailureKind.PAYMENT
    return FailureKind.CREDENTIAL if _KEY_REFUSED.search(message) else None
