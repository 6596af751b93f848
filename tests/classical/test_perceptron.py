"""The perceptron against scikit-learn's, mistake for mistake, and Novikoff's bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model
from tests.classical.compliance import compliance

from groundup.classical.perceptron import Perceptron, mistake_bound, perceptron_epoch
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import Replacement, replaced

WEIGHTS = {
    "Perceptron": {
        "check_sample_weight_equivalence_on_dense_data": "a weight of 2 is one large step and not "
        "two looks; scikit-learn excuses its own Perceptron from this check too",
    }
}


@compliance(Perceptron(), excused=WEIGHTS)
def test_conventions(estimator, check):
    check(estimator)


def problem(seed, n=50, f=3, classes=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f))
    y = (X @ rng.normal(size=(f, classes)) + 0.5 * rng.normal(size=(n, classes))).argmax(axis=1)
    y[:classes] = np.arange(classes)
    return X, y


@pytest.mark.reference
@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(2, 4),
    eta0=st.sampled_from([1.0, 0.1]),
    fit_intercept=st.booleans(),
    class_weight=st.sampled_from([None, "balanced", {0: 3.0}]),
    weighted=st.booleans(),
)
def test_in_the_same_order_it_makes_scikit_learns_mistakes(
    seed, classes, eta0, fit_intercept, class_weight, weighted
):
    X, y = problem(seed, classes=classes)
    weights = np.random.default_rng(seed).uniform(0.5, 2, len(y)) if weighted else None
    settings = {
        "shuffle": False,
        "eta0": eta0,
        "fit_intercept": fit_intercept,
        "class_weight": class_weight,
        "tol": None,
        "max_iter": 20,
    }
    ours = Perceptron(**settings).fit(X, y, sample_weight=weights)
    theirs = linear_model.Perceptron(**settings).fit(X, y, sample_weight=weights)
    # the same additions in the same order; only dot products are summed differently
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-10)
    assert (ours.predict(X) == theirs.predict(X)).all()


@pytest.mark.reference
@pytest.mark.parametrize("seed", range(8))
def test_it_stops_when_scikit_learns_does(seed):
    X, y = problem(seed, 100)
    ours = Perceptron(shuffle=False).fit(X, y)
    theirs = linear_model.Perceptron(shuffle=False).fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)


@pytest.mark.reference
def test_batches_are_scikit_learns():
    X, y = problem(3, 60, classes=3)
    ours, theirs = Perceptron(shuffle=False), linear_model.Perceptron(shuffle=False)
    for start in range(0, 60, 20):
        rows = slice(start, start + 20)
        ours.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        theirs.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-12)
    with pytest.raises(ValueError, match="must be passed on the first call"):
        Perceptron().partial_fit(X, y)
    with pytest.raises(ValueError, match="at least two classes"):
        Perceptron().partial_fit(X, y * 0, classes=[0])


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), f=st.integers(1, 6), gap=st.floats(0.1, 1))
def test_it_never_makes_more_mistakes_than_novikoffs_bound(seed, f, gap):
    rng = np.random.default_rng(seed)
    separator = rng.normal(size=f + 1)
    separator /= np.linalg.norm(separator)
    X = rng.normal(size=(60, f))
    scores = X @ separator[:-1] + separator[-1]
    X, scores = X[np.abs(scores) > gap], scores[np.abs(scores) > gap]
    signs = np.sign(scores)
    if len(X) == 0:
        return
    plane, total = np.zeros(f + 1), 0
    for _ in range(10_000):
        order = rng.permutation(len(X))
        _, mistakes = perceptron_epoch(X, signs, np.ones(len(X)), plane, order, True)
        total += mistakes
        if mistakes == 0:
            break
    assert total <= mistake_bound(X, signs, separator)
    assert (signs * (X @ plane[:-1] + plane[-1]) > 0).all()


def test_the_bound_needs_a_separator():
    with pytest.raises(ValueError, match="on their own sides"):
        mistake_bound(np.array([[1.0], [2.0]]), np.array([1.0, -1.0]), np.array([1.0, 0.0]))
    bound = mistake_bound(np.array([[3.0], [-3.0]]), np.array([1.0, -1.0]), np.array([1.0, 0.0]))
    assert bound == pytest.approx(10 / 9)


def test_the_exclusive_or_is_beyond_it():
    """Minsky and Papert's example: no plane has more than three of the four on its side."""
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    model = Perceptron(tol=None, max_iter=100).fit(X, y)
    assert model.score(X, y) <= 0.75


def test_the_step_changes_the_plane_by_a_factor_only():
    X, y = problem(4)
    one, other = Perceptron(eta0=1.0).fit(X, y), Perceptron(eta0=4.0).fit(X, y)
    assert np.array_equal(4 * one.coef_, other.coef_)  # a power of two: no rounding differs


def test_an_epoch_by_hand():
    X, signs, plane = np.array([[1.0, 2.0], [2.0, 0.0]]), np.array([1.0, -1.0]), np.zeros(3)
    loss, mistakes = perceptron_epoch(X, signs, np.ones(2), plane, np.array([0, 1]), True)
    # the first is on the plane and becomes it: (1, 2, 1); the second scores 3, and is wrong by 3
    assert (loss, mistakes) == (3.0, 2)
    assert plane.tolist() == [-1.0, 2.0, 0.0]


def test_epochs_that_were_too_few_are_told():
    X, y = problem(5, 200)
    with pytest.warns(ConvergenceWarning, match="raise max_iter=2 or tol"):
        Perceptron(max_iter=2).fit(X, y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"max_iter": 0}, "at least 1"), ({"eta0": 0}, "above 0"), ({"eta0": np.inf}, "finite")],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Perceptron(**settings).fit([[1.0], [2.0]], [0, 1])


def test_a_learners_epoch_runs():
    def mine(X, signs, steps, plane, order, fit_intercept):
        plane += 1
        return 0.0, 0

    part = Replacement(
        part="classical.perceptron:perceptron_epoch",
        file="mine.py",
        name="mine",
        sha256="",
        function=mine,
    )
    with replaced([part]):
        model = Perceptron(max_iter=3, tol=None).fit([[1.0], [2.0]], [0, 1])
    assert model.coef_.tolist() == [[3.0]]
