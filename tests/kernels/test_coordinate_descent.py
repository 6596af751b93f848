"""The compiled pass of coordinate descent does what the plain one does."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.coordinate_descent import coordinate_pass
from groundup.kernels import coordinate_descent as fast


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    f=st.integers(1, 15),
    l1=st.sampled_from([0.0, 0.5, 5.0]),
    l2=st.sampled_from([0.0, 1.0]),
    positive=st.booleans(),
)
def test_it_agrees_with_the_plain_one(seed, n, f, l1, l2, positive):
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(f, n))
    columns[rng.random(f) < 0.1] = 0.0
    squares = (columns**2).sum(axis=1)
    squares_safe = np.where(squares < 0.01, 0.0, squares)  # else roundings grow beyond bounds
    coef, y = rng.normal(size=f), rng.normal(size=n)
    ends = []
    for run in (coordinate_pass, fast.coordinate_pass):
        w, residual = coef.copy(), y - coef @ columns
        moved = run(columns, squares_safe, residual, w, l1, l2, positive)
        ends.append(np.concatenate([w, residual, moved]))
    # f updates whose dot products, in another order, differ by n eps of terms below 100; each is
    # divided by at least 0.01 and enters the next ones
    np.testing.assert_allclose(ends[0], ends[1], rtol=0, atol=1e-8)


def test_what_is_compiled_is_named():
    assert fast.kernels()
