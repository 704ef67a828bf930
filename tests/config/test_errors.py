"""A message about the configuration shows what is wrong, and nothing that must stay secret."""

from pathlib import Path
from typing import get_args

import pytest

from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import load
from tui_trader.config.schema import known_keys
from tui_trader.decision.providers import PROVIDERS

KEY = "sk-proj-0123456789abcdefCANARY"
URLS = (
    "https://me:CANARY@example.com:x/v1",
    "https://me:CANARY@[::1",
    "https://me:CAN@ARY@",
    "https://me:CANARY@example.com:99999/v1",
    "ftp://me:CANARY@example.com/v1",
    "me:CANARY@example.com/v1",
    "me:CANARY@https://example.com/v1",
    "ftp://me:CAN://ARY@example.com/v1",
    "http://me:CANARY@example.com/v1",
)


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(environ={}, config_file=path)
    return str(caught.value)


@pytest.mark.parametrize("url", URLS)
def test_an_address_is_told_without_user_and_password(tmp_path: Path, url: str) -> None:
    said = refusal(tmp_path, f"[llm]\nprovider = 'local'\nmodel = 'm'\nbase_url = '{url}'\n")
    assert "llm.base_url" in said
    for part in ("CANARY", "ARY@", "me:"):
        assert part not in said


def test_whoever_refuses_an_address_its_credentials_are_not_told() -> None:
    said = str(ConfigError("llm.base_url is 'https://me:CAN@ARY@x/v1', which is no good"))
    assert said == "llm.base_url is 'https://…@x/v1', which is no good"


@pytest.mark.parametrize(
    ("prices", "missing"),
    [
        ("price_input_usd = 1.5", "price_output_usd"),
        ("price_output_usd = 1.5", "price_input_usd"),
        ("price_cached_usd = 1.5", "price_input_usd"),
    ],
)
def test_half_the_prices_are_refused_by_their_names_and_nothing_else_is_shown(
    tmp_path: Path, prices: str, missing: str
) -> None:
    rest = "provider = 'local'\nmodel = 'm'\nbase_url = 'https://me:CANARY@example.com/v1'\n"
    said = refusal(tmp_path, f"[llm]\n{rest}{prices}\n")
    assert said.startswith(f"{tmp_path}/my.toml [llm]: llm.{prices}: ")
    assert f"needs {missing}" in said
    for other in ("CANARY", "base_url", "local"):
        assert other not in said


_ENUMS = [
    key
    for key, field in known_keys().items()
    if any(isinstance(each, str) for each in get_args(field.annotation))
]


@pytest.mark.parametrize(
    "key", [*_ENUMS, "llm.provider", "llm.fallback_models", "agent.timeframe", "agent.symbols"]
)
@pytest.mark.parametrize("form", ["{}", "{}:m"])
def test_a_key_in_the_wrong_place_is_not_repeated(tmp_path: Path, key: str, form: str) -> None:
    section, _, name = key.partition(".")
    value = f"'{form.format(KEY)}'"
    if name in ("fallback_models", "symbols"):
        value = f"[{value}]"
    said = refusal(tmp_path, f"[{section}]\n{name} = {value}\n")
    assert f"my.toml [{section}]: {key}" in said
    for part in ("CANARY", KEY[:12]):
        assert part not in said


def test_a_key_pasted_as_the_provider_is_not_repeated_but_the_providers_are_told() -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={"DECISION_PROVIDER": KEY})
    said = str(caught.value)
    assert "environment DECISION_PROVIDER: llm.provider" in said
    assert "CANARY" not in said
    assert all(name in said for name in PROVIDERS)
    with pytest.raises(ConfigError, match="TRADING_ENABLED") as caught:
        load(environ={"TRADING_ENABLED": KEY})
    assert "CANARY" not in str(caught.value)


def test_an_ordinary_mistake_is_shown_as_it_is() -> None:
    with pytest.raises(ConfigError, match=r"'binance_testnot'.*binance_testnet"):
        load(environ={"EXCHANGE_TYPE": "binance_testnot"})
