"""Secrets: from the environment or a `.env` file, never from config.toml, never shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

EXCHANGE_SECRETS = ("EXCHANGE_API_KEY", "EXCHANGE_API_SECRET")
PROVIDER_SECRETS = {
    "deepseek": "DEEPSEEK_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "together": "TOGETHER_API_KEY",
    "alive": "ALIVE_API_KEY",
    "local": "LOCAL_API_KEY",
}
SECRET_NAMES = (*EXCHANGE_SECRETS, *PROVIDER_SECRETS.values())


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets by their environment name. `repr` shows names only."""

    by_name: Mapping[str, SecretStr] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """The secret in plain text, None when it is not set."""
        secret = self.by_name.get(name)
        return secret.get_secret_value() if secret else None

    def plain(self) -> Iterator[str]:
        """Every secret in plain text, for redaction."""
        return (secret.get_secret_value() for secret in self.by_name.values())

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self.by_name))})"
