"""The step functions of this room on the NumPy engine: what trains modules of `groundup.autograd`.

A step function is plain algebra, so the very `adamw_step` that trains the transformer on torch
trains these too, and a learner's version of it does both.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from groundup.autograd.tensor import Tensor
from groundup.optimizers.adam import adam_step
from groundup.optimizers.adamw import adamw_step
from groundup.optimizers.optimizer import check_settings
from groundup.optimizers.rmsprop import rmsprop_step
from groundup.optimizers.sgd import sgd_step

AVERAGES = {"sgd": 1, "rmsprop": 1, "adam": 2, "adamw": 2}
"""How many arrays each kind keeps for a parameter."""
STEPS: dict[str, Callable[..., Any]] = {
    "sgd": sgd_step,
    "rmsprop": rmsprop_step,
    "adam": adam_step,
    "adamw": adamw_step,
}


class ArrayOptimizer:
    """Runs a step function on every parameter that has a gradient.

    `kind`: sgd, rmsprop, adam or adamw; `settings` are the step function's: lr, betas, momentum ...
    `groups`: instead of one list of parameters, pairs of (parameters, factor of the learning rate),
    as for a pre-trained body that should move less than its new head. ValueError for a kind or a
    setting that does not exist.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[tuple[Iterable[Tensor], float]],
        kind: str = "adamw",
        *,
        lr: float,
        **settings: Any,
    ) -> None:
        if kind not in STEPS:
            raise ValueError(f"there is no optimizer {kind!r}; there are: {', '.join(STEPS)}")
        check_settings({"lr": lr, **settings})
        self.kind, self.lr, self.settings, self.step_count = kind, lr, settings, 0
        self.groups: list[tuple[list[Tensor], float]] = []
        for part in parameters:
            if isinstance(part, Tensor):
                self.groups = self.groups or [([], 1.0)]
                self.groups[0][0].append(part)
            else:
                self.groups.append((list(part[0]), part[1]))
        self.averages = [
            [[np.zeros_like(p.data) for _ in range(AVERAGES[kind])] for p in group]
            for group, _ in self.groups
        ]

    def step(self) -> None:
        """One step on every parameter with a gradient; writes into the parameters' arrays."""
        self.step_count += 1
        for (group, factor), kept in zip(self.groups, self.averages, strict=True):
            for parameter, state in zip(group, kept, strict=True):
                if parameter.grad is not None and parameter.requires_grad:
                    self._update(parameter, parameter.grad.data, state, self.lr * factor)

    def _update(self, parameter: Tensor, gradient: Any, state: list[Any], lr: float) -> None:
        function, settings = STEPS[self.kind], {"lr": lr, **self.settings}
        if len(state) == 2:
            new, averages = function(
                parameter.data, gradient, tuple(state), self.step_count, **settings
            )
            state[:] = averages
        else:
            new, state[0] = function(parameter.data, gradient, state[0], **settings)
        parameter.data = new

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group, _ in self.groups:
            for parameter in group:
                parameter.grad = None
