"""What all optimizers of this room share: they walk over parameters and call one pure function.

An optimizer here is a *step function*, which takes tensors and returns new ones, and a small class
that keeps its state between steps. The class has the interface of `torch.optim.Optimizer`
(`param_groups`, `state_dict`, `load_state_dict`, `zero_grad`) and names its state as torch does, so
that a state dict of ours loads there and the other way round.

Left out: sparse gradients, complex parameters, closures, `maximize`.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

Parameters = Iterable[Tensor] | Iterable[dict[str, Any]]
"""Parameters, or groups of them: `{"params": [...], "lr": ...}`."""


class StepOptimizer(torch.optim.Optimizer):
    """Runs `update` on every parameter that has a gradient; a family member defines `update`.

    Raises ValueError when a setting is out of range, and when a gradient has another dtype or
    shape than can be used.
    """

    def __init__(self, parameters: Parameters, defaults: dict[str, Any]) -> None:
        super().__init__(parameters, defaults)
        for group in self.param_groups:
            check_settings(group)

    def update(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Change one parameter and its state in place."""
        raise AssertionError(f"{type(self).__name__} does not say how it updates a parameter")

    def update_group(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """Update all parameters of a group; a family member with a fast way overrides this."""
        for parameter in parameters:
            gradient = parameter.grad
            assert gradient is not None, "only parameters with a gradient are updated"
            self.update(parameter, gradient, self.state[parameter], group)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step on every parameter that has a gradient."""
        if closure is not None:
            raise ValueError("these optimizers take no closure: call backward() first, then step()")
        for group in self.param_groups:
            with_gradient = [p for p in group["params"] if p.grad is not None]
            if with_gradient:
                self.update_group(with_gradient, group)


def check_settings(group: dict[str, Any]) -> None:
    """Refuse a learning rate, decay or averaging weight that cannot be meant (ValueError)."""
    for name in ("lr", "eps", "weight_decay"):
        if name in group and not group[name] >= 0:
            raise ValueError(f"{name} is {group[name]}; it must be 0 or more")
    averages: dict[str, float] = {
        name: group[name] for name in ("momentum", "alpha") if name in group
    }
    averages |= {f"betas[{i}]": beta for i, beta in enumerate(group.get("betas", ()))}
    for name, value in averages.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} is {value}; an average needs a weight from 0 to below 1")


def counted(state: dict[str, Any]) -> int:
    """Add one to the state's step count and return it (1 on the first step)."""
    if "step" not in state:
        state["step"] = torch.zeros((), dtype=torch.float32)
    state["step"] += 1
    return int(state["step"])


def zeros_once(state: dict[str, Any], name: str, like: Tensor) -> Tensor:
    """The state tensor of that name, made of zeros when it is not there yet."""
    if name not in state:
        state[name] = torch.zeros_like(like, memory_format=torch.preserve_format)
    tensor: Tensor = state[name]
    return tensor
