"""Where templates come from: the package, and the operator's folder, read again on change."""

import importlib.resources
import re
import stat
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tui_trader.decision.templates.template import (
    MAX_BYTES,
    Template,
    TemplateError,
    parse_template,
)

DEFAULT = "default"
"""The name of the packaged template."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")

_Stamp = tuple[int, int, int, int]
"""Of a file: what changes when its content does."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The template to use now. `news` says that it has just changed, `problem` what is wrong with
    the file, so that an older one stays in use; each is said once."""

    template: Template
    news: str | None = None
    problem: str | None = None


def packaged_text() -> str:
    """The text of the packaged template, to start one's own from."""
    return _packaged().decode()


@cache
def default_template() -> Template:
    """The packaged template."""
    return parse_template(DEFAULT, _packaged(), "the packaged template")


def _packaged() -> bytes:
    return importlib.resources.files(__package__).joinpath(f"{DEFAULT}.md").read_bytes()


class TemplateFile:
    """The template called `name`: the packaged one for `default`, else `folder/<name>.md`.

    The operator's file is looked at on every call of `current`; what is broken is not taken.
    """

    def __init__(self, name: str, folder: Path) -> None:
        """Raises TemplateError where there is no such template, or it is broken."""
        self._name = name
        self._path: Path | None = folder / f"{name}.md"
        if not _NAME.fullmatch(name):
            raise TemplateError(
                f"template {name!r}: a name is up to 32 letters, digits, '_' and '-'"
            )
        self._refused: tuple[_Stamp | None, str] | None = None
        if name == DEFAULT:
            self._template = _default(self._path)
            self._path = None
        else:
            self._stamp = _stamp(self._path)
            self._template = self._read(self._path)

    def current(self) -> Loaded:
        """The template to use from now on. Raises nothing: a file that is broken, or gone, leaves
        the last good one in use."""
        if self._path is None:
            return Loaded(self._template)
        stamp = _stamp(self._path)
        if stamp == self._stamp and self._refused is None:
            return Loaded(self._template)
        try:
            found = self._read(self._path)
        except TemplateError as error:
            return self._refuse(stamp, str(error))
        mended = self._refused is not None
        before, self._template = self._template, found
        self._stamp, self._refused = stamp, None
        if found.sha256 != before.sha256:
            return Loaded(found, news=f"the prompt's template is now {_named(found, before)}")
        return Loaded(found, news=f"template {found.id} reads well again" if mended else None)

    def _refuse(self, stamp: _Stamp | None, problem: str) -> Loaded:
        refused = (stamp, problem)
        said, self._refused = refused == self._refused, refused
        if said:
            return Loaded(self._template)
        return Loaded(self._template, problem=f"{problem}; {self._template.id} stays in use")

    def _read(self, path: Path) -> Template:
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise TemplateError(f"{path} is not a file: put the template there")
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            raise TemplateError(
                f"there is no {path}: write it, or set llm.template to one that there is: "
                f"{', '.join(_names(path.parent))}"
            ) from None
        except OSError as error:
            raise TemplateError(f"{path} can't be read: {error.strerror}: mend that") from None
        return parse_template(self._name, raw, str(path))


def _default(shadow: Path) -> Template:
    # A file of that name would look as if it were in use, and records would name the wrong text.
    if shadow.exists():
        raise TemplateError(
            f"{shadow} is never read, since {DEFAULT} is the packaged template: "
            "give it another name, and set llm.template to that"
        )
    return default_template()


def _stamp(path: Path) -> _Stamp | None:
    """None where the file can't be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _names(folder: Path) -> list[str]:
    """The templates that there are."""
    try:
        own = sorted(path.stem for path in folder.glob("*.md") if _NAME.fullmatch(path.stem))
    except OSError:
        own = []
    return [DEFAULT, *(name for name in own if name != DEFAULT)]


def _named(new: Template, old: Template) -> str:
    """Two templates apart, even where an edit has left the version as it was."""
    return f"{new.id} ({new.sha256[:8]}), no longer {old.id} ({old.sha256[:8]})"
