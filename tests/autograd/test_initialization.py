"""How weights begin: moments as torch's, and signals that keep their size."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.autograd.initialization import (
    GAINS,
    fans,
    gain,
    he_normal,
    he_uniform,
    orthogonal,
    torch_default,
    xavier_normal,
    xavier_uniform,
)

SHAPE = (300, 200)
NAMES = {
    "xavier_normal": (xavier_normal, torch.nn.init.xavier_normal_),
    "xavier_uniform": (xavier_uniform, torch.nn.init.xavier_uniform_),
    "he_normal": (he_normal, lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
    "he_uniform": (he_uniform, lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu")),
}


@pytest.mark.reference
@pytest.mark.parametrize("name", NAMES)
def test_moments_are_torchs(name):
    """60,000 draws: a standard deviation is known to 1 / sqrt(2 n) = 0.3 %; ten of them."""
    ours, torchs = NAMES[name]
    a, b = ours(SHAPE, np.random.default_rng(0)), torchs(torch.empty(SHAPE)).numpy()
    assert a.dtype == np.float32
    assert a.std() == pytest.approx(b.std(), rel=0.03)
    assert abs(a.mean()) < 5 * a.std() / math.sqrt(a.size)
    if "uniform" in name:
        assert np.abs(a).max() == pytest.approx(np.abs(b).max(), rel=0.01)
    else:
        assert (a**4).mean() / a.var() ** 2 == pytest.approx(3, rel=0.05)  # kurtosis of a normal


@pytest.mark.reference
def test_fans_and_gains_are_torchs():
    for shape in ((4, 3), (4, 3, 5), (4, 3, 5, 2)):
        assert fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    for name in GAINS:
        assert gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    with pytest.raises(ValueError, match="no gain for 'gelu'"):
        gain("gelu")
    with pytest.raises(ValueError, match="no inputs and outputs"):
        fans((3,))


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.1, 3))
def test_orthogonal_has_equal_singular_values(rows, columns, size):
    w = orthogonal((rows, columns), np.random.default_rng(0), size, np.float64)
    np.testing.assert_allclose(np.linalg.svd(w, compute_uv=False), size, rtol=1e-12)


def test_orthogonal_of_windows_and_uniform_signs():
    w = orthogonal((4, 3, 2, 2), np.random.default_rng(0), dtype=np.float64)
    flat = w.reshape(4, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(4), atol=1e-12)
    first = [orthogonal((3, 3), np.random.default_rng(i))[0, 0] for i in range(200)]
    assert 70 <= sum(value > 0 for value in first) <= 130  # 200 fair coins: within 4 deviations


def relu_depth(make, layers=30, width=256):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, width))
    for _ in range(layers):
        x = np.maximum(x @ make((width, width), rng).T, 0)
    return float(np.sqrt((x * x).mean()))


def test_what_happens_without():
    """Through 30 ReLU layers: He keeps the size, Xavier loses half the power a layer."""
    assert 0.3 < relu_depth(he_normal) < 3
    assert relu_depth(xavier_normal) == pytest.approx(2**-15, rel=2)
    assert relu_depth(lambda shape, rng: rng.standard_normal(shape)) > 1e30
    assert relu_depth(lambda shape, rng: rng.standard_normal(shape) * 0.01) < 1e-25


def test_torchs_default_bounds():
    w = torch_default((50, 25), np.random.default_rng(0), 25)
    assert np.abs(w).max() <= 0.2
    assert np.abs(w).max() > 0.19
    assert not torch_default((3, 0), np.random.default_rng(0), 0).size
