"""Broken answers by the thousand; as a campaign by the million."""

import logging
import os
from collections import Counter

import pytest

from tests.decision.fuzz import answer, outcome

SAMPLE = 3_000
CAMPAIGN = int(os.environ.get("FUZZ_ANSWERS", "1000000"))


def count(seeds: range) -> Counter[str]:
    """How many answers of `seeds` hold, reduce or open. Fails on any that leads out of bounds."""
    counted: Counter[str] = Counter()
    for seed in seeds:
        name, raw = answer(seed)
        try:
            counted[outcome(name, raw)] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}, {name}: {raw!r}") from error
    return counted


def test_no_broken_answer_raises_or_leads_out_of_bounds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="tui_trader")
    counted = count(range(SAMPLE))
    assert counted["hold"] > SAMPLE / 2
    assert counted["open"] > 0
    assert counted["reduce"] > 0


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_a_campaign_of_broken_answers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="tui_trader")
    counted = count(range(SAMPLE, SAMPLE + CAMPAIGN))
    print(f"\n{CAMPAIGN:,} broken answers: {dict(counted)}, none out of bounds")  # noqa: T201
