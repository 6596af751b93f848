"""Errors of predicted numbers against scikit-learn: sums of at most 20 terms, 1e-13 relative.

R^2 and its like subtract a ratio of sums from 1: 1e-13 of that ratio.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs
from tests.classical.metric_family import few, weights

from groundup.classical import regression_metrics as ours
from groundup.classical.metric_targets import UndefinedMetricWarning

NAMES = ["mean_squared_error", "root_mean_squared_error", "mean_absolute_error",
         "mean_absolute_percentage_error", "median_absolute_error", "mean_pinball_loss",
         "r2_score", "explained_variance_score", "mean_squared_log_error"]  # fmt: skip


@st.composite
def targets(draw, low=-8, outputs=3):
    count = draw(st.integers(2, 9))
    width = draw(st.integers(1, outputs))
    numbers = st.integers(low, 8).map(lambda k: k / 4 if low < 0 else float(k))
    rows = st.lists(
        st.lists(numbers, min_size=width, max_size=width), min_size=count, max_size=count
    )
    true, predicted = np.array(draw(rows)), np.array(draw(rows))
    weight = draw(weights(count))
    return true, predicted, weight


@pytest.mark.reference
@pytest.mark.parametrize("name", NAMES)
@few
@given(sample=targets(low=0), how=st.sampled_from(["raw_values", "uniform_average", "weights"]))
def test_errors_are_scikit_learns(name, sample, how):
    true, predicted, weight = sample
    if how == "weights" and true.shape[1] == 1:
        return  # scikit-learn takes weights for several outputs only
    multioutput = np.arange(1, true.shape[1] + 1) if how == "weights" else how
    arguments = {"sample_weight": weight, "multioutput": multioutput}
    found = getattr(ours, name)(true, predicted, **arguments)
    wanted = getattr(theirs, name)(true, predicted, **arguments)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)
    assert isinstance(found, np.ndarray) == (how == "raw_values")


@pytest.mark.reference
@few
@given(targets(), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_pinball_and_negative_targets(sample, alpha):
    true, predicted, weight = sample
    arguments = {"sample_weight": weight, "alpha": alpha}
    found = ours.mean_pinball_loss(true, predicted, **arguments)
    assert found == pytest.approx(theirs.mean_pinball_loss(true, predicted, **arguments), abs=1e-13)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["r2_score", "explained_variance_score"])
@few
@given(sample=targets(), force=st.booleans())
def test_shares_explained_weighted_by_variance(name, sample, force):
    true, predicted, weight = sample
    for how in ("variance_weighted", "raw_values"):
        arguments = {"sample_weight": weight, "multioutput": how, "force_finite": force}
        if not force and how == "variance_weighted":
            continue
        found = getattr(ours, name)(true, predicted, **arguments)
        with np.errstate(all="ignore"):
            wanted = getattr(theirs, name)(true, predicted, **arguments)
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.reference
@few
@given(targets(outputs=1))
def test_the_largest_error_and_poisson(sample):
    true, predicted, weight = sample
    assert ours.max_error(true, predicted) == theirs.max_error(true, predicted)
    counts, rate = np.abs(true).ravel(), np.abs(predicted).ravel() + 0.25
    found = ours.mean_poisson_deviance(counts, rate, sample_weight=weight)
    wanted = theirs.mean_poisson_deviance(counts, rate, sample_weight=weight)
    assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "best"),
    [
        (ours.mean_squared_error, np.mean),
        (ours.mean_absolute_error, np.median),
        (lambda y, p: ours.mean_pinball_loss(y, p, alpha=0.8), lambda y: np.quantile(y, 0.8)),
    ],
)
def test_each_error_has_its_own_best_constant(metric, best):
    """Mean, median and quantile beat every constant on a grid, on 101 skewed numbers."""
    y = np.random.default_rng(0).exponential(size=101)
    least = metric(y, np.full(101, best(y)))
    assert all(metric(y, np.full(101, c)) >= least - 1e-12 for c in np.linspace(-1, 5, 301))


def test_constants_and_single_samples():
    assert ours.r2_score([2, 2], [2, 2]) == 1.0
    assert ours.r2_score([2, 2], [2, 3]) == 0.0
    assert np.isneginf(ours.r2_score([2, 2], [2, 3], force_finite=False))
    with pytest.warns(UndefinedMetricWarning, match="less than two samples"):
        assert np.isnan(ours.r2_score([1], [1]))
    assert ours.mean_squared_error([3], [1]) == 4.0
    big = np.array([2**31 - 1, 0], np.int32)
    assert ours.mean_squared_error(big, -big) == (2.0 * (2**31 - 1)) ** 2 / 2, "no overflow"


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_is_refused(name):
    metric = getattr(ours, name)
    with pytest.raises(ValueError, match="is empty"):
        metric([], [])
    with pytest.raises(ValueError, match="inconsistent"):
        metric([1, 2], [1])
    with pytest.raises(ValueError, match="different number of output"):
        metric([[1, 2]], [[1]])
    with pytest.raises(ValueError, match="NaN"):
        metric([1, np.nan], [1, 2])
    with pytest.raises(ValueError, match="infinity"):
        metric([1, 2], [1, np.inf])
    with pytest.raises(ValueError, match="dtype"):
        metric(["a", "b"], [1, 2])
    with pytest.raises(ValueError, match="multioutput is 'best'"):
        metric([1, 2], [1, 2], multioutput="best")
    with pytest.raises(ValueError, match="wanted 1, not all 0"):
        metric([1, 2], [1, 2], multioutput=[0.0])
    with pytest.raises(ValueError, match="Negative values"):
        metric([1, 2], [1, 2], sample_weight=[-1, 2])


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="less than or equal to -1"):
        ours.mean_squared_log_error([-2, 1], [1, 1])
    with pytest.raises(ValueError, match="alpha is 2"):
        ours.mean_pinball_loss([1], [1], alpha=2)
    with pytest.raises(ValueError, match="Multioutput"):
        ours.max_error([[1, 2]], [[1, 2]])
    with pytest.raises(ValueError, match="Multioutput"):
        ours.mean_poisson_deviance([[1, 2]], [[1, 2]])
    with pytest.raises(ValueError, match="Poisson deviance wants"):
        ours.mean_poisson_deviance([1], [0])
