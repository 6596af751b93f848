"""The compiled step of k-means does what the plain one does."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.lloyd import lloyd_step
from groundup.kernels import lloyd as fast


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 1300),
    f=st.integers(1, 7),
    k=st.integers(1, 6),
)
def test_it_agrees_with_the_plain_one(seed, n, f, k):
    rng = np.random.default_rng(seed)
    X, weights, centers = rng.normal(size=(n, f)), rng.random(n), rng.normal(size=(k, f))
    plain, compiled = lloyd_step(X, weights, centers), fast.lloyd_step(X, weights, centers)
    assert np.array_equal(plain[0], compiled[0])
    for one, other in zip(plain[1:], compiled[1:], strict=True):
        # sums of up to n terms in another order: n eps of the sum of their sizes, below 5 n
        np.testing.assert_allclose(one, other, rtol=0, atol=n * 2.3e-16 * 5 * n)


def test_of_equally_near_centres_both_take_the_first():
    X, centers = np.zeros((3, 1)), np.array([[1.0], [-1.0], [1.0]])
    for step in (lloyd_step, fast.lloyd_step):
        labels, _, totals = step(X, np.ones(3), centers)
        assert labels.tolist() == [0, 0, 0]
        assert totals.tolist() == [3, 0, 0]


def test_what_is_compiled_is_named():
    assert fast.kernels()
