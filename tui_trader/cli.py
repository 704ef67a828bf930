"""The command line. It reads flags and configuration, then hands over; heavy imports come later.

Exit codes: 0 ended as asked, 1 failed, 2 usage or configuration error (on stderr, no traceback).
"""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui_trader import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tui_trader.agent.runtime import AgentRuntime
    from tui_trader.config.loader import LoadedConfig
    from tui_trader.link.client import EngineClient

    Load = Callable[[], LoadedConfig]

FAILED = 1
USAGE_ERROR = 2

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="[COMMAND]",
)

ConfigOption = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
EnvOption = Annotated[Path | None, typer.Option(help="File with environment names.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tui-trader {__version__}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True,
    epilog="Without --config, config.toml is read from the configuration folder if it is there: "
    "$TUI_TRADER_HOME, else the platform's own (~/.config/tui-trader on Linux). Without --env, "
    ".env in the working folder, else the one beside config.toml. With nothing configured the "
    "demo runs: a simulated market, transparent rules, paper money.",
)
def run(
    context: typer.Context,
    config: ConfigOption = None,
    env: EnvOption = None,
    source: Annotated[
        str | None, typer.Option(help="simulated, replay:FILE[,FILE...] or exchange.")
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="Instruments such as BTC/USDT,ETH/USDT.")
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
    live: Annotated[
        bool, typer.Option("--live", help="Trade real money; refused: no exchange yet.")
    ] = False,
    no_mouse: Annotated[
        bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log at debug level.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    """Run an LLM trading agent and watch it work."""
    if context.invoked_subcommand is not None:
        context.obj = (config, env)
        return
    given = {
        "market.source": ("--source", source),
        "agent.symbols": ("--symbol", ",".join(symbol) if symbol else None),
        "agent.timeframe": ("--timeframe", timeframe),
        "market.speed": ("--speed", speed),
        "agent.interval_seconds": ("--interval", interval),
        "agent.mode": ("--live", "live" if live else None),
        "logging.level": ("--verbose", "debug" if verbose else None),
    }

    def load() -> "LoadedConfig":
        return _load(config, env, given)

    if not no_ui and sys.stdin.isatty() and sys.stdout.isatty():
        code = _run_console(load, cycles, data_dir, mouse=not no_mouse)
    else:
        if not no_ui:
            typer.echo("no terminal here: running without the console", err=True)
        code = _run_headless(load, cycles, data_dir)
    raise typer.Exit(code)


@app.command()
def doctor(context: typer.Context, config: ConfigOption = None, env: EnvOption = None) -> None:
    """Check everything that a run needs.

    That is the configuration, the market, folders, the terminal, and your strategy with its models.
    Each model is asked a tiny question.
    """
    from tui_trader.config.errors import ConfigError
    from tui_trader.ops.doctor import examine, report

    above: tuple[Path | None, Path | None] = context.obj
    try:
        loaded = _load(config or above[0], env or above[1], {})
    except ConfigError as error:
        _say(str(error))
        raise typer.Exit(USAGE_ERROR) from None
    if sys.stderr.isatty():
        typer.echo("looking...", err=True)
    findings = examine(loaded)
    typer.echo(report(findings))
    raise typer.Exit(FAILED if any(finding.failed for finding in findings) else 0)


@app.command()
def prompt() -> None:
    """Print the packaged prompt template, as a start for your own."""
    from tui_trader.decision.templates import packaged_text

    typer.echo(packaged_text(), nl=False)


def _run_console(load: "Load", cycles: int | None, data_dir: Path | None, *, mouse: bool) -> int:
    """Show the console; what takes time to import comes after its first frame."""
    from tui_trader.console import run_console

    def connect() -> "EngineClient":
        with _refusing():
            loaded = load()
        from tui_trader.agent.assembly import assemble
        from tui_trader.link.local import LocalClient

        async def build() -> "AgentRuntime":
            with _refusing():
                return await assemble(loaded, max_cycles=cycles, data_dir=data_dir, watched=True)

        return LocalClient(build)

    return run_console(connect, mouse=mouse)


def _run_headless(load: "Load", cycles: int | None, data_dir: Path | None) -> int:
    from tui_trader.agent.assembly import assemble
    from tui_trader.headless import run_headless
    from tui_trader.link import StartRefused

    try:
        with _refusing():
            loaded = load()
            return run_headless(
                lambda: assemble(loaded, max_cycles=cycles, data_dir=data_dir), loaded.files
            )
    except StartRefused as refused:
        _say(str(refused))
        return refused.code


@contextmanager
def _refusing() -> "Iterator[None]":
    """Where the configuration, the candles or the disk stand in the way, the start is refused."""
    from tui_trader.config.errors import ConfigError
    from tui_trader.link import StartRefused
    from tui_trader.market_data.interfaces import MarketDataError
    from tui_trader.trading_history.database import StoreError

    try:
        yield
    except ConfigError as error:
        raise StartRefused(str(error), USAGE_ERROR) from None
    except (MarketDataError, StoreError, OSError) as error:
        raise StartRefused(str(error), FAILED) from None


def _load(
    config: Path | None, env: Path | None, given: "Mapping[str, tuple[str, Any]]"
) -> "LoadedConfig":
    """The configuration with the flags that were `given`, by key. Raises ConfigError."""
    from tui_trader import paths
    from tui_trader.config.loader import load
    from tui_trader.config.sources import from_flag

    folder = paths.config_folder()
    files = [path for path in (Path(".env"), folder / ".env") if path.is_file()]
    default = folder / "config.toml"
    return load(
        flags={
            key: from_flag(key, value, flag)
            for key, (flag, value) in given.items()
            if value is not None
        },
        env_file=env or next(iter(files), None),
        config_file=config or (default if default.is_file() else None),
    )


def _say(message: str) -> None:
    """One or more lines on stderr, each with the program's name."""
    typer.echo("\n".join(f"tui-trader: {line}" for line in message.splitlines()), err=True)


def main() -> None:
    """Entry point of the `tui-trader` command."""
    app()
