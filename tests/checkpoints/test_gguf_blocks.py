"""Every format's numbers are bit for bit those of the gguf package."""

import gguf
import numpy as np
import pytest

from groundup.checkpoints.gguf_blocks import FORMATS

QUANTIZED = [number for number, form in FORMATS.items() if form.weights > 1]


def random_blocks(form, count, seed):
    """Blocks of any bytes, but with scales that are numbers."""
    blocks = np.random.default_rng(seed).integers(0, 256, (count, form.bytes), dtype=np.uint8)
    scales = np.random.default_rng(seed + 1).normal(size=(count, 2)).astype("<f2").view(np.uint8)
    if form.name == "Q6_K":
        blocks[:, 208:210] = scales[:, :2]
    elif form.name in ("Q4_1", "Q4_K"):
        blocks[:, :4] = scales
    elif form.weights > 1:
        blocks[:, :2] = scales[:, :2]
    return blocks


@pytest.mark.reference
@pytest.mark.parametrize("number", FORMATS, ids=[form.name for form in FORMATS.values()])
def test_random_blocks_decode_as_in_gguf(number):
    form = FORMATS[number]
    blocks = random_blocks(form, 512, seed=number)
    ours = form.decode(blocks)
    theirs = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType(number)).reshape(ours.shape)
    assert ours.shape == (512, form.weights)
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.reference
@pytest.mark.parametrize("number", FORMATS, ids=[form.name for form in FORMATS.values()])
def test_names_and_sizes_are_those_of_gguf(number):
    kind = gguf.GGMLQuantizationType(number)
    form = FORMATS[number]
    assert (form.name, (form.weights, form.bytes)) == (kind.name, gguf.GGML_QUANT_SIZES[kind])


@pytest.mark.reference
@pytest.mark.parametrize("name", ["Q8_0", "Q4_0", "Q4_1"])
def test_what_gguf_quantizes_comes_back_about_the_same(name):
    """A wrong order of weights inside a block would not pass this one."""
    kind = gguf.GGMLQuantizationType[name]
    weights = np.random.default_rng(0).normal(size=(8, 64)).astype(np.float32)
    form = FORMATS[int(kind)]
    ours = form.decode(gguf.quants.quantize(weights, kind).reshape(-1, form.bytes)).reshape(8, 64)
    assert np.abs(ours - weights).max() < (0.02 if name == "Q8_0" else 0.3)


def test_by_hand():
    q4_1 = np.zeros((1, 20), dtype=np.uint8)
    q4_1[0, :4] = np.array([0.5, 2.0], dtype="<f2").view(np.uint8)
    q4_1[0, 4] = 0x31  # weight 0 is 1, weight 16 is 3
    weights = FORMATS[3].decode(q4_1)[0]
    assert (weights[0], weights[16], weights[1]) == (2.5, 3.5, 2.0)
