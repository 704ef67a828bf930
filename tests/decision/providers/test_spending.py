"""What calls cost: exact where it is known, estimated upwards where it is not, never made up."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decision.providers.chain import NOON, PRICES, USAGE, ManualClock
from tui_trader.decision.providers.catalogue import Prices
from tui_trader.decision.providers.completion import Completion, FailureKind
from tui_trader.decision.providers.spending import (
    DAY_MS,
    Spending,
    cost_of,
    estimated_usage,
    usage_of,
)
from tui_trader.models import ModelCall

_money = st.floats(0, 1_000)
_tokens = st.integers(0, 10_000_000)


def made(cost_usd: float | None, asked_at: int = NOON) -> ModelCall:
    return ModelCall(
        compose_id="c1",
        attempt=1,
        asked_at=asked_at,
        provider="deepseek",
        model="m",
        token_usage=USAGE,
        cost_usd=cost_usd,
    )


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"prompt_tokens": 1_000_000}, "1"),
        ({"completion_tokens": 1_000_000}, "10"),
        ({"prompt_tokens": 1_000_000, "cached_tokens": 400_000}, "0.64"),
        ({"prompt_tokens": 1_000_000, "prompt_cache_hit_tokens": 400_000}, "0.64"),
        ({"prompt_tokens": 10, "cached_tokens": 10, "prompt_cache_hit_tokens": 10}, "0.000001"),
        ({"prompt_tokens": 10, "cached_tokens": 99}, "0.000001"),
        ({"completion_tokens": 60, "reasoning_tokens": 40}, "0.0006"),
        ({"prompt_tokens": -5, "completion_tokens": -5}, "0"),
        ({}, "0"),
    ],
)
def test_each_token_is_paid_once_at_its_own_price(usage: dict[str, int], cost: str) -> None:
    assert cost_of(usage, PRICES) == Decimal(cost)


def test_money_is_computed_exactly() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 7}
    assert cost_of(usage, Prices(0.1, 0.1, 0.2)) == Decimal("0.0000017")


def test_what_the_provider_reports_wins_over_the_table() -> None:
    assert cost_of(USAGE, PRICES, 0.05) == Decimal("0.05")
    assert cost_of(USAGE, PRICES, 0.0) == 0
    assert cost_of(USAGE, None, 0.05) == Decimal("0.05")


@pytest.mark.parametrize("nonsense", [-1.0, float("nan"), float("inf")])
def test_a_report_that_can_t_be_true_is_none(nonsense: float) -> None:
    assert cost_of(USAGE, PRICES, nonsense) == cost_of(USAGE, PRICES)


def test_tokens_without_a_price_have_no_cost_and_no_tokens_cost_nothing() -> None:
    assert cost_of(USAGE, None) is None
    assert cost_of({}, None) == 0


@given(prompt=_tokens, cached=_tokens, completion=_tokens, price=_money, cheap=_money)
def test_a_cost_is_never_less_than_all_at_the_cheapest_nor_more_than_all_at_the_dearest(
    prompt: int, cached: int, completion: int, price: float, cheap: float
) -> None:
    usage = {
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "completion_tokens": completion,
    }
    cost = cost_of(usage, Prices(price, cheap, price))
    assert cost is not None
    low, high = sorted((price, cheap))
    total = Decimal(prompt + completion) / 1_000_000
    assert Decimal(repr(low)) * total <= cost <= Decimal(repr(high)) * total


@given(prompt=st.text(), text=st.text())
def test_an_estimate_needs_no_usage_and_stands_any_text(prompt: str, text: str) -> None:
    usage, estimated = usage_of(Completion("m", answer=text + "."), prompt + ".")
    assert estimated
    assert usage["prompt_tokens"] * 3 >= len(prompt)
    assert usage["completion_tokens"] * 3 >= len(text)


def test_lone_surrogates_and_other_scripts_are_counted_by_their_bytes() -> None:
    assert estimated_usage("\ud800", "決める") == {"prompt_tokens": 1, "completion_tokens": 3}


def test_what_was_reported_stands_and_only_what_is_missing_is_estimated() -> None:
    whole = Completion("m", answer="x" * 300, usage=USAGE)
    assert usage_of(whole, "prompt") == (USAGE, False)
    half = Completion("m", answer="x" * 300, usage={"prompt_tokens": 7, "completion_tokens": 0})
    assert usage_of(half, "prompt") == ({"prompt_tokens": 7, "completion_tokens": 100}, True)


def test_reasoning_is_part_of_an_estimate() -> None:
    usage, _ = usage_of(Completion("m", answer="x" * 30, reasoning="y" * 300), "")
    assert usage["completion_tokens"] == 110


@pytest.mark.parametrize("kind", sorted(FailureKind))
def test_a_failure_before_anything_came_costs_nothing_only_where_no_model_was_at_work(
    kind: FailureKind,
) -> None:
    at_work = kind in {
        FailureKind.SERVER,
        FailureKind.STALL,
        FailureKind.DEADLINE,
        FailureKind.INCOMPLETE,
    }
    usage, estimated = usage_of(Completion("m", failure=kind, error="no"), "x" * 300)
    assert (usage.get("prompt_tokens", 0), estimated) == ((100, True) if at_work else (0, False))
    usage, estimated = usage_of(Completion("m", "x" * 30, failure=kind, error="no"), "x" * 300)
    assert (usage, estimated) == ({"prompt_tokens": 100, "completion_tokens": 10}, True)


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("kind", sorted(FailureKind))
def test_once_a_response_has_begun_its_prompt_is_counted_whatever_ended_it(
    kind: FailureKind, streamed: bool
) -> None:
    cut = Completion("m", failure=kind, error="no", streamed=streamed)
    usage, estimated = usage_of(cut, "x" * 300)
    assert (usage, estimated) == ({"prompt_tokens": 100, "completion_tokens": 0}, True)


def test_sums_are_exact_and_by_day_and_run() -> None:
    clock = ManualClock()
    spending = Spending(clock, earlier=[made(0.7), made(5.0, NOON - DAY_MS)])
    for _ in range(3):
        spending.add(made(0.1))
    assert (spending.today.calls, spending.today.cost_usd) == (4, 1.0)
    assert (spending.run.calls, spending.run.cost_usd) == (3, 0.3)
    assert spending.run.tokens == 3_300
    clock.seconds += 12 * 3_600 - 1
    assert spending.today.calls == 4
    clock.seconds += 1
    assert (spending.today.calls, spending.today.cost_usd) == (0, 0.0)
    assert spending.run.cost_usd == 0.3


def test_a_sum_with_an_unknown_cost_is_unknown_but_its_known_part_counts_towards_the_cap() -> None:
    spending = Spending(ManualClock(), daily_cap_usd=1.0, earlier=[made(None)])
    spending.add(made(0.6))
    assert spending.today.cost_usd is None
    assert spending.run.cost_usd == 0.6
    assert not spending.capped
    spending.add(made(0.4))
    assert spending.capped


def test_the_cap_is_reached_to_the_last_digit() -> None:
    spending = Spending(ManualClock(), daily_cap_usd=0.3)
    for _ in range(2):
        spending.add(made(0.1))
    assert not spending.capped
    spending.add(made(0.1))
    assert spending.capped


def test_without_a_cap_nothing_is_capped() -> None:
    spending = Spending(ManualClock(), earlier=[made(1e12)])
    assert not spending.capped
    assert not spending.newly_capped()
