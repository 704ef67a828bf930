"""The rules by which the paper venue trades."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What the venue takes as an opening order: quantities in base, the notional in quote currency.
    A reduction is taken whatever its size."""

    min_qty: float = 0.0
    min_notional: float = 0.0


@dataclass(frozen=True, slots=True)
class PaperRules:
    """Fees, slippage and their like are basis points of the notional; other shares are fractions.

    An order arrives `latency_ms` after it was sent. Of each update's volume an order may take
    `volume_share`; None: all that it wants. A linear account may hold `max_leverage` times its
    equity; it is liquidated when its equity is no more than `maintenance_margin` of what it holds,
    for `liquidation_fee_bps`. Funding is paid every `funding_hours`, counted from midnight UTC:
    longs pay `funding_rate(symbol)` of the notional at the mark, shorts receive it.
    """

    market: Literal["spot", "linear"] = "spot"
    taker_bps: float = 10.0
    maker_bps: float = 10.0
    slippage_bps: float = 0.0
    latency_ms: int = 0
    volume_share: float | None = None
    max_leverage: float = 1.0
    maintenance_margin: float = 0.005
    liquidation_fee_bps: float = 50.0
    funding_hours: int = 8
    funding_rate: Callable[[str], float] = lambda symbol: 0.0
    filters: Mapping[str, OrderFilter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("taker_bps", "maker_bps", "liquidation_fee_bps", "latency_ms"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if not 0 <= self.slippage_bps < 10_000:
            raise ValueError(
                f"slippage_bps must be 0 or more and below 10000, not {self.slippage_bps}"
            )
        if self.volume_share is not None and not 0 < self.volume_share <= 1:
            raise ValueError(f"volume_share must be above 0 and at most 1, not {self.volume_share}")
        if self.max_leverage <= 0:
            raise ValueError(f"max_leverage must be above 0, not {self.max_leverage}")

    @property
    def leverage(self) -> float:
        """How many times its equity the account may hold."""
        return self.max_leverage if self.market == "linear" else 1.0
