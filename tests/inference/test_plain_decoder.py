import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.checkpoints import gguf_encode
from groundup.checkpoints.gguf_blocks import Tensor
from groundup.inference import plain_decoder
from groundup.inference.packed_weights import pack, unpack
from groundup.layers import positions
from groundup.layers.attention import attend
from groundup.layers.normalization import rms_norm


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def matrix(rows, columns, form, seed=0):
    data = gguf_encode.encode(normal(rows, columns, seed=seed), form).reshape(-1)
    return pack(Tensor("t", (rows, columns), gguf_encode.FORMATS_BY_NAME[form], data))


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=64, max_size=64))
def test_groups_are_rounded_to_the_nearest_of_255_numbers(numbers):
    x = np.array([numbers], np.float32)
    p, a = plain_decoder.round_groups(x)
    assert p.shape == (1, 2, 32)
    assert (p == np.rint(p)).all()
    assert np.abs(p).max() <= 127
    error = np.abs(p * a[..., None] - x.reshape(1, 2, 32))
    assert (error <= 0.5001 * a[..., None] + 1e-30).all()


def test_a_group_of_zeros_stays_zero():
    p, a = plain_decoder.round_groups(np.zeros((2, 32), np.float32))
    assert not p.any()
    assert not a.any()


@pytest.mark.parametrize("form", ["Q4_0", "Q4_1", "Q8_0"])
def test_a_product_is_that_of_the_rounded_numbers(form):
    weights, x, bias = matrix(20, 96, form), normal(3, 96), normal(20)
    p, a = plain_decoder.round_groups(x)
    rounded = (p * a[..., None]).reshape(3, 96)
    expected = rounded.astype(np.float64) @ unpack(weights).T.astype(np.float64) + bias
    np.testing.assert_allclose(plain_decoder.product(weights, x, bias), expected, atol=3e-5)


def test_a_product_is_near_that_of_the_numbers_themselves():
    weights, x = matrix(20, 96, "Q4_1"), normal(3, 96)
    steps = np.abs(x).reshape(3, 3, 32).max(-1).repeat(32, -1) / 254  # half a step of each number
    bound = steps @ np.abs(unpack(weights)).T
    error = np.abs(plain_decoder.product(weights, x) - x @ unpack(weights).T)
    assert (error < bound).all()
    assert error.max() > 0


def test_norm_rotation_silu_and_attention_are_the_layers():
    x, gains = normal(5, 32), normal(32, seed=1)
    tensor = torch.from_numpy
    expected = rms_norm(tensor(x), tensor(gains), 1e-5).numpy()
    np.testing.assert_allclose(plain_decoder.rms_norm(x, gains, 1e-5), expected, rtol=1e-5)
    cosine, sine = positions.rotary_tables(5, 16)
    heads = normal(5, 3, 16)
    turned = positions.rotate(tensor(heads), cosine, sine).numpy()
    ours = plain_decoder.rotate(heads, cosine.numpy(), sine.numpy())
    np.testing.assert_allclose(ours, turned, atol=1e-6)
    expected = torch.nn.functional.silu(tensor(x)).numpy()
    np.testing.assert_allclose(plain_decoder.silu(x), expected, rtol=1e-5, atol=1e-7)
    q, k, v = normal(4, 16), normal(7, 2, 16, seed=1), normal(7, 2, 16, seed=2)
    batch = [tensor(array).unsqueeze(0) for array in (q[None], k, v)]
    expected = attend(*(array.transpose(1, 2) for array in batch), None, True)[0, :, 0].numpy()
    np.testing.assert_allclose(plain_decoder.attend(q, k, v), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", ["Q4_1", "Q8_0"])
def test_rows_are_unpacked_one_by_one(form):
    weights, rows = matrix(20, 64, form), np.array([19, 0, 19, 7], np.int32)
    np.testing.assert_array_equal(plain_decoder.unpack_rows(weights, rows), unpack(weights)[rows])
