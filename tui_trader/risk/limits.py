"""The limits that the risk layer keeps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tui_trader.models import Constraints


@dataclass(frozen=True, slots=True)
class SizeFilter:
    """What a venue accepts as an order: quantities in base, the notional in quote currency."""

    step: float = 1e-8
    min_qty: float = 0.0
    min_notional: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.step < math.inf:
            raise ValueError(f"quantity step must be greater than 0, not {self.step}")


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The operator's limits. Fractions are 0 to 1; None means no such limit.

    `max_equity_usage_pct` bounds one position's notional as a fraction of equity, `max_leverage`
    all notionals together as a multiple of it. `min_hold_seconds` after an opening the other side
    of its symbol may be opened; `max_opens_per_hour` counts those of all symbols. Where the recent
    score of a symbol (-1 to 1) is below `weak_score`, an opening is cut to `weak_size_factor` of
    its size; 0 refuses it. `allow_short` is possible on a linear market only. `sizes` holds a
    symbol's own filter where `default_size` does not fit.
    """

    max_equity_usage_pct: float = 0.10
    max_leverage: float | None = 3.0
    daily_loss_cap_pct: float | None = None
    cooldown_seconds: float | None = None
    min_confidence: float = 0.5
    min_hold_seconds: float | None = None
    max_opens_per_hour: int | None = None
    weak_score: float = -0.5
    weak_size_factor: float = 0.5
    trading_enabled: bool = True
    market: Literal["spot", "linear"] = "spot"
    allow_short: bool = False
    max_positions: int | None = None
    max_slippage_bps: int | None = None
    default_size: SizeFilter = SizeFilter()
    sizes: Mapping[str, SizeFilter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("max_equity_usage_pct", "min_confidence", "weak_size_factor"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        for name in ("cooldown_seconds", "min_hold_seconds"):
            seconds = getattr(self, name)
            if seconds is not None and not 0 <= seconds < math.inf:
                raise ValueError(f"{name} must be 0 or more, not {seconds}")
        if self.max_leverage is not None and not 0 < self.max_leverage < math.inf:
            raise ValueError(f"max_leverage must be greater than 0, not {self.max_leverage}")
        if self.daily_loss_cap_pct is not None and not 0 < self.daily_loss_cap_pct <= 1:
            raise ValueError(
                f"daily_loss_cap_pct must be above 0 and at most 1, not {self.daily_loss_cap_pct}"
            )
        if self.max_opens_per_hour is not None and self.max_opens_per_hour < 1:
            raise ValueError(f"max_opens_per_hour must be 1 or more, not {self.max_opens_per_hour}")
        if not -1 <= self.weak_score <= 1:
            raise ValueError(f"weak_score must be between -1 and 1, not {self.weak_score}")
        if self.market == "spot" and self.allow_short:
            raise ValueError("allow_short needs a linear market: spot cannot be short")

    def size_of(self, symbol: str) -> SizeFilter:
        """The filter for orders in `symbol`."""
        return self.sizes.get(symbol, self.default_size)

    def constraints(self, symbol: str | None = None) -> Constraints:
        """The same limits as a composer is told them, with the sizes of `symbol`."""
        size = self.default_size if symbol is None else self.size_of(symbol)
        return Constraints(
            max_positions=self.max_positions,
            max_leverage=self.max_leverage,
            max_equity_usage_pct=self.max_equity_usage_pct,
            daily_loss_cap_pct=self.daily_loss_cap_pct,
            cooldown_seconds=None if self.cooldown_seconds is None else int(self.cooldown_seconds),
            min_confidence=self.min_confidence,
            min_hold_seconds=None if self.min_hold_seconds is None else int(self.min_hold_seconds),
            max_opens_per_hour=self.max_opens_per_hour,
            allow_short=self.allow_short,
            quantity_step=size.step,
            min_trade_qty=size.min_qty,
            min_notional=size.min_notional,
        )


def derived_step(price: float, capital: float) -> float:
    """A quantity step where no venue names one: the largest power of ten that is worth at most one
    basis point of `capital`, both in quote currency."""
    return float(f"1e{math.floor(math.log10(capital * 1e-4 / price))}")
