"""Gaussian naive Bayes against scikit-learn; what all members share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn import naive_bayes
from tests.classical.compliance import compliance

from groundup.classical.discrete_naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from groundup.classical.naive_bayes import (
    GaussianNB,
    log_posterior,
    merged_moments,
    normal_log_likelihood,
)


@compliance(GaussianNB(), MultinomialNB(), BernoulliNB(), ComplementNB())
def test_conventions(estimator, check):
    check(estimator)


def problem(seed, n=40, f=3, classes=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    y[:classes] = np.arange(classes)
    X = rng.normal(size=(classes, f))[y] + rng.uniform(0.3, 2, (classes, f))[y] * rng.normal(
        size=(n, f)
    )
    return X, y


@pytest.mark.reference
@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(4, 60),
    f=st.integers(1, 6),
    classes=st.integers(2, 4),
    priors=st.booleans(),
    weighted=st.booleans(),
)
def test_it_is_scikit_learns(seed, n, f, classes, priors, weighted):
    X, y = problem(seed, n, f, classes)
    weights = np.random.default_rng(seed).uniform(0.1, 2, n) if weighted else None
    settings = {"priors": np.full(classes, 1 / classes) if priors else None}
    ours = GaussianNB(**settings).fit(X, y, weights)
    theirs = naive_bayes.GaussianNB(**settings).fit(X, y, weights)
    # means and variances of at most 60 terms: n eps of values below 100
    for name in ("theta_", "var_", "class_prior_", "class_count_", "epsilon_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=0, atol=1e-11)
    # a class of one row has the variance epsilon, near 1e-9: squares over it are near 1e11, and
    # keep 16 digits
    ours_joint, theirs_joint = ours.predict_joint_log_proba(X), theirs.predict_joint_log_proba(X)
    np.testing.assert_allclose(ours_joint, theirs_joint, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-6, atol=1e-6
    )
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.95


@pytest.mark.reference
@given(
    st.lists(
        st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.01, 50)),
        min_size=1,
        max_size=5,
    )
)
def test_the_likelihood_is_scipys(features):
    x, mean, variance = np.array(features).T
    wanted = stats.norm.logpdf(x, mean, np.sqrt(variance)).sum()
    got = normal_log_likelihood(x[None], mean, variance)[0]
    assert got == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 20), m=st.integers(1, 20))
def test_merged_moments_are_those_of_all(seed, n, m):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + m, 2)) + 1e3 * rng.normal(size=2)

    def moments(rows):
        return len(rows), rows.mean(axis=0), rows.var(axis=0)

    count, mean, variance = merged_moments(moments(X[:n]), moments(X[n:]))
    assert count == n + m
    # means near 1e3 to 1e4 with eps of that; variances are of order 1, from differences of means
    np.testing.assert_allclose(mean, X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(variance, X.var(axis=0), rtol=0, atol=1e-9)
    nothing = (0, np.zeros(2), np.zeros(2))
    assert merged_moments(nothing, nothing) == nothing


@pytest.mark.reference
def test_the_posterior_is_softmax_of_the_joint():
    joint = np.array([[-1000.0, -1001.0], [5.0, 5.0], [-np.inf, 0.0]])
    np.testing.assert_allclose(log_posterior(joint), special.log_softmax(joint, axis=1))


MEMBERS = [
    (GaussianNB, naive_bayes.GaussianNB),
    (MultinomialNB, naive_bayes.MultinomialNB),
    (BernoulliNB, naive_bayes.BernoulliNB),
    (ComplementNB, naive_bayes.ComplementNB),
]


@pytest.mark.reference
@pytest.mark.parametrize(("ours", "theirs"), MEMBERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_batches_give_what_scikit_learns_give(ours, theirs, weighted):
    X, y = problem(4, 60, 4)
    X = np.abs(X)
    weights = np.random.default_rng(0).random(60)
    one, other = ours(), theirs()
    for start in range(0, 60, 20):
        rows = slice(start, start + 20)
        settings = {"classes": [0, 1, 2]} if start == 0 else {}
        if weighted:
            settings["sample_weight"] = weights[rows]
        one.partial_fit(X[rows], y[rows], **settings)
        other.partial_fit(X[rows], y[rows], **settings)
    # scikit-learn takes the new batch's epsilon (1e-9 of a variance) off the old variances, where
    # the old one had been added; that is off by 1e-9 relatively, times squares over variances
    error = {"rtol": 1e-6} if ours is GaussianNB else {"rtol": 1e-9}
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), **error)
    if ours is not GaussianNB:  # whose epsilon depends on the last batch
        whole = ours().fit(X, y, weights if weighted else None)
        np.testing.assert_allclose(one.predict_proba(X), whole.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("member", [ours for ours, _ in MEMBERS])
def test_batches_know_their_classes(member):
    X, y = np.ones((2, 1)), [0, 1]
    with pytest.raises(ValueError, match="must be passed on the first call"):
        member().partial_fit(X, y)
    model = member().partial_fit(X, y, classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (2, 3)
    assert (model.predict_proba(X)[:, 2] < 0.5).all()  # a class that never came
    with pytest.raises(ValueError, match=r"\[7\] in y do not exist"):
        model.partial_fit(X, [0, 7])
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="one class each"):
        model.partial_fit(X, [0])
    with pytest.raises(ValueError, match="expecting 1 features"):
        model.partial_fit(np.ones((2, 3)), y)


@pytest.mark.parametrize("member", [ours for ours, _ in MEMBERS])
def test_one_class_and_text_are_refused(member):
    with pytest.raises(ValueError, match="at least two classes"):
        member().fit([[1.0], [2.0]], [1, 1])
    with pytest.raises(ValueError, match="text"):
        member().fit([["a"], ["b"]], [0, 1])


def test_features_without_variance_do_no_harm():
    model = GaussianNB().fit(np.ones((4, 2)), [0, 0, 0, 1])
    np.testing.assert_allclose(model.predict_proba([[1.0, 1.0]]), [[0.75, 0.25]])
    X, y = problem(5)
    with_constant = np.column_stack([X, np.full(len(X), 3.0)])
    assert GaussianNB().fit(with_constant, y).score(with_constant, y) == GaussianNB().fit(
        X, y
    ).score(X, y)


def test_it_is_the_best_possible_where_its_assumption_holds():
    """Two normal classes: the share of right answers is that of the true border, x = 0."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=20_000)
    X = rng.normal(size=(20_000, 1)) + np.where(y == 1, 1.0, -1.0)[:, None]
    # Phi(1) = 0.8413; four standard errors of a share of 20,000
    assert GaussianNB().fit(X, y).score(X, y) == pytest.approx(0.8413, abs=4 * 0.0026)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"priors": [0.5]}, "must match number of classes"),
        ({"priors": [0.9, 0.9]}, "sum of the priors should be 1"),
        ({"priors": [-0.5, 1.5]}, "non-negative"),
        ({"var_smoothing": -1.0}, "at least 0"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GaussianNB(**settings).fit([[1.0], [2.0]], [0, 1])


def test_features_whose_squares_overflow_are_refused():
    with pytest.raises(ValueError, match="scale the features"):
        GaussianNB().fit([[1e300], [-1e300], [0.0]], [0, 1, 1])
