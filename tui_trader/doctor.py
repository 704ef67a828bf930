"""`tui-trader doctor`: everything that a run needs, looked at before it is needed."""

import asyncio
import locale
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tui_trader import paths
from tui_trader.agent.market import open_market
from tui_trader.agent.strategy import model_config
from tui_trader.clock import SystemClock
from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import LoadedConfig
from tui_trader.decision.providers.factory import endpoint_of
from tui_trader.decision.providers.house import PROBE_SECONDS, client_of
from tui_trader.decision.providers.probe import probe
from tui_trader.decision.providers.recorded import PROVIDER as RECORDED
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
    """Look at everything, and ask the configured models a tiny question each."""
    return [
        *_configuration(loaded),
        *_market(loaded),
        *_disk(),
        *_terminal(),
        *asyncio.run(_models(loaded)),
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


def _market(loaded: LoadedConfig) -> Iterator[Finding]:
    try:
        market = open_market(loaded.config, loaded.config.features.lookback)
    except (ConfigError, MarketDataError, OSError) as error:
        yield Finding("market", Grade.FAILED, str(error))
        return
    yield Finding("market", Grade.OK, f"{', '.join(market.symbols)} {market.timeframe}")
    if market.afresh:
        return
    folder = paths.profile_folder(paths.data_folder(), loaded.config.agent.mode, market.account)
    try:
        with FolderLock(folder):
            yield Finding("account", Grade.OK, f"{folder}: free to be used")
    except FolderBusyError as error:
        yield Finding("account", Grade.WARNING, str(error))


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


async def _models(loaded: LoadedConfig) -> list[Finding]:
    """What each configured model's endpoint really does; none is asked where rules decide."""
    if loaded.config.agent.strategy == "rules":
        return [Finding("model", Grade.OK, "none is asked: the rules decide")]
    config = model_config(loaded, loaded.config.agent.symbols)
    if config.provider == RECORDED:
        return [Finding("model", Grade.OK, f"none is asked: {config.recorded} answers")]
    findings = [
        finding
        for choice in (config, *config.fallbacks)
        for finding in await _model(choice, config)
    ]
    if config.daily_cap_usd is None:
        text = "llm.daily_cap_usd is not set: nothing limits what a day may cost"
        findings.append(Finding("model cost", Grade.WARNING, text))
    return findings


async def _model(choice: ModelChoice, config: LlmModelConfig) -> list[Finding]:
    """What the probe of one endpoint found; it costs a few tokens."""
    subject = f"model {choice.provider}"
    try:
        client = client_of(endpoint_of(choice), config, SystemClock())
    except ValueError as error:
        return [Finding(subject, Grade.FAILED, str(error))]
    try:
        told = await probe(client, deadline_seconds=PROBE_SECONDS)
    finally:
        await client.close()
    bad = Grade.WARNING if told.answered else Grade.FAILED
    return [Finding(subject, Grade.OK if it.good else bad, it.text) for it in told.findings]
