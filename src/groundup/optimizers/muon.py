"""Muon: momentum, made orthogonal before it is applied. For the matrices inside the blocks.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024). The momentum of a
matrix is replaced by the nearest matrix with orthonormal rows (or columns), so that every direction
of it is learnt at one speed. Embeddings, heads, norms and biases are not for Muon: see `groups`.

Left out: convolution kernels, the distributed form.
"""

from typing import Any

import torch
from torch import Tensor

from groundup.optimizers.optimizer import Parameters, StepOptimizer, zeros_once
from groundup.swap import is_replaced, replaceable

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Jordan's coefficients: steepest at zero, so that small singular values grow fastest."""


@replaceable
def orthogonalize(matrix: Tensor, *, iterations: int = 5, eps: float = 1e-7) -> Tensor:
    r"""Push all singular values of the last two dimensions towards one (within about 0.7 to 1.2).

    Newton-Schulz: after $X \leftarrow M/\lVert M\rVert_F$, repeat
    $X \leftarrow aX + (bA + cA^2)X$ with $A = XX^\top$, which sends every singular value $s$ to
    $as + bs^3 + cs^5$ and leaves the singular vectors alone. Leading dimensions are a batch. Works
    on the wide one of the matrix and its transpose, where $A$ is smallest.
    """
    a, b, c = QUINTIC
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = x / (x**2).sum((-2, -1), keepdim=True).sqrt().clamp(min=eps)
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.mT if tall else x


@replaceable
def muon_step(
    parameter: Tensor,
    gradient: Tensor,
    velocity: Tensor,
    *,
    lr: float,
    momentum: float = 0.95,
    nesterov: bool = True,
    weight_decay: float = 0.0,
    iterations: int = 5,
) -> tuple[Tensor, Tensor]:
    r"""One step: the new parameter and the new velocity (matrices, or a batch of them).

    $v \leftarrow \mu v + (1-\mu) g$, $u = \mu v + (1-\mu) g$ with `nesterov`, else $v$,
    $p \leftarrow (1 - \eta\lambda) p - \eta \sqrt{\max(1, rows/columns)}\; \mathrm{orth}(u)$.
    """
    velocity = momentum * velocity + (1 - momentum) * gradient
    ahead = momentum * velocity + (1 - momentum) * gradient if nesterov else velocity
    rows, columns = parameter.shape[-2:]
    scale: float = max(1.0, rows / columns) ** 0.5
    return (1 - lr * weight_decay) * parameter - lr * scale * orthogonalize(
        ahead, iterations=iterations
    ), velocity


class Muon(StepOptimizer):
    """`muon_step` on every matrix; matrices of one shape go through it together.

    Raises ValueError for a parameter that is not a matrix, naming its shape.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float = 0.02,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
        iterations: int = 5,
        batched: bool = True,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "nesterov": nesterov}
        settings |= {"weight_decay": weight_decay, "iterations": iterations}
        super().__init__(parameters, settings)
        self.batched = batched
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim != 2:
                    raise ValueError(
                        f"Muon is for matrices, and a parameter has shape {tuple(parameter.shape)};"
                        " give that one to AdamW (see groundup.optimizers.groups)"
                    )

    def update_group(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """One call for all matrices of a shape, unless a learner's function, or no batching."""
        if not self.batched or is_replaced(muon_step) or is_replaced(orthogonalize):
            super().update_group(parameters, group)
            return
        by_shape: dict[torch.Size, list[Tensor]] = {}
        for parameter in parameters:
            by_shape.setdefault(parameter.shape, []).append(parameter)
        for same in by_shape.values():
            self._update_together(same, group)

    def update(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Change one matrix and its velocity in place."""
        velocity = zeros_once(state, "momentum_buffer", parameter)
        new_parameter, new_velocity = muon_step(parameter, gradient, velocity, **_settings(group))
        parameter.copy_(new_parameter)
        velocity.copy_(new_velocity)

    def _update_together(self, same: list[Tensor], group: dict[str, Any]) -> None:
        velocities = [zeros_once(self.state[p], "momentum_buffer", p) for p in same]
        gradients = torch.stack([p.grad for p in same if p.grad is not None])
        new_parameters, new_velocities = muon_step(
            torch.stack(same), gradients, torch.stack(velocities), **_settings(group)
        )
        torch._foreach_copy_(same, list(new_parameters.unbind()))
        torch._foreach_copy_(velocities, list(new_velocities.unbind()))


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    names = ("lr", "momentum", "nesterov", "weight_decay", "iterations")
    return {name: group[name] for name in names if name in group}
