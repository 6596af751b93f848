"""Backpropagation from scratch: number by number, then with tensors, then through depth."""

from groundup.models.array_training import ArrayTraining
from groundup.pipeline.backpropagation_data import SpiralsConfig
from groundup.pipeline.backpropagation_scalar import ScalarConfig
from groundup.pipeline.backpropagation_study import (
    BackpropagationConfig,
    NetworkConfig,
    SignalsConfig,
)


def backpropagation(
    steps: int = 1500, depth: int = 20, quick: bool = False
) -> BackpropagationConfig:
    """Tell two spirals apart with a network of our own, from single numbers to tensors.

    steps: updates of the network of tensors.
    depth: hidden layers of the networks whose gradients are looked at.
    quick: few points and steps; shows that all works.
    """
    return BackpropagationConfig(
        name="backpropagation-quick" if quick else "backpropagation",
        data=SpiralsConfig(points=100 if quick else 600),
        scalar=ScalarConfig(steps=4 if quick else 400),
        network=NetworkConfig(train=ArrayTraining(steps=60 if quick else steps, lr=1e-2)),
        signals=SignalsConfig(depth=6 if quick else depth),
    )
