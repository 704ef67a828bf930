"""What calls cost: tokens and money by call, day and run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tui_trader.clock import Clock
from tui_trader.decision.providers.catalogue import Prices
from tui_trader.decision.providers.completion import Completion, FailureKind
from tui_trader.models import ModelCall
from tui_trader.models.money import exact

DAY_MS = 86_400_000
_MILLION = 1_000_000
_BYTES_A_TOKEN = 3
_BOTH = ("prompt_tokens", "completion_tokens")

# Whoever fails so may have taken the question in, and may charge for it.
_TAKEN_IN = frozenset(
    {FailureKind.SERVER, FailureKind.STALL, FailureKind.DEADLINE, FailureKind.INCOMPLETE}
)


@dataclass(slots=True)
class Total:
    """A sum of calls. `known_usd` leaves out the `unpriced` ones: it is a lower bound then."""

    calls: int = 0
    tokens: int = 0
    known_usd: Decimal = Decimal(0)
    unpriced: int = 0

    @property
    def cost_usd(self) -> float | None:
        """The whole cost; None where that of any call is unknown."""
        return None if self.unpriced else float(self.known_usd)

    def add(self, call: ModelCall) -> None:
        """Take in a call."""
        self.calls += 1
        self.tokens += tokens_of(call.token_usage)
        if call.cost_usd is None:
            self.unpriced += 1
        else:
            self.known_usd += exact(call.cost_usd)


class Spending:
    """What this UTC day and this run of an account have cost, and whether the day's money is spent.

    `earlier` are calls of earlier runs, of which those of today count: a cap is one for the day,
    however often the agent restarts. Days are those of the wall clock and only go forward: a clock
    that is set back begins no second day. A call without a known cost can't count towards the cap:
    it ends the calls until the operator acts, or the day is over.
    """

    def __init__(
        self,
        wall: Clock,
        *,
        daily_cap_usd: float | None = None,
        earlier: Iterable[ModelCall] = (),
    ) -> None:
        self._wall = wall
        self.daily_cap_usd = daily_cap_usd
        self.run = Total()
        self._day = wall.now_ms() // DAY_MS
        self._today = Total()
        self._capped_on: int | None = None
        self._accepted = self._told = 0
        self._decision = ("", 0)
        for call in earlier:
            if call.asked_at >= self._day * DAY_MS:
                self._today.add(call)

    @property
    def today(self) -> Total:
        """The calls of this day, those of earlier runs among them."""
        self._turn()
        return self._today

    @property
    def tomorrow_ms(self) -> int:
        """When the next day begins (Unix ms)."""
        self._turn()
        return (self._day + 1) * DAY_MS

    @property
    def capped(self) -> bool:
        """Whether the day's money is spent."""
        cap = self.daily_cap_usd
        return cap is not None and self.today.known_usd >= exact(cap)

    @property
    def unsure(self) -> bool:
        """Whether there is a cap, and what a call of today has cost is unknown: one that the
        operator has not accepted."""
        return self.daily_cap_usd is not None and self.today.unpriced > self._accepted

    @property
    def allows_call(self) -> bool:
        """Whether one more call may be paid for."""
        return not self.capped and not self.unsure

    def accept_unknown(self) -> None:
        """The operator knows that the cost of calls is unknown, and wants more of them."""
        self._accepted = self.today.unpriced

    def newly_unsure(self) -> bool:
        """Whether a cost is unknown, and this is the first to be told so."""
        if not self.unsure or self._told == self._today.unpriced:
            return False
        self._told = self._today.unpriced
        return True

    def newly_capped(self) -> bool:
        """Whether the day's money is spent, and this is the first to be told so today."""
        if not self.capped or self._capped_on == self._day:
            return False
        self._capped_on = self._day
        return True

    def next_attempt(self, compose_id: str) -> int:
        """The number, from 1, of one more call for the decision `compose_id`."""
        decision, number = self._decision
        self._decision = (compose_id, number + 1 if decision == compose_id else 1)
        return self._decision[1]

    def add(self, call: ModelCall) -> None:
        """Take in a call of this run."""
        self.run.add(call)
        self.today.add(call)

    def _turn(self) -> None:
        """Begin a new day when it has come."""
        day = self._wall.now_ms() // DAY_MS
        if day > self._day:
            self._day, self._today = day, Total()
            self._accepted = self._told = 0


def cost_of(
    usage: Mapping[str, int], prices: Prices | None, reported_usd: float | None = None
) -> Decimal | None:
    """USD for the tokens of `usage`; None where their price is not known.

    What the provider itself reports wins. Tokens of reasoning are part of the completion's, those
    of the provider's cache part of the prompt's.
    """
    if reported_usd is not None and 0 <= reported_usd < float("inf"):
        return exact(reported_usd)
    if prices is None:
        return None if tokens_of(usage) else Decimal(0)
    prompt, completion = (_count(usage, name) for name in _BOTH)
    hits = _count(usage, "prompt_cache_hit_tokens") or _count(usage, "cached_tokens")
    cached = min(hits, prompt)
    cost = (
        (prompt - cached) * exact(prices.input_usd)
        + cached * exact(prices.cached_input_usd)
        + completion * exact(prices.output_usd)
    )
    return cost / _MILLION


def tokens_of(usage: Mapping[str, int]) -> int:
    """All tokens of a call."""
    return sum(_count(usage, name) for name in _BOTH)


def usage_of(completion: Completion, prompt: str) -> tuple[dict[str, int], bool]:
    """The tokens that a call is counted with, and whether any of them had to be estimated.

    What the provider did not report (the answer was cut or cancelled, or it never says) is
    estimated from what was sent and what arrived, reasoning included. Reasoning that a provider
    hides can't be counted so. A failure counts nothing only before anything of an answer came, and
    where it does not come of a model at work: a refusal, or no connection.
    """
    text = completion.reasoning + completion.answer
    refused = completion.failure is not None and completion.failure not in _TAKEN_IN
    if refused and completion.streamed is None and not text and not completion.usage:
        return {}, False
    estimates = estimated_usage(prompt, text)
    missing = {
        name: count for name, count in estimates.items() if not _count(completion.usage, name)
    }
    return {**completion.usage, **missing}, any(missing.values())


def estimated_usage(prompt: str, text: str) -> dict[str, int]:
    """Tokens of a prompt and of an answer by their length: one for three bytes of UTF-8, which is
    a little more than English and Chinese take."""
    lengths = (len(each.encode("utf-8", "surrogatepass")) for each in (prompt, text))
    return {name: -(-length // _BYTES_A_TOKEN) for name, length in zip(_BOTH, lengths, strict=True)}


def _count(usage: Mapping[str, int], name: str) -> int:
    return max(0, usage.get(name, 0))
