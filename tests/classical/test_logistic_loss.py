"""The logistic loss against SciPy, scikit-learn and differences; nothing overflows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special
from sklearn.metrics import log_loss

from groundup.classical.logistic_loss import (
    LogisticObjective,
    binary_loss,
    log_probabilities,
    multinomial_loss,
    sigmoid,
)

EPS = np.finfo(float).eps


@pytest.mark.reference
@given(arrays(np.float64, 7, elements=st.floats(-800, 800)))
def test_the_sigmoid_is_scipys(z):
    # one exponential, one sum, one quotient: a few roundings, and SciPy's own, which gives 0 where
    # numbers lose their digits, below 2.3e-308
    np.testing.assert_allclose(sigmoid(z), special.expit(z), rtol=8 * EPS, atol=2.3e-308)


@pytest.mark.reference
@given(arrays(np.float64, 5, elements=st.floats(-1e6, 1e6)), st.integers(0, 31))
def test_the_binary_loss_is_minus_the_log_of_the_probability(z, bits):
    y = (bits >> np.arange(5) & 1).astype(float)
    losses, slopes = binary_loss(z, y)
    wanted = -special.log_expit(np.where(y == 1, z, -z))
    # max(z, 0) - yz cancels exactly; the rest are a few roundings, also of |z| where they cancel
    np.testing.assert_allclose(losses, wanted, rtol=8 * EPS, atol=4 * EPS * np.abs(z).max())
    np.testing.assert_allclose(slopes, special.expit(z) - y, rtol=0, atol=4 * EPS)


@pytest.mark.reference
@given(arrays(np.float64, (3, 6), elements=st.floats(-900, 900)))
def test_the_multinomial_loss_is_minus_the_log_of_softmax(scores):
    numbers = np.array([0, 1, 2, 0, 1, 2])
    targets = (np.arange(3)[:, None] == numbers).astype(float)
    losses, slopes = multinomial_loss(scores, targets)
    wanted = -special.log_softmax(scores, axis=0)[numbers, np.arange(6)]
    atol = 8 * EPS * (1 + np.abs(scores).max())
    np.testing.assert_allclose(losses, wanted, rtol=8 * EPS, atol=atol)
    np.testing.assert_allclose(slopes, special.softmax(scores, axis=0) - targets, atol=8 * EPS)
    np.testing.assert_allclose(
        log_probabilities(scores.T), special.log_softmax(scores, axis=0).T, rtol=1e-14, atol=atol
    )


@given(arrays(np.float64, 6, elements=st.floats(-700, 700)))
def test_two_classes_are_the_multinomial_with_one_score_zero(z):
    y = np.array([0.0, 1, 1, 0, 1, 0])
    losses, slopes = binary_loss(z, y)
    pair, pair_slopes = multinomial_loss(np.array([np.zeros(6), z]), np.array([1 - y, y]))
    np.testing.assert_allclose(losses, pair, rtol=8 * EPS, atol=1e-12)
    np.testing.assert_allclose(slopes, pair_slopes[1], atol=8 * EPS)


@pytest.mark.reference
def test_their_mean_is_scikit_learns_log_loss():
    rng = np.random.default_rng(0)
    scores, numbers = rng.normal(size=(4, 30)), rng.integers(4, size=30)
    targets = (np.arange(4)[:, None] == numbers).astype(float)
    losses, slopes = multinomial_loss(scores, targets)
    theirs = log_loss(numbers, (slopes + targets).T, labels=range(4))
    assert losses.mean() == pytest.approx(theirs, rel=1e-13)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(1, 4).filter(lambda k: k != 2),
    fit_intercept=st.booleans(),
)
def test_gradient_and_hessian_are_differences(seed, classes, fit_intercept):
    rng = np.random.default_rng(seed)
    X, numbers = rng.normal(size=(12, 3)), rng.integers(max(2, classes), size=12)
    names = np.array([1]) if classes == 1 else np.arange(classes)
    targets = (names[:, None] == numbers).astype(float)
    objective = LogisticObjective(X, targets, rng.random(12), 0.3, fit_intercept)
    x, way = rng.normal(size=(2, np.prod(objective.shape)))
    if classes > 1 and fit_intercept:  # the Hessian bends the flat direction on purpose
        way = way.reshape(objective.shape)
        way[:, -1] -= way[:, -1].mean()
        way = way.ravel()
    step = 1e-5  # the error: step^2 times a third derivative below 100, and eps / step
    ahead, behind = x + step * way, x - step * way
    slope = (objective.value(ahead) - objective.value(behind)) / (2 * step)
    assert objective.gradient(x) @ way == pytest.approx(slope, abs=1e-7)
    bend = (objective.gradient(ahead) - objective.gradient(behind)) / (2 * step)
    np.testing.assert_allclose(objective.hessian(x) @ way, bend, rtol=0, atol=1e-7)
    assert np.linalg.eigvalsh(objective.hessian(x)).min() > -1e-12
