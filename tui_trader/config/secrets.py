"""Secrets: from the environment or a `.env` file, never from config.toml, never shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from tui_trader.decision.providers import PROVIDERS

EXCHANGE_SECRETS = ("EXCHANGE_API_KEY", "EXCHANGE_API_SECRET")
PROVIDER_SECRETS = tuple(spec.key_env for spec in PROVIDERS.values() if spec.key_env)
SECRET_NAMES = (*EXCHANGE_SECRETS, *PROVIDER_SECRETS)


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
