"""The known matrices against SciPy and NumPy, and what each is known for."""

import numpy as np
import pytest
import scipy.linalg

from groundup.maths.lu import lu
from groundup.maths.special_matrices import (
    companion,
    growing,
    hilbert,
    inverse_hilbert,
    jordan_block,
    vandermonde,
    wilkinson,
)


@pytest.mark.reference
@pytest.mark.parametrize("n", range(1, 12))
def test_they_are_scipys_and_numpys(n):
    assert np.array_equal(hilbert(n), scipy.linalg.hilbert(n))
    assert np.array_equal(inverse_hilbert(n), scipy.linalg.invhilbert(n))
    points = np.linspace(-1, 2, n)
    assert vandermonde(points) == pytest.approx(
        np.vander(points, increasing=True), rel=1e-14, abs=0
    )
    coefficients = np.arange(2.0, n + 3)
    assert np.array_equal(companion(coefficients), scipy.linalg.companion(coefficients))


def test_what_they_are_known_for():
    n = 10
    assert np.abs(lu(growing(n)).upper).max() == 2.0 ** (n - 1)
    block = jordan_block(3.0, 4)
    assert np.linalg.matrix_rank(block - 3 * np.eye(4)) == 3
    W = wilkinson(5)
    assert np.array_equal(np.diag(W), [2, 1, 0, 1, 2])
    assert np.array_equal(W, W.T)
    assert np.linalg.cond(hilbert(8)) > 1e10


def test_small_ones():
    assert hilbert(0).shape == inverse_hilbert(0).shape == wilkinson(0).shape == (0, 0)
    assert growing(0).shape == jordan_block(1.0, 0).shape == (0, 0)
    assert np.array_equal(growing(1), [[1.0]])
    assert np.array_equal(growing(2), [[1.0, 1.0], [-1.0, 1.0]])
    assert np.array_equal(wilkinson(1), [[0.0]])
    assert vandermonde([2.0, 3.0], 4).shape == (2, 4)


def test_bad_input_is_refused():
    for make in (hilbert, inverse_hilbert, wilkinson, growing, lambda n: jordan_block(1.0, n)):
        with pytest.raises(ValueError, match="the size is -1"):
            make(-1)
        with pytest.raises(ValueError, match=r"the size is 2\.5"):
            make(2.5)
    with pytest.raises(ValueError, match="no polynomial with a root"):
        companion([0.0, 1.0])
    with pytest.raises(ValueError, match="no polynomial with a root"):
        companion([3.0])
    with pytest.raises(ValueError, match="points holds NaN"):
        vandermonde([np.nan])
