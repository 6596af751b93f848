"""Coordinate descent: the threshold's formula, conditions of the minimum, an honest gap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.coordinate_descent import (
    coordinate_pass,
    duality_gap,
    elastic_net_descent,
    soft_threshold,
)
from groundup.swap import Replacement, replaced


def objective(columns, y, coef, l1, l2):
    residual = y - coef @ columns
    return residual @ residual / 2 + l1 * np.abs(coef).sum() + l2 / 2 * coef @ coef


@given(st.floats(-50, 50), st.floats(0, 50))
def test_the_threshold_minimises_its_parabola(value, threshold):
    found = soft_threshold(value, threshold)
    around = found + np.linspace(-1, 1, 41)
    costs = 0.5 * (around - value) ** 2 + threshold * np.abs(around)
    assert 0.5 * (found - value) ** 2 + threshold * abs(found) <= costs.min() + 1e-12
    assert abs(found) == max(abs(value) - threshold, 0)


problems = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "n": st.integers(1, 30),
        "f": st.integers(1, 30),
        "l1": st.sampled_from([0.0, 0.3, 3.0]),
        "l2": st.sampled_from([0.0, 0.5, 5.0]),
        "positive": st.booleans(),
    }
)


def make(problem):
    rng = np.random.default_rng(problem["seed"])
    columns = rng.normal(size=(problem["f"], problem["n"]))
    return columns, rng.normal(size=problem["n"]) * 3, problem["l1"], problem["l2"]


@settings(max_examples=60)
@given(problems)
def test_no_pass_raises_the_objective_and_the_gap_never_lies(problem):
    columns, y, l1, l2 = make(problem)
    positive = problem["positive"]
    squares = (columns**2).sum(axis=1)
    coef, residual, values, bounds = np.zeros(len(columns)), y.copy(), [], []
    for _ in range(30):
        values.append(objective(columns, y, coef, l1, l2))
        bounds.append(values[-1] - duality_gap(columns, y, residual.copy(), coef, l1, l2, positive))
        coordinate_pass(columns, squares, residual, coef, l1, l2, positive)
    scale = 1e-12 * (1 + y @ y)
    assert (np.diff(values) <= scale).all()
    assert max(bounds) <= min(values) + scale  # each a lower bound of the minimum
    np.testing.assert_allclose(residual, y - coef @ columns, rtol=0, atol=1e-10)
    assert not positive or (coef >= 0).all()


@settings(max_examples=60)
@given(problems)
def test_the_end_meets_the_conditions_of_the_minimum(problem):
    """|x_j (y - Xw) - l2 w_j| <= l1, with the sign of w_j where that is not zero."""
    columns, y, l1, l2 = make(problem)
    l1, l2 = l1 + 0.5, l2 + 0.1  # strictly convex, so that convergence is linear
    tol = 1e-14
    found = elastic_net_descent(
        columns, y, np.zeros(len(columns)), (l1, l2), tol=tol, max_iter=100_000
    )
    assert found.converged
    slopes = columns @ (y - found.coef @ columns) - l2 * found.coef
    # near the minimum the objective grows by l2/2 |w - w*|^2, so |w - w*| <= sqrt(2 gap / l2); the
    # slopes move by at most |X'X| + l2 times as much
    lipschitz = np.linalg.norm(columns, 2) ** 2 + l2
    error = 2 * lipschitz * np.sqrt(2 * max(found.gap, tol * (y @ y)) / l2)
    active = found.coef != 0
    assert (np.abs(slopes) <= l1 + error).all()
    assert (np.abs(slopes[active] - l1 * np.sign(found.coef[active])) <= error).all()


def test_orthonormal_features_need_one_pass():
    columns, y = np.eye(4), np.array([3.0, -2.0, 0.5, 0.0])
    found = elastic_net_descent(columns, y, np.zeros(4), (1.0, 0.0))
    assert found.coef.tolist() == [2.0, -1.0, 0.0, 0.0]
    assert found.gap == pytest.approx(0, abs=1e-14)
    again = elastic_net_descent(columns, y, found.coef, (1.0, 0.0))
    assert again.passes == 1


def test_a_feature_without_variance_keeps_out():
    columns = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 4.0]])
    found = elastic_net_descent(columns, columns[1], np.array([5.0, 0.0]), (0.1, 0.0))
    assert found.coef[0] == 0
    assert found.converged


def test_too_few_passes_are_told():
    rng = np.random.default_rng(0)
    base = rng.normal(size=50)
    columns = base + 0.01 * rng.normal(size=(10, 50))
    y = columns[0] - columns[1]
    found = elastic_net_descent(columns, y, np.zeros(10), (1e-6, 0.0), max_iter=2, tol=1e-10)
    assert not found.converged
    assert found.passes == 2
    assert found.gap > 0


def test_a_learners_threshold_runs():
    def mine(value, threshold):
        return 0.25

    part = Replacement(
        part="classical.coordinate_descent:soft_threshold",
        file="mine.py",
        name="mine",
        sha256="",
        function=mine,
    )
    with replaced([part]):
        found = elastic_net_descent(np.eye(2), np.ones(2), np.zeros(2), (0.1, 0.0))
    assert found.coef.tolist() == [0.25, 0.25]
