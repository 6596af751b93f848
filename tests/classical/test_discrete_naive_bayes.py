"""Naive Bayes of counts and bits against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import naive_bayes

from groundup.classical.discrete_naive_bayes import (
    BernoulliNB,
    ComplementNB,
    MultinomialNB,
    complement_weights,
    smoothed_log_frequencies,
    smoothed_log_shares,
)
from groundup.swap import Replacement, replaced

MEMBERS = [
    (MultinomialNB, naive_bayes.MultinomialNB),
    (ComplementNB, naive_bayes.ComplementNB),
    (BernoulliNB, naive_bayes.BernoulliNB),
]


def counts(seed, n=30, f=6, classes=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    y[:classes] = np.arange(classes)
    return rng.poisson(rng.gamma(0.7, size=(classes, f))[y]).astype(float), y


@pytest.mark.reference
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(4, 50),
    f=st.integers(2, 8),
    member=st.sampled_from(MEMBERS),
    alpha=st.sampled_from([0.01, 1.0, "each"]),
    prior=st.sampled_from([{}, {"fit_prior": False}, {"class_prior": [0.2, 0.3, 0.5]}]),
    weighted=st.booleans(),
)
def test_they_are_scikit_learns(seed, n, f, member, alpha, prior, weighted):
    X, y = counts(seed, n, f)
    weights = np.random.default_rng(seed).uniform(0.1, 2, n) if weighted else None
    if member[0] is BernoulliNB and alpha == "each":
        alpha = 0.5  # scikit-learn 1.9 adds the features' alphas to the classes' counts there
    settings = {"alpha": np.linspace(0.1, 1, f) if alpha == "each" else alpha, **prior}
    ours = member[0](**settings).fit(X, y, weights)
    theirs = member[1](**settings).fit(X, y, weights)
    # logarithms of sums of up to 50 counts, and sums of them over 8 features times counts below 50
    for name in ("feature_count_", "class_count_", "feature_log_prob_", "class_log_prior_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-12)
    new = counts(seed + 1, 10, f)[0]
    np.testing.assert_allclose(
        ours.predict_joint_log_proba(new), theirs.predict_joint_log_proba(new), atol=1e-9
    )
    np.testing.assert_allclose(ours.predict_proba(new), theirs.predict_proba(new), atol=1e-10)
    joint = theirs.predict_joint_log_proba(new)  # of classes that tie, roundings choose
    chosen = joint[np.arange(len(new)), ours.predict(new)]
    np.testing.assert_allclose(chosen, joint.max(axis=1), atol=1e-9)


@pytest.mark.reference
def test_normalised_complement_weights_are_scikit_learns():
    X, y = counts(3)
    ours = ComplementNB(norm=True).fit(X, y)
    theirs = naive_bayes.ComplementNB(norm=True).fit(X, y)
    np.testing.assert_allclose(ours.feature_log_prob_, theirs.feature_log_prob_, rtol=1e-12)
    np.testing.assert_allclose(
        complement_weights(ours.feature_count_, np.array(1.0), True), ours.feature_log_prob_
    )


@pytest.mark.reference
def test_the_threshold_makes_bits():
    X, y = counts(4)
    for threshold in (0.0, 1.5, 3.0):
        ours = BernoulliNB(binarize=threshold).fit(X, y)
        theirs = naive_bayes.BernoulliNB(binarize=threshold).fit(X, y)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)
    bits = (X > 0).astype(float)
    np.testing.assert_allclose(
        BernoulliNB(binarize=None).fit(bits, y).predict_proba(bits),
        BernoulliNB().fit(X, y).predict_proba(X),
    )
    with pytest.raises(ValueError, match="0 and 1 only"):
        BernoulliNB(binarize=None).fit(X + 2, y)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 10))
def test_shares_are_probabilities(seed, alpha):
    table = np.random.default_rng(seed).poisson(2, size=(3, 5)).astype(float)
    shares = np.exp(smoothed_log_shares(table, np.array(alpha)))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-13)
    totals = table.max(axis=1)
    there = np.exp(smoothed_log_frequencies(table, totals, np.array(alpha)))
    absent = np.exp(smoothed_log_frequencies(totals[:, None] - table, totals, np.array(alpha)))
    np.testing.assert_allclose(there + absent, 1, rtol=1e-13)


def test_each_bit_may_have_its_smoothing():
    X, y = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), [0, 0, 1]
    model = BernoulliNB(alpha=[1.0, 3.0]).fit(X, y)
    wanted = [[(2 + 1) / (2 + 2), (1 + 3) / (2 + 6)], [(0 + 1) / (1 + 2), (1 + 3) / (1 + 6)]]
    np.testing.assert_allclose(np.exp(model.feature_log_prob_), wanted)


def test_laplaces_rule_by_hand():
    """Three heads and no tail: the next is a head with 4/5, as if each had been seen once."""
    shares = smoothed_log_shares(np.array([[3.0, 0.0]]), np.array(1.0))
    np.testing.assert_allclose(np.exp(shares), [[4 / 5, 1 / 5]])


@pytest.mark.parametrize("member", [ours for ours, _ in MEMBERS])
def test_without_smoothing_nothing_is_lost(member):
    """A word never seen in a class: no logarithm of 0, and no 0 times infinity."""
    X, y = np.array([[2.0, 0.0], [0.0, 3.0]]), [0, 1]
    model = member(alpha=0.0).fit(X, y)
    assert np.isfinite(model.predict_log_proba(X)).all()
    assert model.predict(X).tolist() == [0, 1]


@pytest.mark.parametrize("member", [MultinomialNB, ComplementNB])
def test_negative_counts_are_refused(member):
    with pytest.raises(ValueError, match="Negative values in data"):
        member().fit([[1.0], [-2.0]], [0, 1])


@pytest.mark.parametrize("member", [ours for ours, _ in MEMBERS])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -1.0}, "at least 0"),
        ({"alpha": np.nan}, "finite"),
        ({"alpha": [1.0, 2.0]}, "should contain `n_features`"),
        ({"class_prior": [1.0]}, "must match number of classes"),
    ],
)
def test_bad_settings_are_refused(member, settings, message):
    with pytest.raises(ValueError, match=message):
        member(**settings).fit([[1.0], [2.0]], [0, 1])


def test_a_learners_smoothing_runs():
    def mine(counts, alpha):
        return np.array([[0.0, -5.0], [-5.0, 0.0]])

    part = Replacement(
        part="classical.discrete_naive_bayes:smoothed_log_shares",
        file="mine.py",
        name="mine",
        sha256="",
        function=mine,
    )
    with replaced([part]):
        model = MultinomialNB().fit([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    assert model.feature_log_prob_.tolist() == [[0.0, -5.0], [-5.0, 0.0]]
