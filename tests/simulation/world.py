"""One seed: a venue, a wire, a disk, an operator, and one engine after the other."""

import asyncio
import math
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.simulation.at_rest import check_at_rest
from tests.simulation.disk import Disk
from tests.simulation.engine import Act, Engine, Limits
from tests.simulation.faults import calm, swarm
from tests.simulation.invariants import Findings, Violation, Watch
from tests.simulation.loop import Agenda, Crash, Deadlock, SimClock, VirtualLoop
from tests.simulation.points import Life, Point, Points
from tests.simulation.prices import Prices
from tests.simulation.script import Script, operator_acts
from tests.simulation.trace import Trace
from tests.simulation.venue import Moods, SimVenue
from tests.simulation.wire import FaultyWire
from tui_trader.trading_history.database import StoreError

START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""

MEMORY = Path("/dev/shm")
CAPITAL = 10_000.0
SYMBOLS = {"BTC/USDT": 50_000.0, "ETH/USDT": 3_000.0}
_MOST_LIVES = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run goes: seconds with faults, then without, then with a market that stands still.

    `crashes` are places to die at; beside them the engine dies about every `crash_seconds`. It is
    dead for about one of `downtimes` (seconds). With
    `faults` None the seed draws them. The operator acts about every `operator_seconds`.
    """

    faults_seconds: float = 6 * 3600.0
    calm_seconds: float = 120.0
    frozen_seconds: float = 150.0
    crash_seconds: float = 2400.0
    downtimes: tuple[float, ...] = (0.5, 5.0, 30.0, 300.0)
    operator_seconds: float = 2400.0
    crashes: tuple[Point, ...] = ()
    faults: dict[str, float] | None = None
    protected: bool | None = None


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    seed: int
    violations: list[Violation]
    seconds: float
    crashes: int
    orders: int
    fills: int
    requests: int
    commits: int
    digest: str
    steps_of_first_life: int
    points: Points | None
    lines: list[str] = field(default_factory=list)


MakeEngine = Callable[["World"], Awaitable[Engine]]


class World:
    """A seed and what it draws. An engine is given `wire` (its venue), `clock`, `folder`, `script`
    (its model), `limits`, `symbols` and `capital`."""

    def __init__(
        self,
        seed: int,
        make_engine: MakeEngine,
        plan: Plan,
        folder: Path,
        *,
        verbose: bool = False,
    ) -> None:
        self.seed = seed
        self.plan = plan
        self.folder = folder
        self.symbols = tuple(SYMBOLS)
        self.capital = CAPITAL
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._stopping = False
        self._steps_of_first_life = 0
        self._loop: VirtualLoop | None = None
        self._acts: set[asyncio.Task[None]] = set()
        self._rng = self._random("crashes")
        self._settle_at = plan.faults_seconds
        protected = self._rng.random() < 0.8 if plan.protected is None else plan.protected
        self.limits = Limits(
            symbol_notional=0.5 * CAPITAL,
            gross_notional=CAPITAL,
            protect_seconds=45.0 if protected else None,
        )
        faults = swarm(self._random("faults")) if plan.faults is None else dict(plan.faults)
        self.agenda = Agenda(START_MS)
        self.clock = SimClock(self.agenda)
        self.life = Life()
        self.points = Points(self.agenda, self.life, plan.crashes, until=self._settle_at)
        self.prices = Prices(str(seed), self.agenda, SYMBOLS)
        self.venue = SimVenue(
            self.agenda,
            self.prices,
            self._random("venue"),
            capital=CAPITAL,
            moods=Moods(faults["partial"], faults["race"]),
        )
        self.trace = Trace(verbose=verbose)
        self.wire = FaultyWire(
            self.venue,
            self.agenda,
            self._random("wire"),
            faults,
            self.points,
            self.life,
            self.trace,
        )
        self.disk = Disk(folder, self.points, self._random("disk"), faults)
        self.script = Script(
            self._random("script"), self.symbols, self.limits, self.clock.now_ms, self.prices.mark
        )
        self.found = Findings(self.agenda)
        self.watch = Watch(
            self.agenda,
            self.venue,
            self.disk,
            self.life,
            self.limits,
            self.found,
            lambda: self._engine,
        )
        self.wire.sent = self.watch.sent
        self.disk.failed = self.watch.disk_failed

    def run(self) -> Outcome:
        """Live through it all, and say what did not hold."""
        self._set_dates()
        with self.disk.installed():
            for _ in range(_MOST_LIVES):
                if self._live():
                    break
                self.agenda.advance(self.agenda.now + self._downtime())
            else:
                self.found.add("I13", f"after {_MOST_LIVES} lives the engine still can't go on")
            self.trace.add(self.agenda.now_ms(), "disk", self.disk.digest())
        return Outcome(
            seed=self.seed,
            violations=self.found.all,
            seconds=self.agenda.now,
            crashes=len(self.points.died),
            orders=len(self.venue.orders),
            fills=len(self.venue.trades),
            requests=self.trace.requests,
            commits=self.disk.commits,
            digest=self.trace.digest,
            steps_of_first_life=self._steps_of_first_life,
            points=self.points,
            lines=self.trace.lines,
        )

    # --- the dates of a run -----------------------------------------------------------------------

    def _set_dates(self) -> None:
        plan, agenda = self.plan, self.agenda
        agenda.at(self._settle_at, self._settle)
        agenda.at(self._settle_at + plan.calm_seconds, self._freeze)
        end = self._settle_at + plan.calm_seconds + plan.frozen_seconds
        agenda.at(end, self._finish)
        if math.isfinite(plan.crash_seconds):
            self._next_crash()
        if math.isfinite(plan.operator_seconds):
            acts = operator_acts(
                self._random("operator"), self.symbols, self._settle_at, plan.operator_seconds
            )
            for when, act in acts:
                agenda.at(when, lambda act=act: self._operate(act))  # type: ignore[misc]

    def _next_crash(self) -> None:
        def crash() -> None:
            self._next_crash()
            if self._rng.random() < 0.5:
                self.points.armed = self.life.alive  # at the next place that it comes to
            else:
                self.points.die("any moment")

        self.agenda.after(self._rng.expovariate(1 / self.plan.crash_seconds), crash)

    def _downtime(self) -> float:
        """Until somebody, or something, starts the engine again; in time to settle."""
        wanted = self._rng.choice(self.plan.downtimes) * self._rng.uniform(0.5, 1.5)
        return min(wanted, max(0.5, self._settle_at - self.agenda.now))

    def _settle(self) -> None:
        """No faults from now on, and no crashes."""
        self.points.armed = False
        self._note_steps()
        self.wire.faults.update(calm())
        self.venue.moods.partial = self.venue.moods.race = 0.0

    def _freeze(self) -> None:
        """No wishes and no moves from now on."""
        self.script.silent = True
        self.prices.freeze()

    def _finish(self) -> None:
        """The end: compare, then ask the engine to stop."""
        self._stopping = True
        if self._engine is None:
            self.found.add("I13", "no engine was there at the end")
            return
        self.watch.check_entries()
        check_at_rest(
            self._engine,
            self.venue,
            self.script.by_compose_id,
            self.watch.sent_ms,
            self.limits,
            self.found,
        )
        self._engine.stop()

    # --- lives ------------------------------------------------------------------------------------

    def _live(self) -> bool:
        """One life. True when it was the last one."""
        self.life.number += 1
        self.life.alive = True
        self.watch.began()
        loop = self._loop = VirtualLoop(
            self.agenda,
            crash_at_step=self.points.step_of(self.life.number),
            die=lambda: self.points.die("step"),
            alive=lambda: self.life.alive,
        )
        self.trace.add(self.agenda.now_ms(), "life", self.life.number)
        try:
            loop.run_until_complete(self._work())
        except Crash as crash:
            self.trace.add(self.agenda.now_ms(), crash)
            self.watch.crashed()
        except Deadlock as deadlock:
            self.found.add("I13", str(deadlock))
            self._stopping = True
        except StoreError as error:
            self.trace.add(self.agenda.now_ms(), "could not go on:", error)
        else:
            self._look_for_leftovers(loop)
        finally:
            self._end(loop)
        return self._stopping

    async def _work(self) -> None:
        try:
            self._engine = await self._make_engine(self)
        except StoreError:
            self.watch.refused_to_start()
            raise
        await self._engine.run()
        if not self._stopping:
            self.trace.add(self.agenda.now_ms(), "the engine has ended by itself")

    def _look_for_leftovers(self, loop: VirtualLoop) -> None:
        """I13: an orderly end leaves nothing behind."""
        for task in asyncio.all_tasks(loop):
            self.found.add("I13", f"a task was left behind: {task.get_coro()}")

    def _end(self, loop: VirtualLoop) -> None:
        self._note_steps()
        self.life.alive = False
        for trouble in loop.trouble:
            self.found.add("I13", f"nobody has handled: {trouble}")
        self._acts.clear()
        engine, self._engine = self._engine, None
        self.wire.cut()
        loop.bury()
        if engine is not None:
            engine.abandon()
        self.disk.forget()

    def _note_steps(self) -> None:
        if self.life.number == 1 and not self._steps_of_first_life and self._loop is not None:
            self._steps_of_first_life = self._loop.steps

    # --- the operator -----------------------------------------------------------------------------

    def _operate(self, act: Act) -> None:
        if self._engine is None or not self.life.alive:
            return
        engine = self._engine

        async def do() -> None:
            self.watch.asked(act)
            acknowledged = await engine.operate(act)
            self.trace.add(self.agenda.now_ms(), "operator", act.kind, act.symbol, acknowledged)
            if acknowledged:
                self.watch.acknowledged(act)

        task = asyncio.get_running_loop().create_task(do())
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)

    def _random(self, purpose: str) -> Random:
        return Random(f"{self.seed}:{purpose}")


def run_seed(
    seed: int, make_engine: MakeEngine, plan: Plan | None = None, *, verbose: bool = False
) -> Outcome:
    """Run one seed in a folder of its own, in memory where the system has such a place."""
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place, ignore_cleanup_errors=True) as folder:
        return World(seed, make_engine, plan or Plan(), Path(folder), verbose=verbose).run()
