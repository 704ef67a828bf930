"""The files that a user copies: every key, and each default that they show is the default."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tui_trader.config.loader import SIMULATED_DEFAULTS, load
from tui_trader.config.schema import Config, known_keys
from tui_trader.config.secrets import SECRET_NAMES
from tui_trader.config.sources import S0_NAMES, read_names
from tui_trader.decision.providers import PROVIDERS

ROOT = Path(__file__).parents[2]
TOML = (ROOT / "config.example.toml").read_text()
ENV = (ROOT / ".env.example").read_text()


def uncommented() -> str:
    """The example with every key set."""
    return "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and " = " in line else line
        for line in TOML.splitlines()
    )


def keys() -> list[tuple[str, Any, str]]:
    """Each key of the example, with its value and what is said of it."""
    said = {
        line.removeprefix("# ").partition(" = ")[0]: line.partition("  # ")[2]
        for line in TOML.splitlines()
        if line.startswith("# ") and " = " in line
    }
    return [
        (f"{section}.{name}", value, said[name])
        for section, table in tomllib.loads(uncommented()).items()
        for name, value in table.items()
    ]


def default(key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(Config(), section), name)


def test_every_key_is_listed_and_the_file_changes_nothing(tmp_path: Path) -> None:
    assert [key for key, _, _ in keys()] == list(known_keys())
    path = tmp_path / "config.toml"
    path.write_text(TOML)
    assert load(environ={}, config_file=path).config == load(environ={}).config


def test_what_is_shown_is_the_default_or_called_an_example() -> None:
    for key, value, said in keys():
        expected = default(key)
        if expected in (None, ()):
            assert said.startswith("(example) "), key
        else:
            assert value == expected, key
            assert "(example) " not in said, key


def test_every_example_can_be_used() -> None:
    document = tomllib.loads(uncommented())
    document["llm"] |= {"base_url": "http://127.0.0.1:8080/v1"}
    Config.model_validate(document)


def test_the_defaults_of_the_simulated_market_are_told() -> None:
    head = TOML.partition("[agent]")[0].replace("\n# ", " ")
    for key, value in SIMULATED_DEFAULTS.items():
        shown = ", ".join(value) if isinstance(value, tuple) else str(value).removesuffix(".0")
        assert f"{key.partition('.')[2]} {shown}" in head, key


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_is_listed(provider: str) -> None:
    for text, name in ((TOML, "provider"), (ENV, "DECISION_PROVIDER")):
        (line,) = [line for line in text.splitlines() if line.startswith(f"# {name}")]
        assert provider in line.partition("  # ")[2]


def test_every_name_and_secret_of_the_environment_is_listed_and_means_what_it_says() -> None:
    shown = dict(
        line.removeprefix("# ").partition("  ")[0].strip().split("=", 1)
        for line in ENV.splitlines()
        if "=" in line
    )
    assert set(S0_NAMES) | set(SECRET_NAMES) <= set(shown)
    for name in SECRET_NAMES:
        assert shown[name] == ""
    assert len(read_names(shown, ".env.example")) == len(shown) - len(SECRET_NAMES)
