"""One batch as several smaller ones, with the gradient of the whole: exact to the token.

A mean of means would weigh a token in a short micro-batch more than one in a long. So every
micro-batch's mean is weighed by its own share of the counted targets of the whole batch:

    loss = sum over micro-batches of (targets here / targets in all) * mean loss here

Left out: sharing that count over several processes (`groundup.parallel`).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from groundup.train.objectives import IGNORED

Loss = Callable[[Tensor, Tensor], Tensor]
"""From inputs and targets (B x T) to the mean loss over the counted targets."""


def accumulate(
    loss: Loss,
    batch: tuple[Tensor, Tensor],
    *,
    micro_batch: int | None,
    context: Callable[[], AbstractContextManager[object]],
) -> Tensor:
    """Add the batch's gradient to `.grad`; returns its mean loss (detached scalar).

    `micro_batch`: sequences at a time (None: all). `context`: entered around each forward pass.
    Raises ValueError when no target of the batch counts.
    """
    inputs_BT, targets_BT = batch
    size = micro_batch or len(inputs_BT)
    in_all = (targets_BT != IGNORED).sum()
    if not in_all:
        raise ValueError("no target of the batch counts: every one is -100, nothing can be learnt")
    total = torch.zeros((), device=inputs_BT.device)
    for begin in range(0, len(inputs_BT), size):
        micro_inputs_BT = inputs_BT[begin : begin + size]
        micro_targets_BT = targets_BT[begin : begin + size]
        here = (micro_targets_BT != IGNORED).sum()
        if not here:
            continue
        with context():
            share = loss(micro_inputs_BT, micro_targets_BT) * (here / in_all)
        torch.autograd.backward(share)
        total += share.detach()
    return total
