"""Normalization: every vector brought to one size, then scaled by learned gains.

Legend: C features, `...` any leading dimensions.
"""

import torch
from torch import Tensor, nn

from groundup.kernels import normalization as fast
from groundup.swap import is_replaced, replaceable


@replaceable
def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    r"""$x / \sqrt{\mathrm{mean}(x^2) + \epsilon} \cdot w$ over the last dimension.

    Computed in float32 or wider, whatever the type of x.
    From Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019), section 3, with
    Llama's epsilon. Its fast twin is `kernels.normalization.rms_norm`.
    """
    wide = x.float() if x.element_size() < 4 else x
    scale = (wide.square().mean(-1, keepdim=True) + eps).rsqrt()
    return (wide * scale * weight).to(x.dtype)


@replaceable
def layer_norm(x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> Tensor:
    r"""$(x - \mathrm{mean}) / \sqrt{\mathrm{var} + \epsilon} \cdot w + b$ over the last dimension.

    The variance is the biased one. From Ba et al., "Layer Normalization" (2016), section 3.
    Its fast twin is `kernels.normalization.layer_norm`.
    """
    wide = x.float() if x.element_size() < 4 else x
    centred = wide - wide.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + eps).rsqrt()
    normed = centred * scale * weight
    return (normed if bias is None else normed + bias).to(x.dtype)


class RMSNorm(nn.Module):
    """`rms_norm` and its C gains, which begin at 1; `plain` chooses the formula, not its twin."""

    def __init__(self, C: int, *, eps: float, plain: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(C))
        self.eps = eps
        self.plain = plain

    def reset(self) -> None:
        """Gains to 1."""
        nn.init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize the last dimension of x (... x C)."""
        twin = rms_norm if self.plain or is_replaced(rms_norm) else fast.rms_norm
        return twin(x, self.weight, self.eps)


class LayerNorm(nn.Module):
    """`layer_norm`, its C gains, which begin at 1, and C biases at 0 (or none)."""

    def __init__(self, C: int, *, eps: float, has_bias: bool = True, plain: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(C))
        self.bias = nn.Parameter(torch.zeros(C)) if has_bias else None
        self.eps = eps
        self.plain = plain

    def reset(self) -> None:
        """Gains to 1, biases to 0."""
        nn.init.ones_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize the last dimension of x (... x C)."""
        twin = layer_norm if self.plain or is_replaced(layer_norm) else fast.layer_norm
        return twin(x, self.weight, self.bias, self.eps)
