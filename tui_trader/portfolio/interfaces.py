"""Stage 6: what is held and what it is worth."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tui_trader.models import FeatureVector, PortfolioView, TradeHistoryEntry, TxResult


class BasePortfolioService(ABC):
    """Keeps the books."""

    @abstractmethod
    def get_view(self) -> PortfolioView:
        """The account now, marked to the newest prices."""

    @abstractmethod
    def apply_trades(
        self, trades: Sequence[TxResult], market_features: Sequence[FeatureVector] = ()
    ) -> list[TradeHistoryEntry]:
        """Book the fills of `trades`, each once, and return the trades that they closed."""
