"""The configuration: layers, provenance, and errors that say how to mend them."""

import os
from pathlib import Path

import pytest

from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import load
from tui_trader.config.schema import known_keys
from tui_trader.config.sources import S0_NAMES, from_flag

S0_ENVIRONMENT = {
    "EXCHANGE_TYPE": "binance_testnet",
    "SYMBOL": "BTC/USDT",
    "EXCHANGE_API_KEY": "key-canary",
    "EXCHANGE_API_SECRET": "secret-canary",
    "DEEPSEEK_API_KEY": "deepseek-canary",
    "LOOP_INTERVAL_SECONDS": "30",
    "MAX_EQUITY_USAGE_PCT": "0.10",
    "MAX_LEVERAGE": "3.0",
    "RUN_MODE": "testnet",
    "DAILY_LOSS_CAP_PCT": "0.05",
    "COOLDOWN_SECONDS": "60",
    "DECISION_PROVIDER": "deepseek",
    "TRADING_ENABLED": "true",
}


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_no_configuration_at_all_is_the_demo() -> None:
    loaded = load(environ={})
    assert loaded.demo
    assert loaded.config.agent.mode == "paper"
    assert loaded.config.market.source == "simulated"
    assert loaded.config.agent.strategy == "rules"
    assert loaded.origins["agent.timeframe"] == "default of the simulated market"


def test_the_environment_names_of_s0_work_as_written() -> None:
    loaded = load(environ=S0_ENVIRONMENT)
    config = loaded.config
    assert config.exchange.type == "binance_testnet"
    assert config.agent.symbols == ("BTC/USDT",)
    assert config.agent.interval_seconds == 30
    assert config.agent.mode == "testnet"
    assert config.agent.strategy == "llm"
    assert config.llm.provider == "deepseek"
    assert config.market.source == "exchange"
    assert config.risk.max_equity_usage_pct == 0.10
    assert config.risk.max_leverage == 3.0
    assert config.risk.daily_loss_cap_pct == 0.05
    assert config.risk.cooldown_seconds == 60
    assert config.risk.trading_enabled is True
    assert loaded.secrets.get("EXCHANGE_API_SECRET") == "secret-canary"
    assert not loaded.demo


def test_every_name_of_s0_has_its_key() -> None:
    assert set(S0_NAMES.values()) <= set(known_keys())


@pytest.mark.parametrize("name", ["EXCHANGE_API_KEY", "EXCHANGE_API_SECRET", "DEEPSEEK_API_KEY"])
def test_a_secret_that_the_mode_needs_is_asked_for_by_name(name: str) -> None:
    environ = {key: value for key, value in S0_ENVIRONMENT.items() if key != name}
    with pytest.raises(ConfigError, match=name):
        load(environ=environ)


def test_layers_overrule_each_other_and_every_value_knows_its_origin(tmp_path: Path) -> None:
    config_file = toml(
        tmp_path, "[risk]\nmax_leverage = 1\ncooldown_seconds = 1\n[paper]\nfee_bps = 1\n"
    )
    env_file = tmp_path / ".env"
    env_file.write_text("MAX_LEVERAGE=2\nCOOLDOWN_SECONDS=2\nSYMBOL=ETH/USDT\nOTHER_TOOL=x\n")
    environ = {"MAX_LEVERAGE": "3", "TUI_TRADER_PAPER__SLIPPAGE_BPS": "7"}
    flags = {"risk.max_leverage": from_flag("risk.max_leverage", "4", "--leverage")}
    loaded = load(flags=flags, environ=environ, env_file=env_file, config_file=config_file)
    assert loaded.config.risk.max_leverage == 4
    assert loaded.config.risk.cooldown_seconds == 2
    assert loaded.config.paper.fee_bps == 1
    assert loaded.config.paper.slippage_bps == 7
    assert loaded.config.agent.symbols == ("ETH/USDT",)
    assert loaded.origins["risk.max_leverage"] == "flag --leverage"
    assert loaded.origins["risk.cooldown_seconds"] == f"{env_file} COOLDOWN_SECONDS"
    assert loaded.origins["paper.fee_bps"] == f"{config_file} [paper]"
    assert loaded.origins["paper.slippage_bps"] == "environment TUI_TRADER_PAPER__SLIPPAGE_BPS"
    assert loaded.origins["paper.initial_capital"] == "default"
    assert not loaded.demo


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[risk]\nmax_postions = 3", "nearest known: risk.max_positions"),
        ("[rsk]\nmax_leverage = 3", "nearest known: risk"),
        ("max_leverage = 3", "nearest known: risk.max_leverage"),
        ("[risk]\nmax_leverage = 'three'", "risk.max_leverage"),
        ("[risk]\nmax_leverage = nan", "risk.max_leverage"),
        ("[risk]\nmax_leverage = inf", "risk.max_leverage"),
        ("[risk]\nmax_leverage = 1e400", "risk.max_leverage"),
        ("[risk]\nmax_leverage = 0", "greater than 0"),
        ("[risk]\nmax_equity_usage_pct = 10", "less than or equal to 1"),
        ("[risk]\ntrading_enabled = 'false'", "risk.trading_enabled"),
        ("[risk]\ncooldown_seconds = 1.5", "risk.cooldown_seconds"),
        ("[agent]\nmode = 'Live'", "agent.mode"),
        ("[agent]\ntimeframe = '5 minutes'", "as in 5m"),
        ("[agent]\nsymbols = ['btcusdt']", "write it as BTC/USDT"),
        ("[agent]\nsymbols = ['BTC/USDT', 'ETH/BTC']", "one quote currency"),
        ("[agent]\nstrategy = 'llmm'", "agent.strategy"),
        ("[agent]\nname = '../evil'", "agent.name"),
        ("[exchange]\napi_key = 'x'", "is a secret"),
        ("[market]\nspeed = 0", "greater than 0, or max"),
        ("risk = 3", "must be a table"),
        ("DEEPSEEK_API_KEY = 'x'", "is a secret"),
        ("[zzz]", "known tables: agent, market"),
        ("[risk\nmax_leverage = 3", "not valid TOML"),
        ("[llm]\nprovider = 'local'", "llm.base_url is missing"),
        ("[llm]\nprovider = 'deepseek'", "DEEPSEEK_API_KEY"),
        (
            "[llm]\nprovider='local'\nbase_url='http://127.0.0.1:1/v1'\nmodel='m'\nformat='simple'",
            "plan",
        ),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_file_key_and_remedy(
    tmp_path: Path, text: str, said: str
) -> None:
    path = toml(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(environ={}, config_file=path)
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("key", sorted(known_keys()))
def test_every_misspelt_key_is_refused(tmp_path: Path, key: str) -> None:
    section, _, name = key.partition(".")
    path = toml(tmp_path, f"[{section}]\n{name[:-1]}_ = 1\n")
    with pytest.raises(ConfigError, match="unknown key") as caught:
        load(environ={}, config_file=path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"COOLDOWN_SECOND": "60"}, "nearest known: COOLDOWN_SECONDS"),
        ({"TUI_TRADER_RISK__MAX_LEVERAG": "2"}, "nearest known: TUI_TRADER_RISK__MAX_LEVERAGE"),
        ({"COOLDOWN_SECS": "60"}, "nearest known: COOLDOWN_SECONDS"),
        ({"DAILY_LOSS_CAP": "0.05"}, "nearest known: DAILY_LOSS_CAP_PCT"),
        ({"trading_enabled": "false"}, "nearest known: TRADING_ENABLED"),
        ({"tui_trader_risk__max_leverage": "2"}, "nearest known: TUI_TRADER_RISK__MAX_LEVERAGE"),
        ({"TUI_TRADER_MARKET__SPEED": "fast"}, "must be a number greater than 0, or max"),
        ({"TRADING_ENABLED": "maybe"}, "must be true or false"),
        ({"MAX_LEVERAGE": "３"}, "risk.max_leverage"),
        ({"MAX_LEVERAGE": "nan"}, "risk.max_leverage"),
        ({"MAX_LEVERAGE": "1e999"}, "risk.max_leverage"),
        ({"MAX_EQUITY_USAGE_PCT": "10%"}, "risk.max_equity_usage_pct"),
        ({"EXCHANGE_TYPE": "binanze"}, "exchange.type"),
    ],
)
def test_a_mistake_in_the_environment_is_refused(environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ=environ)
    assert said in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for argument in ("config_file", "env_file"):
        with pytest.raises(ConfigError, match=r"nowhere.*no such file"):
            load(environ={}, **{argument: tmp_path / "nowhere"})  # type: ignore[arg-type]


def test_a_replay_flag_means_paper_whatever_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    flags = {"market.source": from_flag("market.source", f"replay:{tmp_path}/x.csv", "--source")}
    loaded = load(flags=flags, environ=S0_ENVIRONMENT)
    assert loaded.config.agent.mode == "paper"
    assert loaded.origins["agent.mode"] == "implied by flag --source"


def test_live_with_a_simulated_market_is_refused() -> None:
    environ = S0_ENVIRONMENT | {"RUN_MODE": "live", "TUI_TRADER_MARKET__SOURCE": "simulated"}
    with pytest.raises(ConfigError, match="live trades on an exchange"):
        load(environ=environ)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_an_env_file_that_others_can_read_is_told_and_refused_in_live(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("\n".join(f"{name}={value}" for name, value in S0_ENVIRONMENT.items()))
    env_file.chmod(0o644)
    assert "chmod 600" in load(environ={}, env_file=env_file).warnings[0]
    with pytest.raises(ConfigError, match="chmod 600"):
        load(environ={"RUN_MODE": "live"}, env_file=env_file)
    env_file.chmod(0o600)
    assert load(environ={}, env_file=env_file).warnings == ()


def test_dotenv_values_are_not_expanded(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("DEEPSEEK_API_KEY=a${HOME}b\n")
    assert load(environ={}, env_file=env_file).secrets.get("DEEPSEEK_API_KEY") == "a${HOME}b"


def test_secrets_are_never_shown() -> None:
    loaded = load(environ=S0_ENVIRONMENT)
    shown = f"{loaded!r} {loaded.config.model_dump_json()}"
    assert "canary" not in shown
