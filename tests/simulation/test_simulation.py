"""The simulation finds what it looks for, and nothing else: proved on a small engine."""

import hashlib
import os
import subprocess
import sys
from functools import partial
from random import Random

import pytest

from tests.simulation import faults
from tests.simulation.search import die_at, pairs, places
from tests.simulation.toy import make_engine
from tests.simulation.toy_orders import BUGS
from tests.simulation.world import Plan, run_seed

SHORT = Plan(faults_seconds=1500.0, crash_seconds=300.0, operator_seconds=300.0)
SEEDS = 40
"""A bug is found within so many seeds."""


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_nothing_is_found_in_an_engine_that_keeps_the_rules(first: int) -> None:
    for seed in range(first, first + 10):
        outcome = run_seed(seed, make_engine, SHORT)
        assert outcome.violations == [], f"seed {seed}"
        assert outcome.orders


@pytest.mark.parametrize(("bug", "invariant"), BUGS.items())
def test_a_planted_bug_is_found(bug: str, invariant: str) -> None:
    make = partial(make_engine, bugs=frozenset({bug}))
    runs = (run_seed(seed, make, SHORT) for seed in range(SEEDS))
    assert any(invariant in {v.invariant for v in run.violations} for run in runs), bug


@pytest.mark.parametrize(
    ("fault", "chance"), [(n, min(1.0, 8 * c)) for n, c in faults.BASE.items()]
)
def test_each_fault_alone_is_survived(fault: str, chance: float) -> None:
    plan = Plan(
        faults_seconds=600,
        crash_seconds=float("inf"),
        operator_seconds=200,
        faults=faults.only(fault, chance),
    )
    for seed in range(2):
        outcome = run_seed(seed, make_engine, plan)
        assert outcome.violations == [], f"seed {seed}"


@pytest.mark.parametrize("part", range(4))
def test_every_place_to_die_is_found_and_survived(part: int) -> None:
    found = places(1, make_engine)
    assert {name for name, _ in found} >= {
        f"{what}: {where}"
        for what in ("submit", "lookup", "fills")
        for where in ("before send", "sent", "landed", "answered")
    } | {"commit: before", "commit: after", "step 1"}
    sample = found[part :: max(1, len(found) // 80) * 4]
    for place, outcome in die_at(1, make_engine, [(place,) for place in sample]):
        assert outcome.crashes == 1, place
        assert outcome.violations == [], place


def test_the_engine_may_die_while_it_recovers() -> None:
    twice = list(pairs(places(1, make_engine), 30, Random(1)))
    outcomes = list(die_at(1, make_engine, twice))
    assert sum(outcome.crashes == 2 for _, outcome in outcomes) >= len(outcomes) / 3
    assert [(where, o.violations) for where, o in outcomes if o.violations] == []


def test_a_seed_is_the_same_every_time() -> None:
    program = (
        "from tests.simulation.test_simulation import SHORT, make_engine, run_seed;"
        "print(run_seed(7, make_engine, SHORT).digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": salt},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for salt in ("1", "2")
    }
    digests.add(run_seed(7, make_engine, SHORT).digest)
    assert len(digests) == 1
    assert len(digests.pop()) == hashlib.sha256().digest_size * 2
    assert run_seed(8, make_engine, SHORT).digest not in digests
