"""Norms, step by step: why sizes run away, over which numbers statistics run, and what goes wrong.

Legend: B example, C feature.
"""

import math

import numpy as np
import torch
from torch import Tensor

from groundup.autograd.normalization import BatchNorm
from groundup.autograd.tensor import Tensor as ArrayTensor
from groundup.layers.normalization import layer_norm, rms_norm

Table = list[dict[str, object]]


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# The problem


def depth() -> Table:
    """A vector of 64 numbers through layers of random weights a little too large, or too small"""
    rows: Table = []
    for layers in (1, 10, 50):
        row: dict[str, object] = {"layers": layers}
        for name, scale in (("20 % too large", 1.2), ("20 % too small", 0.8)):
            x = y = _random(1, 64)
            for layer in range(layers):
                weights = scale * _random(64, 64, seed=layer + 1) / math.sqrt(64)
                x, y = x @ weights, rms_norm(y @ weights, torch.ones(64).double(), 1e-6)
            row[name] = float(x.square().mean().sqrt())
            row[f"{name}, normed"] = float(y.square().mean().sqrt())
        rows.append(row)
    return rows


# Over which numbers


def batch() -> Tensor:
    """Three examples of four features; the third feature is far larger than the others"""
    return torch.tensor([[1.0, 2.0, 30.0, 4.0], [2.0, 0.0, 50.0, 6.0], [3.0, 1.0, 40.0, 8.0]])


def by_row() -> dict[str, Tensor]:
    """Layer norm: each example by its own mean and spread"""
    x_BC = batch()
    mean_B1 = x_BC.mean(1, keepdim=True)
    spread_B1 = (x_BC - mean_B1).square().mean(1, keepdim=True).sqrt()
    return {"mean": mean_B1, "spread": spread_B1, "result": (x_BC - mean_B1) / spread_B1}


def by_column() -> dict[str, Tensor]:
    """Batch norm: each feature by its mean and spread over the batch"""
    x_BC = batch()
    mean_1C = x_BC.mean(0, keepdim=True)
    spread_1C = (x_BC - mean_1C).square().mean(0, keepdim=True).sqrt()
    return {"mean": mean_1C, "spread": spread_1C, "result": (x_BC - mean_1C) / spread_1C}


def size_only() -> dict[str, Tensor]:
    """RMS norm: each example divided by its root mean square; the mean stays"""
    x_BC = batch()
    size_B1 = x_BC.square().mean(1, keepdim=True).sqrt()
    return {"root mean square": size_B1, "result": x_BC / size_B1}


def ours() -> dict[str, Tensor]:
    """The library's two functions, with gains of 1"""
    x_BC, ones_C = batch(), torch.ones(4)
    return {
        "layer_norm": layer_norm(x_BC, ones_C, torch.zeros(4), 1e-5),
        "rms_norm": rms_norm(x_BC, ones_C, 1e-5),
    }


def flow() -> Tensor:
    """Two vectors, the second one ten times the first"""
    x = torch.tensor([[1.0, 2.0, 3.0, 6.0], [10.0, 20.0, 30.0, 60.0]])
    return layer_norm(x, torch.ones(4), torch.zeros(4), 1e-5)


def three_four() -> float:
    """The root mean square of (3, 4, 0, 0)"""
    return float(torch.tensor([3.0, 4.0, 0.0, 0.0]).square().mean().sqrt())


def scaled() -> str:
    """Multiply a vector by 100, norm both, and compare"""
    x, ones = _random(1, 8), torch.ones(8).double()
    before, after = layer_norm(x, ones, None, 1e-5), layer_norm(100 * x, ones, None, 1e-5)
    return "It stays" if torch.allclose(before, after, atol=1e-4) else "It is 100 times as large"


def no_way_along() -> dict[str, float]:
    """The gradient through layer norm: its part along the vector, and along (1, 1, ...)"""
    x, upstream = _random(1, 64).requires_grad_(), _random(1, 64, seed=1)
    ones = torch.ones(64).double()
    (slope,) = torch.autograd.grad(layer_norm(x, ones, None, 1e-12), x, upstream)
    centred = (x - x.mean()).detach()
    return {
        "length of the gradient": float(slope.norm()),
        "along the centred vector": float((slope * centred).sum() / centred.norm()),
        "along (1, 1, ...)": float(slope.sum() / 8),
    }


# Batch norm's two lives


def company() -> dict[str, object]:
    """The same first example, in two batches: batch norm while training, and in use"""
    norm = BatchNorm(4)
    x = batch().numpy()
    other = x.copy()
    other[1:] *= 10
    while_training = [norm(ArrayTensor(one)).data[0] for one in (x, other)]
    norm.training = False
    in_use = [norm(ArrayTensor(one)).data[0] for one in (x, other)]
    return {"training": np.array(while_training), "in use": np.array(in_use)}


def running() -> Table:
    """Batches of mean 5 and variance 4: what the running statistics know after some of them"""
    chance = np.random.default_rng(0)
    norm = BatchNorm(1)
    rows: Table = []
    for seen in range(1, 51):
        norm(ArrayTensor(5 + 2 * chance.standard_normal((32, 1)).astype(np.float32)))
        if seen in (1, 5, 10, 50):
            row: dict[str, object] = {"batches": seen, "running mean": float(norm.running_mean[0])}
            rows.append({**row, "running variance": float(norm.running_var[0])})
    return rows


def after_ten() -> float:
    """The running mean after ten batches of mean 5, when it began at 0 and moves by a tenth"""
    return 5 * (1 - 0.9**10)


def small_batches() -> Table:
    """How far the mean of a batch lies from the true one, 0, for numbers of spread 1"""
    chance = np.random.default_rng(0)
    rows: Table = []
    for size in (2, 8, 32, 256):
        means = chance.standard_normal((2000, size)).mean(1)
        rows.append({"batch": size, "spread of its mean": float(means.std())})
    return rows


# What goes wrong


def half() -> dict[str, Tensor]:
    """A vector of numbers near 300 in float16: squared as it is, and in float32"""
    x = torch.tensor([300.0, -310.0, 290.0, -305.0], dtype=torch.float16)
    square = x.square()
    return {
        "its squares": square,
        "x / root mean square": x * (square.mean() + 1e-6).rsqrt(),
        "rms_norm": rms_norm(x, torch.ones(4), 1e-6),
    }


def eps() -> Table:
    """One vector made smaller and smaller: the root mean square of the result, for two eps"""
    x, ones = torch.tensor([[1.0, -1.0, 2.0, -2.0]]), torch.ones(4)
    rows: Table = []
    for size in (1.0, 1e-2, 1e-4):
        row: dict[str, object] = {"x times": size}
        for added in (1e-5, 1e-12):
            row[f"eps {added:g}"] = float(rms_norm(size * x, ones, added).square().mean().sqrt())
        rows.append(row)
    return rows


def residual() -> Table:
    """24 layers each add a random vector of size 1: how much of what went in is left?"""
    rows: Table = []
    first = inside = outside = _random(1, 16384)
    ones = torch.ones(16384).double()
    for layer in range(1, 25):
        added = _random(1, 16384, seed=layer)
        inside = inside + added
        outside = rms_norm(outside + added, ones, 1e-6)
        if layer in (1, 6, 12, 24):
            size = float(inside.square().mean().sqrt())
            rows.append(
                {
                    "layer": layer,
                    "norm before: size": size,
                    "norm before: of the input": float((inside * first).mean()),
                    "norm after: of the input": float((outside * first).mean()),
                }
            )
    return rows


def divisors() -> Table:
    """Spread by n - 1 over spread by n, for vectors of different widths"""
    rows: Table = []
    for width in (4, 64, 4096):
        x = _random(width)
        rows.append({"features": width, "ratio": float(x.std() / x.std(correction=0))})
    return rows
