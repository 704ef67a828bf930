"""Where the engine's messages leave it: numbers the facts and remembers what a newcomer needs."""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from tui_trader.clock import Clock
from tui_trader.messages import (
    CandleChanged,
    CycleCompleted,
    CycleStarted,
    Fact,
    Message,
    ModelStatus,
    OrderUpdated,
    PortfolioMarked,
    QuoteChanged,
    RiskAssessed,
    SessionInfo,
    Snapshot,
    TradingState,
    TradingStateChanged,
)
from tui_trader.models import Candle, MetricPoint, PortfolioView, Ticker, TradeDigest

logger = logging.getLogger(__name__)

Sink = Callable[[Message], None]


class Publisher:
    """Tells every sink what happens. It never waits, and no sink can hurt the engine or another.

    Only for the engine's thread; a sink must not publish. `state` and `equity` are what the engine
    starts with.
    """

    def __init__(
        self,
        clock: Clock,
        session: SessionInfo,
        state: TradingState,
        *,
        state_reason: str = "",
        equity: Iterable[MetricPoint] = (),
        keep_facts: int = 500,
        keep_candles: int = 600,
        keep_equity: int = 2_000,
    ) -> None:
        self._clock = clock
        self._session = session
        self._state = state
        self._state_reason = state_reason
        self._seq = 0
        self._facts: deque[Fact] = deque()
        self._keep_facts = keep_facts
        self._keep_candles = keep_candles
        self._candles: dict[str, deque[Candle]] = {}
        self._quotes: dict[str, Ticker] = {}
        self._equity: deque[MetricPoint] = deque(equity, maxlen=keep_equity)
        self._portfolio: PortfolioView | None = None
        self._digest: TradeDigest | None = None
        self._model_status: ModelStatus | None = None
        self._earlier_trades = 0
        self._earlier_denials = 0
        self._earlier_cycles = 0
        self._sinks: dict[int, Sink] = {}
        self._subscriptions = 0

    def subscribe(self, sink: Sink) -> Callable[[], None]:
        """Call `sink` with every message from now on; the returned function ends it.

        A sink that raises is dropped.
        """
        self._subscriptions += 1
        number = self._subscriptions
        self._sinks[number] = sink

        def unsubscribe() -> None:
            self._sinks.pop(number, None)

        return unsubscribe

    def publish(self, message: Message) -> None:
        """Tell every sink; a fact gets its number first."""
        if isinstance(message, Fact):
            self._seq += 1
            message = replace(message, seq=self._seq)
            self._keep_fact(message)
        else:
            self._keep_level(message)
        for number, sink in tuple(self._sinks.items()):
            try:
                sink(message)
            except Exception:
                logger.exception("a subscriber failed on %s and is dropped", message.kind)
                self._sinks.pop(number, None)

    def snapshot(self) -> Snapshot:
        """Everything a newcomer needs, as of the newest fact."""
        return Snapshot(
            ts=self._clock.now_ms(),
            seq=self._seq,
            session=self._session,
            state=self._state,
            portfolio=self._portfolio,
            candles=tuple(candle for bars in self._candles.values() for candle in bars),
            quotes=tuple(self._quotes.values()),
            equity=tuple(self._equity),
            facts=tuple(self._facts),
            digest=self._digest,
            state_reason=self._state_reason,
            earlier_trades=self._earlier_trades,
            earlier_denials=self._earlier_denials,
            earlier_cycles=self._earlier_cycles,
            model_status=self._model_status,
        )

    def _keep_fact(self, fact: Fact) -> None:
        self._facts.append(fact)
        if len(self._facts) > self._keep_facts:
            self._forget(self._facts.popleft())
        if isinstance(fact, TradingStateChanged):
            self._state, self._state_reason = fact.state, fact.reason
        elif isinstance(fact, CycleCompleted):
            self._portfolio, self._digest = fact.portfolio, fact.digest
            if fact.portfolio.total_value is not None:
                self._equity.append(MetricPoint(ts=fact.ts, value=fact.portfolio.total_value))

    def _forget(self, fact: Fact) -> None:
        """Of a fact that is too old to be told again, only the counts stay."""
        if isinstance(fact, OrderUpdated):
            self._earlier_trades += fact.trades
        elif isinstance(fact, RiskAssessed):
            self._earlier_denials += fact.denials
        elif isinstance(fact, CycleStarted):
            self._earlier_cycles = fact.number

    def _keep_level(self, message: Message) -> None:
        if isinstance(message, QuoteChanged):
            self._quotes[message.ticker.symbol] = message.ticker
        elif isinstance(message, PortfolioMarked):
            self._portfolio = message.view
        elif isinstance(message, ModelStatus):
            self._model_status = message
        elif isinstance(message, CandleChanged) and message.closed:
            self._keep_candle(message.candle)

    def _keep_candle(self, candle: Candle) -> None:
        if candle.interval != self._session.timeframe:
            return
        symbol = candle.instrument.symbol
        bars = self._candles.setdefault(symbol, deque(maxlen=self._keep_candles))
        if not bars or candle.ts > bars[-1].ts:
            bars.append(candle)
            return
        by_time = {bar.ts: bar for bar in bars} | {candle.ts: candle}
        self._candles[symbol] = deque(
            (by_time[ts] for ts in sorted(by_time)), maxlen=self._keep_candles
        )
