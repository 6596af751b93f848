import numpy as np
import pytest

from groundup.classical import smo as plain
from groundup.kernels import smo as fast


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("n", [2, 3, 60])
def test_both_twins_take_the_same_steps(n, copies):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, n))
    signs = np.where(np.arange(n * copies) % 2 == 0, 1.0, -1.0)
    scores = rng.normal(size=n * copies) + signs
    arguments = (X @ X.T / n, signs, scores, rng.uniform(0, 3, n * copies), 1e-9, 5000)
    one, other = fast.smo(*arguments), plain.smo(*arguments)
    assert one[2] == other[2]
    for mine, theirs in zip(one[:2], other[:2], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-11)  # a rounding of 5 a step


def test_where_nothing_may_move_nothing_does():
    for step in (fast.smo, plain.smo):
        alpha, _, steps = step(np.eye(2), np.ones(2), np.ones(2), np.ones(2), 1e-3, 10)
        assert steps == 0
        assert alpha.tolist() == [0, 0]
        alpha, _, steps = step(np.eye(2), np.array([1.0, -1]), np.ones(2), np.zeros(2), 1e-3, 10)
        assert steps == 0


def test_what_is_compiled_is_named():
    assert fast.kernels()
