"""What the model and the operator do, drawn from the seed, to do harm."""

from collections.abc import Callable, Iterator, Sequence
from random import Random

from tests.simulation.engine import Act, ActKind, Decision, Limits, Wish

_PAUSES = (ActKind.PAUSE, ActKind.KILL, ActKind.FLATTEN)


class Script:
    """Decisions on demand. It remembers each by the `compose_id` under which it was asked for."""

    def __init__(
        self,
        rng: Random,
        symbols: Sequence[str],
        limits: Limits,
        now_ms: Callable[[], int],
        mark: Callable[[str], float],
    ) -> None:
        self.by_compose_id: dict[str, Decision] = {}
        self.silent = False
        self._rng = rng
        self._symbols = symbols
        self._limits = limits
        self._now_ms = now_ms
        self._mark = mark

    def decide(self, compose_id: str) -> Decision:
        """The decision of a cycle; it wishes for nothing once the script is `silent`."""
        rng = self._rng
        wishes = [] if self.silent else [self._wish(s) for s in self._symbols if rng.random() < 0.5]
        thinking = rng.uniform(0.0, 8.0)
        if rng.random() < 0.03:  # longer than the market stays fresh
            thinking = self._limits.decision_ms / 1000 + rng.uniform(1.0, 30.0)
        decision = Decision(self._now_ms(), thinking, tuple(wishes), sound=rng.random() > 0.05)
        self.by_compose_id[compose_id] = decision
        return decision

    def _wish(self, symbol: str) -> Wish:
        rng, mark = self._rng, self._mark(symbol)
        share = rng.choice((0.0, 0.0, 0.3, -0.3, 0.7, -0.7, 1.0, -1.0, 50.0, -1e6))
        quantity = round(share * self._limits.symbol_notional / mark, 4)
        away = rng.uniform(0.002, 0.02) * (1 if quantity > 0 else -1)
        if rng.random() < 0.05:
            away = -away  # a stop on the wrong side
        target = round(mark * (1 + 2 * away), 2) if rng.random() < 0.4 else None
        limit = round(mark * rng.uniform(0.998, 1.002), 2) if rng.random() < 0.25 else None
        return Wish(symbol, quantity, round(mark * (1 - away), 2), target, limit)


def operator_acts(
    rng: Random, symbols: Sequence[str], until: float, mean_seconds: float
) -> Iterator[tuple[float, Act]]:
    """What the operator does, and when (seconds); who stops the agent starts it again later."""
    when = rng.expovariate(1 / mean_seconds)
    while when < until:
        kind = rng.choice((*_PAUSES, ActKind.CLOSE, ActKind.RESUME))
        yield when, Act(kind, rng.choice(symbols) if kind is ActKind.CLOSE else "")
        if kind in _PAUSES:
            when += rng.uniform(20.0, 600.0)
            yield min(when, until), Act(ActKind.RESUME)
        when += rng.expovariate(1 / mean_seconds)
