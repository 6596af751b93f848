"""The incomplete beta function against mpmath and SciPy.

Tolerances: as for gamma, a tail of e^-r has relative error r eps (1.6e-13 at r = 700), asked is
3e-13; for a or b of 0.001 the small complement loses a factor 1/a at most (log B is known to
1e-15 of 1): 5e-12. Large parameters add the condition number.
"""

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special

from groundup.maths.incomplete_beta import (
    beta_lower,
    beta_quantile,
    beta_quantile_pair,
    beta_upper,
    log_incomplete_beta,
)

pytestmark = pytest.mark.slow  # seconds in all, for `make test`

EPS = np.finfo(float).eps


@pytest.mark.reference
@settings(max_examples=60)
@given(st.floats(-3, 2.5), st.floats(-3, 2.5), st.floats(-25, 10))
def test_both_tails_are_mpmaths(log_a, log_b, log_odds):
    a, b, x = 10.0**log_a, 10.0**log_b, float(1 / (1 + np.exp(-log_odds)))
    with mpmath.workdps(60):
        lower = mpmath.betainc(a, b, 0, x, regularized=True)
        upper = mpmath.betainc(b, a, 0, 1 - mpmath.mpf(x), regularized=True)
        tolerance = 3e-13 + 1e-15 / min(a, b, 1) * 5
        for ours, wanted in ((beta_lower(a, b, x), lower), (beta_upper(a, b, x), upper)):
            if wanted > 1e-300:
                assert abs(mpmath.mpf(float(ours)) / wanted - 1) < tolerance


@pytest.mark.reference
def test_large_parameters_are_scipys_up_to_conditioning():
    rng = np.random.default_rng(0)
    a, b = 10 ** rng.uniform(-1, 6, (2, 2000))
    mean = a / (a + b)
    x = mean + np.sqrt(mean * (1 - mean) / (a + b + 1)) * rng.uniform(-5, 5, 2000)
    inside = (x > 1e-10) & (x < 1 - 1e-10)
    a, b, x = a[inside], b[inside], x[inside]
    n = a + b
    # rounding x moves the log-odds by eps / (1 - x), and log I by sqrt(n x (1-x)) per unit of it
    slope = np.sqrt(n * x / (1 - x)) + n * np.abs(x - a / n) / (1 - x)
    for ours, wanted in (
        (beta_lower(a, b, x), special.betainc(a, b, x)),
        (beta_upper(a, b, x), special.betaincc(a, b, x)),
    ):
        seen = wanted > 1e-250
        error = np.abs(ours[seen] / wanted[seen] - 1)
        assert (error < 1e-12 + 20 * EPS * slope[seen]).all()


def test_the_complement_is_taken_as_given():
    # 1 - x is 1 in float64, but y = 1e-30 says how near 1 the share is
    log_p, log_q = log_incomplete_beta(2.0, 0.5, 1.0, 1e-30)
    # 1 - I is about y^b / (b B(a, b)), B(2, 1/2) = 4/3
    assert log_q == pytest.approx(0.5 * np.log(1e-30) - np.log(0.5 * 4 / 3), rel=1e-14)
    assert log_p == pytest.approx(0, abs=1e-14)


@given(st.floats(-2, 5), st.floats(-2, 5), st.floats(-200, -0.31), st.booleans())
def test_the_quantile_is_undone(log_a, log_b, log_p, upper):
    a, b, p = 10.0**log_a, 10.0**log_b, 10.0**log_p
    x, y = beta_quantile_pair(a, b, *((1 - p, p) if upper else (p, 1 - p)))
    assume(x > 1e-290 and y > 1e-290)
    log_lower, log_upper = log_incomplete_beta(a, b, x, y)
    # as for gamma: some eps in the log-odds times the slope of the logarithm in them
    r = -np.log(p)
    odds = abs(np.log(x / y))
    slope = (1 + np.sqrt(2 * min(a, b) * r) + r) * (1 + odds)
    assert abs((log_upper if upper else log_lower) - np.log(p)) < 1e-12 + 20 * EPS * slope


@pytest.mark.reference
@given(st.floats(-1, 3), st.floats(-1, 3), st.floats(1e-8, 1 - 1e-8))
def test_the_quantile_is_scipys(log_a, log_b, p):
    a, b = 10.0**log_a, 10.0**log_b
    wanted = special.betaincinv(a, b, p)
    # nearer to an end SciPy's own quantile loses relative digits
    assume(1e-12 < wanted < 1 - 1e-3)
    assert beta_quantile(a, b, p) == pytest.approx(wanted, rel=1e-11)


def test_the_ends_and_bad_input():
    ends = [0, 1, np.nan, -1, 2]
    np.testing.assert_array_equal(beta_lower(2, 3, ends), [0, 1, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(beta_upper(2, 3, ends), [1, 0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(beta_quantile(2, 3, [0, 1, np.nan]), [0, 1, np.nan])
    for a, b in ((0, 1), (1, -2), (np.nan, 1)):
        with pytest.raises(ValueError, match="wanted a, b > 0"):
            beta_lower(a, b, 0.5)
    assert beta_lower(1, 1, 0.25) == pytest.approx(0.25, rel=1e-15)
    assert beta_lower(np.ones((2, 1)), 2, np.full(3, 0.5)).shape == (2, 3)
