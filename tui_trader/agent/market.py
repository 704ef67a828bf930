"""Which market an agent follows: the source and the clock that the configuration names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tui_trader.clock import Clock, VirtualClock
from tui_trader.config.errors import ConfigError
from tui_trader.config.schema import Config
from tui_trader.market_data.candle_files import CandleFile, load_candles
from tui_trader.market_data.interfaces import BaseMarketDataSource, MarketDataError
from tui_trader.market_data.replay import ReplaySource, replay_start_ms
from tui_trader.market_data.simulated import SimulatedSource
from tui_trader.timeframes import timeframe_ms

SIMULATION_START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z: where a simulation that does not run in real time begins."""


@dataclass(frozen=True, slots=True)
class Market:
    """A market to follow. `account` names the paper account that belongs to it; with `afresh` each
    run begins a new one, because its time does not go on from the last run's. `prices` are
    reference prices by symbol, in quote currency, for rounding.
    """

    source: BaseMarketDataSource
    clock: Clock
    symbols: tuple[str, ...]
    timeframe: str
    account: str
    afresh: bool
    prices: Mapping[str, float]


def open_market(config: Config, warmup: int, wall: Clock) -> Market:
    """The market of `config`; in real time it goes by `wall`. Raises ConfigError or
    MarketDataError."""
    if config.market.source == "simulated":
        return _simulated(config, wall)
    if config.market.source == "exchange":
        raise ConfigError(
            f"mode {config.agent.mode} needs an exchange, and this version has none yet: "
            "use --source simulated or --source replay:FILE"
        )
    return _replay(config, warmup)


def _simulated(config: Config, wall: Clock) -> Market:
    if not config.agent.symbols or config.agent.timeframe is None:
        raise ConfigError("the simulated market needs agent.symbols and agent.timeframe")
    in_real_time = config.market.speed == 1.0
    clock = wall if in_real_time else _virtual_clock(config, SIMULATION_START_MS)
    source = SimulatedSource(
        config.agent.symbols,
        clock,
        timeframe=config.agent.timeframe,
        seed=config.market.seed,
        spread_bps=config.market.spread_bps,
        lockstep=config.market.speed == "max",
    )
    return Market(
        source=source,
        clock=clock,
        symbols=config.agent.symbols,
        timeframe=config.agent.timeframe,
        account=f"simulated-{config.market.seed}",
        afresh=not in_real_time,
        prices={symbol: source.ticker(symbol).last for symbol in config.agent.symbols},
    )


def _replay(config: Config, warmup: int) -> Market:
    files = _files(config)
    timeframe = config.agent.timeframe or max((file.timeframe for file in files), key=timeframe_ms)
    clock = _virtual_clock(config, replay_start_ms(files, timeframe, warmup))
    source = ReplaySource(
        files,
        clock,
        timeframe=timeframe,
        spread_bps=config.market.spread_bps,
        lockstep=config.market.speed == "max",
    )
    return Market(
        source=source,
        clock=clock,
        symbols=tuple(file.symbol for file in files),
        timeframe=timeframe,
        account=f"replay-{files[0].path.stem}",
        afresh=True,
        prices={file.symbol: float(file.series.close[0]) for file in files},
    )


def _files(config: Config) -> list[CandleFile]:
    """The files of the replay; symbols are given to them in order where the configuration has
    any."""
    names = config.market.source.removeprefix("replay:").split(",")
    paths = [Path(name.strip()).expanduser() for name in names]
    symbols = config.agent.symbols or (None,) * len(paths)
    if len(symbols) != len(paths):
        raise ConfigError(
            f"agent.symbols lists {len(symbols)}, but the replay has {len(paths)} files: name one "
            "symbol a file, or none to take them from the files' names"
        )
    files = [load_candles(path, symbol=symbol) for path, symbol in zip(paths, symbols, strict=True)]
    quotes = {file.symbol.partition(":")[0].partition("/")[2] for file in files}
    if len(quotes) > 1:
        raise MarketDataError(
            f"the files are priced in {' and '.join(sorted(quotes))}: one account has one money"
        )
    return files


def _virtual_clock(config: Config, start_ms: int) -> VirtualClock:
    speed = config.market.speed
    return VirtualClock(start_ms) if speed == "max" else VirtualClock(start_ms, speed)
