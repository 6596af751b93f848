"""The two forms of BFGS: what the update promises, and that the two loops are the matrix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.minimisers_family import Quadratic, Rosenbrock

from groundup.maths.quasi_newton import bfgs, bfgs_update, lbfgs, two_loop

SEEDS = st.integers(0, 2**31)


def pairs_of_a_quadratic(seed, count, size=4):
    rng = np.random.default_rng(seed)
    A = Quadratic(seed, size=size).A
    return [(s, A @ s) for s in rng.normal(size=(count, size))]


@settings(max_examples=40)
@given(SEEDS)
def test_the_update_solves_the_secant_equation_and_stays_positive_definite(seed):
    (s, y), (t, z) = pairs_of_a_quadratic(seed, 2)
    H = bfgs_update(bfgs_update(np.eye(4), s, y), t, z)
    assert pytest.approx(H.T, abs=1e-13) == H
    # condition numbers of the pairs are at most 10 each, of H some 1e3: 1e3 eps |y|
    assert pytest.approx(t, abs=1e-11) == H @ z
    assert np.linalg.eigvalsh(H).min() > 0


@settings(max_examples=40)
@given(SEEDS, st.integers(1, 6))
def test_two_loops_multiply_by_the_matrix_that_they_never_form(seed, count):
    pairs = pairs_of_a_quadratic(seed, count)
    s, y = pairs[-1]
    H = (s @ y) / (y @ y) * np.eye(4)
    for pair in pairs:
        H = bfgs_update(H, *pair)
    g = np.random.default_rng(seed + 1).normal(size=4)
    assert two_loop(g, pairs) == pytest.approx(H @ g, rel=1e-9, abs=1e-9)
    assert g.tolist() == np.random.default_rng(seed + 1).normal(size=4).tolist()


def test_with_memory_enough_lbfgs_goes_the_way_of_bfgs():
    # the first matrix is rescaled at every step in L-BFGS, so the ways agree roughly, not exactly
    problem = Rosenbrock()
    full = bfgs(problem.value, problem.gradient, problem.start)
    limited = lbfgs(problem.value, problem.gradient, problem.start, memory=100)
    assert abs(full.iterations - limited.iterations) <= 10


def test_convergence_is_superlinear():
    problem = Rosenbrock()
    trace = bfgs(problem.value, problem.gradient, problem.start, tolerance=1e-10).trace
    assert (trace[-3:] / trace[-4:-1] < 0.1).all()


def test_a_memory_of_nothing_is_refused():
    with pytest.raises(ValueError, match="memory is 0"):
        lbfgs(np.sum, np.ones_like, [1.0], memory=0)
