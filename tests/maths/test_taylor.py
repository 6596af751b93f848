"""Taylor polynomials: coefficients, remainder, and the model of second order."""

import math

import numpy as np
import pytest
import scipy.interpolate
from hypothesis import given
from hypothesis import strategies as st

from groundup.maths.taylor import (
    evaluate,
    quadratic_model,
    remainder_bound,
    second_order,
    taylor_coefficients,
)


def test_the_coefficients_everyone_knows():
    assert taylor_coefficients(np.exp, 0.0, 8) == pytest.approx(
        [1 / math.factorial(j) for j in range(9)]
    )
    assert taylor_coefficients(lambda x: 1 / (1 - x), 0.0, 9).tolist() == [1] * 10
    assert taylor_coefficients(np.sin, 0, 5) == pytest.approx([0, 1, 0, -1 / 6, 0, 1 / 120])
    assert taylor_coefficients(lambda x: x * x, 3.0, 0).tolist() == [9]
    assert taylor_coefficients(lambda x: 7.0, 3.0, 2).tolist() == [7, 0, 0]


@pytest.mark.reference
def test_the_coefficients_are_scipys():
    # scipy fits a polynomial through noisy values: good to about 1e-6 for this order
    def f(x):
        return np.exp(x) * np.cos(x)

    theirs = scipy.interpolate.approximate_taylor_polynomial(f, 0.5, 4, 0.5, order=14).c[::-1]
    assert taylor_coefficients(f, 0.5, 4) == pytest.approx(theirs, abs=1e-6)


@given(st.floats(-3, 3), st.floats(-2, 2), st.integers(0, 12))
def test_the_remainder_stays_within_its_bound(a, t, order):
    polynomial = evaluate(taylor_coefficients(np.sin, a, order), t)
    # all derivatives of the sine are at most 1; the rest is rounding of terms below e^2
    assert abs(polynomial - math.sin(a + t)) <= remainder_bound(1.0, order, t) + 1e-14


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.floats(-2, 2))
def test_horner_is_numpys(coefficients, t):
    wanted = np.polynomial.polynomial.polyval(t, coefficients)
    assert evaluate(coefficients, t) == pytest.approx(wanted, abs=1e-12)
    assert evaluate(coefficients, [[t, 0.0]]).shape == (1, 2)


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@given(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), st.tuples(st.floats(-1, 1), st.floats(-1, 1)))
def test_the_second_order_model_errs_by_the_third_order(a, p):
    a, p = np.array(a), np.array(p)
    model = second_order(rosenbrock, a)
    assert model(np.zeros(2)) == pytest.approx(rosenbrock(a))
    # what is left out of Rosenbrock's polynomial: 400 a0 p0^3 - 200 p0^2 p1 + 100 p0^4 terms
    left = 100 * (p[0] ** 4 + 4 * a[0] * p[0] ** 3 - 2 * p[0] ** 2 * p[1])
    assert rosenbrock(a + p) - model(p) == pytest.approx(left, abs=1e-10)


def test_a_quadratic_is_its_own_model():
    h = np.array([[2.0, 1], [1, 4]])
    model = quadratic_model(1.0, [1, -1], h)
    assert model([1, 2]) == 1 + (1 - 2) + (2 + 4 + 16) / 2


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="order is -1"):
        taylor_coefficients(np.exp, 0.0, -1)
    with pytest.raises(ValueError, match="wanted one number"):
        taylor_coefficients(np.exp, [0.0], 1)
    with pytest.raises(TypeError, match=r"np.floor has no"):
        taylor_coefficients(np.floor, 0.0, 1)
    with pytest.raises(ValueError, match="both must be 0 or more"):
        remainder_bound(-1.0, 2, 1.0)
    with pytest.raises(ValueError, match="not symmetric"):
        quadratic_model(0.0, [1, 1], [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="not empty"):
        evaluate([], 1.0)
