"""Differences of functions of one variable, against the derivatives that SymPy knows."""

import cmath
import math

import numpy as np
import pytest
import scipy.differentiate
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths.finite_differences import (
    EPSILON,
    central_difference,
    complex_step,
    derivative,
    forward_difference,
    rounded_step,
    second_difference,
)

# f, f', and a bound of |f|, |f''|, |f'''|, |f''''| around [-2, 2]
CURVES = [
    (np.sin, np.cos, lambda x: -np.sin(x), 1.0),
    (np.exp, np.exp, np.exp, 8.0),
    (lambda x: x**3 - 2 * x, lambda x: 3 * x**2 - 2, lambda x: 6 * x, 13.0),
    (lambda x: 1 / (3 + x), lambda x: -1 / (3 + x) ** 2, lambda x: 2 / (3 + x) ** 3, 24.0),
]


@pytest.mark.parametrize(("f", "slope", "bend", "size"), CURVES)
@given(x=st.floats(-1.9, 1.9))
def test_errors_stay_within_truncation_and_rounding(f, slope, bend, size, x):
    # the bounds of the module's table; a curve's own values are right to 4 eps
    h = EPSILON**0.5 * max(1, abs(x))
    assert abs(forward_difference(f, x) - slope(x)) <= h * size / 2 + 8 * EPSILON * size / h
    h = EPSILON ** (1 / 3) * max(1, abs(x))
    assert abs(central_difference(f, x) - slope(x)) <= h**2 * size / 6 + 8 * EPSILON * size / h
    h = EPSILON**0.25 * max(1, abs(x))
    bound = h**2 * size / 12 + 16 * EPSILON * size / h**2
    assert abs(second_difference(f, x) - bend(x)) <= bound


@pytest.mark.parametrize(("f", "slope", "bend", "size"), CURVES)
@given(x=st.floats(-1.9, 1.9))
def test_extrapolation_is_ten_thousand_times_closer_and_knows_how_close(f, slope, bend, size, x):
    estimate = derivative(f, x)
    assert abs(estimate.value - slope(x)) <= 1e-12 * size
    assert abs(estimate.value - slope(x)) <= 10 * estimate.error
    assert estimate.error <= 1e-11 * size


@given(x=st.floats(-1.5, 1.5))
def test_a_complex_step_is_right_to_rounding(x):
    assert complex_step(cmath.sin, x) == pytest.approx(math.cos(x), rel=4 * EPSILON, abs=EPSILON)
    assert complex_step(lambda z: np.exp(z) / (1 + z * z), x) == pytest.approx(
        math.exp(x) * (1 + x * x - 2 * x) / (1 + x * x) ** 2, rel=1e-14, abs=1e-15
    )


@pytest.mark.reference
@settings(max_examples=30)
@given(x=st.floats(0.2, 5))
def test_ridders_is_no_worse_than_scipys_adaptive_differences(x):
    ours = derivative(lambda t: math.log(t) * t, x, h=0.1 * x)
    theirs = scipy.differentiate.derivative(lambda t: np.log(t) * t, x, initial_step=0.1 * x)
    # both should reach about eps^0.9 of the size; scipy stops at its own tolerance of 1.5e-8
    assert ours.value == pytest.approx(theirs.df, abs=1e-7)
    assert abs(ours.value - (math.log(x) + 1)) <= 1e-12 * max(1, abs(math.log(x)))


def test_the_step_is_what_is_really_added():
    assert rounded_step(1e8, 1e-10) == 0.0
    assert 1e8 + rounded_step(1e8, 1e-7) - 1e8 == rounded_step(1e8, 1e-7)


def test_forward_differences_have_a_best_step_between_truncation_and_rounding():
    errors = {k: abs(forward_difference(math.exp, 1.0, 10.0**-k) - math.e) for k in (3, 8, 13)}
    assert errors[8] < errors[3] / 1e3
    assert errors[8] < errors[13] / 1e3


@pytest.mark.parametrize("rule", [forward_difference, central_difference, second_difference])
def test_bad_input_is_refused(rule):
    with pytest.raises(ValueError, match="x is nan; wanted one finite number"):
        rule(math.sin, math.nan)
    with pytest.raises(ValueError, match="h is 0"):
        rule(math.sin, 1.0, 0.0)
    with pytest.raises(ValueError, match="x has dtype complex128"):
        rule(math.sin, 1j)


def test_bad_input_of_the_others():
    with pytest.raises(ValueError, match="dropped the imaginary part"):
        complex_step(abs, 1.0)
    with pytest.raises(ValueError, match="needs 2 or more"):
        derivative(math.sin, 1.0, levels=1)
    with pytest.raises(ValueError, match="not finite within"):
        derivative(lambda x: math.inf, 0.0)
    with pytest.raises(ValueError, match="h is -1"):
        derivative(math.sin, 1.0, h=-1.0)
