"""The error function and the normal distribution function against mpmath and SciPy.

Tolerances: every function promises a few units in the last place, tails included; asked are 20
eps = 4.4e-15. In the tails SciPy itself is off by up to 2.4e-13 (it rounds x^2), so mpmath judges
there.
"""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from groundup.maths.error_function import (
    erf,
    erfc,
    erfcx,
    normal_cdf,
    normal_log_cdf,
    normal_quantile,
    normal_survival,
)

FEW = 20 * np.finfo(float).eps


def exact(function, x):
    with mpmath.workdps(60):
        return float(function(mpmath.mpf(float(x))))


@pytest.mark.reference
@given(st.one_of(st.floats(-26, 26), st.floats(-1, 1), st.floats(-1e-300, 1e-300)))
def test_they_are_mpmaths_everywhere(x):
    assert abs(erf(x) - exact(mpmath.erf, x)) <= FEW * abs(exact(mpmath.erf, x))
    assert abs(erfc(x) - exact(mpmath.erfc, x)) <= FEW * exact(mpmath.erfc, x)


@pytest.mark.reference
@given(st.floats(-37.4, 37.4))
def test_the_normal_tails_are_mpmaths(z):
    assert abs(normal_cdf(z) - exact(mpmath.ncdf, z)) <= FEW * exact(mpmath.ncdf, z)
    assert normal_survival(z) == normal_cdf(-z)
    log_cdf = exact(
        lambda t: mpmath.log1p(-mpmath.ncdf(-t)) if t > 0 else mpmath.log(mpmath.ncdf(t)), z
    )
    assert abs(normal_log_cdf(z) - log_cdf) <= FEW * abs(log_cdf)


@pytest.mark.reference
def test_the_scaled_one_is_scipys():
    x = np.concatenate([np.linspace(-26, 30, 2001), 10.0 ** np.linspace(-300, 300, 100)])
    # for negative x it is exp(x^2), whose relative error is that of x^2: 26^2 eps
    np.testing.assert_allclose(erfcx(x), special.erfcx(x), rtol=26**2 * 2.3e-16)
    np.testing.assert_allclose(erfcx(x[x > -1]), special.erfcx(x[x > -1]), rtol=FEW)


@pytest.mark.reference
def test_the_quantile_is_scipys():
    p = np.concatenate([10.0 ** np.linspace(-307, 0, 500), np.linspace(0.001, 0.999, 999)])
    p = np.concatenate([p[p < 1], 0.5 + np.array([1e-15, -1e-9, 1e-5])])
    np.testing.assert_allclose(normal_quantile(p), special.ndtri(p), rtol=FEW, atol=1e-300)


@given(st.floats(-37, 37))
def test_the_quantile_undoes_the_cdf(z):
    # a relative error of FEW in p moves z by FEW Phi / phi, which is below FEW (1 + 1 / |z|) for
    # z < 0; for z > 0 the digits of p near 1 are lost, and the survival side is asked instead
    tail = -abs(z)
    assert abs(normal_quantile(normal_cdf(tail)) - tail) <= 2 * FEW * (1 + abs(tail))


@given(st.floats(-40, 40), st.floats(-40, 40))
def test_symmetry_and_order(x, y):
    assert erf(-x) == -erf(x)
    assert normal_cdf(x) + normal_cdf(-x) == pytest.approx(1, abs=FEW)
    low, high = sorted((x, y))
    assert normal_cdf(low) <= normal_cdf(high) * (1 + FEW)


def test_the_ends_and_bad_input():
    ends = [-np.inf, np.inf, np.nan]
    np.testing.assert_array_equal(erf(ends), [-1, 1, np.nan])
    np.testing.assert_array_equal(erfc(ends), [2, 0, np.nan])
    np.testing.assert_array_equal(erfcx(ends), [np.inf, 0, np.nan])
    np.testing.assert_array_equal(normal_cdf(ends), [0, 1, np.nan])
    np.testing.assert_array_equal(normal_log_cdf(ends), [-np.inf, 0, np.nan])
    np.testing.assert_array_equal(
        normal_quantile([0, 1, 0.5, -1, 2, np.nan]), [-np.inf, np.inf, 0, np.nan, np.nan, np.nan]
    )
    assert normal_log_cdf(-1e100) == pytest.approx(-5e199)
    for function in (erf, erfc, erfcx, normal_cdf, normal_log_cdf, normal_quantile):
        with pytest.raises(ValueError, match="real numbers"):
            function("x")
        assert function(np.zeros((0, 3))).shape == (0, 3)
