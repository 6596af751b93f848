"""Continued fractions and bounded Newton on many elements: known values, rounding, hard starts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.maths.elementwise_iteration import bounded_newton, continued_fraction


def test_known_fractions():
    golden = continued_fraction(
        lambda k, x: (np.ones_like(x), np.ones_like(x)), np.ones(3), np.ones(3)
    )
    np.testing.assert_allclose(golden, (1 + math.sqrt(5)) / 2, rtol=1e-15)
    # tan x = x / (1 - x^2 / (3 - x^2 / (5 - ...)))
    x = np.array([1e-8, 0.3, 1.5, 1.57, 3.0])
    below = continued_fraction(lambda k, x: (-x * x, np.full_like(x, 2 * k + 1.0)), np.ones(5), x)
    # near its pole the tangent magnifies the rounding of x by 1 / (pi/2 - x) = 1e3
    np.testing.assert_allclose(x / below, np.tan(x), rtol=1e-12)
    assert continued_fraction(lambda k: (1.0, 1.0), np.ones(0)).shape == (0,)


@given(st.floats(-300, 300), st.floats(-600, 600))
def test_newton_arrives_from_anywhere(root, start):
    """log(1 + e^(u - root)) = log 2 is flat on the left and straight on the right."""

    def gap_and_slope(u, root):
        return np.logaddexp(0, u - root) - math.log(2), 1 / (1 + np.exp(np.minimum(root - u, 700)))

    found = bounded_newton(gap_and_slope, np.array([start]), -700.0, 700.0, np.array([root]))
    assert found[0] == pytest.approx(root, rel=1e-14, abs=1e-14)


def test_rounding_near_the_root_does_not_throw_it_far_away():
    """A gap with noise of 1e-12 once sent a step outside its bounds to their far middle."""
    noise = np.random.default_rng(0)

    def gap_and_slope(u, root):
        steep = 1e12
        return steep * (u - root) + noise.uniform(-1, 1, u.shape) * 1e-2, np.full_like(u, steep)

    roots = np.linspace(20, 40, 200)
    found = bounded_newton(gap_and_slope, roots + 1, -745.0, 709.0, roots)
    np.testing.assert_allclose(found, roots, atol=1e-12)


def test_elements_do_not_disturb_each_other():
    def gap_and_slope(u, power):
        return u**power - 2, power * u ** (power - 1)

    powers = np.array([1.0, 2.0, 3.0, 17.0])
    together = bounded_newton(gap_and_slope, np.full(4, 1.9), 0.5, 3.0, powers)
    alone = [
        bounded_newton(gap_and_slope, np.array([1.9]), 0.5, 3.0, powers[i : i + 1])[0]
        for i in range(4)
    ]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_allclose(together, 2 ** (1 / powers), rtol=1e-15)
