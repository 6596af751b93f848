"""Weights become, byte for byte, what the gguf package makes of them; the search lowers errors."""

import gguf as judge
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from groundup import swap
from groundup.checkpoints.gguf_encode import (
    ENCODED,
    FORMATS_BY_NAME,
    Groups,
    dequantize_group,
    encode,
    pack,
    quantize_group,
    search_group,
    unpack,
)

QUANTIZED = ("Q8_0", "Q4_0", "Q4_1")
weights = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.sampled_from([32, 64, 96])),
    elements=st.one_of(
        st.just(0.0),
        st.floats(-8, 8, width=32).filter(lambda x: x == 0 or abs(x) > 1e-30),
        st.sampled_from([0.5, 1.0, -1.0, 1e-6, 3000.0]),
    ),
)


def theirs(array, form):
    kind = judge.GGMLQuantizationType[form]
    return (
        judge.quants.quantize(array, kind).view(np.uint8).reshape(-1, FORMATS_BY_NAME[form].bytes)
    )


@pytest.mark.reference
@pytest.mark.parametrize("form", ENCODED)
@settings(max_examples=20)
@given(array=weights)
def test_bytes_are_those_of_gguf(form, array):
    np.testing.assert_array_equal(encode(array, form), theirs(array, form))


@pytest.mark.reference
@pytest.mark.parametrize("form", ENCODED)
def test_bytes_are_those_of_gguf_on_many_weights(form):
    rng = np.random.default_rng(0)
    array = (rng.standard_t(4, size=(300, 512)) * rng.lognormal(size=(300, 1))).astype(np.float32)
    ours = encode(array, form)
    np.testing.assert_array_equal(ours, theirs(array, form))
    assert ours.dtype == np.uint8


@pytest.mark.parametrize("form", QUANTIZED)
@settings(max_examples=20)
@given(array=weights)
def test_blocks_decode_to_the_groups_they_were_made_of(form, array):
    groups = quantize_group(array.reshape(-1, 32), form)
    blocks = pack(groups, form)
    again = unpack(blocks, form)
    for name in ("quants", "scales", "offsets"):
        np.testing.assert_array_equal(getattr(again, name), getattr(groups, name))
    np.testing.assert_array_equal(FORMATS_BY_NAME[form].decode(blocks), dequantize_group(groups))
    np.testing.assert_array_equal(pack(again, form), blocks)


@pytest.mark.parametrize("form", QUANTIZED)
@settings(max_examples=20)
@given(array=weights)
def test_a_weight_moves_by_at_most_half_a_step(form, array):
    groups = quantize_group(array.reshape(-1, 32), form)
    error = np.abs(dequantize_group(groups) - array.reshape(-1, 32))
    step = np.abs(groups.scales)[:, None]
    # float16 shifts the whole group by up to 2^-11 of its largest number, or by its smallest one;
    # Q4_0 has no +8, so what is far out on the other side moves by a whole step
    size = np.abs(array.reshape(-1, 32)).max(-1)[:, None]
    most = (1 if form == "Q4_0" else 0.5) * step + size / 1000 + 2e-6
    assert (error <= most).all()


@pytest.mark.parametrize("form", QUANTIZED)
@settings(max_examples=20)
@given(array=weights)
def test_the_search_makes_no_group_worse(form, array):
    groups = array.reshape(-1, 32)
    plain = ((dequantize_group(quantize_group(groups, form)) - groups) ** 2).sum(-1)
    searched = ((dequantize_group(search_group(groups, form)) - groups) ** 2).sum(-1)
    assert (searched <= plain * (1 + 1e-5)).all()


@pytest.mark.parametrize(("form", "gain"), [("Q4_0", 0.90), ("Q4_1", 0.93)])
def test_the_search_lowers_the_error_of_normal_weights(form, gain):
    groups = np.random.default_rng(0).normal(size=(4096, 32)).astype(np.float32)
    plain = np.square(dequantize_group(quantize_group(groups, form)) - groups).mean()
    assert np.square(dequantize_group(search_group(groups, form)) - groups).mean() < gain * plain


@pytest.mark.parametrize("form", QUANTIZED)
def test_what_a_format_holds_comes_back_exactly(form):
    """Weights that were read from such a file lose nothing when they are written again."""
    rng = np.random.default_rng(1)
    low, high = {"Q8_0": (-127, 127), "Q4_0": (-8, 7), "Q4_1": (0, 15)}[form]
    quants = rng.integers(low, high + 1, size=(64, 32)).astype(np.int8)
    quants[:, 0], quants[:, 1] = low, high
    scales = rng.uniform(0.01, 1, 64).astype(np.float16).astype(np.float32)
    offsets = (rng.normal(size=64) if form == "Q4_1" else np.zeros(64)).astype(np.float16)
    before = dequantize_group(Groups(quants, scales, offsets.astype(np.float32)))
    for choose in (quantize_group, search_group):
        after = dequantize_group(choose(before, form))
        np.testing.assert_allclose(after, before, rtol=0, atol=2e-6 if form == "Q4_1" else 0)


def test_by_hand():
    row = np.zeros(32, np.float32)
    row[:3] = -8, 7, 0.4
    groups = quantize_group(row[None], "Q4_0")
    assert groups.scales.tolist() == [1.0]
    assert groups.quants[0, :3].tolist() == [-8, 7, 0]
    row[:3] = 15, 1, 7.6
    groups = quantize_group(row[None], "Q4_1")
    assert (groups.scales.tolist(), groups.offsets.tolist()) == ([1.0], [0.0])
    assert groups.quants[0, :3].tolist() == [15, 1, 8]


def test_zeros_stay_zeros_and_no_rows_have_no_bytes():
    for form in ENCODED:
        size = FORMATS_BY_NAME[form].bytes
        zeros = encode(np.zeros((2, 64), np.float32), form)
        assert not FORMATS_BY_NAME[form].decode(zeros).any()
        assert encode(np.zeros((0, 64), np.float32), form).shape == (0, size)


@pytest.mark.parametrize(
    ("array", "form", "words"),
    [
        (np.ones((2, 33)), "Q4_0", "a row has 33 weights; Q4_0 wants a multiple of 32"),
        (np.ones(32), "Q6_K", "cannot be written as 'Q6_K'; wanted F32, F16"),
        (np.full(32, np.nan), "Q8_0", "not all finite"),
        (np.full(32, np.inf), "F32", "not all finite"),
        (np.full(32, 1e5), "F16", "a weight is 1e\\+05, beyond F16; choose BF16"),
        (np.full(32, 1e9), "Q8_0", "a weight is 1e\\+09; its scale is beyond float16"),
        (np.full(32, -7e4), "Q4_1", "its scale is beyond float16"),
    ],
)
def test_what_cannot_be_written_is_refused(array, form, words):
    with pytest.raises(ValueError, match=words):
        encode(array.astype(np.float32), form)


def test_a_function_in_place_of_the_formula_runs_and_is_checked(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "from groundup.checkpoints.gguf_encode import Groups\n"
        "def quantize_group(weights, form):\n"
        "    scales = np.ones(len(weights), np.float32)\n"
        "    return Groups(np.full(weights.shape, 3, np.int8), scales, 0 * scales)\n"
    )
    use = f"checkpoints.gguf_encode:quantize_group={file}"
    array = np.random.default_rng(0).normal(size=(2, 32)).astype(np.float32)
    with swap.replaced([swap.load(use)]):
        assert (FORMATS_BY_NAME["Q4_1"].decode(encode(array, "Q4_1")) == 3).all()
    wrong = lambda w, form: Groups(np.full(w.shape, 99, np.int8), w[:, 0], w[:, 0])  # noqa: E731
    with pytest.raises(ValueError, match="quants run from 99 to 99; Q4_0 has room for -8 to 7"):
        encode(array, "Q4_0", wrong)
    short = lambda w, form: Groups(np.zeros((1, 8), np.int8), w[:, 0], w[:, 0])  # noqa: E731
    with pytest.raises(ValueError, match=r"2 groups of 32 weights became quants of the shape"):
        encode(array, "Q4_0", short)
