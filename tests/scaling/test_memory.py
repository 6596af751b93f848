"""The estimate is near what training takes, and what does not fit is refused before it starts."""

import subprocess
import sys

import pytest
import torch

from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.scaling import memory

# VmHWM is the peak of this very program; ru_maxrss would begin at that of the tests that start it.
MEASURE = """
import torch
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.optimizers import groups
config = GPTConfig(vocab_size=4096, context=256, depth=6, width=256, heads=4)
from pathlib import Path
status = Path("/proc/self/status")
peak = lambda: 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
model = GPT(config)
optimizers = groups.build(model, groups.OptimizerConfig())
tokens = torch.randint(4096, (32, 256))
for _ in range(2):
    model.loss(tokens, tokens).backward()
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
print(peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
def test_the_estimate_is_near_what_a_step_takes():
    run = [sys.executable, "-c", MEASURE]
    measured = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    config = GPTConfig(vocab_size=4096, context=256, depth=6, width=256, heads=4)
    needed = memory.estimate(config, sequences=32, context=256)
    assert 0.95 < needed.total / measured < 1.5


def kept_for_backward(config, tokens):
    """Numbers that autograd keeps for a token, weights and tables left out."""
    model = GPT(config)
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.hidden(tokens).sum()
    size = sum(storage.nbytes() for place, storage in kept.items() if place not in own)
    return size / 4 / tokens.numel()


KINDS = {
    "default": {},
    "grouped": {"key_heads": 2},
    "wide heads": {"head_width": 64},
    "gelu": {"activation": "gelu", "hidden": 512},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_keeps_what_the_formula_says(kind):
    shape = {"vocab_size": 64, "context": 64, "width": 128, "heads": 4, **KINDS[kind]}
    one, three = (GPTConfig(depth=depth, **shape) for depth in (1, 3))
    tokens = torch.randint(64, (2, 64))
    counted = kept_for_backward(three, tokens) - kept_for_backward(one, tokens)
    estimated = [memory.estimate(c, sequences=2, context=64).activations for c in (one, three)]
    assert (estimated[1] - estimated[0]) / 4 / 128 == pytest.approx(counted, rel=0.02)


def test_what_does_not_fit_is_refused_with_how_much_it_needs():
    config = GPTConfig.from_depth(32, 50000, 2048)
    needed = memory.estimate(config, sequences=8, context=2048)
    assert needed.total > 20 * 2**30
    with pytest.raises(ValueError, match=r"needs about [\d.]+ GiB .*micro_batch, or lower"):
        memory.require_fit(needed, 24 * 2**30)
    with pytest.raises(ValueError, match=r"2\.0 GiB are free; lower the depth"):
        memory.require_fit(needed, 2 * 2**30)
    memory.require_fit(needed, needed.total)


def test_parts_scale_as_they_should():
    config = GPTConfig.from_depth(4, 8192, 256)
    one, two = (memory.estimate(config, sequences=n, context=256) for n in (8, 16))
    assert two.activations == 2 * one.activations
    assert one.weights == one.gradients == 4 * config.parameters()
    adam = memory.estimate(config, sequences=8, context=256, muon=False)
    assert adam.optimizer == 8 * config.parameters() > one.optimizer
    half = memory.estimate(config, sequences=8, context=256, number_bytes=2)
    assert 2 * half.activations == one.activations


def test_available_reads_what_linux_says(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   1024 kB\n")
    assert memory.available(tmp_path) == 2**20
    (tmp_path / "meminfo").unlink()
    assert memory.available(tmp_path) > 2**20
