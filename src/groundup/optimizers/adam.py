"""Adam: momentum, divided coordinate by coordinate by a running root mean square.

Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1. Weight decay here
is the L2 penalty of the paper's time; `adamw` decouples it. Left out: AMSGrad, AdaMax.
"""

from typing import Any

from torch import Tensor

from groundup.optimizers.optimizer import Parameters, StepOptimizer, counted, zeros_once
from groundup.swap import replaceable


@replaceable
def adam_step(
    parameter: Tensor,
    gradient: Tensor,
    moments: tuple[Tensor, Tensor],
    step: int,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    r"""One step: the new parameter and the new moments `(m, v)`, all of one shape.

    $g \leftarrow g + \lambda p$, $m \leftarrow \beta_1 m + (1-\beta_1) g$,
    $v \leftarrow \beta_2 v + (1-\beta_2) g^2$, $\hat m = m/(1-\beta_1^t)$,
    $\hat v = v/(1-\beta_2^t)$, $p \leftarrow p - \eta\,\hat m/(\sqrt{\hat v} + \epsilon)$.
    `step` is $t$ and starts at 1; the first moments are zeros.
    """
    m, v = moments
    beta1, beta2 = betas
    gradient = gradient + weight_decay * parameter
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    m_unbiased = m / (1 - beta1**step)
    v_unbiased = v / (1 - beta2**step)
    return parameter - lr * m_unbiased / (v_unbiased**0.5 + eps), (m, v)


class Adam(StepOptimizer):
    """`adam_step` on every parameter; a subclass may have another `rule` of the same signature."""

    rule = staticmethod(adam_step)

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(parameters, settings)

    def update(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Change one parameter and its moments in place."""
        step = counted(state)
        m = zeros_once(state, "exp_avg", parameter)
        v = zeros_once(state, "exp_avg_sq", parameter)
        settings = {name: group[name] for name in ("lr", "betas", "eps", "weight_decay")}
        new_parameter, new_moments = self.rule(parameter, gradient, (m, v), step, **settings)
        for tensor, new in zip((parameter, m, v), (new_parameter, *new_moments), strict=True):
            tensor.copy_(new)
