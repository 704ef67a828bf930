"""The one JSON value of an answer, freed of what stands around it: thoughts, fences, prose.

Deterministic and in one pass. Where more than one value stands, and they differ, or where what
stands around is part of a broken value, there is no answer: nothing is chosen.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tui_trader.decision.json_reader import BLANKS, QUOTES, AnswerError, JsonReader

_THOUGHTS = "think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad"
_ANSWERS = frozenset(
    {
        *("action", "actions", "answer", "decision", "decisions", "final", "final_answer"),
        *("final_decision", "json", "order", "orders", "output", "plan", "response", "result"),
        *("trade", "trades", "trading_decision", "trading_decisions", "tool_call"),
        *("b", "br", "code", "div", "em", "i", "li", "p", "pre", "s", "span", "strong", "ul"),
    }
)
"""Elements that mark an answer, or how it looks. What stands in any other is a thought, an example,
a quote."""

_THOUGHT = ""
"""Stands for the name of any mark of a thought."""

_FENCE = re.compile(r"[`~]{3,}[ \t]*[A-Za-z0-9]{0,12}")
_INVISIBLE = re.compile(rf"[{BLANKS}]")
_CLOSES = {"}": "{", "]": "[", "｝": "｛", "］": "［"}
_BRACKETS = re.compile(r"[{}\[\]｛｝［］]")
_GOES_ON = re.compile(
    rf"""[{BLANKS}]*+(?:
        [:：{QUOTES}]
        | [,，][{BLANKS}]*+(?:[{QUOTES}0-9-]|(?:true|false|null)\b|[A-Za-z_]\w*+[{BLANKS}]*+[:：])
    )""",
    re.VERBOSE,
)
_SCAN = re.compile(
    rf"""
    <!--
    | [<＜](?P<end>/?)\s?(?:[a-z]{{1,12}}:)?(?P<name>{_THOUGHTS})\b[^<>＜＞]{{0,300}}[>＞]?
    | <(?P<end2>/?)(?P<name2>[a-z][\w.-]{{0,40}})(?:\s[^<>]{{0,300}})?(?P<alone>/?)>
    | <[|｜]channel[|｜]>\s*(?P<channel>[a-z]++)
    | <[|｜](?P<token>[^<>|｜]{{1,40}})[|｜]>
    | ◁(?P<end3>/?)think▷
    | \[(?P<end4>/?)think(?:ing)?\]
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
    """The one JSON value of an answer: an object, or a list that is empty or begins with an object
    or a list.

    Thoughts (`<think>` and its kin) may stand before the value, and are not read; an orphan end of
    thought makes everything before it a thought. Raises AnswerError where there is no value, where
    there are several that differ, where one is broken, or where a thought follows.
    """
    scanner = _Scanner(text)
    scanner.run()
    if not scanner.values:
        raise AnswerError("not JSON: there is no JSON object in it")
    if len(scanner.values) > 1:
        if not all_equal(scanner.values):
            raise AnswerError(
                f"{len(scanner.values)} different JSON values: none of them is chosen"
            )
        scanner.note("the same value several times")
    return Unwrapped(scanner.values[0], tuple(scanner.notes))


def all_equal(values: Sequence[Any]) -> bool:
    """Whether all are the same value: `true` is not 1, and the order of keys means nothing."""
    return len({json.dumps(value, sort_keys=True, default=repr) for value in values}) == 1


class _Scanner:
    """Goes through an answer once, collecting the values that are no thoughts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._reader = JsonReader(text)
        self._open: list[str] = []
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
                if not self._open:
                    self._value(match.start())
            else:
                self._mark(match)
        if self._open:
            raise AnswerError("a thought or an element never ends: there is no answer after it")
        self._between(len(self._text))

    def _mark(self, match: re.Match[str]) -> None:
        """A sign that says what stands after it, or stood before."""
        if match["channel"] is not None or match["token"] is not None:
            self._token(match)
        elif match[0] == "<!--":
            self._comment(match.start())
        elif match["name2"] is not None:
            self._element(match)
        elif match["end"] or match["end3"] or match["end4"]:
            self._thought_ends()
        else:
            self._begins(match.start())

    def _element(self, match: re.Match[str]) -> None:
        """The begin or end of an element. An end without its begin says nothing."""
        name = match["name2"].lower()
        if match["alone"] or name in _ANSWERS:
            return
        if not match["end2"]:
            self._begins(match.start(), name)
        elif self._open and self._open[-1] == name:
            self._ended()

    def _token(self, match: re.Match[str]) -> None:
        """A control token that a server should have taken off. Of channels, only the final one is
        an answer."""
        channel, token = (match["channel"] or "").lower(), (match["token"] or "").lower()
        about_thought = "think" in token or "thought" in token
        if channel == "final":
            self._open.clear()
            self._gap_from = self._pos
        elif channel or (token.startswith(("begin", "start")) and about_thought):
            self._begins(match.start())
        elif token.startswith("end") and (self._open or about_thought):
            self._thought_ends()

    def _comment(self, start: int) -> None:
        """A comment of markup is read by nobody."""
        self._begins(start)
        end = self._text.find("-->", self._pos)
        if end < 0:
            raise AnswerError("a comment never ends: there is no answer after it")
        self._pos = end + 3
        self._ended()

    def _begins(self, start: int, element: str = _THOUGHT) -> None:
        """A thought, or another element whose inside is no answer."""
        if not self._open:
            self._between(start)
            if self.values:
                raise AnswerError("a thought follows the answer: it may take it back")
        self._open.append(element)

    def _ended(self) -> None:
        self._open.pop()
        self.note("thoughts before the answer")
        self._gap_from = self._pos

    def _thought_ends(self) -> None:
        """The end of the innermost thought and of all elements in it; where none is open, all that
        came before was a thought."""
        while self._open and self._open[-1] != _THOUGHT:
            self._open.pop()
        if self._open:
            self._ended()
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
        """Note what stands between two values, or around them. Brackets that are open there belong
        to a value that is broken."""
        gap = self._text[self._gap_from : end]
        if not gap or gap.isspace():
            return
        if not _balanced(gap):
            raise AnswerError("not JSON: brackets around the answer do not match")
        rest, fences = _FENCE.subn("", gap)
        if fences:
            self.note("a code fence")
        if rest.strip():
            where = "after" if self.values else "before"
            invisible = not _INVISIBLE.sub("", rest)
            self.note("zero-width characters" if invisible else f"text {where} the answer")


def _balanced(gap: str) -> bool:
    """Whether every bracket in a piece of prose has its counterpart there."""
    opened: list[str] = []
    for bracket in _BRACKETS.findall(gap):
        if bracket not in _CLOSES:
            opened.append(bracket)
        elif not opened or opened.pop() != _CLOSES[bracket]:
            return False
    return not opened
