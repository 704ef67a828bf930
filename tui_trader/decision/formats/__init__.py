"""The vocabularies in which a model may answer; each is a strict adapter to target positions."""

from collections.abc import Sequence

from tui_trader.decision.formats.base import AnswerFormat, ParsedAnswer
from tui_trader.decision.formats.orders import OrdersFormat
from tui_trader.decision.formats.plan import PlanFormat
from tui_trader.decision.formats.simple import SimpleFormat

FORMATS: dict[str, type[AnswerFormat]] = {
    cls.name: cls for cls in (SimpleFormat, PlanFormat, OrdersFormat)
}

__all__ = [
    "FORMATS",
    "AnswerFormat",
    "OrdersFormat",
    "ParsedAnswer",
    "PlanFormat",
    "SimpleFormat",
    "answer_format",
]


def answer_format(name: str, symbols: Sequence[str]) -> AnswerFormat:
    """The format called `name`, for an agent that trades `symbols`.

    Raises ValueError for an unknown name, or one that can't speak of so many symbols.
    """
    if name not in FORMATS:
        raise ValueError(f"llm.format is {name!r}: choose one of {', '.join(FORMATS)}")
    if FORMATS[name].one_symbol and len(symbols) > 1:
        raise ValueError(
            f"llm.format {name!r} decides on one symbol, but {len(symbols)} are configured:"
            " use 'plan' or 'orders', or trade one symbol"
        )
    return FORMATS[name]()
