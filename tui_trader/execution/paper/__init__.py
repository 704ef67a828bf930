"""The paper venue: the interface of a real one, orders filled at the quotes of the market."""

from tui_trader.execution.paper.book import Book
from tui_trader.execution.paper.keeping import PaperKeeping, PaperKeepingError
from tui_trader.execution.paper.rules import OrderFilter, PaperRules
from tui_trader.execution.paper.venue import PaperVenue
from tui_trader.execution.paper.wallet import Held, Wallet

__all__ = [
    "Book",
    "Held",
    "OrderFilter",
    "PaperKeeping",
    "PaperKeepingError",
    "PaperRules",
    "PaperVenue",
    "Wallet",
]
