"""Inner products, angles and projections: the axioms, and accuracy where textbooks lose it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

from groundup.maths.vectors import (
    angle,
    are_orthogonal,
    cosine_similarity,
    inner_product,
    length,
    project,
)

SEED = st.integers(0, 2**32)
W = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 3.0]])


def some(seed, count=3, n=3):
    return np.random.default_rng(seed).standard_normal((count, n))


@given(SEED, st.sampled_from([None, W]))
def test_the_axioms_of_an_inner_product(seed, weight):
    x, y, z = some(seed)
    xy = inner_product(x, y, weight)
    assert xy == pytest.approx(inner_product(y, x, weight), abs=1e-13)
    left = inner_product(2 * x + z, y, weight)
    assert left == pytest.approx(2 * xy + inner_product(z, y, weight), abs=1e-13)
    assert inner_product(x, x, weight) > 0
    # Cauchy and Schwarz
    assert abs(xy) <= length(x, weight) * length(y, weight) * (1 + 1e-14)
    # the parallelogram law holds for lengths that come from an inner product, and no others
    sides = 2 * length(x, weight) ** 2 + 2 * length(y, weight) ** 2
    assert length(x + y, weight) ** 2 + length(x - y, weight) ** 2 == pytest.approx(sides)


@pytest.mark.reference
@given(SEED, st.integers(-150, 150))
def test_they_are_numpys_and_scipys(seed, power):
    x, y, _ = some(seed)
    assert inner_product(x, y) == np.dot(x, y)
    assert inner_product(x, y, W) == pytest.approx(x @ W @ y, abs=1e-13)
    wanted = np.linalg.norm(x) * 10.0**power
    assert length(x * 10.0**power) == pytest.approx(wanted, rel=1e-14, abs=0)
    assert cosine_similarity(x * 10.0**power, y) == pytest.approx(1 - cosine(x, y), abs=1e-14)
    assert angle(x, y) == pytest.approx(math.acos(1 - cosine(x, y)), abs=1e-7)


@given(st.floats(1e-150, math.pi), st.integers(-100, 100))
def test_angles_are_right_to_every_digit(wanted, power):
    """arccos(cos) would give 0 for every angle below 1e-8."""
    y = np.array([math.cos(wanted), math.sin(wanted)]) * 10.0**power
    assert angle([1.0, 0.0], y) == pytest.approx(wanted, rel=1e-14, abs=1e-15 if wanted > 1 else 0)


def test_right_and_straight_angles():
    assert angle([1, 0], [0, 5]) == math.pi / 2
    assert angle([1, 2], [1, 2]) == 0.0
    assert angle([1, 2], [-1, -2]) == math.pi
    assert cosine_similarity([0.1, 0.7], [0.1, 0.7]) <= 1.0


@given(SEED, st.integers(-150, 150))
def test_the_rest_of_a_projection_is_orthogonal(seed, power):
    x, onto, _ = some(seed)
    along = project(x, onto * 10.0**power)
    assert are_orthogonal(x - along, onto, 1e-10)
    assert project(along, onto) == pytest.approx(along, abs=1e-14)
    # no other point of the line is nearer
    assert length(x - along) <= length(x - along - 0.1 * onto) + 1e-14


def test_orthogonal_at_any_scale():
    assert are_orthogonal([1e200, 0.0], [0.0, 1e200])
    assert are_orthogonal([0.0, 0.0], [1.0, 1.0])
    assert not are_orthogonal([1e-200, 1e-200], [1e-200, 0.0])


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="y has 2 entries; wanted 3"):
        inner_product([1, 2, 3], [1, 2])
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        inner_product([1.0, 0.0], [1.0, 0.0], [[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ValueError, match=r"weight has shape \(3, 3\); wanted \(2, 2\)"):
        inner_product([1.0, 0.0], [1.0, 0.0], W)
    with pytest.raises(ValueError, match="x is the zero vector"):
        angle([0, 0], [1, 0])
    with pytest.raises(ValueError, match="onto is the zero vector"):
        project([1, 0], [0, 0])
    with pytest.raises(ValueError, match="NaN or infinity"):
        length([np.nan])
