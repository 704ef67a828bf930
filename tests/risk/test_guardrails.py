import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.behaviours import given_and_expected
from tui_trader.risk import guardrails
from tui_trader.risk.limits import derived_step

finite = st.floats(allow_nan=False, allow_infinity=False)
sizes = st.floats(min_value=1e-300, max_value=1e300)


def test_bh_70_and_71_amounts_are_cut_to_the_step() -> None:
    for case_id in ("BH-70", "BH-71"):
        case, expected = given_and_expected(case_id)
        assert guardrails.truncate(case["amount"], case["step"]) == expected["amount"]


def test_a_short_is_cut_towards_zero_too() -> None:
    assert guardrails.truncate(-2.9999, 0.001) == -2.999


@settings(max_examples=2_500)
@given(finite, sizes)
def test_cutting_never_makes_an_order_larger(quantity: float, step: float) -> None:
    cut = guardrails.truncate(quantity, step)
    assert abs(cut) <= abs(quantity)
    assert cut == 0 or math.copysign(1, cut) == math.copysign(1, quantity)
    assert abs(quantity) - abs(cut) <= step + math.ulp(quantity)


@settings(max_examples=2_500)
@given(sizes, sizes, sizes)
def test_a_rounded_reduction_is_neither_nothing_nor_beyond_flat(
    quantity: float, held: float, step: float
) -> None:
    ordered = guardrails.round_reduction(quantity, held, step)
    assert min(quantity, held) <= ordered <= held


def test_a_partial_reduction_leaves_less_rather_than_more() -> None:
    assert guardrails.round_reduction(0.3004, 1.0, 0.001) == 0.301
    assert guardrails.round_reduction(0.3, 1.0, 0.1) == 0.3


def test_a_whole_position_is_closed_to_its_last_digit() -> None:
    assert guardrails.round_reduction(1.00054321, 1.00054321, 0.001) == 1.00054321


def test_bh_b3_a_spot_market_is_never_short() -> None:
    case, expected = given_and_expected("BH-B3")
    final = guardrails.without_short(case["current"], case["target"])
    assert final == expected["final_target"]


def test_a_short_that_exists_on_spot_may_shrink_but_not_grow() -> None:
    assert guardrails.without_short(-2.0, -1.0) == -1.0
    assert guardrails.without_short(-2.0, -3.0) == -2.0


def test_a_derived_step_is_worth_at_most_a_basis_point_of_the_capital() -> None:
    assert derived_step(50_000.0, 10_000.0) == 1e-5
    assert derived_step(0.01, 10.0) == 0.1
