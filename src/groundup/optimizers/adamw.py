"""AdamW: Adam whose weight decay acts on the parameter itself, not through the gradient.

Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2, with torch's
convention that the decay is multiplied by the learning rate. The plain step is `adamw_step`; the
fast twin is torch's fused kernel, one pass over memory instead of about ten, used unless
`fused=False`, another function stands in for `adamw_step`, or the dtype or device has no kernel.
"""

from typing import Any

import torch
from torch import Tensor

from groundup.optimizers.optimizer import Parameters, StepOptimizer, counted, zeros_once
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

    $p \leftarrow p - \eta \lambda p$, then Adam: $m \leftarrow \beta_1 m + (1-\beta_1) g$,
    $v \leftarrow \beta_2 v + (1-\beta_2) g^2$,
    $p \leftarrow p - \eta\,\frac{m/(1-\beta_1^t)}{\sqrt{v/(1-\beta_2^t)} + \epsilon}$.
    `step` is $t$ and starts at 1; the first moments are zeros.
    """
    m, v = moments
    beta1, beta2 = betas
    parameter = parameter - lr * weight_decay * parameter
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    m_unbiased = m / (1 - beta1**step)
    v_unbiased = v / (1 - beta2**step)
    return parameter - lr * m_unbiased / (v_unbiased**0.5 + eps), (m, v)


class AdamW(StepOptimizer):
    """`adamw_step`, or its fused twin, on every parameter."""

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
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(parameters, settings)
        self.fused = fused

    def update_group(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """All parameters at once where the fused kernel may run, one by one otherwise."""
        fits = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
        if self.fused and fits and not is_replaced(adamw_step):
            self._update_fused(parameters, group)
        else:
            super().update_group(parameters, group)

    def update(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Change one parameter and its moments in place."""
        step = counted(state)
        m = zeros_once(state, "exp_avg", parameter)
        v = zeros_once(state, "exp_avg_sq", parameter)
        settings = {name: group[name] for name in ("lr", "betas", "eps", "weight_decay")}
        new_parameter, new_moments = adamw_step(parameter, gradient, (m, v), step, **settings)
        for tensor, new in zip((parameter, m, v), (new_parameter, *new_moments), strict=True):
            tensor.copy_(new)

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
