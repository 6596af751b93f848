"""Line searches: the conditions hold, whatever the function, the direction and the first guess."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths.line_search import EPSILON, backtracking, strong_wolfe

CURVES = {
    "quadratic": (lambda a: (a - 1) ** 2, lambda a: 2 * (a - 1)),
    "quartic": (lambda a: a**4 - 3 * a, lambda a: 4 * a**3 - 3),
    "wavy": (
        lambda a: -a + np.sin(5 * a) / 3 + a**2 / 9,
        lambda a: -1 + 5 * np.cos(5 * a) / 3 + 2 * a / 9,
    ),
    "log barrier": (
        lambda a: -np.log(2 - a) - 3 * a if a < 2 else np.inf,
        lambda a: 1 / (2 - a) - 3,
    ),
    "More and Thuente 1": (lambda a: -a / (a**2 + 2), lambda a: (a**2 - 2) / (a**2 + 2) ** 2),
    "flat then steep": (
        lambda a: (a + 0.004) ** 5 - 2 * (a + 0.004) ** 4,
        lambda a: 5 * (a + 0.004) ** 4 - 8 * (a + 0.004) ** 3,
    ),
}


def one_dimensional(name):
    f, slope = CURVES[name]
    return (lambda x: f(x[0])), (lambda x: np.array([slope(x[0])]))


@pytest.mark.parametrize("name", [name for name in CURVES if name != "wavy"])
@settings(max_examples=40)
@given(first=st.floats(-3, 3), c2=st.sampled_from([0.1, 0.5, 0.9]))
def test_both_wolfe_conditions_hold(name, first, c2):
    f, g = one_dimensional(name)
    first = 10.0**first
    step = strong_wolfe(f, g, [0.0], [1.0], first=first, c2=c2)
    assert step.found, step.message
    start, slope = f([0.0]), g([0.0])[0]
    assert f([step.length]) <= start + 1e-4 * step.length * slope + 4 * EPSILON * abs(start)
    assert abs(g([step.length])[0]) <= c2 * abs(slope)
    assert step.value == f([step.length])
    assert step.gradient == g([step.length])


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31), first=st.floats(-3, 3))
def test_they_hold_along_descent_directions_of_rosenbrock(seed, first):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, size=4)
    g = scipy.optimize.rosen_der(x)
    direction = -g * rng.uniform(0.1, 1, size=4)
    step = strong_wolfe(
        scipy.optimize.rosen, scipy.optimize.rosen_der, x, direction, first=10**first
    )
    there = x + step.length * direction
    assert step.found
    assert (
        scipy.optimize.rosen(there)
        < scipy.optimize.rosen(x) + 1e-4 * step.length * (g @ direction) + 1e-10
    )
    assert abs(scipy.optimize.rosen_der(there) @ direction) <= 0.9 * abs(g @ direction)
    shorter = backtracking(scipy.optimize.rosen, x, direction, g @ direction, first=10**first)
    assert shorter.found
    assert shorter.value <= scipy.optimize.rosen(x)


@pytest.mark.reference
def test_the_length_also_satisfies_scipys_line_search():
    f, g = one_dimensional("quartic")
    theirs = scipy.optimize.line_search(f, g, np.array([0.0]), np.array([1.0]), c2=0.1)[0]
    ours = strong_wolfe(f, g, [0.0], [1.0], c2=0.1)
    assert abs(g([theirs])[0]) <= 0.3
    assert abs(ours.slope) <= 0.3


def test_no_minimum_along_the_line_is_reported():
    step = strong_wolfe(lambda x: -x[0], lambda x: np.array([-1.0]), [0.0], [1.0])
    assert not step.found
    assert "unbounded below" in step.message
    step = strong_wolfe(
        lambda x: -np.inf if x[0] > 3 else -x[0], lambda x: -np.ones(1), [0.0], [1.0]
    )
    assert "unbounded below" in step.message


def test_a_wrong_gradient_is_reported():
    step = strong_wolfe(lambda x: x[0], lambda x: np.array([-1.0]), [0.0], [1.0])
    assert not step.found
    assert "gradient may be wrong" in step.message
    step = backtracking(lambda x: x[0], [0.0], [1.0], -1.0)
    assert not step.found
    assert step.length == 0
    assert "check the gradient" in step.message


def test_backtracking_halves_until_it_falls():
    step = backtracking(lambda x: x[0] ** 2, [1.0], [-2.0], -4.0, first=8.0)
    assert step.length == 0.5
    assert step.value == 0


def test_bad_input_is_refused():
    f, g = one_dimensional("quadratic")
    with pytest.raises(ValueError, match="wanted a finite one below 0"):
        strong_wolfe(f, g, [0.0], [-1.0])
    with pytest.raises(ValueError, match="wanted a finite one below 0"):
        backtracking(f, [0.0], [1.0], 0.0)
    with pytest.raises(ValueError, match="0 < c1 < the other < 1"):
        strong_wolfe(f, g, [0.0], [1.0], c1=0.9, c2=0.1)
    with pytest.raises(ValueError, match="direction has 2 entries"):
        strong_wolfe(f, g, [0.0], [1.0, 2.0])


def test_slopes_whose_square_overflows_are_no_trouble():
    """The cubic's formula squares them; where that is beyond float64, the middle is tried."""
    step = strong_wolfe(
        lambda x: 1e200 * (x[0] - 0.3) ** 2,
        lambda x: np.array([2e200 * (x[0] - 0.3)]),
        [0.0],
        [1.0],
        c2=0.1,
    )
    assert step.found
    assert step.length == pytest.approx(0.3, rel=0.2)
