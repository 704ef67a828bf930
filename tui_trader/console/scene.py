"""What the panels are told: the view, what the operator looks at, and the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tui_trader.models import PositionSnapshot
    from tui_trader.view.model import Dirty, ViewModel


_SILENT_SECONDS = 5.0


class ViewUpdated(Message):
    """The view has changed: `dirty` says where. `heard` is when the engine was last heard."""

    def __init__(self, view: ViewModel, dirty: Dirty, heard: float | None) -> None:
        super().__init__()
        self.view = view
        self.dirty = dirty
        self.heard = heard


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment of the dashboard. `view` is None until the engine has been heard.

    `now_ms` is market time (Unix ms UTC), `now` and `heard` monotonic seconds. `connecting` says
    what the console waits for while there is no view; `heard` is None before
    that. `leaving` while the console waits for its engine to end.
    """

    view: ViewModel | None = None
    symbol: str | None = None
    now_ms: int = 0
    now: float = 0.0
    heard: float | None = None
    connecting: str = "starting the engine…"
    leaving: bool = False

    @property
    def live(self) -> bool:
        """Whether what is shown comes from an engine that is heard now."""
        return self.view is not None and self.view.link == "attached" and not self.silent

    @property
    def silent(self) -> bool:
        """Whether the engine has not even given its sign of life, due once a second."""
        return self.heard is not None and self.now - self.heard > _SILENT_SECONDS

    @property
    def position(self) -> PositionSnapshot | None:
        """The position in the symbol that is shown."""
        if self.view is None or self.view.portfolio is None or self.symbol is None:
            return None
        return self.view.portfolio.positions.get(self.symbol)
