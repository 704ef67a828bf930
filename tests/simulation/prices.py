"""Prices that a seed draws: a random walk with jumps, the same for whoever asks."""

import math
from random import Random

from tests.simulation.loop import Agenda

STEP_SECONDS = 5.0
_SIGMA = 0.0008
_JUMP = 0.01
_JUMP_CHANCE = 0.002


class Prices:
    """The mark of each symbol at the agenda's time, in cents of quote currency; it moves every
    `STEP_SECONDS`, and no more after `freeze`."""

    def __init__(self, seed: str, agenda: Agenda, starts: dict[str, float]) -> None:
        self._agenda = agenda
        self._rngs = {symbol: Random(f"{seed}:{symbol}") for symbol in starts}
        self._walks = {symbol: [price] for symbol, price in starts.items()}
        self._frozen: int | None = None

    def freeze(self) -> None:
        """Stand still from now on."""
        self._frozen = int(self._agenda.now / STEP_SECONDS)

    def mark(self, symbol: str) -> float:
        """The mark price now."""
        at = int(self._agenda.now / STEP_SECONDS) if self._frozen is None else self._frozen
        walk, rng = self._walks[symbol], self._rngs[symbol]
        while len(walk) <= at:
            move = rng.gauss(0.0, _SIGMA)
            if rng.random() < _JUMP_CHANCE:
                move += rng.choice((-_JUMP, _JUMP))
            walk.append(max(0.01, round(walk[-1] * math.exp(move), 2)))
        return walk[at]
