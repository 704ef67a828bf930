"""Answers of models, collected elsewhere: none of them is misread."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.decision.contexts import BTC, UPTREND, make_context
from tests.decision.outside_cases import decide
from tui_trader.decision.formats import FORMATS
from tui_trader.decision.situation import situations
from tui_trader.models import Action

ROOT = Path(__file__).parents[2]
CASES = ROOT / "../shared/cases"
LLM = CASES / "05_llm"
SCORER = CASES / "tools/check_llm_parser.py"
pytestmark = pytest.mark.skipif(not LLM.exists(), reason="the case files are not here")


def test_no_decision_is_misread_and_every_recoverable_one_is_recovered() -> None:
    """The scorer of the case files itself judges, with our function."""
    done = subprocess.run(
        [
            sys.executable,
            CASES / "tools/check_llm_parser.py",
            "tests.decision.outside_cases:decide",
        ],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    *complaints, score = done.stdout.splitlines()
    assert complaints == [], done.stdout
    assert set(ast.literal_eval(score)) == {"ok"}
    assert done.returncode == 0


def _malformed() -> list[str]:
    path = Path(LLM / "generic_malformed.jsonl")
    if not path.exists():
        return []
    return [json.loads(line)["raw"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", FORMATS)
def test_every_malformed_string_holds_and_raises_nothing(name: str) -> None:
    strings = _malformed()
    assert len(strings) >= 60
    known = situations(make_context({BTC: UPTREND}, held={BTC: 2.0}))
    for raw in strings:
        answer = FORMATS[name]().parse(raw, known)
        assert [target.action for target in answer.targets] == [Action.HOLD], raw
        assert [target.target_qty for target in answer.targets] == [2.0], raw
        assert decide(raw) == []
