"""Writes `screenshots/`: `python -m tests.screenshots`. A test fails when they are stale."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tests.conftest  # noqa: F401  # the same surroundings as in the tests
from tests.console import market
from tests.console.fakes import FakeClient, make_app, settle, shown
from tui_trader.messages import TradingState

FOLDER = Path(__file__).parents[1] / "screenshots"


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: a size, a state and the keys that were pressed."""

    name: str
    size: tuple[int, int]
    keys: Sequence[str] = ()
    state: TradingState = TradingState.ACTIVE
    trouble: bool = False


SHOTS = (
    Shot("dashboard-80x24", (80, 24)),
    Shot("dashboard-120x40", (120, 40)),
    Shot("dashboard-200x60", (200, 60)),
    Shot("decisions-80x24", (80, 24), ("2",)),
    Shot("decisions-120x40", (120, 40), ("2",)),
    Shot("decisions-200x60", (200, 60), ("2", "down", "down", "enter", "u")),
    Shot("prompt-120x40", (120, 40), ("enter",)),
    Shot("understood-80x24", (80, 24), ("2", "down", "down", "enter", "u")),
    Shot("calls-120x40", (120, 40), ("2", "down", "down", "enter", "m")),
    Shot("brown-out-120x40", (120, 40), trouble=True),
    Shot("halted-120x40", (120, 40), state=TradingState.HALTED),
    Shot("kill-120x40", (120, 40), ("K",)),
    Shot("close-120x40", (120, 40), ("x",)),
    Shot("go-live-120x40", (120, 40), ("L",)),
    Shot("help-120x40", (120, 40), ("question_mark",)),
)


async def draw(shot: Shot) -> str:
    """The picture as SVG."""
    thinking = market.thinking(market.REASONING[:190])
    told = [market.brown_out()] if shot.trouble else [market.snapshot(shot.state), thinking]
    records = [market.record(compose_id) for compose_id in ("c134", "c146")]
    app = make_app(FakeClient(*told, market.health(), records=records))
    async with app.run_test(size=shot.size) as pilot:
        await shown(pilot)
        for key in shot.keys:
            await pilot.press(key)
            await settle(pilot)
        return app.export_screenshot(title="tui-trader")


async def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for shot in SHOTS:
        (FOLDER / f"{shot.name}.svg").write_text(await draw(shot), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
