"""Intervals of metrics against SciPy's bootstrap, against brute force, and by their coverage."""

import numpy as np
import pytest
from hypothesis import given
from scipy import stats
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score
from tests.classical.metric_family import few, scored

from groundup.classical import metric_intervals as ours

RNG = np.random.default_rng(7)
TRUE = RNG.exponential(size=40)
PREDICTED = TRUE + RNG.normal(size=40) * TRUE
OTHER = TRUE + 2 * RNG.normal(size=40) * TRUE


def mean_error(true, predicted):
    return np.abs(true - predicted).mean()


@pytest.mark.reference
@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
def test_any_metric_is_scipys_bootstrap(method):
    """Two sets of 4000 draws: an end at the 2.5 % quantile of skewed errors has a standard error of
    about 0.04 of the interval's standard error; 5 of them, twice, make 0.4.
    """
    found = ours.metric_interval(
        mean_error, TRUE, PREDICTED, n_resamples=4000, method=method, random_state=0
    )
    wanted = stats.bootstrap(
        (TRUE, PREDICTED), mean_error, paired=True, vectorized=False, n_resamples=4000,
        method="BCa" if method == "bca" else method, rng=np.random.default_rng(1),
    )  # fmt: skip
    assert found.value == pytest.approx(mean_absolute_error(TRUE, PREDICTED))
    assert found.standard_error == pytest.approx(wanted.standard_error, rel=0.06)
    allowed = 0.4 * wanted.standard_error
    assert found.low == pytest.approx(wanted.confidence_interval.low, abs=allowed)
    assert found.high == pytest.approx(wanted.confidence_interval.high, abs=allowed)


def test_it_covers_as_often_as_it_says():
    """300 test sets of 60, true accuracy 0.8: 95 % +- 4 x 1.3 %, less a little for few samples."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        hits = (rng.random(60) < 0.8).astype(int)
        found = ours.metric_interval(
            lambda t, p: np.mean(t == p), np.ones(60), hits, n_resamples=200, random_state=rng,
            method="percentile",
        )  # fmt: skip
        covered += found.low <= 0.8 <= found.high
    assert 0.88 <= covered / 300 <= 0.99


def test_a_paired_difference_is_narrower_than_two_intervals():
    better = ours.metric_difference(mean_error, TRUE, PREDICTED, OTHER, random_state=0)
    assert better.value == pytest.approx(mean_error(TRUE, PREDICTED) - mean_error(TRUE, OTHER))
    assert better.low <= better.value <= better.high
    same = ours.metric_difference(mean_error, TRUE, PREDICTED, PREDICTED, random_state=0)
    assert (same.low, same.high, same.standard_error) == (0, 0, 0)


def test_a_seed_is_a_result():
    again = [
        ours.metric_interval(mean_error, TRUE, OTHER, n_resamples=50, random_state=5) for _ in "ab"
    ]
    assert again[0] == again[1]


@pytest.mark.reference
@few
@given(scored(weighted=False, least=6))
def test_areas_and_their_covariance_are_their_definition(sample):
    """Placements pair by pair, and the covariance of U statistics written out."""
    true, score, _ = sample
    true[:4] = [0, 1, 0, 1]
    other = np.roll(score, 1)
    wins = [
        [[(a > b) + (a == b) / 2 for b in s[true == 0]] for a in s[true == 1]]
        for s in (score, other)
    ]
    wins = np.array(wins)
    areas, covariance = ours.auc_covariance(true, np.stack([score, other]))
    np.testing.assert_allclose(areas, wins.mean(axis=(1, 2)), atol=1e-14)
    assert areas[0] == pytest.approx(roc_auc_score(true, score), abs=1e-14)
    rows, columns = wins.mean(axis=2), wins.mean(axis=1)
    wanted = np.cov(rows) / rows.shape[1] + np.cov(columns) / columns.shape[1]
    np.testing.assert_allclose(covariance, wanted, atol=1e-14)
    gap = ours.auc_difference(true, score, other)
    assert gap.value == pytest.approx(areas[0] - areas[1], abs=1e-14)
    assert -1 <= gap.low <= gap.value <= gap.high <= 1


def test_delongs_interval_covers_and_its_error_is_the_true_one():
    """400 test sets of two normals one apart, AUC = Phi(1/sqrt 2): the mean of the estimated
    variances within 10 % of the variance of the areas (its own standard error is 7 %), and coverage
    95 % +- 4 x 1.1 %.
    """
    rng = np.random.default_rng(0)
    area = stats.norm.cdf(1 / np.sqrt(2))
    true = np.repeat([0, 1], 50)
    found = [ours.auc_interval(true, rng.normal(size=100) + true) for _ in range(400)]
    variance = np.var([interval.value for interval in found])
    estimated = np.mean([interval.standard_error**2 for interval in found])
    assert estimated == pytest.approx(variance, rel=0.25)
    covered = np.mean([interval.low <= area <= interval.high for interval in found])
    assert 0.905 <= covered <= 0.995


def test_bad_input_is_refused():
    def interval(**settings):
        return ours.metric_interval(accuracy_score, [0, 1, 1], [0, 1, 0], **settings)

    with pytest.raises(ValueError, match="confidence is 95"):
        interval(confidence=95)
    with pytest.raises(ValueError, match="resamples"):
        interval(n_resamples=1)
    with pytest.raises(ValueError, match="method is 'odd'"):
        interval(method="odd")
    with pytest.raises(ValueError, match="at least 2 samples"):
        ours.metric_interval(accuracy_score, [0], [0])
    with pytest.raises(ValueError, match="inconsistent"):
        ours.metric_interval(accuracy_score, [0, 1], [0])
    with pytest.raises(ValueError, match="has no value"):
        ours.metric_interval(lambda t, p: np.nan, [0, 1], [0, 1], n_resamples=5)
    with pytest.raises(ValueError, match="1 positives and 2 negatives"):
        ours.auc_interval([0, 1, 0], [1, 2, 3])
    with pytest.raises(ValueError, match="confidence is 0"):
        ours.auc_interval([0, 1, 0, 1], [1, 2, 3, 4], confidence=0)
