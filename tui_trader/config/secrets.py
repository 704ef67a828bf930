"""Secrets: from the environment or a `.env` file, never from config.toml, never shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from tui_trader.config.errors import ConfigError
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


def read_secrets(names: Mapping[str, str], where: str) -> dict[str, SecretStr]:
    """The secrets among environment names, without the white space around them that files and
    shells add. Raises ConfigError for what can't be sent as a key; it names the variable alone."""
    found: dict[str, SecretStr] = {}
    for name in SECRET_NAMES:
        secret = names.get(name, "").strip()
        if not (secret.isascii() and secret.isprintable()):
            raise ConfigError(
                f"{where}: {name} holds a character that no key has (a control character, or one "
                "that is not ASCII): copy the key once more"
            )
        if secret:
            found[name] = SecretStr(secret)
    return found
