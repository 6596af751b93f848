r"""Backpropagation by hand: the chain rule, from the last layer to the first.

For $x_0 \to x_1 \to \dots \to x_L \to$ loss the gradient at $x_0$ is $g J_L \cdots J_1$. From the
left it is one row vector times a matrix after another; from the right, matrices times matrices.
The loss is one number, so from the left it is. Linnainmaa (1970); Rumelhart, Hinton and Williams
(1986). `autograd` does this for any graph; here stands a network of one shape, with each rule in
sight. Left out: convolutions, recurrence, any other shape.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_vector
from groundup.maths.matrices import Floats, finite_matrix
from groundup.maths.vector_jacobian import affine_vjp, cross_entropy_gradient
from groundup.swap import replaceable

Layer = tuple[ArrayLike, ArrayLike]
"""A weight of shape (inputs, outputs) and a bias of shape (outputs,)."""


class Backward(NamedTuple):
    """The loss of a network and its gradient at every parameter."""

    loss: float
    """Mean cross-entropy in nats."""
    gradients: list[tuple[Floats, Floats]]
    """At the weight and the bias of each layer, first layer first."""
    at_input: Floats
    """At the inputs, shape (batch, inputs)."""


@replaceable
def backpropagate(X: ArrayLike, labels: ArrayLike, layers: Sequence[Layer]) -> Backward:
    r"""A network of tanh layers and a softmax: forward, keeping what backward will need.

    Forward: $H_0 = X$, $H_l = \tanh(H_{l-1} W_l + b_l)$, the last layer without tanh, then the mean
    cross-entropy with the labels. Backward: $G = (p - onehot)/batch$ at the last scores; then, for
    each layer, the gradients at W and b from G and the layer's input, G W' for the layer below, and
    times $1 - \tanh^2 = 1 - H^2$ for its activation.

    X has shape (batch, inputs), labels (batch,). Raises ValueError where shapes do not fit.
    """
    weights = [(finite_matrix(W, "a weight"), finite_vector(b, "a bias")) for W, b in layers]
    if not weights:
        raise ValueError("there is no layer; wanted at least one (weight, bias)")
    inputs = [finite_matrix(X, "X")]
    for index, (W, b) in enumerate(weights):
        scores = _affine(inputs[-1], W, b, index)
        inputs.append(np.tanh(scores))
    gradient = cross_entropy_gradient(scores, labels)
    gradients: list[tuple[Floats, Floats]] = []
    for (W, _), H in zip(reversed(weights), reversed(inputs[:-1]), strict=True):
        gradient, at_W, at_b = affine_vjp(H, W, gradient)
        gradients.insert(0, (at_W, at_b))
        if len(gradients) < len(weights):
            gradient = gradient * (1 - H**2)
    return Backward(_cross_entropy(scores, labels), gradients, gradient)


def chain_cost(sizes: Sequence[int]) -> tuple[int, int]:
    """Multiplications of forward and of reverse accumulation for Jacobians between these sizes.

    sizes = (n_0, n_1, ..., n_L): from the right, each n_l x n_(l-1) Jacobian meets a matrix of n_0
    columns; from the left, one of n_L rows. With one output and a million inputs reverse is a
    million times cheaper: why training runs backward.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes are {list(sizes)}; wanted two or more, each at least 1")
    steps = [a * b for a, b in pairwise(sizes)]
    return int(sizes[0]) * sum(steps[1:]), int(sizes[-1]) * sum(steps[:-1])


def _affine(H: Floats, W: Floats, b: Floats, index: int) -> Floats:
    if H.shape[1] != W.shape[0] or b.size != W.shape[1]:
        raise ValueError(
            f"layer {index} has a weight {W.shape} and a bias {b.shape} for {H.shape[1]} "
            "inputs; wanted (inputs, outputs) and (outputs,)"
        )
    result: Floats = H @ W + b
    return result


def _cross_entropy(scores: Floats, labels: ArrayLike) -> float:
    chosen = scores[np.arange(len(scores)), np.asarray(labels)]
    largest = scores.max(axis=1)
    logs = largest + np.log(np.exp(scores - largest[:, None]).sum(axis=1))
    return float((logs - chosen).mean())
