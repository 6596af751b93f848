"""Convolutional layers: the parameters of a moving window, and pooling.

Legend: B image, C input channels, F output channels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from groundup.autograd import functions
from groundup.autograd.initialization import torch_default
from groundup.autograd.module import Module, Parameter
from groundup.autograd.tensor import Tensor

Pair = int | Sequence[int]


class Conv2d(Module):
    """A convolution of images, B x C x height x width; the same as `torch.nn.Conv2d`."""

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        C: int,
        F: int,
        window: Pair,
        *,
        rng: np.random.Generator,
        stride: Pair = 1,
        padding: Pair = 0,
        groups: int = 1,
        has_bias: bool = True,
    ) -> None:
        super().__init__()
        if C % groups or F % groups:
            raise ValueError(f"{groups} groups do not divide {C} and {F} channels")
        height, width = (window, window) if isinstance(window, int) else window
        fan_in = C // groups * height * width
        self.weight = Parameter(torch_default((F, C // groups, height, width), rng, fan_in))
        self.bias = Parameter(torch_default((F,), rng, fan_in)) if has_bias else None
        self.settings: dict[str, Any] = {"stride": stride, "padding": padding, "groups": groups}

    def forward(self, x: Any) -> Tensor:
        """B x F x height x width of the places the window has."""
        result: Tensor = functions.conv2d(x, self.weight, self.bias, **self.settings)
        return result


class Conv1d(Module):
    """A convolution along a sequence, B x C x length; the same as `torch.nn.Conv1d`."""

    weight: Parameter
    bias: Parameter

    def __init__(
        self,
        C: int,
        F: int,
        window: int,
        *,
        rng: np.random.Generator,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.weight = Parameter(torch_default((F, C, window), rng, C * window))
        self.bias = Parameter(torch_default((F,), rng, C * window))
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """B x F x places: an image of height 1."""
        image, window = x.unsqueeze(2), self.weight.unsqueeze(2)
        stride, padding = (1, self.stride), (0, self.padding)
        result: Tensor = functions.conv2d(image, window, self.bias, stride, padding).squeeze(2)
        return result


class MaxPool2d(Module):
    """The largest of each window; the same as `torch.nn.MaxPool2d`."""

    def __init__(self, window: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        super().__init__()
        self.window, self.stride, self.padding = window, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """... x height x width to ... x the places the window has."""
        result: Tensor = functions.max_pool2d(x, self.window, self.stride, self.padding)
        return result


class AvgPool2d(Module):
    """The mean of each window; the same as `torch.nn.AvgPool2d`."""

    def __init__(self, window: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        super().__init__()
        self.window, self.stride, self.padding = window, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """... x height x width to ... x the places the window has."""
        result: Tensor = functions.avg_pool2d(x, self.window, self.stride, self.padding)
        return result


class GlobalAvgPool2d(Module):
    """The mean of each channel over the whole image: B x C x height x width to B x C."""

    def forward(self, x: Tensor) -> Tensor:
        """B x C."""
        return x.mean((-2, -1))
