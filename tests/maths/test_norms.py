"""Norms against numpy.linalg.norm, at every scale; a sum of n terms is right to n eps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.maths.decomposition_family import EVERY, largest, matrices

from groundup.maths.norms import (
    frobenius_norm,
    infinity_norm,
    nuclear_norm,
    one_norm,
    schatten_norm,
    spectral_norm,
    vector_norm,
)

EPS = np.finfo(float).eps
ORDERS = [0, 0.5, 1, 1.5, 2, 3, 7.3, 100, math.inf, -math.inf, -1, -2.5]


@pytest.mark.reference
@pytest.mark.parametrize("p", ORDERS)
@given(
    values=st.lists(st.floats(-100, 100).filter(lambda x: abs(x) > 1e-2), min_size=1, max_size=9)
)
def test_vector_norms_are_numpys(p, values):
    # the power 1/p multiplies the relative error of the sum by 1/|p|, p itself that of its terms
    allowed = 4 * len(values) * EPS * max(1, abs(p), 1 / abs(p) if p else 1) if p != math.inf else 0
    wanted = np.linalg.norm(values, p)
    assert vector_norm(values, p) == pytest.approx(wanted, rel=min(allowed, 1e-12), abs=0)


@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e150, 1e300])
def test_no_scale_is_too_large_or_too_small(p, scale):
    x = np.array([3.0, -4.0, 1.0])
    wanted = vector_norm(x, p) * (scale if p else 1)
    assert vector_norm(x * scale, p) == pytest.approx(wanted, rel=1e-13, abs=0)


@given(matrices(largest=5), st.sampled_from([1, 1.5, 2, 4, math.inf]))
def test_the_axioms(A, p):
    A = A / largest(A)
    x, y = A.ravel(), A.ravel()[::-1]
    slack = 1e-14 * (vector_norm(x, p) + 1)
    assert vector_norm(x + y, p) <= vector_norm(x, p) + vector_norm(y, p) + slack
    assert vector_norm(-2 * x, p) == pytest.approx(2 * vector_norm(x, p))
    assert (vector_norm(x, p) == 0) == (not x.any())
    # Hoelder: |x'y| <= ||x||_p ||y||_q with 1/p + 1/q = 1
    q = 1 if p == math.inf else math.inf if p == 1 else p / (p - 1)
    assert abs(x @ y) <= vector_norm(x, p) * vector_norm(y, q) + slack


@pytest.mark.reference
@pytest.mark.parametrize("A", EVERY.values(), ids=EVERY)
def test_matrix_norms_are_numpys(A):
    scale = largest(A)
    if not A.size:
        assert frobenius_norm(A) == one_norm(A) == infinity_norm(A) == spectral_norm(A) == 0
        return
    pairs = [(frobenius_norm, "fro"), (one_norm, 1), (infinity_norm, np.inf)]
    pairs += [(spectral_norm, 2), (nuclear_norm, "nuc")]
    for ours, order in pairs:
        wanted = np.linalg.norm(A / scale, order)
        # singular values carry n eps ||A|| each, their sum n^2 eps
        assert ours(A) / scale == pytest.approx(wanted, rel=10 * max(A.shape) ** 2 * EPS, abs=0)


@given(matrices())
def test_the_schatten_norms_order_themselves(A):
    A = A / largest(A)
    norms = [schatten_norm(A, p) for p in (1, 1.5, 2, 5, math.inf)]
    assert np.all(np.diff(norms) <= 1e-13 * norms[0])
    assert norms[2] == pytest.approx(frobenius_norm(A), abs=1e-13)
    assert schatten_norm(np.diag([3.0, 0.0, 1.0]), 0) == 2
    # equivalence: ||A||_F <= ||A||_* <= sqrt(rank) ||A||_F
    assert norms[0] <= math.sqrt(min(A.shape)) * norms[2] + 1e-12


def test_corners():
    assert vector_norm([]) == 0.0
    assert vector_norm([0.0, 0.0], 0.5) == 0.0
    assert vector_norm([0.0, 3.0], -1) == 0.0
    assert vector_norm([3, 0, 4], 0) == 2.0
    assert vector_norm(np.array([200, 200], dtype=np.uint8)) == pytest.approx(math.hypot(200, 200))
    assert vector_norm(np.full(10, 1.0), 1e-3) == math.inf  # 10^1000
    assert spectral_norm(np.eye(3) * 1e200) == 1e200


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="p is nan"):
        vector_norm([1.0], math.nan)
    with pytest.raises(ValueError, match="p is -1 for 0 numbers"):
        vector_norm([], -1)
    with pytest.raises(ValueError, match=r"x has shape \(2, 2\)"):
        vector_norm(np.eye(2))
    with pytest.raises(ValueError, match="NaN or infinity"):
        vector_norm([np.inf])
    with pytest.raises(ValueError, match="complex128"):
        frobenius_norm([[1j]])
    with pytest.raises(ValueError, match="p is -1; wanted p >= 0"):
        schatten_norm(np.eye(2), -1)
    with pytest.raises(ValueError, match="wanted a matrix"):
        one_norm([1.0, 2.0])
