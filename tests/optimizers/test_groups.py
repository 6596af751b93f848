"""Every parameter goes to exactly one optimizer, and a learner's step function is what runs."""

import pytest
import torch
from torch import nn

from groundup import swap
from groundup.optimizers import groups
from groundup.optimizers.adamw import AdamW, adamw_step
from groundup.optimizers.clipping import clip_gradients
from groundup.optimizers.groups import OptimizerConfig
from groundup.optimizers.muon import Muon


class Model(nn.Module):
    def __init__(self, tied=True):
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.block = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 7, bias=False)
        if tied:
            self.head.weight = self.embed.weight


def test_split_puts_each_parameter_into_one_list():
    tied, untied = groups.split(Model()), groups.split(Model(tied=False))
    assert [tuple(p.shape) for p in tied.matrices] == [(4, 4)]
    assert [len(g.embeddings) for g in (tied, untied)] == [1, 2]
    assert [tuple(p.shape) for p in tied.vectors] == [(4,)] * 3


def test_frozen_parameters_are_left_out_and_nothing_left_is_an_error():
    model = Model()
    model.block.requires_grad_(False)
    assert groups.split(model).matrices == []
    assert [type(o) for o in groups.build(model, OptimizerConfig())] == [AdamW]
    with pytest.raises(ValueError, match="no trainable parameters"):
        groups.build(model.requires_grad_(False), OptimizerConfig())


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_build_covers_all_and_decays_no_vectors(kind):
    model = Model()
    optimizers = groups.build(model, OptimizerConfig(kind=kind, weight_decay=0.1))
    assert [type(o) for o in optimizers] == ([Muon, AdamW] if kind == "muon" else [AdamW])
    all_groups = [group for o in optimizers for group in o.param_groups]
    held = [id(p) for group in all_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters())
    for group in all_groups:
        ndims = {p.ndim for p in group["params"]}
        assert group["weight_decay"] == (0.0 if ndims == {1} else 0.1)


def test_set_rate_scales_each_peak():
    optimizers = groups.build(Model(), OptimizerConfig(lr=0.1, matrix_lr=0.4))
    groups.set_rate(optimizers, 0.5)
    groups.set_rate(optimizers, 0.25)
    assert [o.param_groups[0]["lr"] for o in optimizers] == [0.1, 0.025]


@pytest.mark.parametrize(
    ("part", "default"), [("adamw:adamw_step", "0.9, 0.95"), ("adam:adam_step", "0.9, 0.999")]
)
def test_a_learners_step_runs_in_place_of_the_fused_one(tmp_path, part, default):
    file = tmp_path / "mine.py"
    file.write_text(
        f"def {part.split(':')[1]}(parameter, gradient, moments, step, *, lr,\n"
        f"        betas=({default}), eps=1e-8, weight_decay=0.0):\n"
        "    return parameter + step, moments\n"
    )
    p = torch.zeros(2, requires_grad=True)
    p.grad = torch.ones(2)
    optimizer = AdamW([p])
    with swap.replaced([swap.load(f"optimizers.{part}={file}")]):
        optimizer.step()
        optimizer.step()
    assert p.tolist() == [3.0, 3.0]
    assert not swap.is_replaced(adamw_step)


def test_config_and_clipping_refuse_what_cannot_be_meant():
    with pytest.raises(ValueError, match="learning rates must be above 0"):
        OptimizerConfig(lr=0.0)
    with pytest.raises(ValueError, match="weight_decay is -1"):
        OptimizerConfig(weight_decay=-1)
    with pytest.raises(ValueError, match=r"clipping norm is 0\.0"):
        clip_gradients([], 0.0)


def test_without_a_clipping_norm_gradients_are_only_measured():
    p = torch.zeros(2, requires_grad=True)
    p.grad = torch.tensor([3.0, 4.0])
    assert clip_gradients([p], None).item() == pytest.approx(5.0)
    assert p.grad.tolist() == [3.0, 4.0]
    assert clip_gradients([], 1.0).item() == 0.0
