"""A terminal that only counts: what the console would have written, in bytes."""

from textual.drivers.headless_driver import HeadlessDriver


class CountingDriver(HeadlessDriver):
    """Keeps what was written; `take` hands it over and begins anew."""

    _written: list[str]

    @property
    def is_headless(self) -> bool:
        return False

    def start_application_mode(self) -> None:
        self._written = []
        super().start_application_mode()

    def write(self, data: str) -> None:
        self._written.append(data)

    def take(self) -> str:
        """What was written since the last time."""
        written, self._written = "".join(self._written), []
        return written
