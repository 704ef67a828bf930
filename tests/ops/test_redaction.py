"""No secret survives, in whatever form it comes along."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trader.ops.redaction import REDACTED, Redactor

SECRET = 'kEy+/=& "x\\y" ü-9f3Q'
secrets = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=40
).filter(lambda text: text not in REDACTED)
words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(secrets, words, words)
def test_a_secret_within_any_text_is_gone(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor([secret])(f"{before} {secret} {after}")


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower().replace("key", "kEy").replace("9f3q", "9f3Q"),
        urlencode({"k": SECRET}),
        json.dumps({"k": SECRET}),
        json.dumps({"k": SECRET}, ensure_ascii=False),
        repr({"k": SECRET}),
    ],
)
def test_every_written_form_is_redacted(form: str) -> None:
    shown = Redactor([SECRET])(f"request failed: {form} (see log)")
    assert REDACTED in shown
    assert "9f3Q" not in shown
    assert shown.startswith("request failed: ")
    assert shown.endswith("(see log)")


@given(secrets, st.binary(max_size=5), st.binary(max_size=5))
def test_base64_of_a_text_that_holds_the_secret_tells_nothing_of_it(
    secret: str, before: bytes, after: bytes
) -> None:
    raw = before + secret.encode() + after
    for encoded in (b64encode(raw).decode(), urlsafe_b64encode(raw).decode()):
        shown = Redactor([secret])(f"header {encoded} end")
        assert REDACTED in shown
        assert len(shown) <= len(f"header {REDACTED} end") + 4 * (len(before) + len(after) + 4) / 3


def test_a_hex_key_is_found_in_either_case_and_without_its_prefix() -> None:
    key = "0x" + "aB3f" * 16
    redact = Redactor([key])
    for form in (key, key[2:], key.lower(), key[2:].upper()):
        assert redact(f"<{form}>") in (f"<{REDACTED}>", f"<0x{REDACTED}>")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/order?qty=1&signature=0a1b%3D&x=2", "/order?qty=1&signature=[redacted]&x=2"),
        ("{'X-MBX-APIKEY': 'vmPU', 'a': 1}", "{'X-MBX-APIKEY': '[redacted]', 'a': 1}"),
        ('{"x-mbx-apikey": "vmPU"}', '{"x-mbx-apikey": "[redacted]"}'),
        ("Authorization: Bearer sk-1.2_3", "Authorization: Bearer [redacted]"),
        ("Authorization: Basic dTpw==", "Authorization: Basic [redacted]"),
    ],
)
def test_credentials_are_known_by_what_carries_them(text: str, shown: str) -> None:
    assert Redactor()(text) == shown


def test_ordinary_text_stays_as_it_is_and_an_empty_secret_is_none() -> None:
    text = "long BTC/USDT: RSI 58, signature move, authorization rules; the bears are tired"
    assert Redactor(["", "abc", "another-secret"])(text) == text
