"""In what numbers the forward pass computes, and where.

Weights, gradients and optimizer state are always float32. With `bfloat16` the matrix products run
in bfloat16 under autocast, the sums that need it in float32 (Micikevicius et al., "Mixed precision
training", 2018; bfloat16 needs no loss scaling). Whether that is faster is measured, because some
CPUs multiply bfloat16 more slowly than float32. The answer is found once a run and recorded: a
resumed run must compute the very same numbers. Left out: float16 and float8.
"""

from contextlib import AbstractContextManager
from typing import Literal

import torch

from groundup.observe.profile import matmul_flops

Precision = Literal["auto", "float32", "bfloat16"]
Device = Literal["auto", "cpu", "cuda"]
_WORTH = 1.3


def choose_device(wanted: Device) -> torch.device:
    """The device that `wanted` means here. Raises ValueError for CUDA where there is none."""
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ValueError("device is 'cuda', and this machine has no usable CUDA device; use 'cpu'")
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")


def choose_precision(wanted: Precision, device: torch.device) -> str:
    """`float32` or `bfloat16`; "auto" takes bfloat16 where a product is 1.3 times as fast in it.

    1.3 because what autocast adds (conversions of weights and activations) eats a smaller gain.
    """
    if wanted != "auto":
        return wanted
    # In turns, and the best of each, so that other work on the machine disturbs both alike.
    kinds = (torch.float32, torch.bfloat16)
    rounds = [[matmul_flops(kind, device, seconds=0.03) for kind in kinds] for _ in range(6)]
    single, half = (max(rates) for rates in zip(*rounds, strict=True))
    return "bfloat16" if half >= _WORTH * single else "float32"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """The context in which the forward pass runs."""
    enabled = precision == "bfloat16"
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)
