"""How a console reaches an engine. Importing it costs nothing."""


class StartRefused(Exception):
    """There is no engine to show; the message says why, and how to mend it. `code` is what the
    process exits with: 2 for a usage or configuration error, else 1."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
