"""What a template is: plain text with a few placeholders, and nothing in it that runs."""

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PLACEHOLDERS: Mapping[str, str] = {
    "actions": "the actions that an answer may name, with their meaning, one a line",
    "idle": "the name of the action that changes nothing",
    "limits": "the limits in force, one a line",
    "output_format": "the form of the answer",
    "strategy": "the operator's own words, from agent.prompt",
}
"""All placeholders and what they stand for: `{{actions}}` and so on."""

_FREE = frozenset({"idle"})
"""May be left out or stand more than once; every other one stands exactly once, so that nothing of
the configuration goes untold and no prompt grows by repetition."""

MAX_BYTES = 16_384
_SHOWN = 40
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)(\}\})?")
_VERSION = re.compile(r"version:[ \t]*([A-Za-z0-9._-]{1,16})[ \t]*")


class TemplateError(ValueError):
    """What is wrong with a template, where, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template that can be filled. `sha256` is that of the file's bytes, hexadecimal; `version`
    is what its first line says, None where it says none."""

    name: str
    text: str
    sha256: str
    version: str | None = None

    @property
    def id(self) -> str:
        """Name and version, or name and the start of the hash: `default@1`, `mine@1f0c55aa`."""
        return f"{self.name}@{self.version or self.sha256[:8]}"

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with `values` in place of the placeholders. Values are put in as they are: what
        looks like a placeholder in one of them stays text."""
        return _PLACEHOLDER.sub(lambda found: values[found[1].strip()], self.text)


def parse_template(name: str, raw: bytes, where: str) -> Template:
    """The template in `raw`; `where` names it in errors. Raises TemplateError."""
    lines = _lines(raw, where)
    version = _version(lines, where)
    _check(lines, where)
    text = "\n".join(lines).strip()
    return Template(name, text, hashlib.sha256(raw).hexdigest(), version)


def _lines(raw: bytes, where: str) -> list[str]:
    if len(raw) > MAX_BYTES:
        raise TemplateError(f"{where} is larger than {MAX_BYTES} bytes: shorten it")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = raw.count(b"\n", 0, error.start) + 1
        raise TemplateError(f"{where}, line {at}: not UTF-8: save it as UTF-8") from None
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        for character in line.replace("\t", " "):
            if ord(character) < ord(" "):
                raise TemplateError(
                    f"{where}, line {number}: control character U+{ord(character):04X}: delete it"
                )
    return lines


def _version(lines: list[str], where: str) -> str | None:
    """The version that the first line names, which is taken out of the text."""
    if not lines[0].startswith("version:"):
        return None
    found = _VERSION.fullmatch(lines[0])
    if found is None:
        raise TemplateError(
            f"{where}, line 1: a version is up to 16 letters, digits, '.', '_' or '-': "
            "write it as version: 1"
        )
    lines[0] = ""
    return found[1]


def _check(lines: list[str], where: str) -> None:
    used: set[str] = set()
    for number, line in enumerate(lines, start=1):
        for name in _placeholders(line, f"{where}, line {number}"):
            if name in used - _FREE:
                raise TemplateError(
                    f"{where}, line {number}: {_written(name)} stands there for the second time: "
                    "delete it in one place"
                )
            used.add(name)
    for name, meaning in PLACEHOLDERS.items():
        if name not in used | _FREE:
            raise TemplateError(
                f"{where}: the placeholder {_written(name)} is missing: write it where {meaning} "
                "should stand"
            )


def _placeholders(line: str, where: str) -> Iterator[str]:
    for found in _PLACEHOLDER.finditer(line):
        name = found[1].strip()
        if found[2] is None:
            raise TemplateError(
                f"{where}: '{{{{' begins a placeholder, but no '}}}}' ends it; {_known(name)}"
            )
        if name not in PLACEHOLDERS:
            raise TemplateError(f"{where}: unknown placeholder {_written(name)}; {_known(name)}")
        yield name


def _known(name: str) -> str:
    near = difflib.get_close_matches(name, PLACEHOLDERS, n=1)
    if near:
        return f"nearest known: {_written(near[0])}"
    return f"known: {', '.join(map(_written, PLACEHOLDERS))}"


def _written(name: str) -> str:
    return f"{{{{{name[:_SHOWN]}}}}}"
