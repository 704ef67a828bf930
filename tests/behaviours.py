"""The shared cases of behaviour, by their id; a test that needs them is skipped without them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parents[1] / "../shared/cases/07_behaviours/behaviours.json"


@cache
def _cases() -> dict[str, dict[str, Any]]:
    return {case["id"]: case for case in json.loads(CASES.read_text(encoding="utf-8"))}


def given_and_expected(case_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The `given` and `expect` of a case."""
    if not CASES.exists():
        pytest.skip("the shared cases are not here")
    case = _cases()[case_id]
    return case["given"], case["expect"]
