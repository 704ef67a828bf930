"""One assessment: from the targets of a cycle to orders and verdicts, without side effects."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui_trader.models import (
    Action,
    InstrumentRef,
    PortfolioView,
    RiskResult,
    TargetPosition,
    TradeInstruction,
    TradeSide,
    Verdict,
)
from tui_trader.risk import guardrails, rules
from tui_trader.risk.interfaces import Assessment, RiskMarket
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.rules import Proposal
from tui_trader.risk.state import RiskState


@dataclass(frozen=True, slots=True)
class Wish:
    """The way from what is held to what a target asks for: signed changes in base currency."""

    target: TargetPosition
    held: float
    closing: float
    opening: float

    @property
    def symbol(self) -> str:
        return self.target.instrument.symbol


class Assessor:
    """Judges targets in two passes: everything that reduces, then what opens.

    Exposure is projected: each opening is judged with the cycle's closes and its earlier openings
    done. The reductions pass no rule at all, so none can be refused.
    """

    def __init__(
        self,
        limits: RiskLimits,
        state: RiskState,
        compose_id: str,
        view: PortfolioView,
        market: RiskMarket,
    ) -> None:
        self._limits = limits
        self._state = state
        self._compose_id = compose_id
        self._view = view
        self._market = market
        self._projected = {symbol: item.quantity for symbol, item in view.positions.items()}
        self._closes: list[TradeInstruction] = []
        self._opens: list[TradeInstruction] = []
        self._verdicts: list[Verdict] = []
        self._results: dict[str, RiskResult] = {}

    def run(self, targets: Sequence[TargetPosition]) -> Assessment:
        """The answer to all `targets`."""
        chosen, displaced = guardrails.one_per_symbol(targets, self._view)
        for target in displaced:
            self._displace(target)
        wishes = [self._shape(target) for target in chosen]
        for wish in wishes:
            self._reduce(wish)
        for wish in wishes:
            self._increase(wish)
        return Assessment(
            instructions=(*self._closes, *self._opens),
            verdicts=tuple(self._verdicts),
            results=self._results,
        )

    def _shape(self, target: TargetPosition) -> Wish:
        held = self._view.quantity_of(target.instrument.symbol)
        wanted = guardrails.wanted_quantity(target, held)
        allowed = wanted if self._limits.allow_short else guardrails.without_short(held, wanted)
        wish = Wish(target, held, *guardrails.split(held, allowed))
        if allowed != wanted:
            spot = self._limits.market == "spot"
            reason = "spot market cannot be short" if spot else "shorting not allowed"
            if allowed == held:
                self._veto(wish, "short", reason)
            else:
                self._say(wish, "short", "clip", reason, allowed)
        return wish

    def _reduce(self, wish: Wish) -> None:
        """The orders and answers that need no judgement: holds, closes, reductions."""
        target, symbol = wish.target, wish.symbol
        if symbol in self._results:
            return
        if target.action is Action.HOLD:
            self._approve(wish, "hold", wish.held)
        elif reason := rules.no_position_to_close(target.action, wish.held):
            self._veto(wish, "close", reason)
        elif wish.closing:
            step = self._limits.size_of(symbol).step
            quantity = guardrails.round_reduction(abs(wish.closing), wish.held, step)
            change = math.copysign(quantity, wish.closing)
            self._closes.append(self._order(wish, change, reduces=True))
            self._projected[symbol] = guardrails.difference(wish.held, -change)
            self._approve(wish, "reduce", self._projected[symbol])
        elif not wish.opening:
            self._leave(wish)

    def _leave(self, wish: Wish) -> None:
        """A decision that changes nothing, perhaps because it could not be sized."""
        proposal = self._proposal(wish)
        for name, rule in (("price", rules.valid_price), ("equity", rules.known_equity)):
            if reason := rule(proposal, self._limits):
                self._veto(wish, name, reason)
                return
        self._approve(wish, "no change", wish.held)

    def _increase(self, wish: Wish) -> None:
        """Judge what opens. A rule that fails to answer refuses: nothing opens by accident."""
        refused = wish.symbol in self._results and not self._results[wish.symbol].approved
        if not wish.opening or refused:
            return
        try:
            proposal = self._sized(wish)
            objection = rules.first_objection(proposal, self._limits)
        except Exception as error:
            self._veto(wish, "error", f"risk check failed: {type(error).__name__}: {error}")
            return
        if objection is not None:
            self._veto(wish, *objection)
            return
        self._opens.append(self._order(wish, proposal.quantity, reduces=False))
        self._projected[wish.symbol] = proposal.base + proposal.quantity
        self._approve(wish, "rules", proposal.base + proposal.quantity)

    def _sized(self, wish: Wish) -> Proposal:
        """The opening as it would be ordered: within the cap where only the price moved, and cut
        to the quantity step."""
        price, equity = self._price(wish.symbol), self._view.total_value
        base = self._projected.get(wish.symbol, 0.0)
        quantity = wish.opening
        share, usage = wish.target.size_pct, self._limits.max_equity_usage_pct
        if price is not None and equity is not None and 0 < share <= usage:
            quantity = guardrails.within_notional(quantity, max(equity, 0.0) * usage, price)
            if quantity != wish.opening:
                self._say(
                    wish, "max_position_size", "clip", "price moved: cut to cap", base + quantity
                )
        step = self._limits.size_of(wish.symbol).step
        whole = guardrails.truncate(quantity, step)
        if whole not in (0.0, quantity):
            self._say(wish, "step", "clip", f"cut to step {step:g}", base + whole)
        return self._proposal(wish, whole)

    def _proposal(self, wish: Wish, quantity: float = 0.0) -> Proposal:
        symbol = wish.symbol
        others = {
            name: held for name, held in self._projected.items() if name != symbol and held != 0
        }
        notionals = [self._notional(name, held) for name, held in others.items()]
        known = [notional for notional in notionals if notional is not None]
        return Proposal(
            action=wish.target.action,
            symbol=symbol,
            ts=self._market.ts,
            base=self._projected.get(symbol, 0.0),
            quantity=quantity,
            price=self._price(symbol),
            equity=self._view.total_value,
            other_notional=sum(known) if len(known) == len(notionals) else None,
            other_positions=len(others),
            stale=symbol in self._market.stale,
            state=self._state,
            moved=symbol in self._market.moved,
        )

    def _price(self, symbol: str) -> float | None:
        ticker = self._market.tickers.get(symbol)
        return ticker.mark if ticker is not None else None

    def _notional(self, symbol: str, quantity: float) -> float | None:
        price = self._price(symbol)
        if price is None and (position := self._view.positions.get(symbol)) is not None:
            price = position.mark_price
        return None if price is None else abs(quantity) * price

    def _order(self, wish: Wish, change: float, *, reduces: bool) -> TradeInstruction:
        """The order for a signed `change`; the opening half of a flip is the symbol's second."""
        second = ":1" if not reduces and wish.closing else ""
        instrument = wish.target.instrument
        return market_order(
            f"{self._compose_id}:{instrument.symbol}{second}",
            self._compose_id,
            instrument,
            change,
            reduce_only=reduces,
            max_slippage_bps=None if reduces else self._limits.max_slippage_bps,
        )

    def _approve(self, wish: Wish, rule: str, allowed: float) -> None:
        self._say(wish, rule, "pass", "", allowed)
        self._results[wish.symbol] = RiskResult(approved=True)

    def _veto(self, wish: Wish, rule: str, reason: str) -> None:
        """Refuse; a symbol of which another order goes out stays approved in S0's sense."""
        self._say(wish, rule, "veto", reason, self._projected.get(wish.symbol, 0.0))
        self._results.setdefault(wish.symbol, RiskResult(approved=False, reason=reason))

    def _displace(self, target: TargetPosition) -> None:
        held = self._view.quantity_of(target.instrument.symbol)
        reason = "another target for this symbol is nearer to flat"
        self._say(Wish(target, held, 0.0, 0.0), "one_target", "veto", reason, held)

    def _say(
        self,
        wish: Wish,
        rule: str,
        outcome: Literal["pass", "clip", "veto"],
        reason: str,
        allowed: float,
    ) -> None:
        self._verdicts.append(
            Verdict(
                symbol=wish.symbol,
                rule=rule,
                outcome=outcome,
                reason=reason,
                requested_qty=guardrails.wanted_quantity(wish.target, wish.held),
                allowed_qty=allowed,
            )
        )


def market_order(
    instruction_id: str,
    compose_id: str,
    instrument: InstrumentRef,
    change: float,
    *,
    reduce_only: bool,
    max_slippage_bps: int | None = None,
) -> TradeInstruction:
    """A market order that changes the position by the signed `change` (base currency, not 0)."""
    return TradeInstruction(
        instruction_id=instruction_id,
        compose_id=compose_id,
        instrument=instrument,
        side=TradeSide.BUY if change > 0 else TradeSide.SELL,
        quantity=abs(change),
        max_slippage_bps=max_slippage_bps,
        reduce_only=reduce_only,
    )
