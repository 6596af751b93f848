"""The incomplete gamma function against mpmath and SciPy.

Tolerances. A tail of e^-r carries the relative error of its exponent, r eps with r up to 700:
1.6e-13; asked is 3e-13. At parameters of 1e6 and more, x known to eps moves the answer by sqrt(a)
eps times the distance in deviations: the condition number, which is added.
"""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from groundup.maths.incomplete_gamma import (
    gamma_lower,
    gamma_quantile,
    gamma_upper,
    log_incomplete_gamma,
)

EPS = np.finfo(float).eps
TAIL = 3e-13


@pytest.mark.reference
@settings(max_examples=60)
@given(st.floats(-6, 3.5), st.one_of(st.floats(-3, 0.7), st.floats(-0.1, 0.1)))
def test_both_tails_are_mpmaths(log_a, log_ratio):
    a = 10.0**log_a
    x = a * 10.0**log_ratio
    with mpmath.workdps(50):
        lower = mpmath.gammainc(a, 0, x, regularized=True)
        upper = mpmath.gammainc(a, x, mpmath.inf, regularized=True)
        for ours, wanted in ((gamma_lower(a, x), lower), (gamma_upper(a, x), upper)):
            if wanted > 1e-300:
                assert abs(mpmath.mpf(float(ours)) / wanted - 1) < TAIL


@pytest.mark.reference
def test_large_parameters_are_right_to_their_conditioning():
    """SciPy is off by up to 2e-6 there (a near 1e6), so sums of 40 digits judge a sample."""
    rng = np.random.default_rng(0)
    a = 10 ** rng.uniform(1, 6, 2000)
    x = np.abs(a + np.sqrt(a) * rng.uniform(-6, 6, 2000))
    np.testing.assert_allclose(gamma_lower(a, x), special.gammainc(a, x), rtol=1e-5)
    np.testing.assert_allclose(gamma_upper(a, x), special.gammaincc(a, x), rtol=1e-5)
    # d log P / d log x is at most about sqrt(a) times the distance in deviations
    tolerance = TAIL + 40 * np.sqrt(a) * EPS
    for i in range(0, 2000, 50):
        with mpmath.workdps(40):
            lower = mpmath.gammainc(a[i], 0, x[i], regularized=True)
            upper = mpmath.gammainc(a[i], x[i], mpmath.inf, regularized=True)
            assert abs(gamma_lower(a[i], x[i]) / lower - 1) < tolerance[i]
            assert abs(gamma_upper(a[i], x[i]) / upper - 1) < tolerance[i]


def test_logarithms_do_not_underflow():
    log_p, log_q = log_incomplete_gamma([5.0, 5.0], [1e-100, 1e5])
    # P is about x^a / Gamma(a+1), Q about x^(a-1) e^-x / Gamma(a)
    assert log_p[0] == pytest.approx(5 * np.log(1e-100) - np.log(120), rel=1e-14)
    assert log_q[1] == pytest.approx(4 * np.log(1e5) - 1e5 - np.log(24), rel=1e-6)
    assert log_q[0] == 0
    assert log_p[1] == 0


@given(st.floats(-2, 6), st.floats(-250, -0.01), st.booleans())
def test_the_quantile_is_undone(log_a, log_p, upper):
    a, p = 10.0**log_a, 10.0**log_p
    x = gamma_quantile(a, 1 - p, p) if upper else gamma_quantile(a, p)
    if x > 1e-290:
        back = gamma_upper(a, x) if upper else gamma_lower(a, x)
        # x has a relative error of some eps, which the slope of log P in log x magnifies: it is
        # at most about a + sqrt(2 a log(1/p)) + log(1/p)
        r = -np.log(p)
        slope = 1 + min(a, np.sqrt(2 * a * r)) + r
        assert abs(back / p - 1) < TAIL + 8 * EPS * slope


@pytest.mark.reference
@given(st.floats(-2, 4), st.floats(1e-10, 1 - 1e-10))
def test_the_quantile_is_scipys(log_a, p):
    a = 10.0**log_a
    wanted = special.gammaincinv(a, p)
    if wanted > 1e-290:
        assert gamma_quantile(a, p) == pytest.approx(wanted, rel=1e-12)


def test_the_ends_and_bad_input():
    np.testing.assert_array_equal(gamma_lower(2, [0, np.inf, np.nan, -1]), [0, 1, np.nan, np.nan])
    np.testing.assert_array_equal(gamma_upper(2, [0, np.inf, np.nan, -1]), [1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(gamma_quantile(2, [0, 1, np.nan]), [0, np.inf, np.nan])
    for a in (0, -1, np.nan):
        with pytest.raises(ValueError, match="wanted a > 0"):
            gamma_lower(a, 1)
    assert gamma_lower(np.ones((2, 1)), np.ones(3)).shape == (2, 3)
    # a Poisson count of 0 among 1
    assert gamma_upper(1, 1) == pytest.approx(np.exp(-1), rel=1e-15)
