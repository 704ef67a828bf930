"""What is said when a configuration can't be used, and what is left out of it."""

import re
from typing import Any

_USERINFO = re.compile(r"(?<=://).*@")
_BEFORE_HOST = re.compile(r"^(\w+://)?.*@", re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")
"""So long a run of these characters may be a key; no name that can be chosen is as long."""


class ConfigError(Exception):
    """A configuration mistake. The message says what, where, and how to mend it; exit code 2.

    User and password of an address are taken out of it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_USERINFO.sub("…@", message))


def shown(raw: Any) -> str:
    """A value that was refused, as a message may show it: not what may be a key or password."""
    if isinstance(raw, list | tuple):
        return ", ".join(map(shown, raw))
    if not isinstance(raw, str):
        return repr(raw)
    if _TOKEN.search(raw):
        return "[not shown: it may be a key]"
    return repr(_BEFORE_HOST.sub(r"\1…@", raw))
