import math

import pytest
import torch
from torch import nn

from groundup.layers.initialization import initialize, initialize_linear, residual_shrink


def drawn(std, shape=(256, 400), seed=0):
    parameter = torch.empty(shape)
    initialize(parameter, std=std, generator=torch.Generator().manual_seed(seed))
    return parameter


@pytest.mark.parametrize(("std", "wanted"), [(0.02, 0.02), (None, 1 / 20), (3.0, 3.0)])
def test_a_matrix_is_normal_with_that_deviation(std, wanted):
    values = drawn(std) / wanted
    assert values.mean().item() == pytest.approx(0, abs=0.02)
    assert values.std().item() == pytest.approx(1, abs=0.02)
    share_within_one = (values.abs() < 1).float().mean().item()
    assert share_within_one == pytest.approx(0.6827, abs=0.01)


def test_the_same_seed_gives_the_same_numbers_and_zero_gives_zeros():
    assert torch.equal(drawn(0.1, seed=5), drawn(0.1, seed=5))
    assert not torch.equal(drawn(0.1, seed=5), drawn(0.1, seed=6))
    assert not drawn(0).any()


def test_a_linear_layer_is_shrunk_and_its_bias_is_zero():
    layer = nn.Linear(400, 256)
    initialize_linear(layer, std=None, shrink=0.5)
    assert layer.weight.std().item() == pytest.approx(1 / 40, rel=0.03)
    assert not layer.bias.any()


def test_writing_to_the_residual_stream():
    assert residual_shrink("scaled", 8) == 1 / math.sqrt(16)
    assert residual_shrink("zero", 8) == 0
