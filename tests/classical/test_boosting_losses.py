import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.boosting_losses import (
    AbsoluteError,
    LogLoss,
    SquaredError,
    probabilities,
    weighted_median,
)

LOSSES = [(SquaredError(), 1), (AbsoluteError(), 1), (LogLoss(), 1), (LogLoss(), 4)]


def data(loss, k, seed, n=30):
    rng = np.random.default_rng(seed)
    if isinstance(loss, LogLoss):
        numbers = np.arange(n) % max(k, 2)
        y = numbers[:, None].astype(float) if k == 1 else np.eye(k)[numbers]
    else:
        y = rng.normal(size=(n, 1))
    return y, rng.normal(size=(n, k)), rng.uniform(0.5, 2, n)


@pytest.mark.parametrize(("loss", "k"), LOSSES)
def test_residuals_are_minus_the_derivative(loss, k):
    """By central differences: h^2 of the third derivative (below 1), and rounding 1e-16 / h."""
    y, raw, weights = data(loss, k, 0)
    h = 1e-5
    slope = np.zeros_like(raw)
    for index in np.ndindex(*raw.shape):
        up, down = raw.copy(), raw.copy()
        up[index] += h
        down[index] -= h
        slope[index] = (loss.value(y, up, weights) - loss.value(y, down, weights)) / (2 * h)
    per_row = slope * weights.sum() / weights[:, None]
    # the squared error and the deviance are twice the half losses that residuals are of
    factor = 2 if isinstance(loss, SquaredError) or (isinstance(loss, LogLoss) and k == 1) else 1
    np.testing.assert_allclose(factor * loss.residuals(y, raw), -per_row, atol=1e-8)


@pytest.mark.parametrize(("loss", "k"), LOSSES)
def test_no_constant_is_better_than_the_start(loss, k):
    y, _, weights = data(loss, k, 1, n=31)
    start = loss.start(y, weights)
    best = loss.value(y, np.tile(start, (31, 1)), weights)
    for move in np.random.default_rng(0).normal(0, 0.1, (50, k)):
        assert loss.value(y, np.tile(start + move, (31, 1)), weights) >= best - 1e-15


@given(st.integers(0, 9999), st.integers(1, 20))
@settings(max_examples=50)
def test_half_of_the_weight_is_on_both_sides_of_the_median(seed, n):
    rng = np.random.default_rng(seed)
    values, weights = rng.integers(5, size=n).astype(float), rng.integers(1, 5, n).astype(float)
    median = weighted_median(values, weights)
    assert weights[values <= median].sum() >= weights.sum() / 2
    assert weights[values >= median].sum() >= weights.sum() / 2
    assert median in values


@pytest.mark.reference
@given(st.lists(st.floats(-800, 800), min_size=1, max_size=5))
def test_probabilities_are_scipys(scores):
    one = probabilities(np.array(scores)[:, None])[:, 0]
    close = {"rtol": 1e-15, "atol": 3e-308}  # subnormal numbers are zero in SciPy
    np.testing.assert_allclose(one, scipy.special.expit(scores), **close)
    if len(scores) > 1:
        many = probabilities(np.array([scores]))[0]
        np.testing.assert_allclose(many, scipy.special.softmax(scores), rtol=1e-14, atol=5e-324)


def test_newtons_step_is_zero_where_all_are_sure():
    step = LogLoss().leaf_steps(np.zeros(2), np.zeros(2), np.ones(2), np.zeros(2, np.int64))
    assert step.tolist() == [0.0]


def test_the_step_of_the_squared_error_is_the_trees_own():
    nothing = np.zeros(1)
    assert SquaredError().leaf_steps(nothing, nothing, nothing, np.zeros(1, np.int64)) is None
