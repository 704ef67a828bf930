"""What is sent beside the prompt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tui_trader.decision.providers.catalogue import Endpoint, Structured

Thinking = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is to answer. `auto` and None leave it to the endpoint; `max_tokens` bounds
    reasoning and answer together."""

    thinking: Thinking = "auto"
    temperature: float | None = None
    max_tokens: int | None = None


def form_of(structured: Structured, schema: Mapping[str, Any]) -> Structured:
    """The form that can be asked for: without a schema nothing can be held to one."""
    return "json_object" if structured == "json_schema" and not schema else structured


def request_body(
    to: Endpoint, form: Structured, schema: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """The fields of a request beside model and messages."""
    spec = to.spec
    body: dict[str, Any] = {}
    if spec.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    if settings.max_tokens is not None:
        body[spec.max_tokens_field] = settings.max_tokens
    if form != "plain":
        body |= {"response_format": _response_format(form, schema), **spec.beside_format}
    return body | _thinking(to, settings)


def parameters(to: Endpoint, form: Structured, settings: Settings) -> dict[str, object]:
    """What is written down of a request; secrets have no place in it."""
    return {
        "model": to.model,
        "host": to.host,
        "response_format": form,
        "thinking": settings.thinking if _thinking(to, settings) else "auto",
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
    }


def _thinking(to: Endpoint, settings: Settings) -> dict[str, Any]:
    """What switches the reasoning; nothing where the endpoint has no switch."""
    spec = to.spec
    switch = {"on": spec.thinking_on, "off": spec.thinking_off}.get(settings.thinking)
    return dict(switch or {})


def _response_format(form: Structured, schema: Mapping[str, Any]) -> dict[str, Any]:
    if form == "json_object":
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "json_schema": {"name": "decision", "strict": _closed(schema), "schema": dict(schema)},
    }


def _closed(schema: Any) -> bool:
    """Every object in `schema` names all its fields and requires them: only such a schema may be
    called strict (https://platform.openai.com/docs/guides/structured-outputs)."""
    if isinstance(schema, list):
        return all(map(_closed, schema))
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" and not (
        schema.get("additionalProperties") is False
        and set(schema.get("required", ())) == set(schema.get("properties", {}))
    ):
        return False
    return all(map(_closed, schema.values()))
