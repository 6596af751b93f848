"""One reflection and one rotation, against LAPACK's through SciPy, at every scale."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import lapack

from groundup.maths.householder import reflect_columns, reflect_rows, reflection
from groundup.maths.rotations import rotate_rows, rotation

EPS = np.finfo(float).eps
NUMBERS = st.floats(-1e150, 1e150).filter(lambda x: x == 0 or abs(x) > 1e-150)


@pytest.mark.reference
@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_reflection_is_lapacks(values):
    x = np.array(values)
    beta, v, tau = lapack.dlarfg(len(x), x[0], x[1:]) if len(x) > 1 else (x[0], x[1:], 0.0)
    H = reflection(x)
    # each of beta, tau and v is a few roundings away from exact, and so is LAPACK's
    assert pytest.approx(beta, rel=8 * len(x) * EPS, abs=0) == H.beta
    assert pytest.approx(tau, rel=8 * len(x) * EPS, abs=0) == H.tau
    assert H.v[1:] == pytest.approx(v, rel=8 * len(x) * EPS, abs=0)


@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_reflection_is_orthogonal_and_leaves_one_entry(values):
    x = np.array(values)
    H = reflection(x)
    matrix = np.eye(len(x)) - H.tau * np.outer(H.v, H.v)
    assert matrix @ matrix == pytest.approx(np.eye(len(x)), abs=10 * len(x) * EPS)
    image = matrix @ x
    assert image[0] == pytest.approx(H.beta, rel=10 * len(x) * EPS, abs=0)
    assert np.abs(image[1:]).max(initial=0.0) <= 10 * len(x) * EPS * abs(H.beta)


def test_rows_and_columns():
    H = reflection(np.array([3.0, 4.0, 0.0]))
    matrix = np.eye(3) - H.tau * np.outer(H.v, H.v)
    A = np.arange(12.0).reshape(3, 4)
    rows, columns = A.copy(), A.T.copy()
    reflect_rows(H, rows)
    reflect_columns(H, columns)
    assert rows == pytest.approx(matrix @ A, abs=1e-14)
    assert columns == pytest.approx(A.T @ matrix, abs=1e-14)


@given(NUMBERS, NUMBERS)
def test_rotation_turns_onto_the_first_axis(a, b):
    c, s, r = rotation(a, b)
    assert c * c + s * s == pytest.approx(1.0, abs=4 * EPS)
    size = math.hypot(a, b)
    assert abs(r) == pytest.approx(size, rel=4 * EPS, abs=0)
    assert c * (a / size if size else 0) + s * (b / size if size else 0) == pytest.approx(
        r / size if size else 0, abs=8 * EPS
    )
    assert abs(c * b - s * a) <= 8 * EPS * size


def test_rotation_of_the_smallest_and_largest_numbers():
    assert rotation(5e-324, 5e-324)[:2] == pytest.approx((math.sqrt(0.5), math.sqrt(0.5)))
    assert rotation(1e308, 1e308)[2] == pytest.approx(math.sqrt(2) * 1e308)
    assert rotation(-2.0, 0.0) == (1.0, 0.0, -2.0)
    assert rotation(0.0, 0.0) == (1.0, 0.0, 0.0)


def test_rotated_rows():
    A = np.arange(6.0).reshape(3, 2)
    c, s, r = rotation(A[0, 1], A[2, 1])
    B = A.copy()
    rotate_rows(B, 0, 2, c, s)
    assert B[0, 1] == pytest.approx(r)
    assert B[2, 1] == pytest.approx(0.0, abs=1e-15)
    assert np.array_equal(B[1], A[1])
