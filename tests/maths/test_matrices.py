"""What is let in as a matrix, and scaling by powers of two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.maths.matrices import (
    finite_matrix,
    real_number,
    rescaled,
    right_sides,
    square_matrix,
    symmetric_matrix,
    unit_scale,
    whole_number,
)


@given(st.integers(-1000, 1000), st.integers(0, 2**32))
def test_scaling_by_a_power_of_two_is_exact_and_undone(exponent, seed):
    A = np.ldexp(np.random.default_rng(seed).uniform(0.5, 1.0, (3, 2)), exponent)
    scaled, power = unit_scale(A)
    assert 0.5 <= np.abs(scaled).max() < 1
    assert np.array_equal(rescaled(scaled, power), A)


def test_zero_and_nothing_are_not_scaled():
    assert unit_scale(np.zeros((2, 2)))[1] == 0
    assert unit_scale(np.zeros((0, 2)))[1] == 0


def test_what_grows_beyond_all_numbers_is_infinite_without_a_warning():
    assert rescaled(np.array([-1.0]), 1025)[0] == -np.inf


def test_symmetric_up_to_rounding_is_symmetric():
    A = np.array([[1.0, 0.3], [0.1 * 3, 2.0]])
    assert A[0, 1] != A[1, 0]
    mended = symmetric_matrix(A)
    assert np.array_equal(mended, mended.T)
    with pytest.raises(ValueError, match=r"M is not symmetric .* by up to 1e-10"):
        symmetric_matrix([[1.0, 0.3], [0.3 + 1e-10, 2.0]], "M")


def test_the_largest_numbers_do_not_overflow():
    assert symmetric_matrix(np.full((2, 2), 1.7e308))[0, 1] == 1.7e308


def test_the_copy_is_fresh_and_row_by_row():
    A = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    copy = finite_matrix(A)
    assert copy.flags.c_contiguous
    assert not np.shares_memory(copy, A)
    assert not np.shares_memory(finite_matrix(copy), copy)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"A has shape \(2, 3\); wanted a square matrix"):
        square_matrix(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"b has shape \(3, 1\); wanted 2 rows"):
        right_sides(np.ones(3), 2)
    with pytest.raises(ValueError, match=r"b has shape \(1, 1, 1\)"):
        right_sides(np.ones((1, 1, 1)), 1)
    columns, single = right_sides([1, 2], 2)
    assert columns.shape == (2, 1)
    assert single


def test_numbers():
    assert whole_number(np.int32(3), "k", 0) == 3
    assert real_number(3, "p") == 3.0
    for bad in (True, 2.0, "2", None, [2], 5):
        with pytest.raises(ValueError, match=r"k is .*; wanted a whole number, from 0 to 4"):
            whole_number(bad, "k", 0, 4)
    with pytest.raises(ValueError, match="k is -1; wanted a whole number, 0 or more"):
        whole_number(-1, "k", 0)
    for bad, message in [("2", "dtype"), (np.nan, "NaN"), ([1.0], "shape"), (1j, "dtype")]:
        with pytest.raises(ValueError, match=f"p (has|holds) {message}"):
            real_number(bad, "p")
