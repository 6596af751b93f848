"""The compiled epoch of the perceptron does what the plain one does."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.perceptron import perceptron_epoch
from groundup.kernels import perceptron as fast


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    f=st.integers(1, 6),
    fit_intercept=st.booleans(),
)
def test_it_agrees_with_the_plain_one(seed, n, f, fit_intercept):
    rng = np.random.default_rng(seed)
    # whole numbers, so that sums are exact in any order and no margin is decided by a rounding
    X, signs = rng.integers(-9, 10, size=(n, f)).astype(float), rng.choice([-1.0, 1.0], n)
    steps, order = rng.integers(1, 4, n).astype(float), rng.permutation(n)
    ends = []
    for run in (perceptron_epoch, fast.perceptron_epoch):
        plane = np.zeros(f + 1)
        told = [run(X, signs, steps, plane, order, fit_intercept) for _ in range(2)]
        ends.append((plane.tolist(), told))
    assert ends[0] == ends[1]


def test_what_is_compiled_is_named():
    assert fast.kernels()
