"""The agent without a console: readable lines on a terminal, one JSON line per record when piped.

Piped, standard output carries the cycle log and nothing else, so that `| jq .risk_reason` works;
whatever else is to be said goes to standard error.
"""

import asyncio
import errno
import os
import queue
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tui_trader import __version__
from tui_trader.messages import (
    CycleCompleted,
    EngineStopped,
    Fact,
    Kill,
    Message,
    SessionInfo,
    Severity,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import Performance
from tui_trader.view.events import lines
from tui_trader.view.format import UNKNOWN, age, money, percent, quantity, signed, usd

if TYPE_CHECKING:
    from tui_trader.agent.runtime import AgentRuntime


WAITING_LINES = 100_000
"""So many lines may wait for a reader that has stopped reading. Then JSON lines make the engine
wait, and readable ones are left out."""

FLUSH_SECONDS = 2.0
"""After a signal, a reader that takes no line is waited for so long at the end."""

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_READER_GONE = {errno.EPIPE, errno.EIO}


class Printer:
    """Says what happens, line by line, on a thread of its own: a terminal that stands still
    (Ctrl+S) or a slow pipe stops neither a trade nor a signal.

    `broken` is True once nothing can be written any more; `failed` where that is no matter of a
    reader or terminal that has gone, but a fault, such as a full disk. `patience` is how long (s)
    `close` waits for a reader that takes no line, None for as long as it takes.
    """

    def __init__(self, out: TextIO, err: TextIO, *, piped: bool) -> None:
        self._out = out
        self._err = err
        self._piped = piped
        self._lines: queue.Queue[tuple[TextIO, str] | None] = queue.Queue(WAITING_LINES)
        self._thread = threading.Thread(target=self._write, name="printer", daemon=True)
        self._thread.start()
        self.broken = False
        self.failed = False
        self.patience: float | None = None

    def __call__(self, message: Message) -> None:
        if isinstance(message, Fact):
            if self._piped:
                self._as_json(message)
            else:
                self._as_lines(message)

    def say(self, text: str, *, aside: bool = False) -> None:
        """One line to the reader; `aside` goes to standard error when standard output is a pipe."""
        if self.broken:
            return
        wanted = self._piped and not aside
        try:
            self._lines.put((self._err if aside and self._piped else self._out, text), wanted)
        except queue.Full:
            return

    def close(self) -> None:
        """Write what still waits, as long as somebody reads it."""
        try:
            self._lines.put(None, timeout=self.patience)
        except queue.Full:
            return
        waiting = self._lines.qsize() + 1
        while self._thread.is_alive() and self._lines.qsize() < waiting:
            waiting = self._lines.qsize()
            self._thread.join(self.patience)

    def _write(self) -> None:
        # Past the buffers of Python: their locks, held here, would block its exit.
        while (line := self._lines.get()) is not None:
            stream, text = line
            left = b"" if self.broken else f"{text}\n".encode(stream.encoding, "backslashreplace")
            try:
                while left:
                    left = left[os.write(stream.fileno(), left) :]
            except OSError as error:
                self.failed = error.errno not in _READER_GONE
                self.broken = True

    def _as_json(self, fact: Fact) -> None:
        if isinstance(fact, CycleCompleted):
            for log in fact.logs:
                self.say(log.model_dump_json())
        for line in lines(fact):
            if line.severity in (Severity.WARNING, Severity.ERROR):
                self.say(f"{line.severity}: {line.topic}: {line.text}", aside=True)

    def _as_lines(self, fact: Fact) -> None:
        for line in lines(fact):
            when = datetime.fromtimestamp(line.ts / 1000, UTC)
            self.say(
                f"{when:%Y-%m-%d %H:%M:%SZ} {line.severity.upper():7} {line.topic:9} {line.text}"
            )


def run_headless(
    build: Callable[[], Awaitable["AgentRuntime"]], config_files: Sequence[Path] = ()
) -> int:
    """Run the agent in this process until it ends; return the exit code.

    `config_files` are the files that its configuration was read from, to be named at the start.
    """
    return asyncio.run(_run(build, config_files))


async def _run(build: Callable[[], Awaitable["AgentRuntime"]], config_files: Sequence[Path]) -> int:
    runtime = await build()
    printer = Printer(sys.stdout, sys.stderr, piped=not sys.stdout.isatty())
    _introduce(runtime, config_files, printer)
    _listen(runtime, printer)
    ended = _Ending()

    def hear(message: Message) -> None:
        ended.hear(message)
        printer(message)
        if runtime.as_fast_as_it_goes and ended.halted:
            runtime.request_stop("halted")
        if printer.broken:
            runtime.request_stop("nobody reads the output any more")

    runtime.subscribe(hear)
    await runtime.run()
    failed = runtime.error or ended.halted_because
    _conclude(runtime, ended.reason, failed, printer)
    for number in _STOP_SIGNALS:
        # All is written down: what still waits for its reader is worth no second request.
        signal.signal(number, signal.SIG_DFL)
    printer.close()
    return 1 if failed or printer.failed else 0


class _Ending:
    """Why a run ended, and whether the engine itself had given up trading before."""

    def __init__(self) -> None:
        self.reason = ""
        self.halted = False
        self.halted_because = ""

    def hear(self, message: Message) -> None:
        if isinstance(message, EngineStopped):
            self.reason = message.reason
        if isinstance(message, TradingStateChanged):
            self.halted = message.state is TradingState.HALTED
            by_itself = message.state is TradingState.HALTED and message.issuer == "engine"
            self.halted_because = message.reason if by_itself else ""


_MONEY = {"paper": "no real money", "testnet": "a testing venue, no real money"}


def _introduce(runtime: "AgentRuntime", config_files: Sequence[Path], printer: Printer) -> None:
    session = runtime.session
    names = ", ".join(map(str, config_files)) or "no file"
    model = f" ({session.model})" if session.model else ""
    now = runtime.snapshot()
    for text in (
        f"tui-trader {__version__}, configuration loaded: {names}",
        f"{session.mode.upper()}{' DEMO' if session.demo else ''}, "
        f"{_MONEY.get(session.mode, 'REAL MONEY')}: {session.source}, "
        f"{', '.join(session.symbols)} {session.timeframe}, {session.market}, "
        f"{session.strategy}{model}, {money(session.initial_capital)} {session.quote_ccy}",
        f"limits: {_limits(session)}",
        f"data: {session.data_folder}",
        f"{now.state}: {now.state_reason}" if now.state is not TradingState.ACTIVE else "",
        "Press Ctrl+C to stop gracefully",
    ):
        if text:
            printer.say(text, aside=True)


def _limits(session: SessionInfo) -> str:
    """The limits in words, those that are not set included."""
    cap, cooldown = session.daily_loss_cap_pct, session.cooldown_seconds
    parts = [
        f"position {percent(session.max_equity_usage_pct, signed=False)} of equity",
        f"leverage {session.max_leverage:g}",
        f"daily loss {'not limited' if cap is None else percent(cap, signed=False)}",
        f"cool-down {'none' if cooldown is None else f'{cooldown} s'}",
    ]
    if not session.trading_enabled:
        parts.append("trading disabled: nothing is opened")
    return ", ".join(parts)


def _conclude(runtime: "AgentRuntime", reason: str, failed: str, printer: Printer) -> None:
    if failed:
        printer.say(f"tui-trader: {failed}", aside=True)
    else:
        printer.say(f"stopped gracefully: {reason}", aside=True)
    portfolio = runtime.snapshot().portfolio
    if portfolio is None:
        return
    summary = runtime.summary
    held = ", ".join(
        f"{symbol} {quantity(position.quantity)}"
        for symbol, position in portfolio.positions.items()
    )
    cost = f", models {usd(summary.model_cost_usd)}, net {signed(summary.net_pnl)}"
    models = cost if runtime.session.model else ""
    printer.say(
        f"{runtime.cycles} cycle{'' if runtime.cycles == 1 else 's'}, "
        f"equity {money(portfolio.total_value)} {portfolio.quote_ccy} "
        f"({percent(summary.pnl_pct)}), "
        f"fees {money(portfolio.fees_paid)}{models}, held: {held or 'nothing'}",
        aside=True,
    )
    if summary.performance is not None:
        for line in performance_lines(summary.performance, portfolio.quote_ccy):
            printer.say(line, aside=True)


def performance_lines(figures: Performance, quote_ccy: str) -> list[str]:
    """The figures of performance in words; what is unknown is "–"."""
    returns = "daily" if figures.periods_a_year == 365 else "hourly"
    began, deepest = map(_minute, (figures.max_drawdown_from_ts, figures.max_drawdown_ts))
    return [
        f"return {percent(figures.total_return)}, buy and hold {percent(figures.buy_and_hold)}, "
        f"a year {percent(figures.cagr)}, Sharpe {money(figures.sharpe)}, "
        f"Sortino {money(figures.sortino)} ({returns} returns x √{figures.periods_a_year:,})",
        f"deepest drawdown {percent(figures.max_drawdown, signed=False)}, "
        f"{money(figures.max_drawdown_quote)} {quote_ccy}, from {began} to {deepest}; "
        f"now {percent(figures.drawdown, signed=False)}",
        f"{figures.trades} trade{'' if figures.trades == 1 else 's'} closed: "
        f"won {percent(figures.win_rate, signed=False)}, "
        f"profit factor {money(figures.profit_factor)}, expectancy {signed(figures.expectancy)}, "
        f"held {age(figures.avg_holding_ms)} on average",
        f"in the market {percent(figures.exposure, signed=False)} of the time, "
        f"turnover {money(figures.turnover)}, funding {signed(figures.funding)}",
    ]


def _minute(ts: int | None) -> str:
    return UNKNOWN if ts is None else f"{datetime.fromtimestamp(ts / 1000, UTC):%Y-%m-%d %H:%MZ}"


def _listen(runtime: "AgentRuntime", printer: Printer) -> None:
    """SIGINT, SIGTERM and a closed terminal end the run after its cycle; SIGUSR1 is the kill
    switch."""
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        runtime.request_stop(f"{name} received")
        printer.patience = FLUSH_SECONDS
        printer.say(f"{name} received, completing the running cycle...", aside=True)

    for number in _STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop, number.name)
    loop.add_signal_handler(
        signal.SIGUSR1, lambda: runtime.command(Kill("SIGUSR1", f"SIGUSR1 to pid {os.getpid()}"))
    )
