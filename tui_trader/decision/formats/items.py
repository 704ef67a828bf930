"""Answers that are lists: one item a symbol, each judged by itself.

A bad item becomes a recorded hold of its symbol; the others go on, and every close. An order that
can't be ascribed to a symbol may have been about any of them: then nothing is opened.
"""

import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui_trader.decision.json_reader import AnswerError, Flaw
from tui_trader.decision.situation import Situation
from tui_trader.decision.unwrap import all_equal
from tui_trader.models import Action, TargetPosition

ReadItem = Callable[[Any, Situation], tuple[TargetPosition, tuple[str, ...]]]
"""The target of an item about a situation, and what was dropped from it. Raises AnswerError."""

NOT_ANSWERED = "not in the answer"
"""Stands for the rationale of a symbol that no item is about."""

MOST_ITEMS = 200
_ALIASES = {"xbt": "btc"}
_A_PAIR = re.compile(r"[a-z0-9](?:usdt|usdc|usd|busd|fdusd|dai|eur|gbp|jpy|btc|eth|bnb)[a-z0-9]*$")
"""A symbol's letters with a quote currency behind the base."""

_SEPARATORS = ("", "/", "-", "_")


@dataclass(frozen=True, slots=True)
class _Item:
    """One item of the list, `number` counted from 1; `situation` is None where nobody knows."""

    number: int
    value: Any
    situation: Situation | None
    said: object

    def refused(self, why: object) -> str:
        return f"item {self.number} ({reprlib.repr(self.said)}): {why}"


def read_items(
    items: Sequence[Any],
    known: Sequence[Situation],
    symbol_of: Callable[[Any], object],
    read: ReadItem,
) -> tuple[tuple[TargetPosition, ...], tuple[str, ...]]:
    """One target for each situation in `known`, and why something was dropped.

    Raises AnswerError where there are items, but no valid one, or far too many.
    """
    if len(items) > MOST_ITEMS:
        raise AnswerError(f"{len(items)} items: more than {MOST_ITEMS} are no decision")
    listed = [
        _Item(number, value, find(symbol_of(value), known), symbol_of(value))
        for number, value in enumerate(items, start=1)
    ]
    strangers = [item for item in listed if item.situation is None]
    filtered = [item.refused("it is of no known symbol") for item in strangers]
    targets: list[TargetPosition] = []
    valid = not listed
    for situation in known:
        own = [item for item in listed if item.situation is situation]
        target, problems = _decide(own, situation, read) if own else (None, [])
        valid = valid or target is not None
        filtered += problems
        why = f"item refused: {problems[0]}" if problems else NOT_ANSWERED
        targets.append(target or situation.hold(why))
    if not valid:
        raise AnswerError("; ".join(filtered))
    if any(_may_be_about_any(item, known) for item in strangers):
        targets = [_reduced(*pair) for pair in zip(targets, known, strict=True)]
    return tuple(targets), tuple(filtered)


def find(said: object, known: Sequence[Situation]) -> Situation | None:
    """The situation whose symbol was said, to the letter or as exchanges write it (BTCUSDT or
    BTC-USDT for BTC/USDT); None where it is not known or not the only one."""
    for situation in known:
        if situation.symbol == said:
            return situation
    found = [each for each in known if said in _spellings(each.symbol)]
    return found[0] if len(found) == 1 else None


def _spellings(symbol: str) -> tuple[str, ...]:
    """How a symbol is written elsewhere: without the settlement currency that perpetuals name, but
    not without an expiry."""
    pair, _, settlement = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    if not slash or "-" in settlement:
        return ()
    return tuple(f"{base}{sign}{quote}" for sign in _SEPARATORS)


def _may_be_about_any(item: _Item, known: Sequence[Situation]) -> bool:
    """Whether an item of no known symbol may yet mean one: an order that names none, all of them,
    or nearly one of ours. Only what is plainly a pair of something else is not about us."""
    if not isinstance(item.said, str):
        return isinstance(item.value, Flaw | Mapping | list | str) and bool(item.value)
    plain = _letters(item.said)
    plain = _ALIASES.get(plain[:3], plain[:3]) + plain[3:]
    ours = [_letters(each.symbol.partition("/")[0]) for each in known]
    return not _A_PAIR.search(plain) or any(
        plain.startswith(base) or base.startswith(plain) for base in ours
    )


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _decide(
    own: Sequence[_Item], situation: Situation, read: ReadItem
) -> tuple[TargetPosition | None, list[str]]:
    """The target of one symbol from all items about it, None where none may be used, and what was
    dropped. Of items that contradict each other a close is taken, else none."""
    problems: list[str] = []
    read_ones: list[tuple[_Item, TargetPosition]] = []
    for item in own:
        try:
            target, beside = read(item.value, situation)
        except AnswerError as error:
            problems.append(item.refused(error))
        else:
            read_ones.append((item, target))
            problems += dropped(f"item {item.number}", beside)
    if len(own) == 1:
        return (read_ones[0][1] if read_ones else None), problems
    if len(read_ones) == len(own) and all_equal([item.value for item in own]):
        return read_ones[0][1], problems
    closes = [pair for pair in read_ones if pair[1].action is Action.CLOSE]
    left_out = [item for item, _ in read_ones if not closes or item is not closes[0][0]]
    problems += [item.refused("the symbol stands in more than one item") for item in left_out]
    return (closes[0][1] if closes else None), problems


def _reduced(target: TargetPosition, situation: Situation) -> TargetPosition:
    """`target` without what it opens."""
    if not situation.opens(target.target_qty):
        return target
    why = "nothing is opened: an item of the answer is of no known symbol"
    if target.target_qty * situation.quantity < 0:
        return situation.flat(why)
    return situation.hold(why)


def dropped(what: str, fields: Iterable[str]) -> Iterator[str]:
    """What the record says of fields that were left out of account."""
    for name in fields:
        yield f"{what} says {reprlib.repr(name)}, in which a model has no say"


def only_of(item: Any, names: Sequence[str]) -> Any:
    """What an item has under the one of `names` that stands in it; None where it is not one."""
    if isinstance(item, Flaw):
        item = item.fields
    if not isinstance(item, Mapping) or sum(name in item for name in names) != 1:
        return None
    return next(item[name] for name in names if name in item)
