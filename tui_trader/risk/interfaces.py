"""Stage 4: between a wish and an order stands the risk layer."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    """

    ts: int
    tickers: Mapping[str, Ticker]
    stale: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    expired: bool = False


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
        """Learn what was executed at `ts` (ms): what was not filled has opened nothing."""
