"""Whether the numbers in a rationale agree with what the model was told."""

import re
from collections.abc import Iterable, Iterator

from tui_trader.decision.situation import Situation
from tui_trader.models import TargetPosition

_NUMBER = r"\$?(?P<number>-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|-?[0-9]+(?:\.[0-9]+)?)(?P<k>k\b)?"
_CLAIM = re.compile(
    rf"""
    \b(?P<name>EMA|SMA|RSI|ATR|MACD|price|close|mark|bid|ask)
    [ _-]?\(?(?P<length>[0-9]{{1,3}}(?!\.?[0-9]|[%,]))?\)?
    [ ]*(?P<word>is[ ]at|(?:is[ ])?(?:above|over|below|under)|is|at|=|:|of|near|around|~|>|<)
    [ ]*{_NUMBER}(?![0-9eE]|[.,][0-9]|[ ]?%)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NOT_PLAIN = re.compile(
    r"\b(?:if|when|until|unless|once|should|would|could|wait(?:ing)?|target|stop|expect(?:ed)?|may"
    r"|might|before|need(?:s|ed)?|looking|watch(?:ing)?|entry|profit|support|resistance|for)\b",
    re.IGNORECASE,
)
"""Words that make a clause something else than a plain statement of how things are."""

_HIGHER = frozenset({">", "above", "over", "is above", "is over"})
_LOWER = frozenset({"<", "below", "under", "is below", "is under"})
_CLAUSE = re.compile(r"[.;\n](?![0-9])|,\s|\s(?:and|but|so)\s")
_TOLERANCE = 0.005
"""A value that is said may differ by this fraction of it, or by its rounding: models round."""


def contradictions(
    targets: Iterable[TargetPosition], known: Iterable[Situation]
) -> tuple[str, ...]:
    """What the rationales say of price and indicators that the snapshot does not bear out.

    Only plain statements are held against it (`RSI is 72`, `EMA20 above 67,000`), not what should
    happen if something does; of several timeframes any may bear a statement out.
    """
    by_symbol = {situation.symbol: situation for situation in known}
    return tuple(
        f"{target.instrument.symbol}: {complaint}"
        for target in targets
        if (situation := by_symbol.get(target.instrument.symbol)) is not None
        for complaint in _complaints(target.rationale, situation)
    )


def _complaints(text: str, situation: Situation) -> Iterator[str]:
    for clause in _CLAUSE.split(text[:4_000]):
        if _NOT_PLAIN.search(clause):
            continue
        for claim in _CLAIM.finditer(clause):
            values = list(_values(claim["name"].lower(), claim["length"], situation))
            if values and not any(_borne_out(claim, value) for value in values):
                shown = ", ".join(f"{value:.6g}" for value in values)
                yield f'"{claim.group().strip()}" was said, but it is {shown}'


def _values(name: str, length: str | None, situation: Situation) -> Iterator[float]:
    """What the model was told under this name, on any timeframe."""
    snapshot = situation.snapshot
    if name in ("price", "close", "mark", "bid", "ask"):
        quotes = {"bid": snapshot.bid, "ask": snapshot.ask} if snapshot else {}
        told = (quotes.get(name), situation.price, situation.close)
        yield from (value for value in told if value)
        return
    for vector in situation.vectors:
        for key, value in vector.values.items():
            if key == f"{name}_{length}" or (length is None and key.split("_")[0] == name):
                yield value


def _borne_out(claim: re.Match[str], value: float) -> bool:
    digits = claim["number"].replace(",", "")
    said = float(digits) * (1000 if claim["k"] else 1)
    decimals = len(digits.partition(".")[2])
    unit = 10.0**-decimals * (1000 if claim["k"] else 1)
    slack = max(_TOLERANCE * abs(said), unit)
    word = " ".join(claim["word"].lower().split())
    if word in _HIGHER:
        return value >= said - slack
    if word in _LOWER:
        return value <= said + slack
    return abs(value - said) <= slack
