"""What training minimizes, as functions of a model and a batch.

An objective is called as `objective(model, inputs_BT, targets_BT)` and returns the mean loss in
nats over the targets that count; targets of -100 do not (a prompt that the model is not to imitate,
padding). It must be a mean over counted targets: `accumulate` relies on it.

B sequences of a batch, T positions.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

IGNORED = -100
Objective = Callable[[nn.Module, Tensor, Tensor], Tensor]


class Batches(Protocol):
    """Where batches come from: a pure function of the step."""

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets (B x T, int64) of a step; the same for the same step, always."""
        ...


def next_token(model: nn.Module, inputs_BT: Tensor, targets_BT: Tensor) -> Tensor:
    r"""Mean cross-entropy of the next token, $-\frac1N\sum_i \ln p(t_i \mid t_{<i})$, in nats.

    The model computes it itself (`model.loss`), because the fast way never holds all logits.
    """
    loss: Any = model.loss
    result: Tensor = loss(inputs_BT, targets_BT)
    return result


def counted(targets_BT: Tensor) -> int:
    """How many targets of a batch count."""
    return int((targets_BT != IGNORED).sum())


@torch.no_grad()
def mean_loss(
    model: nn.Module, batches: Batches, count: int, *, objective: Objective = next_token
) -> float:
    """The objective over batches 0 ... count - 1, each target weighing the same; no gradient.

    The model is put into evaluation mode for it. Raises ValueError when no target counts.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    total, weight = 0.0, 0
    for step in range(count):
        inputs_BT, targets_BT = batches.at(step)
        here = counted(targets_BT)
        if here:
            loss = objective(model, inputs_BT.to(device), targets_BT.to(device))
            total += float(loss) * here
            weight += here
    model.train(was_training)
    if not weight:
        raise ValueError(f"no target counts in the first {count} batches; there is nothing to mean")
    return total / weight
