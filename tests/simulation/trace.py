"""What was asked of the venue and what became of it, for the eye and for comparing two runs."""

import hashlib


class Trace:
    """One line an event, hashed as it comes; kept in `lines` where `verbose`."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.requests = 0
        self.lines: list[str] = []
        self._verbose = verbose
        self._hash = hashlib.sha256()

    def add(self, ts: int, *words: object) -> None:
        """Note something that happened at `ts` (Unix ms)."""
        line = " ".join(map(str, (ts, *words)))
        self._hash.update(line.encode() + b"\n")
        if self._verbose:
            self.lines.append(line)

    @property
    def digest(self) -> str:
        """The same for two runs that did the same."""
        return self._hash.hexdigest()
