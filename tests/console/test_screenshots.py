"""The pictures in `screenshots/` show what the console is now."""

import pytest

from tests.screenshots import FOLDER, SHOTS, Shot, draw


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
async def test_a_screenshot_is_fresh(shot: Shot) -> None:
    stored = (FOLDER / f"{shot.name}.svg").read_text(encoding="utf-8")
    assert stored == await draw(shot), "run python -m tests.screenshots"


def test_there_are_no_others() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == {shot.name for shot in SHOTS}
