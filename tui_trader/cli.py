"""The command line. It reads flags and configuration, then hands over; heavy imports come later.

Exit codes: 0 ended as asked, 1 failed, 2 usage or configuration error (on stderr, no traceback).
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from tui_trader import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tui_trader.agent.runtime import AgentRuntime
    from tui_trader.config.loader import LoadedConfig
    from tui_trader.config.sources import Value
    from tui_trader.link.client import EngineClient

FAILED = 1
USAGE_ERROR = 2

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tui-trader {__version__}")
        raise typer.Exit


@app.command(
    epilog="Without --config, config.toml is read from the configuration folder if it is there: "
    "$TUI_TRADER_HOME, else the platform's own (~/.config/tui-trader on Linux). Without --env, "
    ".env in the working folder, else the one beside config.toml. With nothing configured the "
    "demo runs: a simulated market, transparent rules, paper money."
)
def run(
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    env: Annotated[Path | None, typer.Option(help="File with environment names.")] = None,
    source: Annotated[
        str | None, typer.Option(help="simulated, replay:FILE[,FILE...] or exchange.")
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="Instrument such as BTC/USDT; may be repeated.")
    ] = None,
    timeframe: Annotated[str | None, typer.Option(help="Candle length, such as 5m.")] = None,
    speed: Annotated[
        str | None, typer.Option(help="Of a replay or simulation: times real time, or max.")
    ] = None,
    interval: Annotated[str | None, typer.Option(help="Seconds between two decisions.")] = None,
    cycles: Annotated[int | None, typer.Option(min=1, help="End after so many cycles.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where logs and state are kept (for this run).")
    ] = None,
    no_ui: Annotated[
        bool, typer.Option("--no-ui", help="No console: lines on a terminal, JSON when piped.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Trade real money (asks again).")] = False,
    no_mouse: Annotated[
        bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log at debug level.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    """Run an LLM trading agent and watch it work."""
    from tui_trader.config.sources import from_flag

    given = {
        "market.source": ("--source", source),
        "agent.symbols": ("--symbol", tuple(symbol) if symbol else None),
        "agent.timeframe": ("--timeframe", timeframe),
        "market.speed": ("--speed", speed),
        "agent.interval_seconds": ("--interval", interval),
        "agent.mode": ("--live", "live" if live else None),
        "console.mouse": ("--no-mouse", False if no_mouse else None),
        "logging.level": ("--verbose", "debug" if verbose else None),
    }
    flags = {
        key: from_flag(key, value, flag)
        for key, (flag, value) in given.items()
        if value is not None
    }
    loaded = _load(config, env, flags)
    headless = no_ui or not (sys.stdin.isatty() and sys.stdout.isatty())
    if not headless and os.environ.get("TERM", "dumb") == "dumb":
        _refuse("this terminal (TERM is dumb or unset) can't show a console: use --no-ui")
    raise typer.Exit(_start(loaded, cycles, data_dir, headless=headless, asked=no_ui))


def _load(config: Path | None, env: Path | None, flags: "dict[str, Value]") -> "LoadedConfig":
    from tui_trader import paths
    from tui_trader.config.errors import ConfigError
    from tui_trader.config.loader import load

    folder = paths.config_folder()
    files = [path for path in (Path(".env"), folder / ".env") if path.is_file()]
    default = folder / "config.toml"
    try:
        return load(
            flags=flags,
            env_file=env or next(iter(files), None),
            config_file=config or (default if default.is_file() else None),
        )
    except ConfigError as error:
        _refuse(str(error))


def _start(
    loaded: "LoadedConfig",
    cycles: int | None,
    data_dir: Path | None,
    *,
    headless: bool,
    asked: bool,
) -> int:
    """Run with a console or without; return the exit code."""

    async def build() -> "AgentRuntime":
        from tui_trader.agent.assembly import assemble

        return await assemble(loaded, max_cycles=cycles, data_dir=data_dir)

    if headless:
        if not asked:
            typer.echo("no terminal here: running without the console", err=True)
        return _run_headless(build)
    from tui_trader.console import run_console

    def connect() -> "EngineClient":
        from tui_trader.link.local import LocalClient

        return LocalClient(build)

    return run_console(connect, mouse=loaded.config.console.mouse)


def _run_headless(build: "Callable[[], Awaitable[AgentRuntime]]") -> int:
    from tui_trader.config.errors import ConfigError
    from tui_trader.headless import run_headless
    from tui_trader.market_data.interfaces import MarketDataError
    from tui_trader.trading_history.database import StoreError

    try:
        return run_headless(build)
    except ConfigError as error:
        _refuse(str(error))
    except (MarketDataError, StoreError, OSError) as error:
        _refuse(str(error), FAILED)


def _refuse(message: str, code: int = USAGE_ERROR) -> NoReturn:
    """End with exit code `code` and say why on stderr."""
    typer.echo("\n".join(f"tui-trader: {line}" for line in message.splitlines()), err=True)
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the `tui-trader` command."""
    app()
