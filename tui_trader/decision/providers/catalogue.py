"""The endpoints that speak OpenAI's chat protocol, and what each can do. A new one is one entry."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

Structured = Literal["json_schema", "json_object", "plain"]
"""How an answer's form is asked for: held to a schema, to any JSON, or by words alone."""

FORMS: tuple[Structured, ...] = ("json_schema", "json_object", "plain")
"""From the strictest form to the one that every endpoint takes."""

EVERY_MODEL = "*"


def simpler(form: Structured) -> Structured:
    """The next form to ask for where `form` is refused."""
    return FORMS[min(FORMS.index(form) + 1, len(FORMS) - 1)]


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens: of prompt, of prompt that the provider had cached, and of
    answer and reasoning. `at_most` says that the provider charges less at some hours."""

    input_usd: float
    cached_input_usd: float
    output_usd: float
    at_most: bool = False


FREE = Prices(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """What is known of a provider before anything is configured.

    `base_url` and `default_model` are None where the user has to name them; `key_env` is the
    environment variable of its API key, None where none is needed; `network` is False where no
    call is made at all. `structured` is the strictest form that it is known, or can be hoped, to
    take; `beside_format` is sent with it. `reasoning_fields` are those of a delta in which
    reasoning comes, the likeliest first. `thinking_on` and `thinking_off` switch the reasoning,
    None where that is not possible. `reports_cost` says that its `usage.cost` is US dollars.
    `prices` are by model; a model that is not there has no known price.
    """

    name: str
    base_url: str | None = None
    default_model: str | None = None
    key_env: str | None = None
    network: bool = True
    structured: Structured = "json_schema"
    beside_format: Mapping[str, Any] = field(default_factory=dict)
    reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    thinking_on: Mapping[str, Any] | None = None
    thinking_off: Mapping[str, Any] | None = None
    stream_usage: bool = True
    reports_cost: bool = False
    max_tokens_field: str = "max_tokens"
    prices: Mapping[str, Prices] = field(default_factory=dict)


# https://api-docs.deepseek.com/quick_start/pricing, November 2026. These are the prices of peak
# hours (01:00-04:00 and 06:00-10:00 UTC, Chinese working days); all others cost half.
_DEEPSEEK_FLASH = Prices(0.30, 0.006, 1.20, at_most=True)
_DEEPSEEK_PRO = Prices(1.32, 0.044, 3.96, at_most=True)

PROVIDERS: dict[str, ProviderSpec] = {
    spec.name: spec
    for spec in (
        # The names deepseek-chat and deepseek-reasoner are refused since 2026-07-24. json_schema
        # is refused too, and json_object wants the word JSON in the prompt.
        ProviderSpec(
            "deepseek",
            base_url="https://api.deepseek.com",
            default_model="deepseek-flash",
            key_env="DEEPSEEK_API_KEY",
            structured="json_object",
            thinking_on={"thinking": {"type": "enabled"}},
            thinking_off={"thinking": {"type": "disabled"}},
            prices={
                "deepseek-flash": _DEEPSEEK_FLASH,
                "deepseek-v4-flash": _DEEPSEEK_FLASH,  # an old name, served and billed as the above
                "deepseek-v4-pro": _DEEPSEEK_PRO,
            },
        ),
        # Its reasoning models refuse max_tokens.
        ProviderSpec(
            "openai",
            base_url="https://api.openai.com/v1",
            key_env="OPENAI_API_KEY",
            max_tokens_field="max_completion_tokens",
        ),
        # Without require_parameters it may choose a host that ignores the response_format. Usage
        # and cost are always reported (https://openrouter.ai/docs/use-cases/usage-accounting).
        ProviderSpec(
            "openrouter",
            base_url="https://openrouter.ai/api/v1",
            key_env="OPENROUTER_API_KEY",
            beside_format={"provider": {"require_parameters": True}},
            reasoning_fields=("reasoning", "reasoning_content"),
            thinking_on={"reasoning": {"enabled": True}},
            thinking_off={"reasoning": {"effort": "none"}},
            reports_cost=True,
        ),
        # https://docs.together.ai/docs/inference/chat/reasoning
        ProviderSpec(
            "together",
            base_url="https://api.together.ai/v1",
            key_env="TOGETHER_API_KEY",
            reasoning_fields=("reasoning", "reasoning_content"),
            thinking_on={"reasoning": {"enabled": True}},
            thinking_off={"reasoning": {"enabled": False}},
        ),
        ProviderSpec("alive", key_env="ALIVE_API_KEY"),
        ProviderSpec("local", prices={EVERY_MODEL: FREE}),
        ProviderSpec("recorded", network=False, prices={EVERY_MODEL: FREE}),
    )
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and as whom to ask. The API key is kept out of `repr`. `base_url` and `model` may be
    empty where no call is made."""

    provider: str
    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)

    @property
    def spec(self) -> ProviderSpec:
        """What is known of the provider."""
        return PROVIDERS[self.provider]

    @property
    def host(self) -> str:
        """Host and port, without whatever else an address may hold."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    @property
    def key_can_be_sent(self) -> bool:
        """Whether the API key is of characters that a header can carry."""
        key = self.api_key or ""
        return key.isascii() and key.isprintable() and key == key.strip()

    def same_key_as(self, other: "Endpoint") -> bool:
        """Whether who refuses the one refuses the other, whatever the model."""
        return (self.base_url, self.api_key) == (other.base_url, other.api_key)

    def without_key(self, text: str) -> str:
        """`text` with the API key, where it stands in there, made unreadable."""
        return text.replace(self.api_key, "[api key]") if self.api_key else text

    @property
    def prices(self) -> Prices | None:
        """What the model costs, None where that is not known."""
        prices = self.spec.prices
        return prices.get(self.model, prices.get(EVERY_MODEL))


def provider_spec(name: str) -> ProviderSpec:
    """The provider called `name`. Raises ValueError naming the nearest one there is."""
    if name in PROVIDERS:
        return PROVIDERS[name]
    near = difflib.get_close_matches(name, PROVIDERS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(PROVIDERS)}"
    raise ValueError(f"llm.provider is {name!r}, which is not known: {hint}")


def endpoint(
    name: str,
    *,
    model: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
) -> Endpoint:
    """The endpoint of a provider, with what the user configured.

    Raises ValueError, saying which setting is missing and how to give it.
    """
    spec = provider_spec(name)
    url, chosen = base_url or spec.base_url, model or spec.default_model
    if not spec.network:
        return Endpoint(name, "", chosen or "")
    if url is None:
        raise ValueError(f"llm.base_url is missing: provider {name!r} has no address of its own")
    if not _is_address(url):
        raise ValueError(f"llm.base_url is {url!r}, which is not an address")
    if chosen is None:
        raise ValueError(f"llm.model is missing: name the model that {name!r} is to run")
    if spec.key_env is not None and not api_key:
        raise ValueError(f"{spec.key_env} is missing: provider {name!r} needs its API key there")
    return Endpoint(name, url, chosen, api_key or None)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets around no address
        return False
