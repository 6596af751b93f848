r"""How weights begin, so that signals neither fade nor grow from layer to layer.

A layer with n inputs multiplies the variance of its input by $n\,\mathrm{Var}(w)$, and that of the
gradient on its way back by $m\,\mathrm{Var}(w)$ for m outputs. After L layers the factor has the
power L: at 0.5 a signal is a thousandth after ten layers, at 2 a thousandfold.

Each function gives a new array for a weight of the given shape, laid out as torch's: outputs x
inputs (x window), so that `fan` are (inputs, outputs), each times the window's size.
"""

import math
from collections.abc import Sequence

import numpy as np

from groundup.autograd.rule import Array
from groundup.swap import replaceable

GAINS = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "leaky_relu": math.sqrt(2 / (1 + 0.01**2)),
    "selu": 3 / 4,
}
"""By how much a layer's weights must be larger to make up for what its activation takes away."""


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """(inputs, outputs) of one element of the result and of the input. ValueError below 2 sizes."""
    if len(shape) < 2:
        raise ValueError(f"shape {tuple(shape)} has no inputs and outputs; wanted 2 sizes or more")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def gain(activation: str) -> float:
    """The gain of an activation by name. ValueError for one without."""
    if activation not in GAINS:
        raise ValueError(f"there is no gain for {activation!r}; there are: {', '.join(GAINS)}")
    return GAINS[activation]


@replaceable
def xavier_normal(
    shape: Sequence[int], rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float32
) -> Array:
    r"""Normal with $\sigma = g \sqrt{2 / (n_{in} + n_{out})}$, a compromise of both directions.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (2010), equation 12.
    """
    std = gain * math.sqrt(2 / sum(fans(shape)))
    return (rng.standard_normal(shape) * std).astype(dtype)


def xavier_uniform(
    shape: Sequence[int], rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float32
) -> Array:
    r"""Uniform in $\pm g \sqrt{6 / (n_{in} + n_{out})}$: the same variance as `xavier_normal`."""
    limit = gain * math.sqrt(6 / sum(fans(shape)))
    return rng.uniform(-limit, limit, shape).astype(dtype)


@replaceable
def he_normal(
    shape: Sequence[int],
    rng: np.random.Generator,
    gain: float = GAINS["relu"],
    dtype: type = np.float32,
) -> Array:
    r"""$\sigma = g / \sqrt{n_{in}}$, normal: ReLU halves the power, $g = \sqrt 2$ restores it.

    He et al., "Delving deep into rectifiers" (2015), section 2.2.
    """
    return (rng.standard_normal(shape) * gain / math.sqrt(fans(shape)[0])).astype(dtype)


def he_uniform(
    shape: Sequence[int],
    rng: np.random.Generator,
    gain: float = GAINS["relu"],
    dtype: type = np.float32,
) -> Array:
    r"""Uniform in $\pm g \sqrt{3 / n_{in}}$: the same variance as `he_normal`."""
    limit = gain * math.sqrt(3 / fans(shape)[0])
    return rng.uniform(-limit, limit, shape).astype(dtype)


@replaceable
def orthogonal(
    shape: Sequence[int], rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float32
) -> Array:
    r"""Rows (or columns, whichever are fewer) of length g, at right angles to each other.

    The Q of a QR of normal numbers, with the signs of R's diagonal taken in, which makes it uniform
    over all such matrices. Every singular value is g: a signal keeps its length through any number
    of layers. Saxe et al., "Exact solutions to the nonlinear dynamics of learning" (2014).
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    normal = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return ((q if rows >= columns else q.T) * gain).reshape(shape).astype(dtype)


def torch_default(
    shape: Sequence[int], rng: np.random.Generator, fan_in: int, dtype: type = np.float32
) -> Array:
    r"""Uniform in $\pm 1 / \sqrt{n_{in}}$, as torch's layers begin, weights and biases alike."""
    limit = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
    return rng.uniform(-limit, limit, shape).astype(dtype)
