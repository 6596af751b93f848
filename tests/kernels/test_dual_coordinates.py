"""The compiled pass over the dual of a linear machine does what the plain one does."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.dual_coordinates import dual_pass
from groundup.kernels import dual_coordinates as fast


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 40),
    f=st.integers(1, 6),
    is_hinge=st.booleans(),
)
def test_it_agrees_with_the_plain_one(seed, n, f, is_hinge):
    rng = np.random.default_rng(seed)
    X, signs = rng.normal(size=(n, f)), rng.choice([-1.0, 1.0], n)
    X[: n // 8] = 0.0  # rows that move nothing
    diagonal = np.zeros(n) if is_hinge else rng.uniform(0.5, 2, n)
    upper = rng.uniform(0.5, 2, n) if is_hinge else np.full(n, np.inf)
    order, ends = rng.permutation(n), []
    for run in (dual_pass, fast.dual_pass):
        alpha, w, slopes = np.zeros(n), np.zeros(f), np.zeros(n)
        for _ in range(3):
            told = run(X, signs, diagonal, upper, alpha, w, order, slopes)
        ends.append(np.concatenate([alpha, w, slopes, told]))
    # dot products in another order differ by f eps; a row's multiplier is that over its squared
    # length, which may be small, but then its box or diagonal holds it
    np.testing.assert_allclose(ends[0], ends[1], rtol=0, atol=1e-7)


def test_what_is_compiled_is_named():
    assert fast.kernels()
