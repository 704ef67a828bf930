"""The limits that the risk layer keeps."""

import math
from collections.abc import Callable, Mapping
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


_Ranges = tuple[tuple[Callable[[float], bool], str, tuple[str, ...]], ...]

_RANGES: _Ranges = (
    (
        lambda value: 0 <= value <= 1,
        "between 0 and 1",
        ("max_equity_usage_pct", "min_confidence", "weak_size_factor"),
    ),
    (
        lambda value: 0 < value <= 1,
        "above 0 and at most 1",
        ("daily_loss_cap_pct", "max_drawdown_pct"),
    ),
    (lambda value: 0 < value < 1, "above 0 and below 1", ("trailing_stop_pct",)),
    (
        lambda value: 0 <= value < 1,
        "0 or more and below 1",
        ("min_liquidation_distance_pct", "maintenance_margin_rate"),
    ),
    (
        lambda value: 0 <= value < math.inf,
        "0 or more",
        ("cooldown_seconds", "cooldown_after_close_seconds", "min_hold_seconds"),
    ),
    (
        lambda value: 0 < value < math.inf,
        "greater than 0",
        ("max_leverage", "max_gross_pct", "max_net_pct", "max_spread_bps", "max_tick_jump_pct"),
    ),
    (lambda value: value >= 1, "1 or more", ("max_opens_per_hour",)),
    (lambda value: -1 <= value <= 1, "between -1 and 1", ("weak_score",)),
)
"""What each limit may be, where it is not None."""


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The operator's limits. Fractions are 0 to 1; None means no such limit.

    On projected exposure, open orders included: `max_equity_usage_pct` bounds one position's
    notional as a fraction of equity, `max_leverage` all notionals together as a multiple of it, and
    any leverage asked for; `max_gross_pct` bounds all notionals and `max_net_pct` what longs and
    shorts don't balance, both as fractions of equity (2.0 is twice).

    `min_hold_seconds` after an opening the other side of its symbol may be opened;
    `cooldown_after_close_seconds` after a close anything in its symbol; `max_opens_per_hour` counts
    those of all symbols. `max_drawdown_pct` below the highest equity nothing is opened until the
    operator resumes. Where the recent score of a symbol (-1 to 1) is below `weak_score`, an opening
    is cut to `weak_size_factor` of its size; 0 refuses it.

    With `require_stop` nothing is opened without a stop-loss; `trailing_stop_pct` (a fraction of
    the price) gives every opening one that follows. `min_liquidation_distance_pct` is a fraction of
    the price, `maintenance_margin_rate` one of the notional. `max_spread_bps` bounds ask to bid,
    `max_tick_jump_pct` a price's distance from those seen before it, as a fraction of them.

    `allow_short` is possible on a linear market only. `sizes` holds a symbol's own filter where
    `default_size` does not fit.
    """

    max_equity_usage_pct: float = 0.10
    max_leverage: float | None = 3.0
    max_gross_pct: float | None = None
    max_net_pct: float | None = None
    daily_loss_cap_pct: float | None = None
    max_drawdown_pct: float | None = None
    cooldown_seconds: float | None = None
    cooldown_after_close_seconds: float | None = None
    min_confidence: float = 0.5
    min_hold_seconds: float | None = None
    max_opens_per_hour: int | None = None
    weak_score: float = -0.5
    weak_size_factor: float = 0.5
    require_stop: bool = False
    trailing_stop_pct: float | None = None
    min_liquidation_distance_pct: float | None = None
    maintenance_margin_rate: float = 0.005
    trading_enabled: bool = True
    market: Literal["spot", "linear"] = "spot"
    allow_short: bool = False
    max_positions: int | None = None
    max_slippage_bps: int | None = None
    max_spread_bps: float | None = None
    max_tick_jump_pct: float | None = None
    default_size: SizeFilter = SizeFilter()
    sizes: Mapping[str, SizeFilter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for fits, words, names in _RANGES:
            for name in names:
                value = getattr(self, name)
                if value is not None and not fits(value):
                    raise ValueError(f"{name} must be {words}, not {value}")
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
            max_gross_pct=self.max_gross_pct,
            max_net_pct=self.max_net_pct,
            daily_loss_cap_pct=self.daily_loss_cap_pct,
            max_drawdown_pct=self.max_drawdown_pct,
            cooldown_seconds=_whole(self.cooldown_seconds),
            cooldown_after_close_seconds=_whole(self.cooldown_after_close_seconds),
            min_confidence=self.min_confidence,
            min_hold_seconds=_whole(self.min_hold_seconds),
            require_stop=self.require_stop,
            trailing_stop_pct=self.trailing_stop_pct,
            min_liquidation_distance_pct=self.min_liquidation_distance_pct,
            max_opens_per_hour=self.max_opens_per_hour,
            allow_short=self.allow_short,
            quantity_step=size.step,
            min_trade_qty=size.min_qty,
            min_notional=size.min_notional,
        )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)


def derived_step(price: float, capital: float) -> float:
    """A quantity step where no venue names one: the largest power of ten that is worth at most one
    basis point of `capital`, both in quote currency."""
    return float(f"1e{math.floor(math.log10(capital * 1e-4 / price))}")
