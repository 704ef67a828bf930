"""Keys as they arrive from files and shells, and where they may not be sent."""

from pathlib import Path

import pytest

from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import load

MODEL = {
    "DECISION_PROVIDER": "deepseek",
    "DEEPSEEK_API_KEY": "sk-canary-1",
    "TUI_TRADER_LLM__MODEL": "m",
}
BASE_URL = "TUI_TRADER_LLM__BASE_URL"


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", "  {}  ", "\t{}\t", "\n{}"])
def test_white_space_around_a_key_is_no_part_of_it(around: str) -> None:
    loaded = load(environ=MODEL | {"DEEPSEEK_API_KEY": around.format("sk-canary-1")})
    assert loaded.secrets.get("DEEPSEEK_API_KEY") == "sk-canary-1"
    assert list(loaded.secrets.plain()) == ["sk-canary-1"]


@pytest.mark.parametrize("inside", ["\n", "\t", "\0", "\x7f", "\x1b", "é", "\u200b", "\udcff"])
def test_a_key_with_a_character_that_no_key_has_is_refused_and_not_shown(inside: str) -> None:
    with pytest.raises(ConfigError, match="DEEPSEEK_API_KEY") as caught:
        load(environ=MODEL | {"DEEPSEEK_API_KEY": f"sk{inside}canary"})
    assert "canary" not in str(caught.value)
    assert inside not in str(caught.value)


def test_a_key_of_the_env_file_is_held_to_the_same(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("DEEPSEEK_API_KEY=' sk-canary-1 '\nOPENAI_API_KEY='sk\0canary'\n")
    env_file.chmod(0o600)
    with pytest.raises(ConfigError, match=r"\.env: OPENAI_API_KEY") as caught:
        load(environ={}, env_file=env_file)
    assert "canary" not in str(caught.value)
    env_file.write_text("DEEPSEEK_API_KEY=' sk-canary-1 '\n")
    assert load(environ={}, env_file=env_file).secrets.get("DEEPSEEK_API_KEY") == "sk-canary-1"


def test_a_blank_key_is_none_and_the_next_layer_s_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DEEPSEEK_API_KEY is missing"):
        load(environ=MODEL | {"DEEPSEEK_API_KEY": " \n"})
    env_file = tmp_path / ".env"
    env_file.write_text("DEEPSEEK_API_KEY=sk-canary-1\n")
    loaded = load(environ=MODEL | {"DEEPSEEK_API_KEY": " \n"}, env_file=env_file)
    assert loaded.secrets.get("DEEPSEEK_API_KEY") == "sk-canary-1"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/v1",
        "http://93.184.216.34/v1",
        "http://[2606:4700::1]/v1",
        "http://[::ffff:93.184.216.34]/v1",
        "http://100.64.0.1/v1",
        "http://172.32.0.1/v1",
        "http://127.0.0.1.example.com/v1",
        "http://localhost.example.com/v1",
        "http://localhost@example.com/v1",
        "http://2130706433/v1",
    ],
)
def test_no_key_goes_over_the_open_net_in_the_clear(url: str) -> None:
    with pytest.raises(ConfigError, match="https") as caught:
        load(environ=MODEL | {BASE_URL: url})
    assert f"environment {BASE_URL}: llm.base_url" in str(caught.value)
    assert load(environ=MODEL | {BASE_URL: url.replace("http:", "https:")}).config.llm.base_url


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]", "[::ffff:10.0.0.1]"),
        *("10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.1.2", "[fd00::1]"),
    ],
)
def test_this_machine_and_the_own_net_may_be_asked_in_the_clear(host: str) -> None:
    url = f"http://{host}:8080/v1"
    assert load(environ=MODEL | {BASE_URL: url}).config.llm.base_url == url


def test_where_no_key_is_sent_any_address_will_do() -> None:
    local = {"DECISION_PROVIDER": "local", "TUI_TRADER_LLM__MODEL": "m"}
    assert load(environ=local | {BASE_URL: "http://example.com/v1"}).config.llm.base_url
    with pytest.raises(ConfigError, match="https") as caught:
        load(environ=local | {BASE_URL: "http://me:canary@example.com/v1"})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("fallback", "refused"), [("alive:m", True), ("local:m", False), ("openai:m", False)]
)
def test_the_key_of_a_model_that_stands_in_is_as_safe(fallback: str, refused: bool) -> None:
    environ = {
        "DECISION_PROVIDER": "local",
        "TUI_TRADER_LLM__MODEL": "m",
        BASE_URL: "http://example.com/v1",
        "TUI_TRADER_LLM__FALLBACK_MODELS": fallback,
    }
    if refused:
        with pytest.raises(ConfigError, match="https"):
            load(environ=environ)
    else:
        assert load(environ=environ).config.llm.fallback_models == (fallback,)
