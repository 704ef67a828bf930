import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trader.decision.providers import Endpoint
from tui_trader.decision.providers.completion import FailureKind
from tui_trader.decision.providers.failures import Call, one_line, retry_after
from tui_trader.decision.providers.reading import ReportedError

NOON = "Wed, 25 Nov 2026 12:00:00 GMT"
NOON_MS = round(datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp() * 1000)
CALL = Call(Endpoint("openrouter", "https://x.example/v1", "m", "sk-1"), "plain", 5.0, 20.0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "-7"}, 0.0),
        ({"retry-after": "1e12"}, 86_400.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 25 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 25 Nov 2099 11:00:00 GMT"}, 86_400.0),
        ({"retry-after": "Wed, 99 Nov 2026 11:00:00 GMT"}, None),
    ],
)
def test_the_time_to_stay_away_is_seconds_whatever_way_it_is_told(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, NOON_MS) == seconds


def test_a_date_is_taken_against_the_server_s_own_clock_where_it_tells_it() -> None:
    headers = {"retry-after": "Wed, 25 Nov 2026 12:00:30 GMT", "date": NOON}
    assert retry_after(headers, now_ms=0) == 30.0


@given(st.text(max_size=2_000))
def test_any_text_becomes_one_short_line_of_visible_characters(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 200
    assert not any(unicodedata.category(each)[0] in "CZ" and each != " " for each in line)
    assert line == line.strip()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "message", "detail", "metadata", "raw", "param", "x"]), inner
        )
    ),
)


CREDENTIAL, PAYMENT = FailureKind.CREDENTIAL, FailureKind.PAYMENT


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "invalid_api_key", "message": "x"}, CREDENTIAL),
        ({"type": "authentication_error", "message": "x"}, CREDENTIAL),
        ({"type": "permission_error", "code": None}, CREDENTIAL),
        ({"status": 401, "message": "x"}, CREDENTIAL),
        ({"code": "401", "message": "x"}, CREDENTIAL),
        ("Invalid API key", CREDENTIAL),
        ({"message": "Incorrect API key provided: sk-*"}, CREDENTIAL),
        ({"code": 403, "message": "moderation key refused"}, CREDENTIAL),
        ({"type": "insufficient_quota", "code": None}, PAYMENT),
        ({"code": "invalid_request_error", "message": "Insufficient Balance"}, PAYMENT),
        ({"code": 402, "message": "x"}, PAYMENT),
        ({"code": 403, "message": "flagged by moderation"}, FailureKind.REQUEST),
        ({"code": 503, "message": "upstream: unauthorized"}, FailureKind.SERVER),
        ({"message": "overloaded"}, FailureKind.PROTOCOL),
    ],
)
def test_what_only_the_operator_can_mend_is_known_however_it_is_said(
    error: Any, kind: FailureKind
) -> None:
    assert CALL.failure(ReportedError(error), NOON_MS).kind is kind


@given(ANYTHING)
def test_whatever_a_server_calls_an_error_is_explained(error: Any) -> None:
    failure = CALL.failure(ReportedError(error), NOON_MS)
    assert failure.error
    assert failure.error == one_line(failure.error)


def test_openrouter_s_reason_is_told_and_not_that_there_is_one() -> None:
    error = {
        "code": 429,
        "message": "Provider returned error",
        "metadata": {"raw": "gemini is rate-limited upstream"},
    }
    failure = CALL.failure(ReportedError(error), NOON_MS)
    assert failure.kind is FailureKind.RATE_LIMIT
    assert "Provider returned error: gemini is rate-limited upstream" in failure.error


def test_an_error_of_our_own_is_no_answer_either() -> None:
    failure = CALL.failure(KeyError("choices"), NOON_MS)
    assert (failure.kind, failure.error) == (FailureKind.PROTOCOL, "KeyError: 'choices'")
