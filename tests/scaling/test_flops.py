"""FLOPs by formula are what torch counts on the real model."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.optimizers.muon import orthogonalize
from groundup.scaling import flops

KINDS = {
    "default": {"depth": 2, "width": 64, "heads": 2},
    "grouped": {"depth": 1, "width": 64, "heads": 4, "key_heads": 2, "head_width": 32},
    "gpt2": {"depth": 2, "width": 48, "heads": 3, "activation": "gelu_tanh", "qk_norm": False},
    "untied": {"depth": 1, "width": 32, "heads": 1, "tied": False, "hidden": 100},
}


@pytest.mark.reference
@pytest.mark.parametrize("kind", KINDS)
def test_the_formula_is_what_torch_counts(kind):
    config = GPTConfig(vocab_size=97, context=24, attention="plain", loss="plain", **KINDS[kind])
    model = GPT(config)
    tokens = torch.randint(97, (3, 24))
    with FlopCounterMode(display=False) as forward:
        loss = model.loss(tokens, tokens)
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    counted = forward.get_total_flops(), backward.get_total_flops()
    one = flops.forward_flops(config, 24, causal=False)
    assert counted[0] == pytest.approx(one * 72, rel=1e-12)
    assert sum(counted) == pytest.approx(flops.training_flops(config, 24, causal=False) * 72)


@pytest.mark.parametrize(("context", "window"), [(7, None), (7, 3), (7, 7), (7, 50), (1, 1)])
def test_mean_keys_is_a_count_of_pairs(context, window):
    pairs = [
        (t, s) for t in range(context) for s in range(t + 1) if window is None or t - s < window
    ]
    assert flops.mean_keys(context, window=window) == pytest.approx(len(pairs) / context)


def test_windows_count_block_by_block():
    config = GPTConfig(
        vocab_size=50, context=64, depth=3, width=32, heads=1, window=8, window_layers=(0, 2)
    )
    keys = 2 * flops.mean_keys(64, window=8) + flops.mean_keys(64)
    wanted = 2 * flops.matmul_parameters(config) + 4 * 32 * keys
    assert flops.forward_flops(config, 64) == wanted


@pytest.mark.reference
def test_muon_flops_are_what_torch_counts():
    config = GPTConfig(vocab_size=50, context=8, depth=2, width=32, heads=2, hidden=80)
    with FlopCounterMode(display=False) as counter:
        for rows, columns in flops.block_matrices(config):
            orthogonalize(torch.randn(rows, columns))
    assert flops.muon_flops(config) == 2 * counter.get_total_flops()


def test_block_matrices_are_the_models():
    config = GPTConfig(vocab_size=50, context=8, depth=1, width=32, heads=4, key_heads=2)
    matrices = [p for p in GPT(config).blocks.parameters() if p.ndim == 2]
    assert sorted(tuple(p.shape) for p in matrices) == sorted(flops.block_matrices(config))
