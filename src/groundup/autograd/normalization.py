r"""Normalization layers: features brought to mean 0 and variance 1, then scaled by learned gains.

Batch norm takes the statistics of each feature over the batch, so that an example's result depends
on its company while training; layer norm takes those of each example over its features.
Legend: B example, C feature, `...` any other dimensions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from groundup.autograd import functions
from groundup.autograd.module import Module, Parameter
from groundup.autograd.rule import Array
from groundup.autograd.tensor import Tensor
from groundup.swap import replaceable


@replaceable
def batch_norm(x: Any, mean: Any, variance: Any, weight: Any, bias: Any, eps: float) -> Any:
    r"""$(x - \mu) / \sqrt{\sigma^2 + \epsilon} \cdot w + b$ for every feature (dimension 1).

    `mean`, `variance`: of the batch, or the running ones; C x (1 ...) or C.
    Ioffe and Szegedy, "Batch normalization" (2015), algorithm 1.
    """
    shape = (-1,) + (1,) * (x.ndim - 2)
    scale = (variance.reshape(shape) + eps) ** -0.5 * weight.reshape(shape)
    return (x - mean.reshape(shape)) * scale + bias.reshape(shape)


class BatchNorm(Module):
    r"""`batch_norm` with the statistics of the batch while training, and running ones in use.

    Running statistics move by `momentum` towards each batch's; the running variance is the unbiased
    one, $n / (n - 1)$ times what normalizes the batch, as in torch. For inputs of B x C and
    B x C x height x width alike. The same as `torch.nn.BatchNorm1d` and `BatchNorm2d`.
    """

    buffer_names = ("running_mean", "running_var", "num_batches_tracked")
    weight: Parameter
    bias: Parameter
    running_mean: Array
    running_var: Array
    num_batches_tracked: Array

    def __init__(self, C: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.weight = Parameter(np.ones(C, np.float32))
        self.bias = Parameter(np.zeros(C, np.float32))
        self.running_mean = np.zeros(C, np.float32)
        self.running_var = np.ones(C, np.float32)
        self.num_batches_tracked = np.zeros((), np.int64)
        self.eps, self.momentum = eps, momentum

    def forward(self, x: Tensor) -> Tensor:
        """Same shape. ValueError when training on a single value a feature: it has no variance."""
        if not self.training:
            mean, variance = Tensor(self.running_mean), Tensor(self.running_var)
            return batch_norm(x, mean, variance, self.weight, self.bias, self.eps)
        count = x.numel() // x.shape[1]
        if count < 2:
            raise ValueError(
                f"batch norm wants more than one value a feature to train on; the input has the "
                f"shape {x.shape}; use a larger batch, or eval()"
            )
        others = (0, *range(2, x.ndim))
        mean = x.mean(others)
        variance = x.var(others, correction=0)
        self._follow(mean.data, variance.data * (count / (count - 1)))
        return batch_norm(x, mean, variance, self.weight, self.bias, self.eps)

    def _follow(self, mean: Array, variance: Array) -> None:
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * variance
        self.num_batches_tracked = self.num_batches_tracked + 1


class LayerNorm(Module):
    r"""$(x - \mathrm{mean}) / \sqrt{\mathrm{var} + \epsilon} \cdot w + b$ over the last dimensions.

    Ba et al., "Layer normalization" (2016), section 3. The same as `torch.nn.LayerNorm`.
    """

    def __init__(self, shape: int | Sequence[int], *, eps: float = 1e-5) -> None:
        super().__init__()
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.weight = Parameter(np.ones(self.shape, np.float32))
        self.bias = Parameter(np.zeros(self.shape, np.float32))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Same shape. ValueError if it does not end in the layer's."""
        if x.shape[-len(self.shape) :] != self.shape:
            raise ValueError(f"this layer norms {self.shape}, and the input ends in {x.shape}")
        return functions.layer_norm(x, self.shape, self.weight, self.bias, self.eps)
