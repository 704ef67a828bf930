"""Prices that a seed draws: a random walk with jumps, the same for whoever asks."""

import math
from random import Random

from tests.simulation.loop import Agenda

STEP_SECONDS = 5.0
HISTORY_SECONDS = 7200.0
_HISTORY = int(HISTORY_SECONDS / STEP_SECONDS)
_SIGMA = 0.0008
_JUMP = 0.01
_JUMP_CHANCE = 0.002


class Prices:
    """The mark of each symbol at the agenda's time, in cents of quote currency; it moves every
    `STEP_SECONDS`, and no more after `freeze`. There is a past of `HISTORY_SECONDS` before the
    start."""

    def __init__(self, seed: str, agenda: Agenda, starts: dict[str, float]) -> None:
        self._agenda = agenda
        self._rngs = {symbol: Random(f"{seed}:{symbol}") for symbol in starts}
        self._walks = {symbol: [price] for symbol, price in starts.items()}
        self._frozen = False

    def freeze(self) -> None:
        """Stand still from now on."""
        for symbol in self._walks:
            self.path(symbol)
        self._frozen = True

    def mark(self, symbol: str) -> float:
        """The mark price now."""
        return self.path(symbol)[-1]

    def path(self, symbol: str) -> list[float]:
        """Every mark up to now, one for each `STEP_SECONDS`; not to be changed."""
        now = int(self._agenda.now / STEP_SECONDS) + _HISTORY
        walk, rng = self._walks[symbol], self._rngs[symbol]
        while len(walk) <= now:
            if self._frozen:
                walk.append(walk[-1])
                continue
            move = rng.gauss(0.0, _SIGMA)
            if rng.random() < _JUMP_CHANCE:
                move += rng.choice((-_JUMP, _JUMP))
            walk.append(max(0.01, round(walk[-1] * math.exp(move), 2)))
        return walk
