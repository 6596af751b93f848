"""The fast twins of `layers.normalization`: PyTorch's own, fused where the device has a kernel.

They return the type of x; gains and biases of another type are rounded to it, because the fused
kernels want one type.
"""

import torch.nn.functional as F
from torch import Tensor


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """As the plain twin, to rounding. One kernel on CUDA; on a CPU several passes, as plain."""
    return F.rms_norm(x, weight.shape, weight.to(x.dtype), eps)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> Tensor:
    """As the plain twin, to rounding. One kernel everywhere."""
    shift = None if bias is None else bias.to(x.dtype)
    return F.layer_norm(x, weight.shape, weight.to(x.dtype), shift, eps)
