"""Dying everywhere: one quiet run finds the places, then one run a place dies there."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from tests.simulation.faults import calm
from tests.simulation.points import STEP, Point
from tests.simulation.world import MakeEngine, Outcome, Plan, run_seed

QUIET = Plan(
    faults_seconds=60.0,
    calm_seconds=60.0,
    crash_seconds=float("inf"),
    downtimes=(0.5,),
    operator_seconds=float("inf"),
    faults=calm(),
)
"""A minute of work in which nothing goes wrong by itself, and time to recover."""

Places = tuple[Point, ...]


def places(seed: int, make_engine: MakeEngine, plan: Plan = QUIET) -> list[Point]:
    """Every place that a run comes to: each await of the venue and each commit, before and after,
    as often as it is reached, and each callback of the loop."""
    calm_run = run_seed(seed, make_engine, plan)
    assert calm_run.points is not None, "a run knows its places"
    return list(calm_run.points.single(calm_run.steps_of_first_life))


def pairs(found: Sequence[Point], count: int, rng: Random) -> Iterator[Places]:
    """`count` pairs of places. The second one may be reached while the engine recovers from the
    first: its steps are those of the second life, other places are counted over both."""
    for _ in range(count):
        (first, nth), (second, other) = rng.choice(found), rng.choice(found)
        second = second.replace(f"{STEP} 1", f"{STEP} 2")
        if (first, nth) != (second, other):
            yield (first, nth), (second, other)


def die_at(
    seed: int, make_engine: MakeEngine, wanted: Sequence[Places], plan: Plan = QUIET
) -> Iterator[tuple[Places, Outcome]]:
    """One run for each tuple of places."""
    for crashes in wanted:
        yield crashes, run_seed(seed, make_engine, replace(plan, crashes=crashes))
