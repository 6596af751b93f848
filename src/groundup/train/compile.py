"""Compiling the loss with torch.compile, where that works and pays.

Compiling fuses the element-wise work between the matrix products into few loops. It needs a C++
compiler on a CPU and Triton on a GPU, and a minute at the start. Where it fails (no compiler, a
learner's function that cannot be traced) training goes on without, and says so.
"""

import shutil
import warnings
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from groundup.train.accumulate import Loss
from groundup.train.objectives import Objective

Compile = Literal["auto", "on", "off"]


def missing_compiler(device: torch.device) -> str | None:
    """Why nothing can be compiled for this device here, or None."""
    if device.type == "cpu" and not any(map(shutil.which, ("g++", "clang++", "c++"))):
        return "there is no C++ compiler (g++ or clang++) on this machine"
    return None


def bind(objective: Objective, model: nn.Module) -> Loss:
    """The objective as a function of a batch alone."""

    def loss(inputs_BT: Tensor, targets_BT: Tensor) -> Tensor:
        return objective(model, inputs_BT, targets_BT)

    return loss


def compiled(loss: Loss, warm_up: Callable[[Loss], None]) -> tuple[Loss, str | None]:
    """The compiled loss and None, or the loss as it was and why it could not be compiled.

    `warm_up` runs a forward and backward pass, because compiling happens at the first call. The
    very same failure without compiling is the caller's to see: the plain loss is tried next.
    """
    with warnings.catch_warnings():
        # The compiler's own deprecations are no business of the person who trains.
        warnings.simplefilter("ignore")
        try:
            fast: Loss = torch.compile(loss, dynamic=False)
            warm_up(fast)
        except Exception as problem:
            first = (str(problem).strip().splitlines() or [""])[0]
            torch.compiler.reset()
            return loss, f"{type(problem).__name__}: {first}"
    return fast, None
