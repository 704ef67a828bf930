"""Where each panel stands, for every size of terminal. Pure, but for handing it to Textual."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

WIDE, HOME, COMPACT = (200, 60), (120, 40), (80, 24)
_BANNER, _FOOTER = 2, 1

Regions = dict[str, Region]
Cell = tuple[str, int]
"""A panel and the cells it takes; 0 for what is left."""


def has_indicator(width: int, height: int) -> bool:
    """Whether the indicator has a place of its own; below, it takes the chart's."""
    return width >= HOME[0] and height >= HOME[1]


def regions(
    width: int, height: int, *, maximised: str | None = None, indicator: bool = False
) -> Regions:
    """The region of every panel that is shown. Banner and footer are always there.

    With `maximised` that panel has all the room between them; with `indicator` a small terminal
    shows the indicator instead of the chart.
    """
    out, room = _edges(width, height)
    if maximised is not None:
        return {**out, maximised: room}
    middle = _arrangement(width, height)(room)
    if indicator and not has_indicator(width, height) and "chart" in middle:
        middle["indicator"] = middle.pop("chart")
    return out | middle


def decision_regions(width: int, height: int, *, opened: bool) -> Regions:
    """Where the list of decisions stands, and the one that is opened: instead of the list, and
    beside it where there is room for both."""
    out, room = _edges(width, height)
    if not opened:
        return {**out, "list": room}
    if width < WIDE[0]:
        return {**out, "detail": room}
    return out | _across(room, ("list", 84), ("detail", 0))


def _edges(width: int, height: int) -> tuple[Regions, Region]:
    """Banner and footer, and the room between them."""
    banner = min(_BANNER, max(height - _FOOTER, 0))
    out = {
        "banner": Region(0, 0, width, banner),
        "footer": Region(0, max(height - _FOOTER, 0), width, _FOOTER),
    }
    return out, Region(0, banner, width, max(height - banner - _FOOTER, 0))


def _arrangement(width: int, height: int) -> Callable[[Region], Regions]:
    if (width, height) >= WIDE and height >= WIDE[1]:
        return _wide
    if has_indicator(width, height):
        return _home
    if width >= COMPACT[0] and height >= COMPACT[1]:
        return _compact
    return _tiny


def _wide(room: Region) -> Regions:
    upper, middle, lower = _rows(room, (0, 10, 13))
    market = _across(upper, ("watchlist", 36), ("chart", 0), ("side", 58))
    side = market.pop("side")
    return {
        **_down(market.pop("watchlist"), ("watchlist", 0), ("rsi", 11), ("macd", 11)),
        **market,
        **_down(side, ("agent", 0), ("risk", 9)),
        **_across(middle, ("positions", 0), ("verdicts", room.width // 2)),
        **_across(lower, ("indicator", 60), ("events", 0)),
    }


def _home(room: Region) -> Regions:
    upper, middle, lower = _rows(room, (0, 8, 9))
    side_width = max(42, room.width * 35 // 100)
    market = _across(upper, ("chart", 0), ("side", side_width))
    side = market.pop("side")
    return {
        **market,
        **_down(side, ("agent", 0), ("risk", 8)),
        **_across(middle, ("positions", 0), ("indicator", side_width)),
        "events": lower,
    }


def _compact(room: Region) -> Regions:
    chart, money, agent, events = _rows(room, (0, 6, 5, 4 + (room.height > 24)))
    return {
        "chart": chart,
        **_across(money, ("positions", 0), ("risk", 36)),
        "agent": agent,
        "events": events,
    }


def _tiny(room: Region) -> Regions:
    """Money first, then what happened, then why; the chart only where it has room."""
    wanted = [("positions", 4), ("events", 4), ("agent", 5), ("chart", 6)]
    kept: list[Cell] = []
    left = room.height
    for name, rows in wanted:
        if left < rows:
            break
        kept.append((name, rows))
        left -= rows
    if not kept:
        return {"positions": room} if room.height else {}
    order = [name for name in ("chart", "positions", "agent", "events") if name in dict(kept)]
    fill = "chart" if "chart" in order else "positions"
    return _down(room, *((name, 0 if name == fill else dict(kept)[name]) for name in order))


def _rows(room: Region, heights: Sequence[int]) -> list[Region]:
    cells = [(str(index), height) for index, height in enumerate(heights)]
    return list(_down(room, *cells).values())


def _down(room: Region, *cells: Cell) -> Regions:
    """Panels below one another."""
    out, y = {}, room.y
    left = room.height - sum(height for _, height in cells)
    for name, height in cells:
        out[name] = Region(room.x, y, room.width, height or left)
        y += height or left
    return out


def _across(room: Region, *cells: Cell) -> Regions:
    """Panels beside one another."""
    out, x = {}, room.x
    left = room.width - sum(width for _, width in cells)
    for name, width in cells:
        out[name] = Region(x, room.y, width or left, room.height)
        x += width or left
    return out


class RegionLayout(Layout):
    """Places the children that have a region under their id."""

    name = "regions"

    def __init__(self, regions_for: Callable[[Size], Mapping[str, Region]]) -> None:
        self._regions_for = regions_for

    def arrange(
        self, parent: Widget, children: Iterable[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """One placement for each child that is shown."""
        places = self._regions_for(size)
        return [
            WidgetPlacement(place, NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if (place := places.get(child.id or "")) is not None
        ]
