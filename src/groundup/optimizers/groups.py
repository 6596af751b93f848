"""Which optimizer a parameter goes to, and the optimizers built for a whole model.

| parameter | optimizer | decay |
|---|---|---|
| matrices inside the blocks | Muon (or AdamW with `kind="adamw"`) | yes |
| embeddings and the output head | AdamW | yes |
| vectors: norms, biases | AdamW | none |

Decay pulls a weight towards zero; a norm's gain and a bias have no reason to be near zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from groundup.optimizers.adamw import AdamW
from groundup.optimizers.muon import Muon


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """How a model's parameters learn."""

    kind: Literal["muon", "adamw"] = "muon"
    """Who updates the matrices inside the blocks; all else is AdamW's."""
    lr: float = 4e-3
    """Peak learning rate of AdamW."""
    matrix_lr: float = 0.02
    """Peak learning rate of Muon (not used by AdamW)."""
    weight_decay: float = 0.0
    """Decoupled decay of matrices and embeddings, multiplied by the learning rate."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW's averaging weights."""
    momentum: float = 0.95
    """Muon's averaging weight."""
    iterations: int = 5
    """Newton-Schulz iterations of Muon: fewer are cheaper and less even (5 is Jordan's)."""
    fused: bool = True
    """Use the fast twins of the step functions."""

    @classmethod
    def from_width(cls, width: int) -> "OptimizerConfig":
        r"""The rates for a model of this width: AdamW's falls as $1/\sqrt{width}$, Muon's stays.

        A row of an embedding is as long as the model is wide, so that a step of one rate in every
        coordinate moves it by $\sqrt{width}$ times the rate. An orthogonal step of Muon is one
        size for every matrix.
        """
        return cls(lr=8e-3 * (128 / width) ** 0.5)

    def __post_init__(self) -> None:
        if not (self.lr > 0 and self.matrix_lr > 0):
            raise ValueError(
                f"learning rates must be above 0, not lr={self.lr}, matrix_lr={self.matrix_lr}"
            )
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay is {self.weight_decay}; it must be 0 or more")


@dataclass(frozen=True)
class Groups:
    """A model's trainable parameters by kind; each stands in exactly one list."""

    matrices: list[nn.Parameter]
    """Two dimensions, not an embedding, not a head."""
    embeddings: list[nn.Parameter]
    """Rows that are looked up, or scored against: embedding tables and the output head."""
    vectors: list[nn.Parameter]
    """Fewer than two dimensions."""


def split(model: nn.Module) -> Groups:
    """Sort the trainable parameters of a model; a tied parameter counts once, as an embedding."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    groups = Groups([], [], [])
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        is_head = "head" in name.split(".")[:-1] or name in ("head", "lm_head")
        if parameter.ndim < 2:
            groups.vectors.append(parameter)
        elif id(parameter) in tables or is_head or parameter.ndim > 2:
            groups.embeddings.append(parameter)
        else:
            groups.matrices.append(parameter)
    return groups


def build(model: nn.Module, config: OptimizerConfig) -> list[torch.optim.Optimizer]:
    """The optimizers of a model. Each group remembers its peak rate as `peak_lr`."""
    groups = split(model)
    decayed: list[Tensor] = [*groups.embeddings]
    optimizers: list[torch.optim.Optimizer] = []
    if config.kind == "adamw":
        decayed = [*groups.matrices, *decayed]
    elif groups.matrices:
        optimizers.append(
            Muon(
                groups.matrices,
                lr=config.matrix_lr,
                momentum=config.momentum,
                weight_decay=config.weight_decay,
                iterations=config.iterations,
                batched=config.fused,
            )
        )
    adam_groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": groups.vectors, "weight_decay": 0.0},
    ]
    if adam_groups := [group for group in adam_groups if group["params"]]:
        optimizers.append(AdamW(adam_groups, lr=config.lr, betas=config.betas, fused=config.fused))
    if not optimizers:
        raise ValueError("the model has no trainable parameters; nothing can be optimized")
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def set_rate(optimizers: Iterable[torch.optim.Optimizer], multiplier: float) -> None:
    """Set every group's learning rate to this share of its peak."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * multiplier
