"""Stochastic gradient descent: plain, with momentum, with Nesterov's look ahead.

Plain and momentum: Polyak, "Some methods of speeding up the convergence of iteration methods"
(1964). Nesterov's form: Sutskever et al., "On the importance of initialization and momentum in deep
learning" (2013), section 2, as torch writes it. Left out: dampening.
"""

from typing import Any

from torch import Tensor

from groundup.optimizers.optimizer import Parameters, StepOptimizer, zeros_once
from groundup.swap import replaceable


@replaceable
def sgd_step(
    parameter: Tensor,
    gradient: Tensor,
    velocity: Tensor,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[Tensor, Tensor]:
    r"""One step: the new parameter and the new velocity, both shaped like the parameter.

    $g \leftarrow g + \lambda p$ (decay as an L2 penalty), $v \leftarrow \mu v + g$,
    $p \leftarrow p - \eta v$; with `nesterov` the step is along $g + \mu v$. The first velocity is
    zeros, and with `momentum=0` the velocity is the gradient itself.
    """
    gradient = gradient + weight_decay * parameter
    velocity = momentum * velocity + gradient
    direction = gradient + momentum * velocity if nesterov else velocity
    return parameter - lr * direction, velocity


class SGD(StepOptimizer):
    """`sgd_step` on every parameter; keeps a velocity only when there is momentum.

    Raises ValueError for Nesterov without momentum: there would be nothing to look ahead along.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float = 1e-3,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        if nesterov and not momentum > 0:
            raise ValueError(f"Nesterov looks ahead along the momentum, which is {momentum}")
        settings = {"lr": lr, "momentum": momentum, "nesterov": nesterov}
        super().__init__(parameters, {**settings, "weight_decay": weight_decay})

    def update(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Change one parameter, and its velocity if it has one, in place."""
        has_momentum = group["momentum"] > 0
        velocity = zeros_once(state, "momentum_buffer", parameter) if has_momentum else gradient
        names = ("lr", "momentum", "nesterov", "weight_decay")
        settings = {name: group[name] for name in names}
        new_parameter, new_velocity = sgd_step(parameter, gradient, velocity, **settings)
        parameter.copy_(new_parameter)
        if has_momentum:
            velocity.copy_(new_velocity)
