"""The stage of the backpropagation project that learns number by number.

Its gradients are held beside those of the tensors.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.autograd.losses import binary_cross_entropy
from groundup.autograd.scalar import Value
from groundup.autograd.tensor import Tensor
from groundup.models.mlp import MLP
from groundup.pipeline.artifact import write_text_atomically
from groundup.pipeline.backpropagation_data import read_data
from groundup.pipeline.stage import Work


@dataclass(frozen=True, kw_only=True)
class ScalarConfig:
    """The network of single numbers, on few points: it is slow, and all there."""

    hidden: int = 8
    """Neurons in its one hidden layer."""
    points: int = 20
    """Of the spirals that it learns."""
    steps: int = 400
    """Updates, each over all its points."""
    lr: float = 0.7
    """Learning rate."""

    def __post_init__(self) -> None:
        if min(self.hidden, self.points, self.steps) < 1 or not 0 < self.lr < math.inf:
            raise ValueError(
                f"hidden is {self.hidden}, points {self.points}, steps {self.steps}, lr {self.lr}; "
                "all must be above 0"
            )


def scalar(work: Work) -> None:
    """Train number by number; write `result.json`, with how far the tensors' gradients are off."""
    config: ScalarConfig = work.config
    points, labels, _ = read_data(work)
    points, labels = points[: config.points], labels[: config.points, 0]
    model = MLP([2, config.hidden, 1], rng=np.random.default_rng(0), activation="tanh")
    weights = [[[Value(w) for w in row] for row in layer.weight.data] for layer in model.layers]
    biases = [[Value(0.0) for _ in rows] for rows in weights]
    losses, apart = [], 0.0
    with work.progress("number by number", total=config.steps, unit="steps") as advance:
        for step in range(config.steps):
            loss = scalar_loss(weights, biases, points, labels)
            if not math.isfinite(loss.data):
                raise ValueError(f"the loss is {loss.data} at step {step}; lower the rate")
            loss.backward()
            if step == 0:
                apart = _distance(model, (weights, biases), points, labels)
            losses.append(loss.data)
            for value in _all(weights) + _all(biases):
                value.data -= config.lr * value.grad
                value.grad = 0.0
            advance(1, note=f"loss {loss.data:.3f}")
    result = {"losses": losses, "apart_from_tensors": apart, "points": len(points)}
    write_text_atomically(work.folder / "result.json", json.dumps(result, indent=2) + "\n")
    work.say(
        f"scalar: loss {losses[0]:.3f} to {losses[-1]:.3f} on {len(points)} points; its gradients "
        f"and the tensors' differ by {apart:.0e}"
    )


def scalar_loss(weights: Any, biases: Any, points: Any, labels: Any) -> Value:
    r"""The mean of $\ln(1 + e^u)$, u = z or -z for the arms, z the network's output.

    For u above 0 it is $u + \ln(1 + e^{-u})$, which does not overflow.
    """
    total = Value(0.0)
    for point, label in zip(points, labels, strict=True):
        signal = [Value(x) for x in point]
        for number, (rows, shifts) in enumerate(zip(weights, biases, strict=True)):
            sums = [
                sum((w * x for w, x in zip(row, signal, strict=True)), shift)
                for row, shift in zip(rows, shifts, strict=True)
            ]
            signal = sums if number == len(weights) - 1 else [value.tanh() for value in sums]
        sign = -1.0 if label > 0.5 else 1.0
        wrong = signal[0] * sign
        if wrong.data > 0:
            total = total + wrong + ((-wrong).exp() + 1).log()
        else:
            total = total + (wrong.exp() + 1).log()
    return total / len(points)


def _all(nested: Any) -> list[Value]:
    return [nested] if isinstance(nested, Value) else [v for part in nested for v in _all(part)]


def _distance(model: MLP, values: tuple[Any, Any], points: Any, labels: Any) -> float:
    """The largest difference between the scalar engine's gradients and the tensors'."""
    model.to(np.float64)
    inputs, wanted = Tensor(points.astype(np.float64)), Tensor(labels[:, None].astype(np.float64))
    binary_cross_entropy(model(inputs), wanted).backward()
    gaps = []
    for layer, rows, shifts in zip(model.layers, *values, strict=True):
        known_weight = np.array([[value.grad for value in row] for row in rows])
        known_bias = np.array([value.grad for value in shifts])
        for parameter, known in ((layer.weight, known_weight), (layer.bias, known_bias)):
            assert parameter is not None, "an MLP's layers have biases"
            assert parameter.grad is not None, "every parameter is used"
            gaps.append(float(np.abs(parameter.grad.data - known).max()))
    return max(gaps)
