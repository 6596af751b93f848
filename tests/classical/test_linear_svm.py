"""The linear support vector machine against scikit-learn, and the conditions of its minimum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import svm
from tests.classical.compliance import compliance

from groundup.classical.dual_coordinates import duality_gap, linear_machine
from groundup.classical.linear_svm import LinearSVC
from groundup.classical.squared_hinge import (
    SquaredHingeObjective,
    smooth_machine,
    squared_hinge,
)
from groundup.maths.convergence import ConvergenceWarning

LOOSE = {
    "LinearSVC": {
        "check_sample_weight_equivalence_on_dense_data": "another order of samples ends elsewhere "
        "within tol=1e-4, and the check wants 1e-7; scikit-learn excuses its LinearSVC too. With "
        "tol=1e-12, below, the check holds",
    }
}


@compliance(LinearSVC(), excused=LOOSE)
def test_conventions(estimator, check):
    check(estimator)


@compliance(
    LinearSVC(tol=1e-12, max_iter=100_000), LinearSVC(loss="hinge", tol=1e-10, max_iter=20_000)
)
def test_conventions_when_converged(estimator, check):
    check(estimator)


def problem(seed, n=50, f=3, classes=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f)) + 0.5
    y = (X @ rng.normal(size=(f, classes)) + rng.normal(size=(n, classes))).argmax(axis=1)
    y[:classes] = np.arange(classes)
    return X, y


@pytest.mark.reference
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    f=st.sampled_from([3, 80]),
    classes=st.integers(2, 3),
    loss=st.sampled_from(["hinge", "squared_hinge"]),
    C=st.sampled_from([0.05, 1.0]),
    class_weight=st.sampled_from([None, "balanced", {0: 3.0}]),
    fit_intercept=st.booleans(),
    weighted=st.booleans(),
)
def test_it_is_scikit_learns(seed, f, classes, loss, C, class_weight, fit_intercept, weighted):
    X, y = problem(seed, f=f, classes=classes)
    weights = np.random.default_rng(seed).uniform(0.2, 2, len(y)) if weighted else None
    settings = {
        "loss": loss,
        "C": C,
        "class_weight": class_weight,
        "fit_intercept": fit_intercept,
        "intercept_scaling": 2.0,
        "max_iter": 200_000,
        "random_state": 0,
    }
    ours = LinearSVC(tol=1e-9, **settings).fit(X, y, weights)
    theirs = svm.LinearSVC(tol=1e-9, dual=True, **settings).fit(X, y, weights)
    # both are within a duality gap of tol times the sum of multipliers, below 1e-9 * 150 * 2, and
    # the primal is 1-strongly convex: |w - w*| <= sqrt(2 gap) = 8e-4 at worst, for each
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-4)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-4)
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.97


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 60),
    f=st.integers(1, 8),
    loss=st.sampled_from(["hinge", "squared_hinge"]),
)
def test_the_duality_gap_closes(seed, n, f, loss):
    rng = np.random.default_rng(seed)
    X, signs, costs = rng.normal(size=(n, f)), rng.choice([-1.0, 1.0], n), rng.uniform(0, 2, n)
    costs[0] = 0.0
    machine = linear_machine(
        X, signs, costs, loss=loss, tol=1e-8, max_iter=200_000, rng=np.random.default_rng(0)
    )
    assert machine.converged
    np.testing.assert_allclose(machine.w, (machine.alpha * signs) @ X, rtol=0, atol=1e-9)
    assert machine.alpha.min() >= 0
    assert machine.alpha[0] == 0
    gap = duality_gap(X, signs, costs, machine, loss)
    # slopes of 1e-8 on multipliers up to C, and on 2 C for those that could still grow
    assert -1e-9 <= gap <= 1e-8 * (machine.alpha.sum() + costs.sum()) * 2 + 1e-9
    if loss == "squared_hinge":
        w, _, converged = smooth_machine(X, signs, costs, tol=1e-10)
        assert converged
        np.testing.assert_allclose(w, machine.w, rtol=0, atol=1e-4)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_smooth_objectives_derivatives_are_differences(seed):
    rng = np.random.default_rng(seed)
    X, signs, costs = rng.normal(size=(20, 3)), rng.choice([-1.0, 1.0], 20), rng.random(20)
    objective = SquaredHingeObjective(X, signs, costs)
    w, way, step = rng.normal(size=3), rng.normal(size=3), 1e-6
    slope = (objective.value(w + step * way) - objective.value(w - step * way)) / (2 * step)
    assert objective.gradient(w) @ way == pytest.approx(slope, abs=1e-7)
    if np.abs(1 - signs * (X @ w)).min() > 1e-4:  # no kink of the slope near
        bend = (objective.gradient(w + step * way) - objective.gradient(w - step * way)) / (
            2 * step
        )
        np.testing.assert_allclose(objective.hessian(w) @ way, bend, rtol=0, atol=1e-7)
    losses, slopes = squared_hinge(np.array([2.0, 1.0, 0.0, -1.0]))
    assert losses.tolist() == [0, 0, 1, 4]
    assert np.abs(slopes).tolist() == [0, 0, 2, 4]


def test_two_points_have_the_plane_between_them():
    """At -1 and 1 with a large C the margin is 1 to each side: w = 1, b = 0."""
    for loss in ("hinge", "squared_hinge"):
        model = LinearSVC(loss=loss, C=1e4, tol=1e-8, max_iter=100_000, random_state=0)
        model.fit([[-1.0], [1.0]], [0, 1])
        assert model.coef_[0, 0] == pytest.approx(1, abs=1e-3)
        assert model.intercept_[0] == pytest.approx(0, abs=1e-3)


def test_rows_of_zeros_and_constant_features_do_no_harm():
    X = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    for loss in ("hinge", "squared_hinge"):
        for fit_intercept in (True, False):
            model = LinearSVC(
                loss=loss, fit_intercept=fit_intercept, random_state=0, max_iter=100_000
            ).fit(X, [0, 0, 1, 1])
            assert np.isfinite(model.coef_).all()
            assert model.coef_[0, 1] == 0
            assert model.coef_[0, 0] > 0


def test_steps_that_were_too_few_are_told():
    X, y = problem(1, 100)
    for loss in ("hinge", "squared_hinge"):
        with pytest.warns(ConvergenceWarning, match="failed to converge in max_iter=1 steps"):
            LinearSVC(loss=loss, max_iter=1, tol=1e-8, random_state=0).fit(X, y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"C": 0}, "above 0"),
        ({"C": np.inf}, "finite"),
        ({"loss": "magic"}, "known are: hinge, squared_hinge"),
        ({"tol": 0}, "tol > 0"),
        ({"max_iter": 0}, "max_iter >= 1"),
        ({"intercept_scaling": 0}, "above 0"),
        ({"class_weight": "even"}, "balanced"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LinearSVC(**settings).fit([[1.0], [2.0]], [0, 1])


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        LinearSVC().fit([[1.0], [2.0]], [1, 1])
