"""The agent without a console: readable lines on a terminal, one JSON line per record when piped.

Piped, standard output carries the cycle log and nothing else, so that `| jq .risk_reason` works;
whatever else is to be said goes to standard error.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TextIO

from tui_trader.messages import (
    CycleCompleted,
    Fact,
    Kill,
    Message,
    Severity,
    TradingState,
)
from tui_trader.view.events import lines
from tui_trader.view.format import clock_time, money, percent

if TYPE_CHECKING:
    from tui_trader.agent.runtime import AgentRuntime


class Printer:
    """Says what happens, line by line. A reader that has gone away ends the run quietly."""

    def __init__(self, out: TextIO, err: TextIO, *, piped: bool) -> None:
        self._out = out
        self._err = err
        self._piped = piped
        self.broken = False

    def __call__(self, message: Message) -> None:
        if isinstance(message, Fact):
            if self._piped:
                self._as_json(message)
            else:
                self._as_lines(message)

    def say(self, text: str, *, aside: bool = False) -> None:
        """One line to the reader; `aside` goes to standard error when standard output is a pipe."""
        stream = self._err if aside and self._piped else self._out
        try:
            stream.write(f"{text}\n")
            stream.flush()
        except (BrokenPipeError, ValueError):
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
            self.say(f"{clock_time(line.ts)} {line.severity.upper():7} {line.topic:9} {line.text}")


def run_headless(build: Callable[[], Awaitable["AgentRuntime"]]) -> int:
    """Run the agent in this process until it ends; return the exit code."""
    return asyncio.run(_run(build))


async def _run(build: Callable[[], Awaitable["AgentRuntime"]]) -> int:
    runtime = await build()
    printer = Printer(sys.stdout, sys.stderr, piped=not sys.stdout.isatty())
    _introduce(runtime, printer)
    _listen(runtime, printer)

    def hear(message: Message) -> None:
        printer(message)
        if printer.broken:
            runtime.request_stop("nobody reads the output any more")

    runtime.subscribe(hear)
    await runtime.run()
    _conclude(runtime, printer)
    if printer.broken:
        # Python would complain about the closed pipe once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1 if runtime.error else 0


def _introduce(runtime: "AgentRuntime", printer: Printer) -> None:
    session = runtime.session
    demo = " DEMO" if session.demo else ""
    printer.say(
        f"{session.mode.upper()}{demo}: {session.source}, {', '.join(session.symbols)} "
        f"{session.timeframe}, {session.strategy}"
        f"{f' ({session.model})' if session.model else ''}, "
        f"{money(session.initial_capital)} {session.quote_ccy}",
        aside=True,
    )
    printer.say(f"data: {session.data_folder}", aside=True)
    now = runtime.snapshot()
    if now.state is not TradingState.ACTIVE:
        printer.say(f"{now.state}: {now.state_reason}", aside=True)
    printer.say("Press Ctrl+C to stop gracefully", aside=True)


def _conclude(runtime: "AgentRuntime", printer: Printer) -> None:
    portfolio = runtime.snapshot().portfolio
    if runtime.error:
        sys.stderr.write(f"tui-trader: {runtime.error}\n")
    if portfolio is None:
        return
    capital = runtime.session.initial_capital
    total = portfolio.total_value
    printer.say(
        f"{runtime.cycles} cycles, equity {money(total)} {portfolio.quote_ccy} "
        f"({percent(None if total is None else total / capital - 1)}), "
        f"fees {money(portfolio.fees_paid)}, held: {', '.join(portfolio.positions) or 'nothing'}",
        aside=True,
    )


def _listen(runtime: "AgentRuntime", printer: Printer) -> None:
    """SIGINT, SIGTERM and a closed terminal end the run after its cycle; SIGUSR1 is the kill
    switch."""
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        printer.say(f"{name} received, completing the running cycle...", aside=True)
        runtime.request_stop(f"{name} received")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop, number.name)
    loop.add_signal_handler(
        signal.SIGUSR1, lambda: runtime.command(Kill("SIGUSR1", f"SIGUSR1 to pid {os.getpid()}"))
    )
