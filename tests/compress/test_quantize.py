"""Which tensor gets which format, what each loses, and that the model of it is the file's."""

import math

import numpy as np
import pytest
import torch

from groundup import swap
from groundup.checkpoints import gguf_encode
from groundup.compress.quantize import (
    QuantizeConfig,
    formats_of,
    quantize,
    relative_error,
)
from groundup.models.gpt import GPT, GPTConfig

SHARED = {"vocab_size": 300, "context": 32, "depth": 2, "width": 64, "heads": 2}


def make(**fields):
    torch.manual_seed(0)
    return GPT(GPTConfig(**{**SHARED, **fields})).eval()


def test_matrices_tables_and_the_rest_get_their_formats():
    model = make(positions="learned", tied=False, attention_bias="all")
    formats = formats_of(model.state_dict(), QuantizeConfig(matrices="Q4_0"))
    assert formats["embedding.weight"] == formats["head.weight"] == "Q8_0"
    assert formats["position.weight"] == formats["norm.weight"] == "F32"
    assert formats["blocks.0.attention.query.bias"] == "F32"
    assert formats["blocks.1.feed_forward.down.weight"] == "Q4_0"
    every = formats_of(model.state_dict(), QuantizeConfig(matrices="Q4_0", tables="F16"))
    assert every["embedding.weight"] == "F16"
    half = formats_of(model.state_dict(), QuantizeConfig(matrices="F16"))
    assert half["embedding.weight"] == half["blocks.0.attention.key.weight"] == "F16"


def test_rows_without_whole_groups_are_kept_in_f16_and_named():
    packed = quantize(make(width=40, heads=2, head_width=32, hidden=64))
    formats = {error.name: error.format for error in packed.errors}
    assert formats["blocks.0.attention.query.weight"] == "F16"  # 40 inputs
    assert formats["blocks.0.attention.output.weight"] == "Q4_1"  # 64 inputs
    assert formats["embedding.weight"] == "F16"
    assert "blocks.0.attention.query.weight" in packed.coarse
    assert "blocks.0.attention.output.weight" not in packed.coarse
    assert quantize(make(), QuantizeConfig(matrices="F16")).coarse == ()


@pytest.mark.parametrize("form", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1"])
def test_errors_are_those_of_the_model_that_comes_out(form):
    model = make()
    packed = quantize(model, QuantizeConfig(matrices=form))
    again = packed.model().state_dict()
    assert list(again) == [error.name for error in packed.errors] == list(model.state_dict())
    for error in packed.errors:
        before, after = model.state_dict()[error.name], again[error.name]
        relative = float((before - after).norm() / before.norm())
        assert error.relative == pytest.approx(relative, rel=1e-4, abs=1e-9)
        assert error.weights == before.numel()
        if relative:
            assert error.snr == pytest.approx(-20 * math.log10(relative), abs=0.01)
    assert packed.bytes == sum(tensor.data.size for tensor in packed.tensors.values())
    # of weights that are drawn alike, 4 bits lose about 7 %, 8 bits 0.5 %
    most = {"F32": 0, "F16": 3e-4, "BF16": 2.5e-3, "Q8_0": 8e-3, "Q4_0": 0.1, "Q4_1": 0.09}
    assert packed.worst(1)[0].relative <= most[form]
    assert (packed.worst(1)[0].relative == 0) is (form == "F32")
    assert packed.relative <= packed.worst(1)[0].relative


def test_four_bits_are_a_seventh_of_float32():
    packed = quantize(make(width=256, vocab_size=256))
    whole = sum(error.weights for error in packed.errors) * 4
    assert 0.13 < packed.bytes / whole < 0.19


def test_the_search_loses_less_in_every_matrix():
    model = make()
    plain = quantize(model, QuantizeConfig(search=False))
    searched = quantize(model, QuantizeConfig(search=True))
    pairs = list(zip(plain.errors, searched.errors, strict=True))
    fewer = [after.relative < before.relative for before, after in pairs if after.format == "Q4_1"]
    assert len(fewer) == 14
    assert all(fewer)


def test_what_is_searched_unless_told():
    model = make()
    for form, searches in (("Q4_1", True), ("Q4_0", False)):
        told = quantize(model, QuantizeConfig(matrices=form, search=searches))
        untold = quantize(model, QuantizeConfig(matrices=form))
        other = quantize(model, QuantizeConfig(matrices=form, search=not searches))
        assert untold.errors == told.errors != other.errors


def test_a_bfloat16_model_is_taken_as_it_is():
    packed = quantize(make().to(torch.bfloat16), QuantizeConfig(matrices="BF16"))
    assert all(error.relative == 0 for error in packed.errors)


def test_a_learners_rounding_decides_alone(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "from groundup.checkpoints.gguf_encode import Groups\n"
        "def quantize_group(weights, form):\n"
        "    zeros = np.zeros(len(weights), np.float32)\n"
        "    return Groups(np.zeros(weights.shape, np.int8), zeros, zeros)\n"
    )
    use = f"checkpoints.gguf_encode:quantize_group={file}"
    with swap.replaced([swap.load(use)]):
        packed = quantize(make())
    for error in packed.errors:
        assert error.relative == (0 if error.format == "F32" else 1)
    assert not swap.is_replaced(gguf_encode.quantize_group)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="matrices is 'q5'; wanted one of F32, F16"):
        QuantizeConfig(matrices="q5")
    with pytest.raises(ValueError, match="tables is 'Q6_K'"):
        QuantizeConfig(tables="Q6_K")
    model = make()
    with torch.no_grad():
        model.blocks[1].feed_forward.up.weight[3, 3] = float("nan")
    with pytest.raises(ValueError, match=r"blocks.1.feed_forward.up.weight cannot be quantised: "):
        quantize(model)


def test_relative_error_by_hand():
    zeros = np.zeros(4, np.float32)
    ones = np.ones(4, np.float32)
    assert relative_error(2 * ones, ones) == 0.5
    assert relative_error(ones, ones) == relative_error(zeros, zeros) == 0
    assert relative_error(zeros, ones) == math.inf
