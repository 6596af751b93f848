"""Convolutional networks for small images: LeNet's plan, and residual blocks.

LeCun et al., "Gradient-based learning applied to document recognition" (1998); He et al., "Deep
residual learning for image recognition" (2016). Legend: B image, C channels, F output channels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from groundup.autograd.convolutional import Conv2d, GlobalAvgPool2d, MaxPool2d
from groundup.autograd.initialization import he_normal
from groundup.autograd.linear import Linear
from groundup.autograd.module import Module, Sequential
from groundup.autograd.normalization import BatchNorm
from groundup.autograd.tensor import Tensor


class CNN(Module):
    """Convolution, ReLU and pooling, for each of `channels`; then one hidden layer and the classes.

    Windows are 3 x 3 and keep the size, pooling halves it. `size`: height and width of the images,
    which must be divisible by 2 as often as there are pools (ValueError).
    """

    def __init__(
        self,
        channels: Sequence[int],
        *,
        size: int,
        classes: int,
        rng: np.random.Generator,
        inputs: int = 1,
        hidden: int = 64,
    ) -> None:
        super().__init__()
        if size % 2 ** len(channels):
            raise ValueError(
                f"images of {size} x {size} cannot be halved {len(channels)} times; give fewer "
                f"channels or a size divisible by {2 ** len(channels)}"
            )
        layers: list[Any] = []
        for C, F in zip([inputs, *channels], channels, strict=False):
            layers += [Conv2d(C, F, 3, rng=rng, padding=1), Tensor.relu, MaxPool2d(2)]
        self.features = Sequential(*layers)
        left = size // 2 ** len(channels)
        width = (channels[-1] if channels else inputs) * left * left
        self.hidden = Linear(width, hidden, rng=rng)
        self.head = Linear(hidden, classes, rng=rng)
        begin_for_relu(self, rng)

    def forward(self, x_BCIJ: Tensor) -> Tensor:
        """Logits B x classes of images B x C x height x width."""
        return self.head(self.hidden(self.features(x_BCIJ).flatten(1)).relu())  # type: ignore[no-any-return]


class ResidualBlock(Module):
    r"""$\mathrm{relu}(x + f(x))$ with f two convolutions and their batch norms.

    The block begins near the identity, and its gradient has a way around f: $1 + f'$. Where the
    channels or the stride change, x passes a 1 x 1 convolution ("projection shortcut").
    """

    def __init__(self, C: int, F: int, *, rng: np.random.Generator, stride: int = 1) -> None:
        super().__init__()
        self.first = Conv2d(C, F, 3, rng=rng, stride=stride, padding=1, has_bias=False)
        self.first_norm = BatchNorm(F)
        self.second = Conv2d(F, F, 3, rng=rng, padding=1, has_bias=False)
        self.second_norm = BatchNorm(F)
        self.shortcut: Sequential | None = None
        if stride != 1 or C != F:
            projection = Conv2d(C, F, 1, rng=rng, stride=stride, has_bias=False)
            self.shortcut = Sequential(projection, BatchNorm(F))

    def forward(self, x_BCIJ: Tensor) -> Tensor:
        """B x C x I x J to B x F x I / stride x J / stride."""
        inner = self.first_norm(self.first(x_BCIJ)).relu()
        changed = self.second_norm(self.second(inner))
        passed = x_BCIJ if self.shortcut is None else self.shortcut(x_BCIJ)
        result: Tensor = (changed + passed).relu()
        return result


class ResNet(Module):
    """A convolution, residual blocks that halve the image after the first, a mean, the classes."""

    def __init__(
        self,
        channels: Sequence[int],
        *,
        classes: int,
        rng: np.random.Generator,
        inputs: int = 1,
    ) -> None:
        super().__init__()
        self.stem = Conv2d(inputs, channels[0], 3, rng=rng, padding=1, has_bias=False)
        self.stem_norm = BatchNorm(channels[0])
        pairs = zip([channels[0], *channels], channels, strict=False)
        self.blocks = [
            ResidualBlock(C, F, rng=rng, stride=1 if number == 0 else 2)
            for number, (C, F) in enumerate(pairs)
        ]
        self.pool = GlobalAvgPool2d()
        self.head = Linear(channels[-1], classes, rng=rng)
        begin_for_relu(self, rng)

    def forward(self, x_BCIJ: Tensor) -> Tensor:
        """Logits B x classes of images B x C x height x width."""
        x_BCIJ = self.stem_norm(self.stem(x_BCIJ)).relu()
        for block in self.blocks:
            x_BCIJ = block(x_BCIJ)
        result: Tensor = self.head(self.pool(x_BCIJ))
        return result


def begin_for_relu(module: Module, rng: np.random.Generator) -> None:
    """He's normal weights in every convolution and linear layer, biases at zero."""
    for part in module.modules():
        if isinstance(part, Conv2d | Linear):
            part.weight.data = he_normal(part.weight.shape, rng)
            if part.bias is not None:
                part.bias.data = np.zeros_like(part.bias.data)
