"""The risk manager: the rules and guardrails, and what they remember between cycles."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tui_trader.messages import TradingState
from tui_trader.models import (
    Action,
    DecisionObject,
    InstrumentRef,
    MarketSnapshot,
    OpeningBar,
    PortfolioView,
    PositionSnapshot,
    RiskResult,
    TargetPosition,
    Ticker,
    TradeDigest,
    TradeInstruction,
    TxResult,
    TxStatus,
    orders,
)
from tui_trader.risk.assessor import Assessor
from tui_trader.risk.interfaces import Assessment, BaseRiskManager, RiskMarket
from tui_trader.risk.limits import RiskLimits
from tui_trader.risk.state import RiskState

FULL_SIZE_ALERT = 3
"""After how many decisions in a row at 100 % of equity the operator is told."""

FULL_SIZE = 0.99
"""The fraction of equity that counts as all of it: a quantity that a model has rounded down is a
little less."""


class RiskManager(BaseRiskManager):
    """Keeps `limits`. `state` is all that it remembers, to be stored and handed in on a restart."""

    def __init__(self, limits: RiskLimits, state: RiskState | None = None) -> None:
        self.limits = limits
        self.state = state or RiskState()
        # By instruction, of openings under way: symbol, time, and the state before it.
        self._before: dict[str, tuple[str, int, RiskState]] = {}
        self._reducing: set[str] = set()

    @property
    def trading_state(self) -> TradingState:
        """What may be done: everything, only reduce, nothing new."""
        return self.state.trading_state

    def set_trading_state(self, trading_state: TradingState) -> None:
        """Decide what may be done from now on; to resume also resets a tripped drawdown breaker."""
        state = self.state.resumed() if trading_state is TradingState.ACTIVE else self.state
        self.state = state.model_copy(update={"trading_state": trading_state})

    def assess(
        self,
        compose_id: str,
        targets: Sequence[TargetPosition],
        view: PortfolioView,
        market: RiskMarket,
        digest: TradeDigest | None = None,
    ) -> Assessment:
        self.state = self._seen(market.ts, view.total_value)
        assessor = Assessor(self.limits, self.state, compose_id, view, market, digest)
        assessment = assessor.run(targets)
        marks = {name: market.price(name) for name in market.tickers}
        self.state = self.state.priced({name: mark for name, mark in marks.items() if mark})
        for order in assessment.instructions:
            if order.reduce_only:
                self._reducing.add(order.instruction_id)
            else:
                self._note_opening(order, market.ts)
        return replace(assessment, alerts=self._full_size_alerts(targets))

    def bars(
        self,
        symbols: Iterable[str],
        view: PortfolioView,
        market: RiskMarket,
        digest: TradeDigest | None = None,
    ) -> tuple[OpeningBar, ...]:
        state = self._seen(market.ts, view.total_value)
        return Assessor(self.limits, state, "bars", view, market, digest).bars(symbols)

    def validate(
        self,
        decision: DecisionObject,
        snapshot: MarketSnapshot,
        position_size: float,
        equity: float,
    ) -> RiskResult:
        """S0's question: may this one decision be executed? Sends nothing, so nothing is opened.

        `position_size` is signed base currency, `equity` quote currency (NaN when unknown).
        """
        symbol, ts = snapshot.symbol, snapshot.timestamp
        instrument = InstrumentRef(symbol=symbol)
        worth = equity if math.isfinite(equity) else None
        held = {symbol: PositionSnapshot(instrument=instrument, quantity=position_size)}
        view = PortfolioView(
            ts=ts,
            cash=worth or 0.0,
            account_balance=worth or 0.0,
            positions=held if position_size else {},
            total_value=worth,
        )
        price = snapshot.price
        ticker = Ticker(symbol=symbol, ts=ts, bid=price, ask=price, last=price)
        stale = frozenset({symbol} if snapshot.stale_ms is not None else ())
        self.state = self._seen(ts, worth)
        assessor = Assessor(
            self.limits, self.state, "validate", view, RiskMarket(ts, {symbol: ticker}, stale)
        )
        target = TargetPosition(
            instrument=instrument,
            action=decision.action,
            target_qty=_decided_quantity(decision, price, position_size, worth),
            size_pct=decision.size_pct,
        )
        return assessor.run([target]).results[symbol]

    def targets_of(
        self, instructions: Sequence[TradeInstruction], view: PortfolioView
    ) -> list[TargetPosition]:
        return orders.targets_of(instructions, view)

    def close_instruction(
        self, compose_id: str, instrument: InstrumentRef, quantity: float
    ) -> TradeInstruction:
        order = orders.market_order(
            f"{compose_id}:{instrument.symbol}", compose_id, instrument, -quantity, reduce_only=True
        )
        self._reducing.add(order.instruction_id)
        return order

    def note_results(self, results: Sequence[TxResult], ts: int) -> None:
        """An opening that ended with nothing filled is taken back; one whose outcome is not known
        stays, until it is."""
        for result in results:
            order = result.instruction_id
            if result.filled_qty > 0 and order in self._reducing:
                self.note_close(result.instrument.symbol, ts)
            noted = self._before.get(order)
            if noted and result.status is TxStatus.REJECTED and result.filled_qty == 0:
                self.state = self.state.not_opened(*noted)
            if result.status not in (TxStatus.WORKING, TxStatus.UNKNOWN):
                self._before.pop(order, None)
                self._reducing.discard(order)

    def note_close(self, symbol: str, ts: int) -> None:
        self.state = self.state.closed(symbol, ts)

    def note_deposit(self, amount: float) -> None:
        self.state = self.state.deposited(amount)

    def _seen(self, ts: int, equity: float | None) -> RiskState:
        return self.state.seen(ts, equity, self.limits.max_drawdown_pct)

    def _note_opening(self, order: TradeInstruction, ts: int) -> None:
        symbol = order.instrument.symbol
        self._before[order.instruction_id] = (symbol, ts, self.state)
        self.state = self.state.opened(symbol, ts, order.side)

    def _full_size_alerts(self, targets: Sequence[TargetPosition]) -> tuple[str, ...]:
        """Count what asks for all of equity; only another size breaks the row, not a hold."""
        streak = dict(self.state.full_size_streak)
        alerts = []
        for target in targets:
            if target.action not in (Action.LONG, Action.SHORT):
                continue
            symbol = target.instrument.symbol
            streak[symbol] = streak.get(symbol, 0) + 1 if target.size_pct >= FULL_SIZE else 0
            if streak[symbol] and streak[symbol] % FULL_SIZE_ALERT == 0:
                alerts.append(f"{symbol}: all of equity asked for {streak[symbol]} times in a row")
        if streak != self.state.full_size_streak:
            self.state = self.state.model_copy(update={"full_size_streak": streak})
        return tuple(alerts)


def _decided_quantity(
    decision: DecisionObject, price: float, held: float, equity: float | None
) -> float:
    """The position that S0's decision leads to: `size_pct` of equity more or less than is held."""
    if decision.action is Action.CLOSE:
        return 0.0
    if price <= 0 or equity is None:
        return held
    added = equity * decision.size_pct / price
    return held + {Action.LONG: added, Action.SHORT: -added}.get(decision.action, 0.0)
