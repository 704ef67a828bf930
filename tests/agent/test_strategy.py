"""Who decides, and with what: models with their addresses and keys, and code of the user's."""

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from tui_trader.agent.base_agent import BaseStrategyAgent
from tui_trader.agent.strategy import load_agent, model_config
from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import LoadedConfig
from tui_trader.config.schema import Config
from tui_trader.config.secrets import PROVIDER_SECRETS, Secrets
from tui_trader.models import ExchangeConfig, LlmModelConfig, TradingConfig, UserRequest

PROXY = "https://proxy.example/v1"


def loaded(**sections: dict[str, object]) -> LoadedConfig:
    secrets = Secrets({name: SecretStr(f"key of {name}") for name in PROVIDER_SECRETS})
    return LoadedConfig(Config.model_validate(sections), secrets)


@pytest.mark.parametrize(
    ("provider", "fallback", "address"),
    [
        ("deepseek", "deepseek:deepseek-v4-pro", PROXY),
        ("openai", "openai:small", PROXY),
        ("openai", "alive:m", PROXY),
        ("openai", "local:m", PROXY),
        ("openai", "deepseek:deepseek-flash", None),
        ("local", "openai:small", None),
    ],
)
def test_a_key_goes_to_the_address_of_its_provider_and_nowhere_else(
    provider: str, fallback: str, address: str | None
) -> None:
    llm: dict[str, object] = {"provider": provider, "model": "m", "base_url": PROXY}
    config = model_config(loaded(llm=llm | {"fallback_models": (fallback,)}), ("BTC/USDT",))
    (choice,) = config.fallbacks
    assert config.base_url == PROXY
    assert choice.base_url == address


@pytest.mark.parametrize(
    ("interval", "deadline"), [(1.0, 20.0), (60.0, 30.0), (7_200.0, 3_600.0), (86_400.0, 3_600.0)]
)
def test_the_deadline_that_nobody_set_keeps_to_the_bounds_of_one_that_is_set(
    interval: float, deadline: float
) -> None:
    config = loaded(agent={"interval_seconds": interval})
    found = model_config(config, ("BTC/USDT",)).deadline_seconds
    assert found == deadline
    loaded(llm={"deadline_seconds": found})  # which refuses what is out of bounds


REQUEST = UserRequest(
    llm_model_config=LlmModelConfig(provider="local"),
    exchange_config=ExchangeConfig(),
    trading_config=TradingConfig(symbols=("BTC/USDT",)),
)
BROKEN = {
    "a syntax error": ("class Mine(:\n    pass\n", "SyntaxError", 1),
    "an indentation error": ("x = 1\n  y = 2\n", "IndentationError", 2),
    "an error at its import": ("x = 1\n\ny = 1 / 0\n", "ZeroDivisionError", 3),
    "a missing library": ("\nimport no_such_library_here\n", "no_such_library_here", 2),
    "an exit": ("import sys\nsys.exit(0)\n", "SystemExit", 2),
    "an error when it is made": (
        "from tui_trader.decision.interfaces import BaseComposer\n"
        "class Mine(BaseComposer):\n"
        "    async def compose(self, context): ...\n"
        "    def __init__(self, request):\n"
        "        request.nonsense\n",
        "AttributeError",
        5,
    ),
    "an error of ours that it asked for": (
        "from tui_trader.decision.composer import LlmComposer\n"
        "class Mine(LlmComposer):\n"
        "    def __init__(self, request):\n"
        "        super().__init__(request)\n",
        "llm.base_url is missing",
        4,
    ),
    "an agent that can't be made": (
        "from tui_trader.agent.base_agent import BaseStrategyAgent\n"
        "class Mine(BaseStrategyAgent):\n"
        "    def __init__(self):\n"
        "        raise RuntimeError('no luck')\n",
        "RuntimeError: no luck",
        4,
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", BROKEN)
def test_code_that_fails_is_told_with_strategy_file_and_line_and_logged_whole(
    folder: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    text, said, line = BROKEN[name]
    module = f"broken_{list(BROKEN).index(name)}"
    path = folder / f"{module}.py"
    path.write_text(text)
    with caplog.at_level(logging.ERROR), pytest.raises(ConfigError) as caught:
        load_agent(f"{module}:Mine", REQUEST)
    told = str(caught.value)
    assert told.startswith(f"agent.strategy = '{module}:Mine': {path}, line {line}: ")
    assert said in told
    assert "\n" not in told
    (record,) = caplog.records
    assert record.exc_info is not None


def test_the_line_told_is_the_user_s_although_a_library_failed_below_it(folder: Path) -> None:
    (folder / "helper_below.py").write_text("import json\ndef read():\n    json.loads('{')\n")
    (folder / "uses_helper.py").write_text("import helper_below\n\nhelper_below.read()\n")
    with pytest.raises(ConfigError, match=r"uses_helper\.py, line 3: JSONDecodeError"):
        load_agent("uses_helper:Mine", REQUEST)


def test_a_composer_that_does_not_take_the_request_is_told_with_its_file(folder: Path) -> None:
    (folder / "takes_nothing.py").write_text(
        "from tui_trader.decision.interfaces import BaseComposer\n"
        "class Mine(BaseComposer):\n"
        "    async def compose(self, context): ...\n"
    )
    with pytest.raises(ConfigError, match=r"takes_nothing\.py: TypeError: .*takes no arguments"):
        load_agent("takes_nothing:Mine", REQUEST)


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("no_such_module_here:Mine", "PYTHONPATH"),
        ("no_such_package_here.inner:Mine", "PYTHONPATH"),
        ("json:Mine", "no class of that name"),
        ("json:JSONDecoder", "is no BaseComposer or BaseStrategyAgent"),
    ],
)
def test_what_is_not_there_is_told_with_a_remedy(strategy: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"agent.strategy = '{strategy}'.*{said}"):
        load_agent(strategy, REQUEST)


def test_an_agent_of_one_s_own_is_found(folder: Path) -> None:
    (folder / "is_fine.py").write_text(
        "from tui_trader.agent.base_agent import BaseStrategyAgent\n"
        "class Mine(BaseStrategyAgent):\n"
        "    pass\n"
    )
    agent, composer = load_agent("is_fine:Mine", REQUEST)
    assert isinstance(agent, BaseStrategyAgent)
    assert type(agent).__name__ == "Mine"
    assert composer is None
