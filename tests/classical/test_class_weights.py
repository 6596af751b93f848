"""Weights of classes against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from groundup.classical.class_weights import (
    balanced_weights,
    sample_weights_of_classes,
    weights_of_classes,
)


@pytest.mark.reference
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=30),
    st.sampled_from([None, "balanced", {1: 2.5}]),
    st.booleans(),
)
def test_they_are_scikit_learns(labels, class_weight, weighted):
    labels = np.array([*labels, 1])
    classes, numbers = np.unique(labels, return_inverse=True)
    weights = np.arange(1.0, len(labels) + 1) if weighted else None
    theirs = compute_class_weight(class_weight, classes=classes, y=labels, sample_weight=weights)
    ours = weights_of_classes(class_weight, classes, numbers, weights)
    np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    if not weighted:
        each = sample_weights_of_classes(class_weight, classes, numbers)
        np.testing.assert_allclose(each, compute_sample_weight(class_weight, labels), rtol=1e-14)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_balanced_classes_weigh_the_same(numbers):
    numbers = np.unique(numbers, return_inverse=True)[1]
    k = numbers.max() + 1
    totals = np.bincount(numbers, weights=balanced_weights(numbers, k)[numbers])
    np.testing.assert_allclose(totals, len(numbers) / k, rtol=1e-13)


def test_a_class_without_samples_weighs_nothing():
    assert balanced_weights(np.array([0, 0]), 2).tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("even", "'balanced' or a dictionary"),
        ([1.0, 2.0], "'balanced' or a dictionary"),
        ({7: 1.0}, "names 7"),
        ({0: -1.0}, "at least 0"),
        ({0: np.nan}, "finite"),
    ],
)
def test_what_cannot_be_is_refused(class_weight, message):
    with pytest.raises(ValueError, match=message):
        weights_of_classes(class_weight, np.array([0, 1]), np.array([0, 1]))
