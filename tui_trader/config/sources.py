"""Where configuration values come from: one reader a layer, giving raw values by dotted key."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from tui_trader.config.errors import ConfigError, shown
from tui_trader.config.schema import Config, known_keys
from tui_trader.config.secrets import SECRET_NAMES

PREFIX = "TUI_TRADER_"

S0_NAMES = {
    "EXCHANGE_TYPE": "exchange.type",
    "SYMBOL": "agent.symbols",
    "LOOP_INTERVAL_SECONDS": "agent.interval_seconds",
    "MAX_EQUITY_USAGE_PCT": "risk.max_equity_usage_pct",
    "MAX_LEVERAGE": "risk.max_leverage",
    "RUN_MODE": "agent.mode",
    "DAILY_LOSS_CAP_PCT": "risk.daily_loss_cap_pct",
    "COOLDOWN_SECONDS": "risk.cooldown_seconds",
    "DECISION_PROVIDER": "llm.provider",
    "TRADING_ENABLED": "risk.trading_enabled",
}
"""The environment names of source document S0, and the keys that they set."""

_NEARLY = 0.85
"""How alike a name must be to be taken for a misspelt one: DAILY_LOSS_CAP is."""

OWN_NAMES = {"TUI_TRADER_HOME"}
"""Names with our prefix that are no configuration keys."""

_SECRET = re.compile(r"(api_?key|secret|(?<!max_)token|password)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class Value:
    """A raw value and where it was found, in words (`config.toml [risk]`, `environment SYMBOL`)."""

    raw: Any
    origin: str


def read_toml(path: Path) -> dict[str, Value]:
    """The values of a TOML file. Raises ConfigError naming file and key."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return dict(_flatten(document, path))


def _flatten(document: Mapping[str, Any], path: Path) -> Iterable[tuple[str, Value]]:
    keys = known_keys()
    for section, table in document.items():
        if section not in Config.model_fields:
            if _SECRET.search(section):
                raise ConfigError(f"{path}: {_misplaced(section)}")
            inner = [key for key in keys if key.endswith(f".{section}")]
            nearest = inner or difflib.get_close_matches(section, Config.model_fields, n=1)
            hint = f"nearest known: {nearest[0]}" if nearest else f"known tables: {_tables()}"
            raise ConfigError(f"{path}: unknown key {section!r}; {hint}")
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {section} must be a table: write [{section}]")
        for name, raw in table.items():
            key = f"{section}.{name}"
            if key not in keys:
                raise ConfigError(f"{path}: {_unknown(key, keys)}")
            yield key, Value(raw, f"{path} [{section}]")


def _tables() -> str:
    return ", ".join(Config.model_fields)


def _misplaced(key: str) -> str:
    return f"{key} is a secret: put it into the environment or .env, never into a config file"


def _unknown(key: str, keys: Iterable[str]) -> str:
    if _SECRET.search(key):
        return _misplaced(key)
    section, _, name = key.partition(".")
    siblings = [other for other in keys if other.startswith(f"{section}.")]
    nearest = difflib.get_close_matches(
        key, siblings, n=1, cutoff=0.6
    ) or difflib.get_close_matches(
        name, [other.partition(".")[2] for other in keys], n=1, cutoff=0.6
    )
    if nearest and "." not in nearest[0]:
        nearest = [other for other in keys if other.endswith(f".{nearest[0]}")]
    if not nearest:
        nearest = difflib.get_close_matches(key, list(keys), n=1, cutoff=0.0)
    return f"unknown key {key!r}; nearest known: {nearest[0]}"


def read_dotenv(path: Path) -> dict[str, str]:
    """Names and values of a `.env` file, without expansion of variables."""
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    try:
        pairs = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None
    return {name: value for name, value in pairs.items() if value is not None}


def read_names(names: Mapping[str, str], where: str) -> dict[str, Value]:
    """The values among environment names: S0's, and `TUI_TRADER_<SECTION>__<KEY>` for any key.

    A name with our prefix that is no key is refused, and so is one that is nearly one of S0's: a
    misspelt limit must not be ignored.
    """
    keys = known_keys()
    by_name = {f"{PREFIX}{key.replace('.', '__').upper()}": key for key in keys} | S0_NAMES
    values: dict[str, Value] = {}
    for name, text in names.items():
        key = by_name.get(name)
        if key is None:
            _refuse_misspelt(name, by_name, where)
        elif text.strip():
            values[key] = Value(_from_text(text.strip(), key, f"{where} {name}"), f"{where} {name}")
    return values


def _refuse_misspelt(name: str, by_name: Mapping[str, str], where: str) -> None:
    if name in SECRET_NAMES or name in OWN_NAMES:
        return
    ours = name.upper().startswith(PREFIX)
    near = difflib.get_close_matches(
        name.upper(), by_name if ours else S0_NAMES, n=1, cutoff=_NEARLY
    )
    if ours or near:
        hint = f"; nearest known: {near[0]}" if near else ""
        raise ConfigError(f"{where}: unknown name {name!r}{hint}")


def _from_text(text: str, key: str, origin: str) -> Any:
    """A raw value from text, by the type of the key; what does not fit is left to validation."""
    annotation = str(known_keys()[key].annotation)
    if key in ("agent.symbols", "features.indicators", "llm.fallback_models"):
        return tuple(part.strip() for part in text.split(","))
    if "bool" in annotation:
        if text.lower() not in _BOOLEANS:
            raise ConfigError(f"{origin}: {key} must be true or false, not {shown(text)}")
        return _BOOLEANS[text.lower()]
    if ("float" in annotation or "int" in annotation) and _NUMBER.fullmatch(text):
        return (
            float(text) if "float" in annotation or not text.lstrip("+-").isdigit() else int(text)
        )
    return text


def from_flag(key: str, value: Any, flag: str) -> Value:
    """The value of a command-line flag."""
    raw = _from_text(value, key, f"flag {flag}") if isinstance(value, str) else value
    return Value(raw, f"flag {flag}")
