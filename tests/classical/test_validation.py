"""What may go into an estimator and what may not, with scikit-learn's words."""

import numpy as np
import pytest
from scipy import sparse

from groundup.classical.naive_bayes import GaussianNB
from groundup.classical.ridge import Ridge
from groundup.classical.validation import (
    DataConversionWarning,
    check_array,
    check_sample_weight,
    check_target,
    random_generator,
    refuse_non_finite,
)

X = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (None, ValueError, "got None"),
        ([1.0, 2.0], ValueError, "Reshape your data"),
        (5.0, ValueError, "scalar array"),
        (np.ones((2, 2, 2)), ValueError, "Found array with dim 3"),
        (np.ones((0, 2)), ValueError, r"0 sample\(s\)"),
        (np.ones((2, 0)), ValueError, r"0 feature\(s\) \(shape=\(2, 0\)\) while a minimum of 1"),
        (np.array([[1j]]), ValueError, "Complex data not supported"),
        ([["a"]], ValueError, "holds text"),
        ([[{}]], TypeError, "argument must be .* string.* number"),
        ([[np.nan]], ValueError, "contains NaN"),
        ([[np.inf]], ValueError, "contains infinity"),
        (sparse.eye_array(2).tocsr(), TypeError, "Sparse data was passed"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        check_array(given)


def test_what_is_one_becomes_float64_in_rows():
    for given in (X.astype(np.float32), X.astype(int), X.astype(object), X > 2, X.tolist()):
        assert check_array(given).dtype == np.float64
    assert check_array(X.T).flags.c_contiguous
    assert check_array([["a"]], dtype=None).dtype.kind == "U"
    assert np.isnan(check_array([[np.nan, 1.0]], allow_nan=True)[0, 0])
    assert check_array(np.full((2, 2), 1e308)).max() == 1e308  # the sum overflows, the data do not


def test_integers_do_not_overflow():
    refuse_non_finite(np.array([2**62, 2**62]), "X")
    assert check_array(np.array([[2**62], [2**62]])).sum() == 2.0**63


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        ([0.5, 1.0, 2.0], ValueError, "Unknown label type: continuous"),
        ([1, 1, 1], ValueError, "one class: 1"),
        ([0, 1], ValueError, r"inconsistent numbers of samples: \[3, 2\]"),
        (None, ValueError, "requires y to be passed"),
        ([0.0, np.nan, 1.0], ValueError, "Input y contains NaN"),
        (np.array(["a", None, "b"], dtype=object), TypeError, "cannot be ordered"),
        (np.ones((3, 2)), ValueError, "y should be a 1d array"),
    ],
)
def test_labels_that_cannot_be_are_refused(y, error, words):
    with pytest.raises(error, match=words):
        GaussianNB().fit(X, y)


def test_a_column_of_targets_is_taken_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        y = check_target(GaussianNB(), [[1], [2]])
    assert y.tolist() == [1, 2]
    assert check_target(Ridge(), [[1], [2]], multi_output=True).shape == (2, 1)


def test_weights_are_one_for_each_sample_and_not_all_zero():
    assert check_sample_weight(None, X).tolist() == [1, 1, 1]
    assert check_sample_weight(2, X).tolist() == [2, 2, 2]
    for wrong, words in (
        ([1, 2], r"expected \(3,\)"),
        ([[1], [2], [3]], "must be 1D"),
        ([1, -1, 1], "Negative"),
        ([0, 0, 0], "not zero"),
        ([1, np.nan, 1], "NaN"),
    ):
        with pytest.raises(ValueError, match=words):
            check_sample_weight(wrong, X)


def test_random_states_of_all_kinds():
    generator = np.random.default_rng(0)
    assert random_generator(generator) is generator
    assert random_generator(5).random() == random_generator(5).random()
    first, second = (random_generator(np.random.RandomState(1)).random() for _ in range(2))
    assert first == second
    assert random_generator(None).random() != random_generator(None).random()
