"""AdamW: Adam whose weight decay acts on the parameter itself, not through the gradient.

Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2, with torch's
convention that the decay is multiplied by the learning rate. The plain step is `adamw_step`; the
fast twin is torch's fused kernel, one pass over memory instead of about ten, used unless
`fused=False`, another function stands in for `adamw_step` or the `adam_step` in it, or the dtype or
device has no kernel.
"""

from typing import Any

import torch
from torch import Tensor

from groundup.optimizers.adam import Adam, adam_step
from groundup.optimizers.optimizer import Parameters, counted, zeros_once
from groundup.swap import is_replaced, replaceable


@replaceable
def adamw_step(
    parameter: Tensor,
    gradient: Tensor,
    moments: tuple[Tensor, Tensor],
    step: int,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    r"""One step: the new parameter and the new moments `(m, v)`, all of one shape.

    $p \leftarrow p - \eta \lambda p$, then a step of Adam without a penalty (`adam_step`).
    `step` is $t$ and starts at 1; the first moments are zeros.
    """
    decayed = parameter - lr * weight_decay * parameter
    return adam_step(decayed, gradient, moments, step, lr=lr, betas=betas, eps=eps)


class AdamW(Adam):
    """`adamw_step`, or its fused twin, on every parameter."""

    rule = staticmethod(adamw_step)

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        fused: bool = True,
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.fused = fused

    def update_group(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """All parameters at once where the fused kernel may run, one by one otherwise."""
        fits = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
        is_ours = not (is_replaced(adamw_step) or is_replaced(adam_step))
        if self.fused and fits and is_ours:
            self._update_fused(parameters, group)
        else:
            super().update_group(parameters, group)

    def _update_fused(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        for parameter in parameters:
            counted(self.state[parameter])
        # The kernel wants the counts as tensors beside the parameters; ours live on the CPU.
        states = [self.state[p] for p in parameters]
        torch._fused_adamw_(
            parameters,
            [p.grad for p in parameters if p.grad is not None],
            [zeros_once(s, "exp_avg", p) for s, p in zip(states, parameters, strict=True)],
            [zeros_once(s, "exp_avg_sq", p) for s, p in zip(states, parameters, strict=True)],
            [],
            [s["step"].to(p.device) for s, p in zip(states, parameters, strict=True)],
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )
