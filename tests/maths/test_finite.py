"""What comes in from outside is made finite float64 arrays, or refused with its name."""

import warnings

import numpy as np
import pytest

from groundup.maths import finite, matrices
from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.quasi_newton import bfgs


def test_what_is_good_becomes_a_fresh_float64_array():
    for values in ([1, 2], (1.0, 2.0), np.array([1, 2], dtype=np.int8), np.array([True, False])):
        assert finite.finite_vector(values, "v").dtype == np.float64
    given = np.ones(3)
    assert not np.shares_memory(finite.finite_vector(given, "v"), given)
    # integers that would overflow if they stayed integers
    big = finite.finite_vector(np.array([2**62, 2**62]), "v")
    assert big.sum() == 2.0**63
    assert matrices.symmetric_matrix([[1, 2], [2 + 1e-14, 1]], "A")[0, 1] == pytest.approx(2)
    assert matrices.finite_matrix(np.zeros((0, 3)), "A").shape == (0, 3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], r"v has shape \(0,\)"),
        (3.0, r"v has shape \(\)"),
        ([[1.0]], r"v has shape \(1, 1\)"),
        ([np.nan], "v holds NaN or infinity"),
        ([np.inf], "v holds NaN or infinity"),
        (["1"], "v has dtype <U1"),
        ([None], "v has dtype object"),
        ([1j], "v has dtype complex128"),
    ],
)
def test_bad_vectors(values, words):
    with pytest.raises(ValueError, match=words):
        finite.finite_vector(values, "v")


def test_bad_matrices_and_numbers():
    with pytest.raises(ValueError, match=r"A has shape \(2, 1\); wanted 3 columns"):
        matrices.finite_matrix([[1], [2]], "A", columns=3)
    with pytest.raises(ValueError, match="wanted a square matrix"):
        matrices.square_matrix([[1, 2]], "A")
    with pytest.raises(ValueError, match="A is not symmetric"):
        matrices.symmetric_matrix([[1, 2], [3, 4]], "A")
    for value in (0, -1, np.nan, np.inf, [1, 2]):
        with pytest.raises(ValueError, match="t is"):
            finite.positive(value, "t")
    assert finite.positive(2, "t") == 2.0


def test_a_function_may_be_infinite_but_must_have_a_shape():
    x = np.ones(2)
    assert finite.number_at(lambda v: np.inf, x) == np.inf
    assert finite.number_at(lambda v: np.array([[3]]), x) == 3
    # silent: the caller looks at the value
    assert np.isnan(finite.number_at(lambda v: np.log(-v).sum(), x))
    for call, words in [
        (lambda: finite.number_at(lambda v: v, x), "wanted one number"),
        (lambda: finite.number_at(lambda v: 1j, x), "dtype complex"),
        (lambda: finite.number_at(lambda v: None, x), "dtype object"),
        (lambda: finite.vector_at(lambda v: v[:1], x), r"wanted \(2,\)"),
        (lambda: finite.matrix_at(lambda v: v, x, "J", 3), r"wanted \(3, 2\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()


def test_a_convergence_warning_points_at_the_call():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bfgs(lambda x: x @ x, lambda x: 2 * x, [3.0, 4.0], steps=0)
    assert [item.category for item in caught] == [ConvergenceWarning]
    assert caught[0].filename == __file__
