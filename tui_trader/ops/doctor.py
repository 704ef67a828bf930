"""`tui-trader doctor`: everything that a run needs, looked at before it is needed."""

import asyncio
import locale
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tui_trader import paths
from tui_trader.agent.assembly import feature_computer
from tui_trader.agent.base_agent import shielded
from tui_trader.agent.market import Market, open_market
from tui_trader.agent.minds import make_deciders
from tui_trader.agent.strategy import make_request
from tui_trader.clock import SystemClock
from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import LoadedConfig
from tui_trader.decision.providers import Endpoint, Prices
from tui_trader.decision.providers.completion import NEEDS_OPERATOR
from tui_trader.decision.providers.factory import endpoint_of
from tui_trader.decision.providers.house import PROBE_SECONDS, ModelHouse, client_of, model_house
from tui_trader.decision.providers.interfaces import BaseModelGateway
from tui_trader.decision.providers.probe import probe
from tui_trader.decision.providers.recorded import PROVIDER as RECORDED
from tui_trader.decision.providers.spending import Spending
from tui_trader.market_data.interfaces import MarketDataError
from tui_trader.models import LlmModelConfig, ModelChoice
from tui_trader.ops.lock import FolderBusyError, FolderLock

LEAST_FREE = 200_000_000
"""Bytes of disk below which a run is warned about: logs and records of a few weeks."""


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "WARN"
    FAILED = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table; `text` says what was found and, unless all is well, how to mend it."""

    subject: str
    grade: Grade
    text: str

    @property
    def failed(self) -> bool:
        return self.grade is Grade.FAILED


def examine(loaded: LoadedConfig) -> list[Finding]:
    """Look at everything, and ask the models that a run would ask a tiny question each."""
    # Else logging would print amid the table what the user's code has raised.
    logging.getLogger().addHandler(logging.NullHandler())
    market, findings = _market(loaded)
    return [
        *_configuration(loaded),
        *findings,
        *_disk(),
        *_terminal(),
        *(asyncio.run(_models(loaded, market)) if market else ()),
    ]


def report(findings: list[Finding]) -> str:
    """The table, a line each, and the sum of it."""
    width = max(len(finding.subject) for finding in findings)
    lines = [f"{it.grade:<4}  {it.subject:<{width}}  {it.text}" for it in findings]
    failed = sum(finding.failed for finding in findings)
    warned = sum(finding.grade is Grade.WARNING for finding in findings)
    lines.append(f"{failed} failed, {warned} warned of, {len(findings) - failed - warned} well")
    return "\n".join(lines)


def _configuration(loaded: LoadedConfig) -> Iterator[Finding]:
    config = loaded.config
    files = ", ".join(map(str, loaded.files)) or "no file, defaults"
    what = f"{config.agent.mode}, {config.market.source}, {config.agent.strategy}"
    yield Finding("configuration", Grade.OK, f"{what} ({files})")
    for warning in loaded.warnings:
        yield Finding("configuration", Grade.WARNING, warning)


def _market(loaded: LoadedConfig) -> tuple[Market | None, list[Finding]]:
    """The market, opened as a run opens it; None where that fails."""
    try:
        market = open_market(loaded.config, feature_computer(loaded.config).warmup, SystemClock())
    except (ConfigError, MarketDataError, OSError) as error:
        return None, [Finding("market", Grade.FAILED, str(error))]
    told = [Finding("market", Grade.OK, f"{', '.join(market.symbols)} {market.timeframe}")]
    if market.afresh:
        return market, told
    folder = paths.profile_folder(paths.data_folder(), loaded.config.agent.mode, market.account)
    try:
        with FolderLock(folder):
            told.append(Finding("account", Grade.OK, f"{folder}: free to be used"))
    except FolderBusyError as error:
        told.append(Finding("account", Grade.WARNING, str(error)))
    return market, told


def _disk() -> Iterator[Finding]:
    try:
        folder = paths.private_folder(paths.data_folder())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Finding("disk", Grade.FAILED, str(error))
        return
    if not os.access(folder, os.W_OK):
        yield Finding("disk", Grade.FAILED, f"{folder} can't be written to")
    elif free < LEAST_FREE:
        yield Finding("disk", Grade.WARNING, f"{free / 1e6:.0f} MB free at {folder}: make room")
    else:
        yield Finding("disk", Grade.OK, f"{free / 1e9:.1f} GB free at {folder}")


def _terminal() -> Iterator[Finding]:
    from tui_trader.console.environment import unfit

    problem = unfit(os.environ, input_tty=sys.stdin.isatty(), output_tty=sys.stdout.isatty())
    if problem:
        yield Finding("terminal", Grade.WARNING, problem)
        return
    size = shutil.get_terminal_size()
    shown = f"{os.environ.get('TERM')}, {size.columns}x{size.lines}"
    if size.columns < 80 or size.lines < 24:
        yield Finding("terminal", Grade.WARNING, f"{shown}: the console wants 80x24 or more")
    elif "utf" not in locale.getpreferredencoding(False).lower():
        yield Finding("terminal", Grade.WARNING, f"{shown}, no UTF-8: set LANG, e.g. to C.UTF-8")
    else:
        yield Finding("terminal", Grade.OK, shown)


async def _models(loaded: LoadedConfig, market: Market) -> list[Finding]:
    """What the endpoint of each model that the strategy asks really does."""
    strategy = loaded.config.agent.strategy
    try:
        asked = await _asked(loaded, market)
    except ConfigError as error:
        return [Finding("strategy", Grade.FAILED, str(error))]
    if not asked:
        who = "the rules decide" if strategy == "rules" else f"{strategy} decides"
        return [Finding("model", Grade.OK, f"none is asked: {who}")]
    findings: list[Finding] = []
    refused: list[Endpoint] = []
    for config in asked:
        if config.provider == RECORDED:
            text = f"none is asked: {config.recorded} answers"
            findings.append(Finding("model", Grade.OK, text))
            continue
        for choice in (config, *config.fallbacks):
            findings += await _model(choice, config, refused)
        if config.daily_cap_usd is None:
            text = "llm.daily_cap_usd is not set: nothing limits what a day may cost"
            findings.append(Finding("model cost", Grade.WARNING, text))
    return findings


async def _asked(loaded: LoadedConfig, market: Market) -> list[LlmModelConfig]:
    """The models that the strategy asks, which is made as a run makes it. Raises ConfigError."""
    asked: list[LlmModelConfig] = []
    clock = SystemClock()
    house = model_house(
        clock=clock,
        wall=clock,
        publish=_ignore,
        spending=Spending(clock, daily_cap_usd=loaded.config.llm.daily_cap_usd),
        record=_ignore,
        rng=Random(),  # noqa: S311 (nothing is retried)
    )

    def gateway(config: LlmModelConfig) -> BaseModelGateway:
        asked.append(config)
        return house.gateway(config)

    observed = ModelHouse(gateway, house.say)
    request = make_request(loaded, market)
    _, composer = await make_deciders(loaded.config, request, observed, watched=False)
    await shielded(composer.close(), "composer.close")
    await house.close()
    return asked


def _ignore(_told: object) -> None:
    """No call is made, and there is nobody to tell."""


async def _model(
    choice: ModelChoice, config: LlmModelConfig, refused: list[Endpoint]
) -> list[Finding]:
    """What the probe of one endpoint found; it costs a few tokens. Those whose key is `refused` are
    not asked with it again."""
    found = endpoint_of(choice)
    if any(found.same_key_as(each) for each in refused):
        text = f"{found.model} is not asked: its key was refused above"
        return [Finding(f"model {choice.provider}", Grade.FAILED, text)]
    if choice.prices_usd is not None:
        prices = Prices(*choice.prices_usd)
        found = _Priced(found.provider, found.base_url, found.model, found.api_key, prices)
    client = client_of(found, config, SystemClock())
    try:
        told = await probe(client, deadline_seconds=PROBE_SECONDS)
    finally:
        await client.close()
    if told.last.failure in NEEDS_OPERATOR:
        refused.append(found)
    bad = Grade.WARNING if told.answered else Grade.FAILED
    return [
        Finding(f"model {choice.provider}", Grade.OK if it.good else bad, it.text)
        for it in told.findings
    ]


@dataclass(frozen=True, slots=True)
class _Priced(Endpoint):
    """An endpoint whose price the user has configured."""

    configured: Prices | None = None

    @property
    def prices(self) -> Prices | None:
        return self.configured
