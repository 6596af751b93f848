"""Calibration against scikit-learn's curve, and against the identities the parts must keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from tests.classical.metric_family import few, probabilities, scored

from groundup.classical import calibration_metrics as ours

strategies = st.sampled_from(["uniform", "quantile"])


@pytest.mark.reference
@few
@given(scored(), st.integers(1, 7), strategies)
def test_the_curve_is_scikit_learns(sample, n_bins, strategy):
    true, score, _ = sample
    prob = (score + 1) / 2
    found = ours.calibration_curve(true, prob, n_bins=n_bins, strategy=strategy)
    wanted = calibration_curve(true, prob, n_bins=n_bins, strategy=strategy)
    for mine, reference in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-13)


@pytest.mark.reference
@few
@given(scored(), st.integers(1, 7), strategies)
def test_the_brier_score_is_the_sum_of_its_parts(sample, n_bins, strategy):
    true, score, _ = sample
    prob = (score + 1) / 2
    parts = ours.brier_decomposition(true, prob, n_bins=n_bins, strategy=strategy)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(brier_score_loss(true, prob), abs=1e-14)
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0
    assert parts.resolution <= parts.uncertainty + 1e-14


@few
@given(scored())
def test_with_a_bin_for_each_prediction_nothing_is_left(sample):
    true, score, _ = sample
    prob = (score + 1) / 2  # eighths: one value in each of 16 bins
    parts = ours.brier_decomposition(true, prob, n_bins=16)
    assert parts.within == pytest.approx(0, abs=1e-14)


@few
@given(scored(), st.integers(1, 9), strategies)
def test_expected_and_largest_error(sample, n_bins, strategy):
    true, score, _ = sample
    prob = (score + 1) / 2
    arguments = {"n_bins": n_bins, "strategy": strategy}
    mean = ours.expected_calibration_error(true, prob, **arguments)
    largest = ours.maximum_calibration_error(true, prob, **arguments)
    assert abs(prob.mean() - true.mean()) - 1e-14 <= mean <= largest + 1e-14 <= 1 + 2e-14
    diagram = ours.reliability(true, prob, **arguments)
    assert diagram.weight.sum() == pytest.approx(1)
    assert diagram.weight @ diagram.observed == pytest.approx(true.mean(), abs=1e-14)


def test_a_calibrated_forecast_has_little_error_and_an_overconfident_one_has_much():
    """20,000 draws: a bin of 2,000 has a standard error of 0.011, and the mean of ten such |errors|
    is near 0.009; at this seed below 0.02.
    """
    rng = np.random.default_rng(0)
    prob = rng.random(20_000)
    true = (rng.random(20_000) < prob).astype(int)
    assert ours.expected_calibration_error(true, prob) < 0.02
    sharper = np.clip(0.5 + 2 * (prob - 0.5), 0, 1)
    assert ours.expected_calibration_error(true, sharper) > 0.1


def test_by_hand():
    true, prob = [0, 0, 1, 1], [0.1, 0.3, 0.6, 1.0]
    assert ours.expected_calibration_error(true, prob, n_bins=2) == pytest.approx(0.2)
    assert ours.maximum_calibration_error(true, prob, n_bins=2) == pytest.approx(0.2)
    weighted = ours.reliability(true, prob, n_bins=1, sample_weight=[3, 0, 0, 1])
    assert weighted.observed.tolist() == [0.25]
    assert weighted.predicted == pytest.approx([0.325])


@few
@given(probabilities())
def test_top_label(sample):
    true, proba, _ = sample
    right, confidence = ours.top_label(true, proba)
    assert right.mean() == (proba.argmax(axis=1) == true).mean()
    np.testing.assert_array_equal(confidence, proba.max(axis=1))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="Only binary"):
        ours.calibration_curve([0, 1, 2], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="outside"):
        ours.calibration_curve([0, 1], [0.1, 1.2])
    with pytest.raises(ValueError, match="n_bins is 0"):
        ours.calibration_curve([0, 1], [0.1, 0.2], n_bins=0)
    with pytest.raises(ValueError, match="strategy is 'odd'"):
        ours.calibration_curve([0, 1], [0.1, 0.2], strategy="odd")
    with pytest.raises(ValueError, match="inconsistent"):
        ours.calibration_curve([0, 1], [0.1])
    with pytest.raises(ValueError, match="2 classes and 3 columns"):
        ours.top_label([0, 1], np.ones((2, 3)) / 3)
