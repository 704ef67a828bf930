"""What goes wrong, how often, by seed: each class off in a quarter of the seeds."""

from collections.abc import Mapping
from random import Random

BASE: Mapping[str, float] = {
    # a request
    "lost": 0.02,  # never reaches the venue
    "answer_lost": 0.03,  # carried out; the answer never comes back
    "late": 0.02,  # given up here, carried out there later, within landing_ms
    "unavailable": 0.02,  # a 503 that says nothing: carried out all the same
    "reset": 0.02,  # the connection breaks, before or after
    "no_answer": 0.005,  # a minute of silence
    "refused": 0.02,  # a definitive rejection
    "protection_refused": 0.1,  # of an order that waits for a trigger
    # what is read
    "unseen": 0.2,  # an order is missing in what is asked, within landing_ms
    "old_account": 0.2,  # balance, positions and open orders of a few seconds ago
    "fills_lag": 0.2,  # a fill is missing in the list, for some seconds
    # what is pushed
    "push_lost": 0.1,
    "push_doubled": 0.1,
    "push_late": 0.15,  # and so in another order
    # the venue
    "partial": 0.15,
    "race": 0.2,  # an order fills while its cancellation arrives
    # the disk, a commit
    "disk_before": 0.001,
    "disk_after": 0.001,  # committed, yet reported as failed
}
"""The chance of each, a request, event or commit."""


def swarm(rng: Random) -> dict[str, float]:
    """This seed's faults: each off with a chance of 0.25, else 0.3, 1, 2 or 3 times as usual."""
    return {
        name: 0.0 if rng.random() < 0.25 else chance * rng.choice((0.3, 1.0, 2.0, 3.0))
        for name, chance in BASE.items()
    }


def calm() -> dict[str, float]:
    """Nothing goes wrong."""
    return dict.fromkeys(BASE, 0.0)


def only(name: str, chance: float) -> dict[str, float]:
    """Nothing but one fault. Raises KeyError for an unknown name."""
    assert name in BASE, f"no such fault: {name}"
    return calm() | {name: chance}
