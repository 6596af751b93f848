"""Logistic regression against scikit-learn, by all solvers, and its promises on odd data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model
from sklearn.model_selection import GridSearchCV
from tests.classical.compliance import compliance

from groundup.classical.logistic import LogisticRegression
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import Replacement, replaced

SMOOTH = ("lbfgs", "newton-cholesky", "proximal-newton")


@compliance(
    LogisticRegression(),
    LogisticRegression(solver="newton-cholesky"),
    LogisticRegression(solver="proximal-newton", l1_ratio=0.5),
)
def test_conventions(estimator, check):
    check(estimator)


def problem(seed, n=60, f=4, classes=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f)) + rng.normal(size=f)
    scores = X @ rng.normal(size=(f, classes)) + rng.gumbel(size=(n, classes))
    y = scores.argmax(axis=1)
    y[:classes] = np.arange(classes)
    return X, y


@pytest.mark.reference
@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(2, 4),
    C=st.sampled_from([0.05, 1.0, 20.0]),
    solver=st.sampled_from(SMOOTH),
    fit_intercept=st.booleans(),
    class_weight=st.sampled_from([None, "balanced", {0: 3.0}]),
    weighted=st.booleans(),
)
def test_it_is_scikit_learns(seed, classes, C, solver, fit_intercept, class_weight, weighted):
    X, y = problem(seed, classes=classes)
    weights = np.random.default_rng(seed).uniform(0.1, 2, len(y)) if weighted else None
    settings = {"C": C, "fit_intercept": fit_intercept, "class_weight": class_weight}
    ours = LogisticRegression(solver=solver, tol=1e-10, max_iter=10_000, **settings)
    theirs = linear_model.LogisticRegression(tol=1e-10, max_iter=10_000, **settings)
    ours.fit(X, y, weights)
    theirs.fit(X, y, weights)
    assert ours.coef_.shape == theirs.coef_.shape
    # slopes of the mean loss are below 1e-10 (theirs may stop at a relative fall of 64 eps, whose
    # slopes are near 1e-7); the curvature is at least 1 / (C n * 2) > 4e-4 along the coefficients
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=2e-4)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=5e-4)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-4)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=0.02)


@pytest.mark.reference
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 4), C=st.sampled_from([0.05, 1.0]))
def test_all_solvers_agree_closely(seed, classes, C):
    """Against scikit-learn's Newton, which arrives at the rounding."""
    X, y = problem(seed, classes=classes)
    theirs = linear_model.LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(X, y)
    for solver in SMOOTH:
        ours = LogisticRegression(C=C, solver=solver, tol=1e-11, max_iter=10_000).fit(X, y)
        # slopes of 1e-11 over a curvature above 1e-3
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-6)
        gap = ours.intercept_ - theirs.intercept_
        np.testing.assert_allclose(gap, gap.mean(), rtol=0, atol=1e-6)


@pytest.mark.reference
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_with_an_l1_penalty_it_is_scikit_learns_saga(classes, l1_ratio, fit_intercept):
    X, y = problem(1, 100, 6, classes)
    settings = {"C": 0.1, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    ours = LogisticRegression(solver="proximal-newton", tol=1e-10, **settings).fit(X, y)
    theirs = linear_model.LogisticRegression(
        solver="saga", tol=1e-10, max_iter=100_000, random_state=0, **settings
    ).fit(X, y)
    # saga stops at a relative change of 1e-10 a pass, and converges linearly
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-6)
    assert np.array_equal(ours.coef_ == 0, np.abs(theirs.coef_) < 1e-9)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-6)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(2, 4),
    C=st.sampled_from([0.02, 0.3, 5.0]),
    l1_ratio=st.sampled_from([0.3, 1.0]),
)
def test_an_l1_minimum_meets_its_conditions(seed, classes, C, l1_ratio):
    """Slopes of the loss are -sign(w) where w is not zero, and within [-1, 1] where it is."""
    X, y = problem(seed, 50, 5, classes)
    model = LogisticRegression(
        C=C, l1_ratio=l1_ratio, solver="proximal-newton", tol=1e-9, max_iter=1000
    ).fit(X, y)
    p, W = model.predict_proba(X), model.coef_
    errors = p - (np.arange(classes) == y[:, None])
    if classes == 2:
        errors = errors[:, 1:]
    slopes = C * errors.T @ X + (1 - l1_ratio) * W
    allowed = 1e-9 * C * 50 * 2  # the tolerance is one of the mean loss
    assert (np.abs(slopes) <= l1_ratio + allowed).all()
    assert np.abs(slopes + l1_ratio * np.sign(W))[W != 0].max(initial=0) <= allowed
    assert np.abs(errors.sum(axis=0)).max() * C <= allowed


def test_more_penalty_makes_more_zeros():
    X, y = problem(3, 100, 20)
    zeros = [
        (LogisticRegression(C=C, l1_ratio=1.0, solver="proximal-newton").fit(X, y).coef_ == 0).sum()
        for C in (10.0, 0.1, 0.01, 1e-4)
    ]
    assert zeros == sorted(zeros)
    assert zeros[-1] == 20


@pytest.mark.filterwarnings("error")
def test_separable_classes_have_finite_coefficients_by_the_penalty_alone():
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), [0, 0, 1, 1]
    for solver in SMOOTH:
        model = LogisticRegression(solver=solver, C=1e4, tol=1e-8, max_iter=1000).fit(X, y)
        assert np.isfinite(model.coef_).all()
        assert model.score(X, y) == 1
    with pytest.warns(ConvergenceWarning, match="raise max_iter=3"):
        LogisticRegression(C=np.inf, max_iter=3).fit(X, y)


@pytest.mark.reference
def test_without_penalty_it_is_the_maximum_of_the_likelihood():
    X, y = problem(4, 200, 3)
    for solver in SMOOTH:
        ours = LogisticRegression(C=np.inf, solver=solver, tol=1e-10, max_iter=1000).fit(X, y)
        theirs = linear_model.LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(
            X, y
        )
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)


@pytest.mark.parametrize("solver", SMOOTH)
def test_copies_of_a_feature_and_constants_do_no_harm(solver):
    X, y = problem(5, 80, 2, 3)
    doubled = np.column_stack([X, X, np.zeros(80)])
    model = LogisticRegression(solver=solver, tol=1e-9, max_iter=1000).fit(doubled, y)
    np.testing.assert_allclose(model.coef_[:, :2], model.coef_[:, 2:4], atol=1e-6)
    assert np.abs(model.coef_[:, 4]).max() < 1e-9
    free = LogisticRegression(C=np.inf, solver=solver, tol=1e-6, max_iter=1000).fit(doubled, y)
    assert np.isfinite(free.coef_).all()


@pytest.mark.parametrize("solver", SMOOTH)
def test_more_features_than_rows(solver):
    X, y = problem(6, 10, 40, 3)
    model = LogisticRegression(solver=solver, tol=1e-6, max_iter=1000).fit(X, y)
    assert model.score(X, y) == 1


def test_probabilities_are_some_and_their_logs_are_finite():
    X, y = problem(7, classes=3)
    model = LogisticRegression().fit(X, y)
    far = 1e4 * X
    assert np.isfinite(model.predict_log_proba(far)).all()
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1, rtol=1e-14)
    assert (model.predict_proba(far) == 0).any()
    assert np.array_equal(model.classes_[model.predict_proba(X).argmax(axis=1)], model.predict(X))


def test_a_warm_start_begins_where_it_was():
    X, y = problem(8, 200, 5, 3)
    model = LogisticRegression(warm_start=True, tol=1e-6).fit(X, y)
    assert model.n_iter_[0] > 3
    assert model.fit(X, y).n_iter_[0] == 0


def test_names_of_classes_may_be_words():
    X, y = problem(9)
    words = np.array(["no", "yes"])[y]
    model = LogisticRegression().fit(X, words)
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.score(X, words) == LogisticRegression().fit(X, y).score(X, y)


def test_it_runs_in_scikit_learns_grid_search():
    X, y = problem(10, 100)
    search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1.0]}).fit(X, y)
    assert search.best_params_["C"] in (0.01, 1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"C": 0}, "C is 0"),
        ({"C": np.nan}, "C is nan"),
        ({"l1_ratio": 0.5}, "use solver='proximal-newton'"),
        ({"l1_ratio": 2}, r"in \[0, 1\]"),
        ({"solver": "magic"}, "known are: lbfgs"),
        ({"tol": 0}, "tol > 0"),
        ({"max_iter": 0}, "max_iter >= 1"),
        ({"class_weight": "even"}, "balanced"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**settings).fit([[1.0], [2.0]], [0, 1])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0], [2.0]], [1, 1], "at least two classes"),
        ([[1.0], [2.0]], [0.5, 1.5], "continuous"),
        ([[1.0], [np.nan]], [0, 1], "NaN"),
        ([["a"], ["b"]], [0, 1], "text"),
    ],
)
def test_bad_data_are_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression().fit(X, y)


def test_a_learners_loss_runs():
    def mine(z, y):
        return z * 0, z * 0

    part = Replacement(
        part="classical.logistic_loss:binary_loss",
        file="mine.py",
        name="mine",
        sha256="",
        function=mine,
    )
    with replaced([part]):
        assert LogisticRegression().fit([[1.0], [2.0]], [0, 1]).coef_[0, 0] == 0
