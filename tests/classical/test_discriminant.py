"""Discriminant analysis against scikit-learn, and what whitening and axes promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import discriminant_analysis
from tests.classical.compliance import compliance

from groundup.classical.discriminant import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
    class_means,
    within_whitening,
)


@compliance(LinearDiscriminantAnalysis(), QuadraticDiscriminantAnalysis())
def test_conventions(estimator, check):
    check(estimator)


def problem(seed, n=60, f=4, classes=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    y[: 8 * classes] = np.repeat(np.arange(classes), 8)
    mixing = rng.normal(size=(f, f)) + 2 * np.eye(f)
    return rng.normal(size=(classes, f))[y] * 2 + rng.normal(size=(n, f)) @ mixing, y


@pytest.mark.reference
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    f=st.integers(1, 5),
    classes=st.integers(2, 4),
    priors=st.booleans(),
)
def test_lda_is_scikit_learns(seed, f, classes, priors):
    X, y = problem(seed, f=f, classes=classes)
    settings = {"store_covariance": True}
    if priors:
        settings["priors"] = np.arange(1, classes + 1) / np.arange(1, classes + 1).sum()
    ours = LinearDiscriminantAnalysis(**settings).fit(X, y)
    theirs = discriminant_analysis.LinearDiscriminantAnalysis(**settings).fit(X, y)
    # the condition of the scaled rows is below 1 / tol = 1e4: coefficients keep 1e4^2 eps = 2e-8
    # of their size
    size = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-7 * size)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-6, atol=1e-6 * size)
    np.testing.assert_allclose(ours.covariance_, theirs.covariance_, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        ours.explained_variance_ratio_, theirs.explained_variance_ratio_, rtol=1e-6, atol=1e-10
    )
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-6)
    projected = theirs.transform(X)
    np.testing.assert_allclose(  # axes have a sign of their own
        np.abs(ours.transform(X)), np.abs(projected), rtol=0, atol=1e-5 * np.abs(projected).max()
    )


@pytest.mark.reference
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    f=st.integers(1, 4),
    classes=st.integers(2, 3),
    reg_param=st.sampled_from([0.1, 0.5]),
)
def test_qda_is_scikit_learns(seed, f, classes, reg_param):
    X, y = problem(seed, f=f, classes=classes)
    ours = QuadraticDiscriminantAnalysis(reg_param=reg_param).fit(X, y)
    theirs = discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=reg_param).fit(X, y)
    for one, other in zip(ours.scalings_, theirs.scalings_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)
    # squares of up to 1e3 over variances of at least 0.1
    np.testing.assert_allclose(
        ours.decision_function(X), theirs.decision_function(X), rtol=1e-9, atol=1e-8
    )
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-8)
    assert (ours.predict(X) == theirs.predict(X)).all()


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 30), f=st.integers(1, 6))
def test_whitened_rows_have_the_unit_covariance(seed, n, f):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, f)) * 10.0 ** rng.integers(-5, 6, f)  # units do not matter
    rows -= rows.mean(axis=0)
    A = within_whitening(rows)
    assert A.shape[1] == np.linalg.matrix_rank(rows / rows.std(axis=0), tol=1e-4 * np.sqrt(n))
    covariance = (rows @ A).T @ (rows @ A) / n
    # (condition below 1e4) squared, times eps
    np.testing.assert_allclose(covariance, np.eye(A.shape[1]), rtol=0, atol=1e-7)


def test_class_means_by_hand():
    X = np.array([[1.0], [3.0], [5.0]])
    assert class_means(X, np.array([0, 0, 1]), 2).tolist() == [[2.0], [5.0]]


@pytest.mark.reference
def test_dependent_and_constant_features_are_left_out_as_in_scikit_learn():
    X, y = problem(1, f=2)
    extended = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(len(X))])
    ours = LinearDiscriminantAnalysis().fit(extended, y)
    theirs = discriminant_analysis.LinearDiscriminantAnalysis().fit(extended, y)
    np.testing.assert_allclose(ours.predict_proba(extended), theirs.predict_proba(extended))
    assert ours.scalings_.shape[1] == 2


@pytest.mark.reference
def test_more_features_than_samples():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 50)), np.arange(12) % 3
    ours = LinearDiscriminantAnalysis().fit(X, y)
    theirs = discriminant_analysis.LinearDiscriminantAnalysis().fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)
    with pytest.raises(np.linalg.LinAlgError, match="raise reg_param"):
        QuadraticDiscriminantAnalysis().fit(X, y)


def test_equal_means_leave_the_priors():
    X, y = np.array([[-1.0], [1.0], [-1.0], [1.0], [-1.0], [1.0]]), [0, 0, 0, 0, 1, 1]
    model = LinearDiscriminantAnalysis().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), [[2 / 3, 1 / 3]] * 6)


def test_two_round_clouds_have_the_border_in_the_middle():
    rng = np.random.default_rng(0)
    y = np.arange(20_000) % 2
    X = rng.normal(size=(20_000, 2)) + np.where(y == 1, 1.0, -1.0)[:, None] * [1, 0]
    model = LinearDiscriminantAnalysis().fit(X, y)
    # log-odds are 2 x_1; the standard error of a coefficient here is near 0.02
    np.testing.assert_allclose(model.coef_, [[2.0, 0.0]], atol=0.1)
    assert model.score(X, y) == pytest.approx(0.8413, abs=4 * 0.0026)


@pytest.mark.parametrize(
    ("model", "X", "y", "message"),
    [
        (LinearDiscriminantAnalysis(), [[1.0], [2.0]], [0, 1], "must be more than the number"),
        (LinearDiscriminantAnalysis(n_components=2), np.eye(4), [0, 0, 1, 1], "cannot be larger"),
        (LinearDiscriminantAnalysis(priors=[0.9, 0.9]), np.eye(4), [0, 0, 1, 1], "sum of the"),
        (QuadraticDiscriminantAnalysis(reg_param=2), np.eye(4), [0, 0, 1, 1], r"in \[0, 1\]"),
        (
            QuadraticDiscriminantAnalysis(),
            [[1.0], [2.0], [3.0]],
            [0, 0, 1],
            "only 1 sample in class",
        ),
        (QuadraticDiscriminantAnalysis(), np.eye(4), [0, 0, 0, 0], "at least two classes"),
    ],
)
def test_bad_input_is_refused(model, X, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_features_whose_squares_overflow_are_refused():
    with pytest.raises(ValueError, match="scale the features"):
        QuadraticDiscriminantAnalysis().fit([[1e300], [-1e300], [0.0], [1.0]], [0, 0, 1, 1])
