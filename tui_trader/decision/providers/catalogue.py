"""The endpoints that speak OpenAI's chat protocol. A new one is one entry in the table."""

import difflib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """What is known of a provider before anything is configured.

    `base_url` and `default_model` are None where the user has to name them; `key_env` is the
    environment variable of its API key, None where none is needed; `json_mode` says that it takes
    `response_format = json_object`.
    """

    name: str
    base_url: str | None = None
    default_model: str | None = None
    key_env: str | None = None
    json_mode: bool = False


PROVIDERS: dict[str, ProviderSpec] = {
    spec.name: spec
    for spec in (
        ProviderSpec(
            "deepseek",
            base_url="https://api.deepseek.com",
            default_model="deepseek-chat",
            key_env="DEEPSEEK_API_KEY",
            json_mode=True,
        ),
        ProviderSpec(
            "openai",
            base_url="https://api.openai.com/v1",
            key_env="OPENAI_API_KEY",
            json_mode=True,
        ),
        ProviderSpec(
            "openrouter",
            base_url="https://openrouter.ai/api/v1",
            key_env="OPENROUTER_API_KEY",
        ),
        ProviderSpec(
            "together",
            base_url="https://api.together.xyz/v1",
            key_env="TOGETHER_API_KEY",
            json_mode=True,
        ),
        ProviderSpec("alive", key_env="ALIVE_API_KEY"),
        ProviderSpec("local"),
    )
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and as whom to ask. The API key is kept out of `repr`."""

    provider: str
    base_url: str
    model: str
    json_mode: bool
    api_key: str | None = field(default=None, repr=False)


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
    if url is None:
        raise ValueError(f"llm.base_url is missing: provider {name!r} has no address of its own")
    if chosen is None:
        raise ValueError(f"llm.model is missing: name the model that {name!r} is to run")
    if spec.key_env is not None and not api_key:
        raise ValueError(f"{spec.key_env} is missing: provider {name!r} needs its API key there")
    return Endpoint(name, url, chosen, spec.json_mode, api_key or None)
