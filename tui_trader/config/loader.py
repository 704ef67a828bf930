"""One configuration from all its layers: flags > environment > .env > config.toml > defaults.

Every value knows where it came from. Mistakes raise ConfigError, which says what, where, and how to
mend it.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tui_trader.config.errors import ConfigError, shown
from tui_trader.config.schema import Config, known_keys
from tui_trader.config.secrets import EXCHANGE_SECRETS, Secrets, read_secrets
from tui_trader.config.sources import Value, read_dotenv, read_names, read_toml
from tui_trader.decision.providers import PROVIDERS, endpoint

SIMULATED_DEFAULTS: Mapping[str, Any] = {
    "agent.symbols": ("BTC/USDT", "ETH/USDT", "SOL/USDT"),
    "agent.timeframe": "5s",
    "agent.interval_seconds": 5.0,
    "exchange.market": "linear",
    "risk.cooldown_seconds": 15,
    "risk.daily_loss_cap_pct": 0.05,
}
"""What the simulated market uses where nothing else is said: fast enough to watch."""


_ASKS_A_MODEL = ("provider", "model", "base_url")
"""Of `[llm]`, what nobody sets who wants the rules to decide."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The effective configuration, its secrets, and the origin of each value by dotted key.

    `demo` is True when neither a file nor the environment configures anything and the market is
    simulated; `warnings` are to be shown; `files` are those that were read.
    """

    config: Config
    secrets: Secrets = field(default_factory=Secrets)
    origins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    demo: bool = False
    files: tuple[Path, ...] = ()


def load(
    *,
    flags: Mapping[str, Value] | None = None,
    environ: Mapping[str, str] | None = None,
    env_file: Path | None = None,
    config_file: Path | None = None,
) -> LoadedConfig:
    """Read, layer and check the configuration.

    `env_file` and `config_file` must exist when given. Raises ConfigError.
    """
    environ = os.environ if environ is None else environ
    dotenv = read_dotenv(env_file) if env_file else {}
    layers: list[Mapping[str, Value]] = [
        read_toml(config_file) if config_file else {},
        read_names(dotenv, str(env_file)),
        read_names(environ, "environment"),
        flags or {},
    ]
    values: dict[str, Value] = {}
    for layer in layers:
        values |= layer
    _imply(values)
    config = _validate(values)
    secrets = Secrets(read_secrets(dotenv, str(env_file)) | read_secrets(environ, "environment"))
    warnings = _check_env_file(env_file, config) if secrets.by_name and env_file else ()
    _require(config, secrets, values)
    origins = {key: values[key].origin if key in values else "default" for key in known_keys()}
    demo = not any(layers[:3]) and config.market.source == "simulated"
    files = tuple(path for path in (env_file, config_file) if path is not None)
    return LoadedConfig(config, secrets, origins, warnings, demo, files)


def _imply(values: dict[str, Value]) -> None:
    """Fill in what follows from what was said."""
    asked = [values[f"llm.{name}"] for name in _ASKS_A_MODEL if f"llm.{name}" in values]
    if asked:
        values.setdefault("agent.strategy", Value("llm", f"implied by {asked[0].origin}"))
    source = values.get("market.source")
    if source is None:
        mode = values.get("agent.mode")
        if mode is not None and mode.raw in ("testnet", "live"):
            source = values["market.source"] = Value("exchange", f"implied by {mode.origin}")
    elif source.origin.startswith("flag") and source.raw != "exchange":
        mode = values.get("agent.mode")
        if mode is None or not mode.origin.startswith("flag"):
            values["agent.mode"] = Value("paper", f"implied by {source.origin}")
    if source is None or source.raw == "simulated":
        for key, raw in SIMULATED_DEFAULTS.items():
            values.setdefault(key, Value(raw, "default of the simulated market"))


def _validate(values: Mapping[str, Value]) -> Config:
    document: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        document.setdefault(section, {})[name] = value.raw
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(values, error))) from None


def _explain(values: Mapping[str, Value], error: ValidationError) -> list[str]:
    lines = []
    for detail in error.errors(include_url=False):
        key = ".".join(str(part) for part in detail["loc"][:2])
        raw, message = detail["input"], detail["msg"].removeprefix("Value error, ")
        if blamed := detail.get("ctx", {}).get("blamed"):
            key, raw = f"{key}.{blamed}", raw[blamed]
        value = values.get(key)
        origin = value.origin if value else "configuration"
        about = known_keys()[key].description if key in known_keys() else ""
        if detail["type"] == "string_pattern_mismatch":
            message = "is not one of the forms allowed"
        for part in raw if isinstance(raw, list | tuple) else (raw,):
            message = message.replace(repr(part), shown(part))
        line = f"{origin}: {key} = {shown(raw)}: {message} ({about})"
        if line not in lines:
            lines.append(line)
    return lines


def _check_env_file(path: Path, config: Config) -> tuple[str, ...]:
    """Secrets in a file that others can read: refused in live, told otherwise."""
    info = path.lstat()
    if stat.S_ISLNK(info.st_mode):
        problem = "is a symbolic link"
    elif info.st_uid != os.getuid():
        problem = "belongs to another user"
    elif info.st_mode & 0o077:
        problem = f"can be read by other users (mode {stat.S_IMODE(info.st_mode):04o})"
    else:
        return ()
    message = f"{path} {problem}; mend it with: chmod 600 {path.name}"
    if config.agent.mode == "live":
        raise ConfigError(message)
    return (message,)


def _require(config: Config, secrets: Secrets, values: Mapping[str, Value]) -> None:
    """Refuse combinations that can't work, naming what is missing."""
    mode, source = config.agent.mode, config.market.source
    if source.startswith("replay:"):
        for name in source.removeprefix("replay:").split(","):
            path = Path(name.strip()).expanduser()
            if not path.is_file():
                problem = "is not a file" if path.exists() else "no such file"
                raise ConfigError(f"{values['market.source'].origin}: {name}: {problem}")
    if mode != "paper":
        for name in EXCHANGE_SECRETS:
            if secrets.get(name) is None:
                raise ConfigError(
                    f"mode {mode} (set by {values['agent.mode'].origin}) needs {name} in the "
                    "environment or .env, and an exchange, which this version does not have yet"
                )
        if source != "exchange":
            raise ConfigError(
                f"mode {mode} trades on an exchange, but market.source is {source}: "
                'set agent.mode = "paper", or market.source = "exchange"'
            )
    if config.agent.strategy == "llm":
        _require_llm(config, secrets)


def _require_llm(config: Config, secrets: Secrets) -> None:
    from tui_trader.decision.formats import answer_format

    llm = config.llm
    name = PROVIDERS[llm.provider].key_env
    try:
        endpoint(
            llm.provider,
            model=llm.model,
            base_url=llm.base_url,
            api_key=secrets.get(name) if name else None,
        )
        if llm.format is not None:
            answer_format(llm.format, config.agent.symbols)
    except ValueError as error:
        raise ConfigError(str(error)) from None
