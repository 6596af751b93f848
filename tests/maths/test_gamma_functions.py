"""Log-gamma and its relatives against mpmath at 40 digits and SciPy.

Tolerances: the functions promise a few units in the last place (eps = 2.2e-16); asked are 20 of
them, 2^-52 * 20 = 4.4e-15. Log-beta adds up to six terms, each rounded relative to 1 + |value|.
"""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from groundup.maths.gamma_functions import (
    digamma,
    log_beta,
    log_binomial,
    log_gamma,
    log_minus_digamma,
    stirling_remainder,
    trigamma,
)

FEW = 20 * np.finfo(float).eps
POSITIVE = st.floats(-300, 300).map(lambda power: 10.0**power)
MODERATE = st.floats(-8, 15).map(lambda power: 10.0**power)


def exact(function, *arguments):
    with mpmath.workdps(60):
        return float(function(*(mpmath.mpf(float(a)) for a in arguments)))


@pytest.mark.reference
@given(st.one_of(POSITIVE, st.floats(0.01, 30)))
def test_log_gamma_is_mpmaths(x):
    wanted = exact(mpmath.loggamma, x)
    assert abs(log_gamma(x) - wanted) <= FEW * abs(wanted)


@pytest.mark.reference
@pytest.mark.parametrize("zero", [1.0, 2.0])
def test_log_gamma_keeps_its_digits_near_its_zeros_where_scipy_loses_half(zero):
    x = zero + np.array([-1e-3, -1e-6, -1e-9, 1e-12, 1e-7, 1e-4])
    wanted = np.array([exact(mpmath.loggamma, value) for value in x])
    np.testing.assert_allclose(log_gamma(x), wanted, rtol=FEW)
    assert log_gamma(zero) == 0


@pytest.mark.reference
def test_digamma_and_trigamma_are_scipys():
    x = np.concatenate([10.0 ** np.linspace(-150, 150, 301), np.linspace(0.1, 20, 200)])
    psi = special.digamma(x)
    assert (np.abs(digamma(x) - psi) <= FEW * np.maximum(1, np.abs(psi))).all()
    np.testing.assert_allclose(trigamma(x), special.polygamma(1, x), rtol=FEW)


@pytest.mark.reference
@given(MODERATE, MODERATE)
def test_log_beta_is_mpmaths_from_1e_minus_8_to_1e15(a, b):
    wanted = exact(
        lambda a, b: mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b), a, b
    )
    assert abs(log_beta(a, b) - wanted) <= FEW * (1 + abs(wanted))


@given(st.floats(1e-3, 1e6))
def test_recurrences_hold(x):
    # Gamma(x+1) = x Gamma(x), and its logarithmic derivatives
    scale = 1 + abs(float(log_gamma(x))) + abs(np.log(x))
    assert abs(log_gamma(x + 1) - log_gamma(x) - np.log(x)) <= 4 * FEW * scale
    assert abs(digamma(x + 1) - digamma(x) - 1 / x) <= FEW * (1 + 1 / x + abs(digamma(x)))
    assert abs(trigamma(x + 1) - trigamma(x) + 1 / x**2) <= FEW * (1 + 1 / x**2)


def test_whole_numbers_are_factorials():
    factorials = np.cumprod(np.arange(1.0, 21))
    np.testing.assert_allclose(np.exp(log_gamma(np.arange(2, 22))), factorials, rtol=1e-13)
    assert log_binomial(52, 5) == pytest.approx(np.log(2598960), rel=FEW)
    np.testing.assert_array_equal(log_binomial(5, [-1, 6]), [-np.inf, -np.inf])


def test_stirlings_remainder_is_what_the_formula_lacks():
    # log Gamma is about 23 at most here, so that the difference has an error of 23 eps
    x = np.array([10.0, 12.5, 20.0])
    plain = (x - 0.5) * np.log(x) - x + 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(stirling_remainder(x), log_gamma(x) - plain, atol=4e-14)


def test_the_ends_and_bad_input():
    np.testing.assert_array_equal(log_gamma([0, np.inf]), [np.inf, np.inf])
    np.testing.assert_array_equal(digamma([0, np.inf]), [-np.inf, np.inf])
    np.testing.assert_array_equal(trigamma([0, np.inf]), [np.inf, 0])
    assert np.isnan(log_gamma(np.nan))
    assert np.isnan(digamma(np.nan))
    for function in (log_gamma, digamma, trigamma):
        with pytest.raises(ValueError, match="at least 0"):
            function(-1.5)
        with pytest.raises(ValueError, match="real numbers"):
            function(1j)
        with pytest.raises(ValueError, match="real numbers"):
            function("two")
    assert log_gamma(np.zeros((2, 0))).shape == (2, 0)
    assert log_gamma(np.array([3], dtype=np.int8)) == pytest.approx(np.log(2))


@pytest.mark.reference
def test_log_minus_digamma_has_digits_where_the_difference_has_none():
    x = 10.0 ** np.array([0.0, 0.5, 1, 2, 6, 12, 18, 100])
    wanted = [exact(lambda x: mpmath.log(x) - mpmath.digamma(x), value) for value in x[:-1]]
    # below 10 it is the plain difference, of numbers of order 1
    np.testing.assert_allclose(log_minus_digamma(x), [*wanted, 0.5e-100], rtol=1e-13)
    with pytest.raises(ValueError, match="at least 0"):
        log_minus_digamma(-1)
