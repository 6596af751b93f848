"""The compute-optimal split: closed form, Lagrange multipliers and SciPy agree."""

import math

import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.scaling.allocation import (
    CHINCHILLA,
    LossLaw,
    budget_for,
    compute_optimal,
    compute_optimal_by_lagrange,
)

LAWS = st.builds(
    LossLaw,
    E=st.floats(0, 3),
    A=st.floats(10, 1000),
    B=st.floats(10, 1000),
    alpha=st.floats(0.1, 0.9),
    beta=st.floats(0.1, 0.9),
)
BUDGETS = st.floats(12, 26).map(lambda power: 10.0**power)


def test_chinchillas_own_budget():
    # Gopher's 5.76e23 FLOPs. By these constants a model of 32 B reads 3 T tokens: approach 3 wants
    # smaller models than the other two, by whose mean the paper's authors took 70 B and 1.4 T.
    best = compute_optimal(5.76e23)
    assert best.parameters == pytest.approx(32.2e9, rel=0.01)
    assert best.tokens == pytest.approx(2.98e12, rel=0.01)
    assert best.loss < CHINCHILLA.loss(70e9, 1.37e12)
    assert CHINCHILLA.loss(70e9, 1.37e12) < CHINCHILLA.loss(280e9, 300e9)
    # the exponents of table 2: a = 0.46, b = 0.54 (0.452 and 0.548 from the rounded constants)
    ratio = compute_optimal(5.76e24)
    assert math.log10(ratio.parameters / best.parameters) == pytest.approx(0.28 / 0.62)
    assert math.log10(ratio.tokens / best.tokens) == pytest.approx(0.34 / 0.62)


@settings(max_examples=50)
@given(BUDGETS, LAWS)
def test_both_ways_agree_and_spend_the_budget(budget, law):
    closed, solved = compute_optimal(budget, law), compute_optimal_by_lagrange(budget, law)
    # the KKT residual is 1e-12 of terms whose second derivative is at least 0.01 of the smaller
    # share; what matters is where the loss is flat least
    assert 6 * closed.parameters * closed.tokens == pytest.approx(budget, rel=1e-12)
    assert 6 * solved.parameters * solved.tokens == pytest.approx(budget, rel=1e-9)
    assert solved.parameters == pytest.approx(closed.parameters, rel=1e-4)
    assert solved.loss == pytest.approx(closed.loss, rel=1e-10)
    assert solved.per_flop == pytest.approx(closed.per_flop, rel=1e-4)


@pytest.mark.reference
@settings(max_examples=30)
@given(BUDGETS, LAWS)
def test_scipy_finds_no_better_split(budget, law):
    best = compute_optimal(budget, law)
    theirs = scipy.optimize.minimize_scalar(
        lambda u: law.loss(math.exp(u), budget / 6 / math.exp(u)),
        bounds=(math.log(best.parameters) - 5, math.log(best.parameters) + 5),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert best.loss <= theirs.fun * (1 + 1e-14)
    # the loss is flat at the optimum: it says log N to about sqrt(eps L / L'')
    assert theirs.fun == pytest.approx(best.loss, rel=1e-12)


@settings(max_examples=50)
@given(BUDGETS, LAWS)
def test_the_multiplier_is_the_worth_of_a_flop(budget, law):
    def excess(factor):
        return compute_optimal(budget * factor, law).loss

    # a central difference in C of relative step 1e-4: error 1e-8 relative, and rounding of L / 1e-4
    slope = (excess(1 + 1e-4) - excess(1 - 1e-4)) / (2e-4 * budget)
    rounding = 1e-11 * excess(1.0) / budget
    assert compute_optimal(budget, law).per_flop == pytest.approx(slope, rel=1e-6, abs=rounding)


@settings(max_examples=50)
@given(BUDGETS, LAWS)
def test_the_budget_for_a_loss_is_the_inverse(budget, law):
    loss = compute_optimal(budget, law).loss
    share = (loss - law.E) / loss
    # L - E loses 1 / share of its digits, and the exponent (at least 2, at most 20) multiplies that
    assert budget_for(loss, law) == pytest.approx(budget, rel=1e-13 * 20 / share + 1e-11)


def test_a_twin_law_splits_evenly():
    law = LossLaw(E=1.0, A=100.0, B=100.0, alpha=0.3, beta=0.3)
    best = compute_optimal(6e20, law)
    assert best.parameters == pytest.approx(1e10)
    assert best.tokens == pytest.approx(1e10)


def test_bad_input_is_refused():
    for budget in (0, -1.0, math.inf, math.nan):
        for way in (compute_optimal, compute_optimal_by_lagrange):
            with pytest.raises(ValueError, match="wanted a finite number above 0"):
                way(budget)
    with pytest.raises(ValueError, match="no budget reaches it"):
        budget_for(1.69)
    with pytest.raises(ValueError, match="has no best split"):
        LossLaw(E=1, A=1, B=1, alpha=0, beta=1)
    with pytest.raises(ValueError, match="not finite"):
        LossLaw(E=math.nan, A=1, B=1, alpha=1, beta=1)
    with pytest.raises(ValueError, match="wanted both above 0"):
        CHINCHILLA.loss(0, 1)
