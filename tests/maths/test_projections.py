"""Projections: the nearest point, by what defines it and by SciPy's solver."""

from functools import partial

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths import projections as p

pytestmark = pytest.mark.slow  # seconds in all, for `make test`

A = np.array([[1.0, 2, -1, 0], [0, 1, 1, 3]])
NORMAL = np.array([1.0, -2, 0.5, 3])
# name: the projection, and whether a point is in the set (to a given slack)
SETS = {
    "box": (
        partial(p.onto_box, low=[-1, 0, -np.inf, 2], high=[1, 0, 3, np.inf]),
        lambda z, e: ((z >= [-1, 0, -np.inf, 2]) & (z <= [1, 0, 3, np.inf])).all(),
    ),
    "ball": (partial(p.onto_ball, radius=1.5), lambda z, e: np.linalg.norm(z) <= 1.5 + e),
    "simplex": (
        partial(p.onto_simplex, total=2.0),
        lambda z, e: (z >= 0).all() and abs(z.sum() - 2) <= e,
    ),
    "l1": (partial(p.onto_l1_ball, radius=1.5), lambda z, e: np.abs(z).sum() <= 1.5 + e),
    "half space": (partial(p.onto_half_space, a=NORMAL, b=0.7), lambda z, e: z @ NORMAL <= 0.7 + e),
    "affine": (
        partial(p.onto_affine, A=A, b=[1.0, -2]),
        lambda z, e: np.abs(A @ z - [1, -2]).max() <= e,
    ),
    "psd": (
        lambda x: p.onto_psd(np.reshape(x + x[[0, 2, 1, 3]], (2, 2)) / 2).ravel(),
        lambda z, e: np.linalg.eigvalsh(z.reshape(2, 2)).min() >= -e,
    ),
}
MEMBERS = pytest.mark.parametrize("name", SETS)
POINTS = st.lists(st.floats(-100, 100), min_size=4, max_size=4).map(np.array)
SLACK = 1e-11  # a dozen roundings of numbers up to 400


@MEMBERS
@settings(max_examples=40)
@given(x=POINTS, y=POINTS)
def test_it_is_in_the_set_stays_there_and_brings_points_no_farther_apart(name, x, y):
    project, holds = SETS[name]
    z, w = project(x), project(y)
    assert holds(z, SLACK)
    assert project(z) == pytest.approx(z, abs=SLACK)
    assert np.linalg.norm(z - w) <= np.linalg.norm(x - y) + SLACK


@MEMBERS
@settings(max_examples=40)
@given(x=POINTS, y=POINTS)
def test_no_point_of_the_set_lies_on_the_side_of_x(name, x, y):
    # z is the projection exactly when (x - z).(w - z) <= 0 for every w of the set
    project, _ = SETS[name]
    if name == "psd":
        x = (x + x[[0, 2, 1, 3]]) / 2
    z, w = project(x), project(y)
    assert (x - z) @ (w - z) <= 1e-9


@pytest.mark.reference
@settings(max_examples=15)
@given(x=st.lists(st.floats(-3, 3), min_size=4, max_size=4).map(np.array))
def test_the_simplex_is_slsqps(x):
    theirs = scipy.optimize.minimize(
        lambda z: ((z - x) ** 2).sum(),
        np.full(4, 0.25),
        jac=lambda z: 2 * (z - x),
        bounds=[(0, None)] * 4,
        constraints={"type": "eq", "fun": lambda z: z.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    # f is 2-strongly convex and SLSQP stops within some 1e-12 of the minimum: |z - z*| <= 1e-6
    assert p.onto_simplex(x) == pytest.approx(theirs.x, abs=1e-5)


def test_large_numbers_do_no_harm():
    assert p.onto_ball([3e200, 4e200], 1.0) == pytest.approx([0.6, 0.8])
    assert p.onto_simplex([1e9, 1e9 + 0.5]).tolist() == [0.25, 0.75]
    assert p.onto_simplex([5.0]).tolist() == [1]
    assert p.onto_ball(np.zeros(3)).tolist() == [0, 0, 0]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="such a box is empty"):
        p.onto_box([1.0], 2.0, 1.0)
    with pytest.raises(ValueError, match="such a box is empty"):
        p.onto_box([1.0], np.nan, 1.0)
    with pytest.raises(ValueError, match="total is 0"):
        p.onto_simplex([1.0], 0)
    with pytest.raises(ValueError, match="radius is -1"):
        p.onto_ball([1.0], -1)
    with pytest.raises(ValueError, match="a is 0"):
        p.onto_half_space([1.0], [0.0], 1)
    with pytest.raises(np.linalg.LinAlgError, match="contradict each other"):
        p.onto_affine([1.0, 2.0], [[1, 1], [1, 1]], [0, 1])
    with pytest.raises(ValueError, match="not symmetric"):
        p.onto_psd([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="x holds NaN"):
        p.onto_simplex([np.nan])
