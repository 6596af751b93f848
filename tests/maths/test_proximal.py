"""Proximal operators: by their definition, by Moreau, and at work in ISTA, FISTA and projection."""

from functools import partial

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import ElasticNet, Lasso

from groundup.maths import projections
from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.coordinate_descent import coordinate_descent, optimality_gap
from groundup.maths.proximal import (
    prox_elastic_net,
    prox_l1,
    prox_norm,
    prox_nuclear,
    prox_squares,
)
from groundup.maths.proximal_gradient import fista, ista, projected_gradient

SEEDS = st.integers(0, 2**31)
VECTORS = st.lists(st.floats(-5, 5), min_size=4, max_size=4).map(np.array)
PENALTIES = {
    "l1": (prox_l1, lambda x: np.abs(x).sum()),
    "squares": (prox_squares, lambda x: x @ x / 2),
    "norm": (prox_norm, np.linalg.norm),
    "elastic net": (
        partial(prox_elastic_net, ratio=0.3),
        lambda x: 0.3 * np.abs(x).sum() + 0.35 * x @ x,
    ),
    "nuclear": (
        lambda v, t: prox_nuclear(v.reshape(2, 2), t).ravel(),
        lambda x: np.linalg.svd(x.reshape(2, 2), compute_uv=False).sum(),
    ),
}
MEMBERS = pytest.mark.parametrize("name", PENALTIES)


@MEMBERS
@settings(max_examples=40)
@given(v=VECTORS, t=st.floats(0, 4), seed=SEEDS)
def test_nothing_nearby_is_better(name, v, t, seed):
    prox, penalty = PENALTIES[name]

    def cost(x):
        return t * penalty(x) + (x - v) @ (x - v) / 2

    x = prox(v, t)
    others = (
        x + np.random.default_rng(seed).normal(size=(20, 4)) * np.geomspace(1e-6, 3, 20)[:, None]
    )
    # the cost is 1-strongly convex: every other point costs at least |z - x|^2 / 2 more
    for z in others:
        assert cost(z) >= cost(x) + (z - x) @ (z - x) / 2 - 1e-12


@MEMBERS
@settings(max_examples=30)
@given(v=VECTORS, w=VECTORS, t=st.floats(0, 4))
def test_proxes_bring_points_no_farther_apart(name, v, w, t):
    prox, _ = PENALTIES[name]
    assert np.linalg.norm(prox(v, t) - prox(w, t)) <= np.linalg.norm(v - w) + 1e-13
    assert prox(v, 0.0) == pytest.approx(v, abs=1e-14)


@given(VECTORS, st.floats(0.1, 4))
def test_moreau_splits_a_vector_between_a_norm_and_the_ball_of_its_dual(v, t):
    # the conjugate of t |x|_1 is the indicator of the box of size t; of t |x|_2 that of the ball
    box = projections.onto_box(v, -t, t)
    assert prox_l1(v, t) + box == pytest.approx(v, abs=1e-14)
    assert prox_norm(v, t) + projections.onto_ball(v, t) == pytest.approx(v, abs=1e-14)


class LeastSquares:
    def __init__(self, seed, rows=30, columns=6):
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(rows, columns))
        self.y = self.X[:, 0] - 2 * self.X[:, 1] + 0.1 * rng.normal(size=rows)

    def value(self, x):
        r = self.X @ x - self.y
        return r @ r / (2 * self.y.size)

    def gradient(self, x):
        return self.X.T @ (self.X @ x - self.y) / self.y.size

    @property
    def Q(self):
        return self.X.T @ self.X / self.y.size

    @property
    def b(self):
        return self.X.T @ self.y / self.y.size


def lasso(method, problem, weight, **settings_):
    return method(
        problem.value,
        problem.gradient,
        lambda x: weight * np.abs(x).sum(),
        lambda v, t: prox_l1(v, weight * t),
        np.zeros(6),
        **settings_,
    )


@pytest.mark.reference
@settings(max_examples=20)
@given(SEEDS, st.floats(0.01, 0.5))
def test_three_ways_to_the_lasso_and_scikit_learns(seed, weight):
    problem = LeastSquares(seed)
    theirs = Lasso(alpha=weight, fit_intercept=False, tol=1e-12, max_iter=100_000)
    theirs = theirs.fit(problem.X, problem.y).coef_
    smallest = np.linalg.eigvalsh(problem.Q)[0]
    # a subgradient of at most 1e-8 n leaves a distance of at most that over the strong convexity
    tolerance = 1e-6 + 6e-8 / smallest
    slow, fast = (lasso(method, problem, weight) for method in (ista, fista))
    sweeps = coordinate_descent(problem.Q, problem.b, l1=weight)
    for solution in (slow, fast, sweeps):
        assert solution.converged
        assert solution.x == pytest.approx(theirs, abs=tolerance)
        assert optimality_gap(problem.Q, problem.b, solution.x, weight) <= 1e-6
    assert (np.diff(slow.trace) <= 1e-14).all()
    assert (np.diff(sweeps.trace) <= 1e-14).all()
    # zeros are zeros, not small numbers
    assert (
        set(np.flatnonzero(sweeps.x)) == set(np.flatnonzero(slow.x)) == set(np.flatnonzero(fast.x))
    )


@pytest.mark.reference
@settings(max_examples=15)
@given(SEEDS, st.floats(0.01, 0.5), st.floats(0.1, 0.9))
def test_coordinate_descent_is_scikit_learns_elastic_net(seed, weight, ratio):
    problem = LeastSquares(seed, rows=4)  # fewer rows than columns
    theirs = ElasticNet(
        alpha=weight, l1_ratio=ratio, fit_intercept=False, tol=1e-12, max_iter=100_000
    )
    Q = problem.Q + weight * (1 - ratio) * np.eye(6)
    ours = coordinate_descent(Q, problem.b, l1=weight * ratio, tolerance=1e-10)
    assert ours.converged
    # strong convexity weight (1 - ratio) >= 1e-3; both gaps are below 1e-10 or so
    assert ours.x == pytest.approx(theirs.fit(problem.X, problem.y).coef_, abs=1e-4)


def test_fista_is_faster_where_the_condition_is_bad():
    problem = LeastSquares(0)
    problem.X = problem.X * np.geomspace(1, 50, 6)
    slow, fast = (lasso(m, problem, 0.1, steps=100_000, tolerance=1e-7) for m in (ista, fista))
    assert slow.converged
    assert fast.converged
    assert fast.iterations < slow.iterations / 5
    assert fast.x == pytest.approx(slow.x, abs=1e-5)


@settings(max_examples=20)
@given(SEEDS)
def test_fista_keeps_its_promise(seed):
    # f(x_k) - f* <= 2 L |x_0 - x*|^2 / (k + 1)^2, with L at most twice the largest eigenvalue
    problem = LeastSquares(seed)
    best = lasso(fista, problem, 0.1, tolerance=1e-10)
    L = 2 * max(1.0, np.linalg.eigvalsh(problem.Q)[-1])
    k = np.arange(1, min(best.trace.size, 15))
    gap = best.trace[k] - best.trace.min()
    # a restart may only help; the first steps are those of the theorem
    assert (gap <= 2 * L * (best.x @ best.x) / (k + 1) ** 2 + 1e-12).all()


@settings(max_examples=20)
@given(SEEDS)
def test_with_l1_0_coordinate_descent_is_gauss_seidel(seed):
    problem = LeastSquares(seed)
    one = None
    with pytest.warns(ConvergenceWarning, match="after 1 sweeps"):
        one = coordinate_descent(problem.Q, problem.b, steps=1)
    lower = np.tril(problem.Q)
    assert one.x == pytest.approx(np.linalg.solve(lower, problem.b), abs=1e-12)


@pytest.mark.reference
@settings(max_examples=15)
@given(SEEDS)
def test_projected_gradient_is_scipys_bounded_least_squares(seed):
    problem = LeastSquares(seed)
    theirs = scipy.optimize.lsq_linear(problem.X, problem.y, (-0.5, 0.5), tol=1e-14).x
    ours = projected_gradient(
        problem.value,
        problem.gradient,
        partial(projections.onto_box, low=-0.5, high=0.5),
        np.ones(6),
    )
    assert ours.converged
    assert ours.x == pytest.approx(theirs, abs=1e-5)
    assert np.abs(ours.x).max() <= 0.5
    assert (np.diff(ours.trace) <= 1e-14).all()


def test_low_rank_matrices_are_completed():
    rng = np.random.default_rng(0)
    truth = np.outer(rng.normal(size=8), rng.normal(size=6))
    seen = rng.random((8, 6)) < 0.7

    def value(x):
        return ((x.reshape(8, 6) - truth)[seen] ** 2).sum() / 2

    def gradient(x):
        return (np.where(seen, x.reshape(8, 6) - truth, 0)).ravel()

    solution = fista(
        value,
        gradient,
        lambda x: 1e-3 * np.linalg.norm(x.reshape(8, 6), "nuc"),
        lambda v, t: prox_nuclear(v.reshape(8, 6), 1e-3 * t).ravel(),
        np.zeros(48),
        tolerance=1e-6,
    )
    assert np.linalg.matrix_rank(solution.x.reshape(8, 6), tol=1e-3) == 1
    # a penalty of 1e-3 biases the one singular value by about that
    assert np.abs(solution.x.reshape(8, 6) - truth).max() < 0.05


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="weight of the penalty is -1"):
        prox_l1([1.0], -1)
    with pytest.raises(ValueError, match="ratio is 2"):
        prox_elastic_net([1.0], 1.0, 2)
    with pytest.raises(ValueError, match="v has shape"):
        prox_nuclear([1.0], 1.0)
    with pytest.raises(ValueError, match="diagonal of Q has 0"):
        coordinate_descent([[0.0]], [1.0])
    with pytest.raises(ValueError, match="l1 is -1"):
        coordinate_descent([[1.0]], [1.0], l1=-1)
    with pytest.raises(ValueError, match="not finite at the start"):
        ista(lambda x: np.inf, lambda x: x, lambda x: 0, prox_l1, [1.0])
    with pytest.raises(ValueError, match="start holds NaN"):
        fista(np.sum, np.ones_like, np.sum, prox_l1, [np.nan])


def test_non_convergence_is_reported():
    problem = LeastSquares(0)
    for method in (ista, fista):
        with pytest.warns(ConvergenceWarning, match="after 2 steps"):
            assert not lasso(method, problem, 0.1, steps=2).converged
    for method in (ista, fista):
        # below, f falls for ever
        with pytest.warns(ConvergenceWarning):
            method(
                lambda x: -(x @ x), lambda x: -2 * x, lambda x: 0.0, lambda v, t: v, [1.0], steps=9
            )
