"""Convexity: the three tests tell convex from not, and conjugates are those of the textbooks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.minimisers_family import Quadratic, Rosenbrock

from groundup.maths import convexity as c
from groundup.maths.descent import curvature_range

BOX = ([-2.0, -2.0], [2.0, 2.0])
SEEDS = st.integers(0, 2**31)


@settings(max_examples=10)
@given(SEEDS)
def test_a_convex_function_has_no_counterexample(seed):
    problem = Quadratic(seed, size=2)
    assert c.chord_counterexample(problem.value, *BOX, trials=100, rng=seed) is None
    assert (
        c.tangent_counterexample(problem.value, problem.gradient, *BOX, trials=100, rng=seed)
        is None
    )
    assert c.hessian_counterexample(problem.hessian, *BOX, trials=20, rng=seed) is None
    mu, L = c.strong_convexity_and_smoothness(problem.hessian, *BOX, trials=3, rng=seed)
    assert (mu, L) == pytest.approx((1, 10), rel=1e-12)
    tiny = c.chord_counterexample(lambda x: 1e-30 * Rosenbrock().value(x), *BOX, rng=0)
    assert tiny is not None
    # neither has a linear function, whose tests hold with equality, up to rounding
    assert c.chord_counterexample(lambda x: 1e6 * x.sum(), *BOX, trials=100, rng=seed) is None


def test_rosenbrock_is_not_convex_and_the_counterexamples_prove_it():
    problem = Rosenbrock()
    found = c.chord_counterexample(problem.value, *BOX, rng=0)
    t = np.linspace(0, 1, 1001)
    line = [problem.value(s * found.a + (1 - s) * found.b) for s in t]
    assert (line > t * line[-1] + (1 - t) * line[0]).any()
    found = c.tangent_counterexample(problem.value, problem.gradient, *BOX, rng=0)
    tangent = problem.value(found.a) + problem.gradient(found.a) @ (found.b - found.a)
    assert tangent - problem.value(found.b) == pytest.approx(found.excess)
    assert found.excess > 0
    found = c.hessian_counterexample(problem.hessian, *BOX, rng=0)
    assert np.linalg.eigvalsh(problem.hessian(found.a))[0] == pytest.approx(-found.excess)


def test_the_same_seed_finds_the_same():
    pair = [c.chord_counterexample(Rosenbrock().value, *BOX, rng=3) for _ in range(2)]
    assert (pair[0].a == pair[1].a).all()


@settings(max_examples=40)
@given(SEEDS, st.integers(1, 5))
def test_a_gram_matrix_is_positive_semidefinite(seed, rank):
    root = np.random.default_rng(seed).normal(size=(5, rank))
    assert c.is_positive_semidefinite(root @ root.T)
    assert (
        not c.is_positive_semidefinite(root @ root.T - 0.01 * np.eye(5) * np.trace(root @ root.T))
        or rank == 5
    )
    assert c.is_positive_semidefinite([[0.0]])


GRID = np.linspace(-10, 10, 4001)


@pytest.mark.parametrize(
    ("f", "conjugate"),
    [
        (lambda x: x**2 / 2, lambda s: s**2 / 2),
        (np.abs, lambda s: np.zeros_like(s)),  # for |s| <= 1
        (np.exp, lambda s: s * np.log(s) - s),  # for s > 0
        (lambda x: np.logaddexp(0, x), lambda s: s * np.log(s) + (1 - s) * np.log(1 - s)),
    ],
)
def test_conjugates_are_those_of_the_textbooks(f, conjugate):
    slopes = np.linspace(0.05, 0.95, 19)
    ours = c.conjugate_on_grid(GRID, f(GRID), slopes)
    # the best x is missed by h/2 = 0.0025 at most: f* by f'' h^2 / 8 <= 3.2e-6
    assert ours == pytest.approx(conjugate(slopes), abs=4e-6)
    for x, s in [(0.3, 0.5), (-2.0, 0.9)]:
        assert c.fenchel_gap(f, lambda t: conjugate(np.array(t)), x, s) >= -1e-12
    assert c.fenchel_gap(np.exp, lambda s: s * np.log(s) - s, 1.0, np.e) == pytest.approx(
        0, abs=1e-14
    )


def test_twice_over_is_the_convex_hull_of_f():
    f = (GRID**2 - 1) ** 2  # two wells; the hull is 0 between them
    slopes = np.linspace(-60, 60, 1201)
    twice = c.conjugate_on_grid(
        slopes, c.conjugate_on_grid(GRID, f, slopes), np.array([-1.5, -1, 0, 0.5, 2])
    )
    # slopes are 0.1 apart, the best one is missed by 0.05 at most and costs 0.05 |x - x'| < 0.05
    assert twice == pytest.approx([1.5625, 0, 0, 0, 9], abs=0.05)
    assert (twice <= np.array([1.5625, 0, 1, 0.5625, 9]) + 1e-9).all()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="not finite everywhere in the box"):
        c.chord_counterexample(lambda x: np.log(x).sum(), [-1.0], [1.0], rng=0)
    with pytest.raises(ValueError, match="such a box is empty"):
        c.chord_counterexample(np.sum, [1.0], [0.0])
    with pytest.raises(ValueError, match="trials is 0"):
        c.chord_counterexample(np.sum, [0.0], [1.0], trials=0)
    with pytest.raises(ValueError, match="high has 2 entries"):
        c.hessian_counterexample(np.eye, [0.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="not symmetric"):
        c.is_positive_semidefinite([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="values has 1 entries"):
        c.conjugate_on_grid([1.0, 2.0], [1.0], [0.0])


def test_a_matrix_of_no_rows():
    assert c.is_positive_semidefinite(np.zeros((0, 0)))
    with pytest.raises(ValueError, match=r"shape \(0, 0\)"):
        curvature_range(np.zeros((0, 0)))
