"""JSON on its way to the disk, without secrets."""

from collections.abc import Callable
from typing import Any

from pydantic_core import from_json, to_json

Redact = Callable[[str], str]


def redact_json(text: str, redact: Redact) -> str:
    """The JSON document `text` with `redact` applied to its strings; numbers and keys stay."""
    if redact(text) == text:
        return text
    return to_json(_redacted(from_json(text), redact), ensure_ascii=True).decode()


def _redacted(value: Any, redact: Redact) -> Any:
    match value:
        case str():
            return redact(value)
        case list():
            return [_redacted(item, redact) for item in value]
        case dict():
            return {key: _redacted(item, redact) for key, item in value.items()}
        case _:
            return value
