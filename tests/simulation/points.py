"""Where an engine can die: places found by running, not written down by hand."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulation.loop import Agenda, Crash, Dead

STEP = "step"

Point = tuple[str, int]
"""A place by its name, and which time of its being reached, from 1 on. `("step 2", 17)` is the
second life, after its 17th callback."""


@dataclass(slots=True)
class Life:
    """One run of the engine, from its start to its crash or end."""

    number: int = 0
    alive: bool = False

    def check(self) -> None:
        """Raise Dead where the engine has no disk and no network any more."""
        if not self.alive:
            raise Dead


class Points:
    """Counts the places that are reached, and ends the life at those of `plan`.

    With `armed` the next place reached is the last one. From `until` (virtual seconds) on nothing
    is counted and nobody dies: the rest of a run shows how the engine recovers.
    """

    def __init__(
        self, agenda: Agenda, life: Life, plan: tuple[Point, ...] = (), until: float = math.inf
    ) -> None:
        self._agenda = agenda
        self._life = life
        self._plan = frozenset(plan)
        self._until = until
        self.reached: Counter[str] = Counter()
        self.died: list[Point] = []
        self.armed = False

    def reach(self, name: str) -> None:
        """The engine is at `name`. Raises Dead when it is dead, Crash when it dies here."""
        self._life.check()
        if self._agenda.now < self._until:
            self.reached[name] += 1
        if self.armed or (name, self.reached[name]) in self._plan:
            self.die(name)

    def die(self, name: str) -> None:
        """End the life here, unless crashes are over: raises Crash."""
        self.armed = False
        if self._agenda.now >= self._until or not self._life.alive:
            return
        self._life.alive = False
        self.died.append((name, self.reached[name]))
        raise Crash(f"died at {name}, time {self.reached[name]}")

    def step_of(self, life: int) -> int | None:
        """The callback after which life number `life` is to end, if any."""
        return next((nth for name, nth in self._plan if name == f"{STEP} {life}"), None)

    def single(self, steps: int, every: int = 1) -> Iterator[Point]:
        """Every point that a finished run has reached, and its first life's steps (`steps` of
        them, one in `every`)."""
        for name, times in sorted(self.reached.items()):
            for nth in range(1, times + 1):
                yield name, nth
        for nth in range(1, steps + 1, every):
            yield f"{STEP} 1", nth
