"""`python -m tests.simulation --seeds 0:10000 --jobs 2`: a search for faults; `--seed N` shows one.
`--seed N --places` dies once at every place of a quiet minute, and twice in as many pairs.

Exit code 0 when nothing was found, 1 when something was, 2 for wrong arguments.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import Pool
from random import Random

from tests.simulation.invariants import Violation
from tests.simulation.search import die_at, pairs, places
from tests.simulation.world import MakeEngine, Outcome, Plan, run_seed

_SHOWN = 10


def main() -> int:
    """Run what the arguments ask for."""
    options = _options()
    span = options.hours * 3600
    plan = Plan(faults_seconds=span, crash_seconds=span / 8, operator_seconds=span / 8)
    if options.seed is not None and options.places:
        return _die_everywhere(options.seed, _engine(options.engine))
    if options.seed is not None:
        return _show(run_seed(options.seed, _engine(options.engine), plan, verbose=True))
    first, _, last = options.seeds.partition(":")
    work = [(seed, options.engine, plan) for seed in range(int(first), int(last))]
    started = time.monotonic()
    with Pool(options.jobs, maxtasksperchild=200) as pool:
        return _report(pool.imap_unordered(_run, work), len(work), started)


def _run(work: tuple[int, str, Plan]) -> Outcome:
    seed, engine, plan = work
    # Places to die at are told where one seed is shown; a campaign sends back the counts alone.
    return replace(run_seed(seed, _engine(engine), plan), lines=[], points=None)


def _engine(name: str) -> MakeEngine:
    module, _, function = name.partition(":")
    make: MakeEngine = getattr(importlib.import_module(module), function)
    return make


def _report(outcomes: Iterable[Outcome], wanted: int, started: float) -> int:
    crashes = orders = fills = requests = 0
    days, violated = 0.0, 0
    for seeds, outcome in enumerate(outcomes, start=1):
        days += outcome.seconds / 86_400
        crashes += outcome.crashes
        orders += outcome.orders
        fills += outcome.fills
        requests += outcome.requests
        violated += bool(outcome.violations)
        if outcome.violations and violated <= _SHOWN:
            print(f"seed {outcome.seed}: {_told(outcome.violations[0])}")  # noqa: T201
        if seeds % 100 == 0 or seeds == wanted:
            minutes = (time.monotonic() - started) / 60
            print(  # noqa: T201
                f"{seeds} seeds, {days:.1f} virtual days, {crashes} crashes, {orders} orders, "
                f"{fills} fills, {requests} requests, {violated} seeds with violations, "
                f"{seeds / minutes:.0f} seeds a minute",
                flush=True,
            )
    return 1 if violated else 0


def _die_everywhere(seed: int, make_engine: MakeEngine) -> int:
    found = places(seed, make_engine)
    twice = pairs(found, len(found), Random(seed))
    runs = violated = crashes = 0
    for crashed, outcome in die_at(seed, make_engine, [*((place,) for place in found), *twice]):
        runs += 1
        crashes += outcome.crashes
        violated += bool(outcome.violations)
        if outcome.violations and violated <= _SHOWN:
            print(f"died at {crashed}: {_told(outcome.violations[0])}")  # noqa: T201
    print(  # noqa: T201
        f"{len(found)} places, {runs} runs, {crashes} crashes, {violated} with violations"
    )
    return 1 if violated else 0


def _show(outcome: Outcome) -> int:
    for line in outcome.lines:
        ts, _, text = line.partition(" ")
        print(_time(int(ts)), text)  # noqa: T201
    print(  # noqa: T201
        f"seed {outcome.seed}: {outcome.crashes} crashes, {outcome.orders} orders, "
        f"{outcome.fills} fills, {outcome.requests} requests, {outcome.commits} commits, "
        f"digest {outcome.digest[:16]}"
    )
    for violation in outcome.violations:
        print(_told(violation))  # noqa: T201
    return 1 if outcome.violations else 0


def _told(violation: Violation) -> str:
    return f"{violation.invariant} at {_time(violation.ts)}: {violation.text}"


def _time(ts: int) -> str:
    return datetime.fromtimestamp(ts / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="0:100", help="from and to, the last one not included")
    parser.add_argument("--seed", type=int, help="run this one and show everything it did")
    parser.add_argument("--places", action="store_true", help="die everywhere, with --seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--hours", type=float, default=1.0, help="virtual hours with faults")
    parser.add_argument(
        "--engine",
        default="tests.simulation.toy:make_engine",
        help="module:function that makes an engine of a World",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
