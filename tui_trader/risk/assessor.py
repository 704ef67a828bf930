"""One assessment: from the targets of a cycle to orders and verdicts, without side effects."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tui_trader.models import (
    Action,
    InstrumentRef,
    OpeningBar,
    PortfolioView,
    Protection,
    RiskResult,
    TargetPosition,
    TradeDigest,
    TradeInstruction,
    Verdict,
)
from tui_trader.models.money import difference
from tui_trader.models.orders import market_order, split, wanted_quantity
from tui_trader.risk import guardrails, rules
from tui_trader.risk.interfaces import Assessment, RiskMarket
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.projection import Projection
from tui_trader.risk.proposal import Objection, Proposal
from tui_trader.risk.state import RiskState

WEAK_MIN_TRADES = 10
"""Fewer closed trades of a symbol say nothing of its performance yet: one of them would decide the
score. The digest's Sharpe ratio asks for as many."""


PRICE_MOVED = 1.05
"""What was asked for may be cut to the cap where it exceeds it by so little: then it was within it
when it was decided. More was never within it, whatever share it was called."""


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
    done. The reductions pass no rule at all, so none can be refused. `digest` is what has happened
    lately, None where nothing is known of it.
    """

    def __init__(
        self,
        limits: RiskLimits,
        state: RiskState,
        compose_id: str,
        view: PortfolioView,
        market: RiskMarket,
        digest: TradeDigest | None = None,
    ) -> None:
        self._limits = limits
        self._state = state
        self._compose_id = compose_id
        self._view = view
        self._market = market
        self._recent = digest.by_instrument if digest else {}
        self._projected = Projection(view, market)
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

    def bars(self, symbols: Iterable[str]) -> tuple[OpeningBar, ...]:
        """What refuses any opening in `symbols`, as the rules say of one of either side."""
        sides = ((Action.LONG, 1.0), (Action.SHORT, -1.0))[: 2 if self._limits.allow_short else 1]
        objections = {
            (symbol, objection): None
            for symbol in symbols
            for action, change in sides
            if (objection := self._standing_objection(symbol, action, change)) is not None
        }
        return tuple(
            OpeningBar(symbol=symbol, reason=objection.reason, until_ts=objection.until_ts)
            for symbol, objection in objections
        )

    def _standing_objection(self, symbol: str, action: Action, change: float) -> Objection | None:
        held = self._view.quantity_of(symbol)
        probe = TargetPosition(
            instrument=InstrumentRef(symbol=symbol), action=action, target_qty=held + change
        )
        try:
            proposal = self._proposal(Wish(probe, held, 0.0, change), change)
            objection = rules.first_objection(proposal, self._limits, standing=True)
        except Exception as error:
            return _failed(error)
        return objection[1] if objection else None

    def _shape(self, target: TargetPosition) -> Wish:
        held = self._view.quantity_of(target.instrument.symbol)
        wanted = wanted_quantity(target, held)
        allowed = wanted if self._limits.allow_short else guardrails.without_short(held, wanted)
        wish = Wish(target, held, *split(held, allowed))
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
            self._projected.reduce(symbol, difference(wish.held, -change))
            self._approve(wish, "reduce", self._projected.held(symbol))
        elif not wish.opening:
            self._leave(wish)

    def _leave(self, wish: Wish) -> None:
        """A decision that changes nothing, perhaps because it could not be sized."""
        proposal = self._proposal(wish)
        for name, rule in (("price", rules.valid_price), ("equity", rules.known_equity)):
            if objection := rule(proposal, self._limits):
                self._veto(wish, name, objection.reason)
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
            if objection is None and (factor := rules.size_factor(proposal, self._limits)) < 1:
                proposal = self._weakened(wish, proposal, factor)
                objection = rules.first_objection(proposal, self._limits)
            order = None if objection else self._order(wish, proposal.quantity, reduces=False)
        except Exception as error:
            order, objection = None, ("error", _failed(error))
        if objection is not None:
            self._veto(wish, objection[0], objection[1].reason)
        elif order is not None:
            self._open(wish, proposal, order)

    def _open(self, wish: Wish, proposal: Proposal, order: TradeInstruction) -> None:
        self._opens.append(order)
        self._state = self._state.opened(wish.symbol, proposal.ts, proposal.side)
        self._projected.open(wish.symbol, proposal.quantity)
        self._approve(wish, "rules", proposal.base + proposal.quantity)

    def _sized(self, wish: Wish) -> Proposal:
        """The opening as it would be ordered: within the cap where only the price moved, and cut
        to the quantity step."""
        price, equity = self._market.price(wish.symbol), self._view.total_value
        base = self._projected.held(wish.symbol)
        quantity = wish.opening
        share, usage = wish.target.size_pct, self._limits.max_equity_usage_pct
        cap = max(equity or 0.0, 0.0) * usage
        near = price is not None and abs(quantity) * price <= cap * PRICE_MOVED
        if price is not None and equity is not None and 0 < share <= usage and near:
            quantity = guardrails.within_notional(quantity, cap, price)
            if quantity != wish.opening:
                self._say(
                    wish, "max_position_size", "clip", "price moved: cut to cap", base + quantity
                )
        step = self._limits.size_of(wish.symbol).step
        whole = guardrails.truncate(quantity, step)
        if whole not in (0.0, quantity):
            self._say(wish, "step", "clip", f"cut to step {step:g}", base + whole)
        asked, given = wish.target.leverage, self._leverage(wish.target)
        if given not in (None, asked):
            self._say(
                wish, "leverage", "clip", f"leverage {asked:g}: cut to {given:g}", base + whole
            )
        return self._proposal(wish, whole)

    def _weakened(self, wish: Wish, proposal: Proposal, factor: float) -> Proposal:
        """An opening that passed whole, cut to `factor` of its size: a cut never lets pass what
        would have been refused."""
        step = self._limits.size_of(wish.symbol).step
        quantity = guardrails.truncate(proposal.quantity * factor, step)
        reason = f"{rules.weakness(proposal, self._limits)}: cut to {factor:.0%}"
        self._say(wish, "weak_score", "clip", reason, proposal.base + quantity)
        return replace(proposal, quantity=quantity)

    def _proposal(self, wish: Wish, quantity: float = 0.0) -> Proposal:
        symbol, target, market = wish.symbol, wish.target, self._market
        others = self._projected.others(symbol)
        return Proposal(
            action=target.action,
            symbol=symbol,
            ts=market.ts,
            base=self._projected.held(symbol),
            quantity=quantity,
            price=market.price(symbol),
            equity=self._view.total_value,
            other_notional=others.gross,
            other_positions=others.positions,
            stale=symbol in market.stale,
            state=self._state,
            moved=symbol in market.moved,
            expired=market.expired,
            confidence=target.confidence,
            score=self._score(symbol),
            pending=self._projected.pending(symbol),
            other_net=others.net,
            unknown=symbol in market.unknown,
            flips=wish.closing != 0,
            spread_bps=market.spread_bps(symbol),
            leverage=target.leverage,
            stop_loss=target.stop_loss,
            take_profit=target.take_profit,
            model_cost=market.model_cost,
        )

    def _score(self, symbol: str) -> float | None:
        """The symbol's recent performance (-1 to 1); None while it means nothing."""
        recent = self._recent.get(symbol)
        if recent is None or recent.trade_count < WEAK_MIN_TRADES:
            return None
        return recent.recent_performance_score

    def _order(self, wish: Wish, change: float, *, reduces: bool) -> TradeInstruction:
        """The order for a signed `change`; the opening half of a flip is the symbol's second."""
        compose_id, instrument = self._compose_id, wish.target.instrument
        if reduces:
            name = f"{compose_id}:{instrument.symbol}"
            return market_order(name, compose_id, instrument, change, reduce_only=True)
        return market_order(
            f"{compose_id}:{instrument.symbol}{':1' if wish.closing else ''}",
            compose_id,
            instrument,
            change,
            reduce_only=False,
            max_slippage_bps=self._limits.max_slippage_bps,
            leverage=self._leverage(wish.target),
            protection=Protection(
                stop_loss=wish.target.stop_loss,
                take_profit=wish.target.take_profit,
                trailing_pct=self._limits.trailing_stop_pct,
            ),
        )

    def _leverage(self, target: TargetPosition) -> float | None:
        asked = target.leverage
        return None if asked is None else guardrails.clamp_leverage(asked, self._limits)

    def _approve(self, wish: Wish, rule: str, allowed: float) -> None:
        self._say(wish, rule, "pass", "", allowed)
        self._results[wish.symbol] = RiskResult(approved=True)

    def _veto(self, wish: Wish, rule: str, reason: str) -> None:
        """Refuse; a symbol of which another order goes out stays approved in S0's sense."""
        self._say(wish, rule, "veto", reason, self._projected.held(wish.symbol))
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
                requested_qty=wanted_quantity(wish.target, wish.held),
                allowed_qty=allowed,
            )
        )


def _failed(error: Exception) -> Objection:
    return Objection(f"risk check failed: {type(error).__name__}: {error}")
