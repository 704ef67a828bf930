"""Stage 4: between a wish and an order stands the risk layer."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tui_trader.models import (
    InstrumentRef,
    OpeningBar,
    PortfolioView,
    RiskResult,
    TargetPosition,
    Ticker,
    TradeDigest,
    TradeInstruction,
    TxResult,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What may be sent, closes first, and every verdict; `results` is S0's answer by symbol.

    A symbol is approved when any order of it may be sent, or when nothing was asked; `alerts` are
    sentences for the operator.
    """

    instructions: tuple[TradeInstruction, ...]
    verdicts: tuple[Verdict, ...]
    results: Mapping[str, RiskResult]
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RiskMarket:
    """What the risk layer may know of the market at `ts` (ms): quotes by symbol and their age.

    `stale` names the symbols whose data is too old to open anything on, `moved` those whose
    position has changed since the decision was begun; `expired` says that this is too long ago.

    `pending` holds by symbol what open orders, and those of an unknown outcome, may still buy and
    sell beyond what is held (positive base currency; what only reduces is not among it), `unknown`
    the symbols with an order whose outcome is unknown. `model_cost` is what models have cost on
    this UTC day, in quote currency.
    """

    ts: int
    tickers: Mapping[str, Ticker]
    stale: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    expired: bool = False
    pending: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    model_cost: float = 0.0

    def price(self, symbol: str) -> float | None:
        """The price at which `symbol` is valued, in quote currency; None when unknown."""
        ticker = self.tickers.get(symbol)
        return ticker.mark if ticker is not None else None

    def spread_bps(self, symbol: str) -> float | None:
        """From bid to ask, in basis points of their middle; None where they are missing or
        crossed."""
        ticker = self.tickers.get(symbol)
        if ticker is None or not 0 < ticker.bid <= ticker.ask < math.inf:
            return None
        return (ticker.ask - ticker.bid) / (ticker.ask + ticker.bid) * 20_000


class BaseRiskManager(ABC):
    """Shapes targets into instructions (guardrails) and refuses what breaks a rule (veto).

    Nothing that only reduces exposure is ever refused.
    """

    @abstractmethod
    def assess(
        self,
        compose_id: str,
        targets: Sequence[TargetPosition],
        view: PortfolioView,
        market: RiskMarket,
        digest: TradeDigest | None = None,
    ) -> Assessment:
        """Judge the targets of one cycle against the account and the market as they are, and what
        has happened lately (None: not known, which refuses nothing)."""

    @abstractmethod
    def bars(
        self,
        symbols: Iterable[str],
        view: PortfolioView,
        market: RiskMarket,
        digest: TradeDigest | None = None,
    ) -> tuple[OpeningBar, ...]:
        """What `assess` would refuse in `symbols` now, whatever opening was decided. A bar for one
        side only says so in its reason."""

    @abstractmethod
    def targets_of(
        self, instructions: Sequence[TradeInstruction], view: PortfolioView
    ) -> list[TargetPosition]:
        """The positions to which a composer's own orders lead, to be judged like any target: with
        the confidence that their `meta` tells of."""

    @abstractmethod
    def close_instruction(
        self, compose_id: str, instrument: InstrumentRef, quantity: float
    ) -> TradeInstruction:
        """The order that closes a position of signed `quantity` (base currency). Never refused."""

    @abstractmethod
    def note_results(self, results: Sequence[TxResult], ts: int) -> None:
        """Learn what was executed at `ts` (ms): what was not filled has opened nothing, and what
        has reduced a position is a close."""

    @abstractmethod
    def note_close(self, symbol: str, ts: int) -> None:
        """Learn that a position was reduced at `ts` (ms) by no instruction of this layer: by its
        protection, or by the venue."""

    @abstractmethod
    def note_deposit(self, amount: float) -> None:
        """Learn that `amount` (quote currency; negative: withdrawn) was paid in, before the equity
        with it is seen."""
