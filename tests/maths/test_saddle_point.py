"""Poisson and binomial kernels against mpmath at 60 digits, also where logarithms would lose all.

Tolerance: absolute error of the logarithm 4 eps (1 + its parts), the parts being the value itself
and, below ten, a log x of at most 10 * 700.
"""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.maths.saddle_point import deviance, log_binomial_kernel, log_poisson_kernel
from groundup.maths.tail_quadrature import (
    exp_minus_linear,
    log1mexp,
    log1p_minus_linear,
    tail_length,
    tail_mass,
)

EPS = np.finfo(float).eps
POSITIVE = st.floats(-3, 12).map(lambda power: 10.0**power)


@pytest.mark.reference
@given(POSITIVE, st.one_of(st.floats(-2, 2), st.floats(-1e-6, 1e-6)))
def test_the_deviance_has_no_cancellation(m, log_ratio):
    x = m * np.exp(log_ratio)
    with mpmath.workdps(60):
        big_x, big_m = mpmath.mpf(x), mpmath.mpf(m)
        wanted = float(big_x * mpmath.log(big_x / big_m) + big_m - big_x)
    assert deviance(x, m) == pytest.approx(wanted, rel=40 * EPS, abs=0)
    assert deviance(m, m) == 0


@pytest.mark.reference
@given(POSITIVE, st.floats(-8, 8))
def test_the_poisson_kernel_is_mpmaths(a, deviations):
    x = abs(a + deviations * np.sqrt(a)) + 1e-6
    with mpmath.workdps(60):
        wanted = float(a * mpmath.log(x) - mpmath.mpf(x) - mpmath.loggamma(mpmath.mpf(a) + 1))
    assert abs(log_poisson_kernel(a, x) - wanted) <= 20 * EPS * (2 + abs(wanted) + min(a, 10) * 20)


@pytest.mark.reference
@given(POSITIVE, POSITIVE, st.floats(-6, 6))
def test_the_binomial_kernel_is_mpmaths(a, b, deviations):
    share = a / (a + b)
    x = share + deviations * np.sqrt(share * (1 - share) / (a + b))
    x = float(np.clip(x, share / 3, 1 - (1 - share) / 3))
    y = 1 - x
    with mpmath.workdps(60):
        big_a, big_b = mpmath.mpf(a), mpmath.mpf(b)
        # y is rounded: what the function is given is (x, y), so that is what mpmath gets
        wanted = float(
            mpmath.loggamma(big_a + big_b + 1)
            - mpmath.loggamma(big_a + 1)
            - mpmath.loggamma(big_b + 1)
            + big_a * mpmath.log(x)
            + big_b * mpmath.log(y)
        )
    # rounding in n x and n y: eps times the slopes |a - n x| and |b - n y|
    slope = abs(a - (a + b) * x) + abs(b - (a + b) * y)
    # x + y = 1 holds to eps only, which a + b magnifies

    tolerance = 40 * EPS * (20 + abs(wanted) + slope + min(a, b, 10) * 40) + (a + b) * EPS
    assert abs(log_binomial_kernel(a, b, x, y) - wanted) <= tolerance


def test_edges_of_the_kernels():
    np.testing.assert_array_equal(log_poisson_kernel([0.0, 1.0], 0.0), [0, -np.inf])
    assert log_poisson_kernel(3.0, np.inf) == -np.inf
    np.testing.assert_array_equal(
        log_binomial_kernel(
            [0.0, 1.0, 5.0, 5.0], [5.0, 5.0, 0.0, 1.0], [0.0, 0, 1, 1], [1.0, 1, 0, 0]
        ),
        [0, -np.inf, 0, -np.inf],
    )


@pytest.mark.reference
@given(st.floats(-0.9, 20).filter(lambda w: w == 0 or abs(w) > 1e-150), st.floats(-8, 1))
def test_small_differences_keep_their_digits(w, power):
    s = float(np.sign(w) * 10.0**power)
    with mpmath.workdps(400):
        grown = float(mpmath.exp(s) - 1 - mpmath.mpf(s))
        bent = float(mpmath.log(1 + mpmath.mpf(w)) - w)
        near = float(mpmath.log(1 + mpmath.mpf(s)) - s) if s > -0.9 else None
    assert exp_minus_linear(np.array(s)) == pytest.approx(grown, rel=40 * EPS)
    assert log1p_minus_linear(np.array(w)) == pytest.approx(bent, rel=40 * EPS, abs=0)
    if near is not None:
        assert log1p_minus_linear(np.array(s)) == pytest.approx(near, rel=40 * EPS)


def test_log1mexp_and_a_known_tail():
    log_p = np.array([-1e-20, -0.5, -1.0, -50.0, -np.inf, 0.0])
    wanted = [
        np.log(1e-20),
        np.log(-np.expm1(-0.5)),
        np.log1p(-np.exp(-1)),
        -np.exp(-50),
        0,
        -np.inf,
    ]
    np.testing.assert_allclose(log1mexp(log_p), wanted, rtol=1e-15)
    # integral of exp(-g s - c s^2 / 2): a normal tail
    slope, curvature = np.array([0.0, 2.0, 300.0]), np.array([1.0, 3.0, 1e-3])
    mass = tail_mass(
        lambda s: -slope[:, None] * s - curvature[:, None] * s * s / 2,
        tail_length(slope, curvature),
    )
    with mpmath.workdps(30):
        known = [
            float(
                mpmath.sqrt(mpmath.pi / (2 * c))
                * mpmath.exp(mpmath.mpf(g) ** 2 / (2 * c))
                * mpmath.erfc(g / mpmath.sqrt(2 * mpmath.mpf(c)))
            )
            for g, c in zip(slope, curvature, strict=True)
        ]
    np.testing.assert_allclose(mass, known, rtol=1e-13)
