"""The one JSON value of an answer, freed of what stands around it: thoughts, fences, prose.

Deterministic and in one pass. Where more than one value stands, and they differ, or where what
stands around is part of a broken value, there is no answer: nothing is chosen.
"""

import re
from dataclasses import dataclass
from typing import Any

from tui_trader.decision.json_reader import BLANKS, QUOTES, AnswerError, JsonReader

_THOUGHT_NAMES = "think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad"
_FENCE = re.compile(r"[`~]{3,}[ \t]*[A-Za-z0-9]{0,12}")
_GOES_ON = re.compile(
    rf"""[{BLANKS}]*+(?:
        [:}}\]：｝］{QUOTES}]
        | [,，][{BLANKS}]*+(?:[{QUOTES}{{}}\[\]｛｝［］]|[A-Za-z_]\w*+[{BLANKS}]*+[:：])
    )""",
    re.VERBOSE,
)

_SCAN = re.compile(
    rf"""
    <(?P<close>/?)\s?(?:[a-z]{{1,12}}:)?(?:{_THOUGHT_NAMES})(?:\s[^<>]{{0,80}})?>
    | ◁(?P<close2>/?)think▷
    | \[(?P<close3>/?)think\]
    | (?P<value>
        [{{｛](?=[{BLANKS}]*+(?:[{QUOTES}}}｝]|//|/\*|\#|[a-z_]\w*+[{BLANKS}]*+[:：]))
        | [\[［](?=[{BLANKS}]*+(?:[\[［][{BLANKS}]*+){{0,8}}(?:[{{｛\]］]|//|/\*|\#))
      )
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A JSON value, and what was taken off it or forgiven within it. Numbers that must not be used
    are `Flaw`s, and so are objects in which a key stands twice."""

    value: Any
    notes: tuple[str, ...] = ()


def one_value(text: str) -> Unwrapped:
    """The one JSON value (an object, or a list that holds one) of an answer.

    Thoughts (`<think>` and its kin) may stand before the value, and are not read; an orphan end of
    thought makes everything before it a thought. Raises AnswerError where there is no value, where
    there are several that differ, where one is broken, or where a thought follows.
    """
    scanner = _Scanner(text)
    scanner.run()
    if not scanner.values:
        raise AnswerError("not JSON: there is no JSON object in it")
    first, *others = scanner.values
    if any(other != first for other in others):
        raise AnswerError(f"{len(scanner.values)} different JSON values: none of them is chosen")
    if others:
        scanner.note("the same value several times")
    return Unwrapped(first, tuple(scanner.notes))


class _Scanner:
    """Goes through an answer once, collecting the values that are no thoughts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._reader = JsonReader(text)
        self._thoughts = 0
        self._pos = 0
        self._gap_from = 0
        self.values: list[Any] = []
        self.notes = self._reader.notes

    def note(self, liberty: str) -> None:
        self.notes[liberty] = None

    def run(self) -> None:
        while match := _SCAN.search(self._text, self._pos):
            self._pos = match.end()
            if match["value"] is not None:
                if not self._thoughts:
                    self._value(match.start())
            elif match["close"] or match["close2"] or match["close3"]:
                self._thought_ends()
            else:
                self._thought_begins(match.start())
        if self._thoughts:
            raise AnswerError("the thinking never ends: there is no answer after it")
        self._between(len(self._text))

    def _thought_begins(self, start: int) -> None:
        if not self._thoughts:
            self._between(start)
            if self.values:
                raise AnswerError("a thought follows the answer: it may take it back")
        self._thoughts += 1

    def _thought_ends(self) -> None:
        if self._thoughts:
            self._thoughts -= 1
        else:
            self.values.clear()
        self.note("thoughts before the answer")
        self._gap_from = self._pos

    def _value(self, start: int) -> None:
        self._between(start)
        value, end = self._reader.read(start)
        if _GOES_ON.match(self._text, end):
            raise AnswerError("not JSON: it goes on after its end")
        self.values.append(value)
        self._pos = self._gap_from = end

    def _between(self, end: int) -> None:
        """Note what stands between two values, or around them."""
        gap = self._text[self._gap_from : end]
        if not gap or gap.isspace():
            return
        rest, fences = _FENCE.subn("", gap)
        if fences:
            self.note("a code fence")
        if rest.strip():
            invisible = not re.sub(rf"[{BLANKS}]", "", rest)
            self.note("zero-width characters" if invisible else "text around the answer")
