import math

import pytest
import torch

from groundup.layers.positions import RotaryScaling, rotary_tables, rotate


def test_tables_hold_the_cosines_and_sines_of_the_formula():
    cos_TP, sin_TP = rotary_tables(7, 6, base=100.0)
    for t in range(7):
        for p in range(3):
            angle = t * 100.0 ** (-2 * p / 6)
            assert cos_TP[t, p].item() == pytest.approx(math.cos(angle), abs=1e-6)
            assert sin_TP[t, p].item() == pytest.approx(math.sin(angle), abs=1e-6)


def test_a_pair_half_a_width_apart_is_turned():
    x_BTHD = torch.tensor([1.0, 10.0, 2.0, 20.0]).view(1, 1, 1, 4)
    angle_TP = torch.tensor([[0.3, 1.1]])
    turned = rotate(x_BTHD, angle_TP.cos(), angle_TP.sin()).flatten()
    for p, (a, b, angle) in enumerate(((1.0, 2.0, 0.3), (10.0, 20.0, 1.1))):
        wanted = complex(a, b) * complex(math.cos(angle), math.sin(angle))
        assert turned[p].item() == pytest.approx(wanted.real, abs=1e-5)
        assert turned[p + 2].item() == pytest.approx(wanted.imag, abs=1e-5)


def test_products_depend_on_the_distance_alone_and_lengths_stay():
    cos_TP, sin_TP = (table.double() for table in rotary_tables(32, 16))
    q, k = torch.randn(2, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    q_THD = rotate(q.expand(1, 32, 1, 16), cos_TP, sin_TP)[0, :, 0]
    k_THD = rotate(k.expand(1, 32, 1, 16), cos_TP, sin_TP)[0, :, 0]
    product_TT = q_THD @ k_THD.T
    for distance in (-5, 0, 3):
        diagonal = product_TT.diagonal(distance)
        # the tables are float32: angles of position 31 are right to 1e-6
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=0, atol=1e-4)
    torch.testing.assert_close(q_THD.norm(dim=-1), q.norm().expand(32), rtol=1e-6, atol=1e-6)
    assert product_TT[0, 5] != product_TT[0, 6]


def test_the_result_has_the_type_of_the_input():
    cos_TP, sin_TP = rotary_tables(3, 4)
    assert rotate(torch.ones(1, 3, 1, 4).bfloat16(), cos_TP, sin_TP).dtype == torch.bfloat16


def test_scaling_keeps_fast_pairs_and_slows_slow_ones():
    scaling = RotaryScaling(factor=8.0, low_turns=1.0, high_turns=4.0, original_context=1000)
    turns = torch.tensor([40.0, 4.0, 2.5, 1.0, 0.1])
    speed_P = turns * 2 * math.pi / 1000
    ratio_P = scaling.apply(speed_P) / speed_P
    torch.testing.assert_close(ratio_P, torch.tensor([1.0, 1.0, 0.5 + 0.5 / 8, 1 / 8, 1 / 8]))


@pytest.mark.reference
def test_scaled_tables_are_those_of_transformers():
    transformers = pytest.importorskip("transformers")
    rotary = pytest.importorskip("transformers.models.llama.modeling_llama")
    rope = {
        "rope_type": "llama3",
        "rope_theta": 500.0,
        "factor": 4.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }
    config = transformers.LlamaConfig(
        hidden_size=64, num_attention_heads=2, max_position_embeddings=256, rope_parameters=rope
    )
    theirs = rotary.LlamaRotaryEmbedding(config)
    wanted_cos, wanted_sin = theirs(torch.zeros(1, 1), torch.arange(256).unsqueeze(0))
    scaling = RotaryScaling(factor=4.0, original_context=64)
    cos_TP, sin_TP = rotary_tables(256, 32, base=500.0, scaling=scaling)
    torch.testing.assert_close(cos_TP, wanted_cos[0, :, :16], rtol=0, atol=3e-5)
    torch.testing.assert_close(sin_TP, wanted_sin[0, :, :16], rtol=0, atol=3e-5)


@pytest.mark.parametrize(
    "wrong", [{"factor": 0.5}, {"factor": 2.0, "low_turns": 4.0}, {"factor": 2, "low_turns": 0.0}]
)
def test_impossible_scaling_is_refused(wrong):
    with pytest.raises(ValueError, match="rotary scaling wants factor >= 1"):
        RotaryScaling(**wrong)
