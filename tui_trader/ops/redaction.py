"""Takes secrets out of text before anybody can read it."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
SHORTEST_SECRET = 4

# What carries a credential or a signature whatever its value: query fields and HTTP headers.
_HINTS = ("signature=", "x-mbx-apikey", "authorization", "bearer")
_CARRIERS = re.compile(
    r"(?P<name>signature=|x-mbx-apikey[\"']?\s*[:=]\s*[\"']?"
    r"|authorization[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic)\s+)?|\bbearer\s+)"
    r"[A-Za-z0-9._~%+/=-]+",
    re.IGNORECASE,
)


class Redactor:
    """Replaces each of `secrets` by `[redacted]`, as it is and in every form it travels in.

    The forms: percent-encoded, JSON- and repr-escaped, base64 alone or within a longer text, hex
    keys in either case and without `0x`. Besides, the values of signatures and authorisation
    headers.
    A value shorter than four characters is no secret and stays.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {
            form
            for secret in secrets
            if len(secret) >= SHORTEST_SECRET
            for form in _forms(secret)
            if len(form) >= SHORTEST_SECRET
        }
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        for form in self._forms:
            text = text.replace(form, REDACTED)
        # Looking for four words costs a hundredth of the expression; most text has none of them.
        lower = text.lower()
        if any(hint in lower for hint in _HINTS):
            return _CARRIERS.sub(rf"\g<name>{REDACTED}", text)
        return text


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    for quoted in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield quoted
        yield re.sub("%..", lambda escape: escape[0].lower(), quoted)
    yield from _base64_forms(secret.encode())
    digits = secret.removeprefix("0x")
    if re.fullmatch("[0-9a-fA-F]{16,}", digits):
        yield from (digits, digits.lower(), digits.upper())


def _base64_forms(raw: bytes) -> Iterator[str]:
    """The characters that `raw` alone determines, at each of the three places it can start at."""
    for shift in range(3):
        first, last = -(-shift * 8 // 6), (shift + len(raw)) * 8 // 6
        for altchars in (b"+/", b"-_"):
            yield b64encode(bytes(shift) + raw, altchars).decode()[first:last]
