import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.checkpoints import gguf_encode
from groundup.checkpoints.gguf_blocks import Tensor
from groundup.inference.packed_weights import LOSSLESS, nbytes, pack, side_by_side, unpack


def tensor(weights, form):
    data = gguf_encode.encode(weights, form).reshape(-1)
    return Tensor("t", weights.shape, gguf_encode.FORMATS_BY_NAME[form], data)


def random_weights(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


@given(
    form=st.sampled_from(LOSSLESS), rows=st.integers(1, 40), groups=st.integers(1, 3),
    seed=st.integers(0, 99), scale=st.sampled_from([1e-6, 1.0, 1e3]),
)  # fmt: skip
def test_packing_loses_nothing(form, rows, groups, seed, scale):
    packed = tensor(random_weights(rows, 32 * groups, seed) * np.float32(scale), form)
    np.testing.assert_array_equal(unpack(pack(packed)), packed.array())


def test_all_values_of_a_byte_survive():
    data = np.random.default_rng(0).integers(0, 256, (16, 4, 34), dtype=np.uint8)
    data[..., :2] = np.array([1.5], "<f2").view(np.uint8)
    packed = Tensor("t", (16, 128), gguf_encode.FORMATS_BY_NAME["Q8_0"], data.reshape(-1))
    assert packed.array().min() == -128 * 1.5
    np.testing.assert_array_equal(unpack(pack(packed)), packed.array())


def test_the_order_is_the_kernels():
    weights = np.zeros((17, 64), np.float32)
    weights[16, 32 + 9] = 127  # second tile, row 0; second group; step 2, place 1
    matrix = pack(tensor(weights, "Q8_0"))
    assert matrix.quants.shape == (2, 2, 8, 16, 4)
    assert [place.tolist() for place in np.nonzero(matrix.quants == 255)] == [
        [1],
        [1],
        [2],
        [0],
        [1],
    ]
    weights[16, 32] = 1  # not all zero: the group has a range
    matrix = pack(tensor(np.pad(weights[:, :48], ((0, 0), (0, 16))), "Q4_1"))
    assert matrix.quants.shape == (2, 2, 4, 16, 4)
    assert matrix.quants[1, 1, 2, 0, 1] == 15  # place 9 is a low half, 25 would be a high one


@pytest.mark.parametrize("form", ["F32", "F16", "BF16"])
def test_other_formats_become_8_bits_or_what_is_asked(form):
    weights = random_weights(5, 64)
    matrix = pack(tensor(weights, form))
    step = np.abs(weights).reshape(5, 2, 32).max(-1).repeat(32, -1) / 127
    assert matrix.bits == 8
    assert (np.abs(unpack(matrix) - weights) < 0.51 * step + 0.01 * np.abs(weights)).all()
    assert pack(tensor(weights, form), "Q4_1").bits == 4


def test_4_bits_take_five_and_8_bits_eight_and_a_half():
    weights = random_weights(32, 64)
    assert nbytes(pack(tensor(weights, "Q4_0"))) == 32 * 64 * 5 / 8
    assert nbytes(pack(tensor(weights, "Q8_0"))) == 32 * 64 * 8.5 / 8


def test_side_by_side_are_the_same_matrices_in_one_piece():
    matrices = [pack(tensor(random_weights(n, 32), form)) for n, form in enumerate(LOSSLESS, 20)]
    copies = side_by_side(matrices)
    for matrix, copy in zip(matrices, copies, strict=True):
        np.testing.assert_array_equal(unpack(copy), unpack(matrix))
        assert copy.quants.ctypes.data % 64 == 0
        assert copy.quants.base is copies[0].quants.base
    assert copies[1].quants.ctypes.data > copies[0].scales.ctypes.data
    assert side_by_side([]) == []


def test_rows_that_are_no_whole_groups_are_refused():
    with pytest.raises(ValueError, match="'t' has rows of 40 weights; wanted a multiple of 32"):
        pack(tensor(random_weights(4, 40), "F32"))


def test_an_offset_beyond_float16_is_refused():
    weights = np.full((16, 32), 300000, np.float32)  # d = -37500, so m = -8 d does not fit
    with pytest.raises(ValueError, match="beyond float16's range"):
        pack(tensor(weights, "Q4_0"))
