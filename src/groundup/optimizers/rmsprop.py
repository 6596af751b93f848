"""RMSprop: every coordinate divided by a running root mean square of its gradients.

Tieleman and Hinton, "Lecture 6.5: RMSProp" (COURSERA, 2012). Left out: the centred form, momentum.
"""

from typing import Any

from torch import Tensor

from groundup.optimizers.optimizer import Parameters, StepOptimizer, zeros_once
from groundup.swap import replaceable


@replaceable
def rmsprop_step(
    parameter: Tensor,
    gradient: Tensor,
    square_average: Tensor,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Tensor, Tensor]:
    r"""One step: the new parameter and the new running average of squares.

    $g \leftarrow g + \lambda p$, $s \leftarrow \alpha s + (1-\alpha) g^2$,
    $p \leftarrow p - \eta\, g / (\sqrt{s} + \epsilon)$. The first average is zeros and is not
    corrected for that: the first steps are up to $1/\sqrt{1-\alpha}$ times too long.
    """
    gradient = gradient + weight_decay * parameter
    square_average = alpha * square_average + (1 - alpha) * gradient**2
    return parameter - lr * gradient / (square_average**0.5 + eps), square_average


class RMSprop(StepOptimizer):
    """`rmsprop_step` on every parameter."""

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        settings = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(parameters, settings)

    def update(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Change one parameter and its average of squares in place."""
        average = zeros_once(state, "square_avg", parameter)
        settings = {name: group[name] for name in ("lr", "alpha", "eps", "weight_decay")}
        new_parameter, new_average = rmsprop_step(parameter, gradient, average, **settings)
        parameter.copy_(new_parameter)
        average.copy_(new_average)
