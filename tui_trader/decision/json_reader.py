"""JSON as models write it: a fixed grammar, read once from left to right, with nothing guessed.

The grammar is JSON and what can be read in one way only: strings in other quotes, names without
quotes, comments, a comma after the last entry, full-width punctuation. Each such liberty is noted.
What is missing (a bracket, a comma, the end of a text) is never put in.
"""

import json
import math
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 32
_MAX_DIGITS = 400

BLANKS = r"\s\u200b-\u200d\u2060\ufeff"
"""What may stand between two tokens: white space, and characters of no width."""

_LINE = "[^\n\r\x85\u2028\u2029]*+"
_GAP = re.compile(rf"(?:[{BLANKS}]++|//{_LINE}|/\*(?:[^*]|\*(?!/))*+\*/|#{_LINE})*+")
_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060\ufeff]")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_WORD = re.compile(r"-?[A-Za-z_][A-Za-z0-9_]*+")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.)|)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {c: c for c in "\"'\\/"}

_PUNCTUATION = {"｛": "{", "｝": "}", "［": "[", "］": "]", "：": ":", "，": ","}
_TOKENS = frozenset('{}[]:,"0123456789')
"""Where one of these stands, a token begins and no gap: the usual case, told at a glance."""

_LITERALS = {"true": True, "false": False, "null": None}
_PYTHON_LITERALS = {"True": True, "False": False, "None": None}
_NO_NUMBERS = frozenset({"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "-NaN"})


def _string(closing: str) -> re.Pattern[str]:
    return re.compile(rf"((?:[^\\{closing}]|\\.)*+)[{closing}]", re.DOTALL)


_PLAIN = _string('"')
_STRINGS: dict[str, tuple[re.Pattern[str], str | None]] = {
    '"': (_PLAIN, None),
    "'": (_string("'"), "single quotes"),
    **dict.fromkeys("“”„＂", (_string("“”＂"), "typographic quotes")),
    **dict.fromkeys("‘’", (_string("‘’"), "typographic quotes")),
}
QUOTES = "".join(_STRINGS)
"""The characters that open a string."""


class AnswerError(ValueError):
    """An answer, or an item of one, that must not be acted on. Its text says why in one line."""


def printable(text: str) -> str:
    """`text` with surrogate halves joined or replaced: what can be written as UTF-8."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands where a value was written that must not be used: what holds it is refused, what stands
    beside it is not. Of an object with a flaw, `fields` are those that stood in it once: they say
    what it was about."""

    reason: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class JsonReader:
    """Reads values out of `text`; `notes` collects the liberties that were taken."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._plain = text.isascii() and "\\u" not in text
        self._pos = 0
        self._depth = 0
        self.notes: dict[str, None] = {}

    def read(self, start: int) -> tuple[Any, int]:
        """The value that begins at `start`, and where it ends. Raises AnswerError, saying what is
        wrong and where."""
        if self._plain:
            # What it refuses is read with the liberties, or refused with the place.
            with suppress(ValueError, RecursionError):
                return _strict(self._text, start)
        self._pos = start
        return self._value(), self._pos

    def _value(self) -> Any:
        self._skip()
        sign = self._sign()
        if sign == "{":
            return self._nested(self._object)
        if sign == "[":
            return self._nested(self._array)
        if sign and sign in QUOTES:
            return self._quoted(sign)
        number = NUMBER.match(self._text, self._pos)
        return self._literal() if number is None else self._number(number)

    def _nested(self, read: Callable[[], Any]) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error("nested too deep")
        self._pos += 1
        value = read()
        self._depth -= 1
        return value

    def _object(self) -> dict[str, Any] | Flaw:
        entries: list[tuple[str, Any]] = []
        while not self._closes("}"):
            key = self._key()
            self._skip()
            self._expect(":")
            entries.append((key, self._value()))
            self._separate("}")
        return _object_of(entries)

    def _array(self) -> list[Any]:
        items: list[Any] = []
        while not self._closes("]"):
            items.append(self._value())
            self._separate("]")
        return items

    def _key(self) -> str:
        sign = self._sign()
        if sign and sign in QUOTES:
            return self._quoted(sign)
        name = _WORD.match(self._text, self._pos)
        if name is None or sign == "-":
            raise self._error("a name was expected")
        self.notes["names without quotes"] = None
        self._pos = name.end()
        return name.group()

    def _quoted(self, opening: str) -> str:
        pattern, note = _STRINGS[opening]
        match = pattern.match(self._text, self._pos + 1)
        if match is None:
            raise self._error("a text never ends")
        if note:
            self.notes[note] = None
        body = match.group(1)
        if "\n" in body or "\t" in body:
            self.notes["line breaks or tabs within a text"] = None
        if "\\" in body:
            body = _ESCAPE.sub(self._unescaped, body)
        self._pos = match.end()
        return body if body.isascii() else printable(body)

    def _unescaped(self, match: re.Match[str]) -> str:
        code, character = match.groups()
        if code is not None:
            return chr(int(code, 16))
        if character is None or character not in _ESCAPED:
            raise self._error("an escape in a text is not JSON")
        return _ESCAPED[character]

    def _number(self, match: re.Match[str]) -> Any:
        self._pos = match.end()
        text = match.group()
        return _integer(text) if text.lstrip("-").isdecimal() else _real(text)

    def _literal(self) -> Any:
        match = _WORD.match(self._text, self._pos)
        word = match.group() if match else ""
        if word in _NO_NUMBERS:
            value: Any = _no_number(word)
        elif word in _LITERALS:
            value = _LITERALS[word]
        elif word in _PYTHON_LITERALS:
            self.notes["Python's True, False or None"] = None
            value = _PYTHON_LITERALS[word]
        else:
            raise self._error("a value was expected")
        self._pos += len(word)
        return value

    def _closes(self, closing: str) -> bool:
        """Whether the object or array ends here; then it is read to its end."""
        self._skip()
        if self._sign() != closing:
            return False
        self._pos += 1
        return True

    def _separate(self, closing: str) -> None:
        """Read the comma before the next entry; none is needed before the end."""
        self._skip()
        if self._sign() == closing:
            return
        self._expect(",")
        self._skip()
        if self._sign() == closing:
            self.notes["a comma after the last entry"] = None

    def _expect(self, sign: str) -> None:
        if self._sign() != sign:
            raise self._error(f"{sign!r} was expected")
        self._pos += 1

    def _sign(self) -> str:
        """The character here, full-width punctuation as its ASCII form; empty at the end."""
        character = self._text[self._pos : self._pos + 1]
        if character in _PUNCTUATION:
            self.notes["full-width punctuation"] = None
            return _PUNCTUATION[character]
        return character

    def _skip(self) -> None:
        """Go on to the next token."""
        if self._text[self._pos : self._pos + 1] in _TOKENS:
            return
        match = _GAP.match(self._text, self._pos)
        end = match.end() if match else self._pos
        skipped = self._text[self._pos : end]
        if skipped and not skipped.isspace():
            self.notes.update(dict.fromkeys(_liberties(skipped)))
        self._pos = end

    def _error(self, problem: str) -> AnswerError:
        if self._pos >= len(self._text):
            return AnswerError("not JSON: it ends in the middle of a value")
        line = self._text.count("\n", 0, self._pos) + 1
        column = self._pos - self._text.rfind("\n", 0, self._pos)
        return AnswerError(f"not JSON: {problem} (line {line}, column {column})")


def _liberties(skipped: str) -> list[str]:
    """What stands between two tokens beside white space."""
    found = ["zero-width characters"] if _ZERO_WIDTH.search(skipped) else []
    return [*found, "comments"] if _ZERO_WIDTH.sub("", skipped).strip() else found


def _object_of(entries: list[tuple[str, Any]]) -> dict[str, Any] | Flaw:
    fields = dict(entries)
    if len(fields) == len(entries):
        return fields
    count = Counter(key for key, _ in entries)
    twice = next(key for key in count if count[key] > 1)
    once = {key: fields[key] for key in fields if count[key] == 1}
    return Flaw(f"the key {reprlib.repr(twice)} stands twice in one object", once)


def _integer(text: str) -> int | Flaw:
    return int(text) if len(text) <= _MAX_DIGITS else _too_large(text)


def _real(text: str) -> float | Flaw:
    value = float(text)
    return value if math.isfinite(value) else _too_large(text)


def _too_large(text: str) -> Flaw:
    return Flaw(f"the number {reprlib.repr(text)} is too large")


def _no_number(word: str) -> Flaw:
    return Flaw(f"{word} is not a number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object_of,
    parse_int=_integer,
    parse_float=_real,
    parse_constant=_no_number,
)


def _strict(text: str, start: int) -> tuple[Any, int]:
    """The value at `start` where it is JSON to the letter, which the standard library reads
    several times as fast. Raises ValueError or RecursionError."""
    value, end = _DECODER.raw_decode(text, start)
    if _deeper(value, MAX_DEPTH):
        raise RecursionError
    return value, end


def _deeper(value: Any, most: int) -> bool:
    """Whether more than `most` objects and lists lie within one another."""
    if isinstance(value, Flaw):
        value = value.fields
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return most == 0 or any(_deeper(each, most - 1) for each in value)
