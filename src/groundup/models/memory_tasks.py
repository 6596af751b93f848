r"""Can a recurrent network remember? Tasks that need it, and how far back a gradient reaches.

In a plain network the gradient over k positions is a product of k Jacobians $W^T
\mathrm{diag}(1 - h^2)$; with singular values below 1 it fades like $\lambda^k$ (Hochreiter, 1991;
Bengio et al., 1994). An LSTM's cell is added to, and its gradient passes by the forget gates.

Legend: B sequence, T position.
"""

from typing import Any

import numpy as np

from groundup.autograd.recurrent import Recurrent
from groundup.autograd.rule import Array
from groundup.autograd.tensor import Tensor


def adding_problem(count: int, length: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Numbers of which two are marked: add these. Inputs B x T x 2, targets B x 1.

    The first mark stands in the first half, the second in the second. Who always says 1 has a mean
    squared error of 1/6. Hochreiter and Schmidhuber (1997), experiment 4. ValueError for a length
    below 2.
    """
    if length < 2:
        raise ValueError(f"a sequence of {length} has no two places to mark")
    values_BT = rng.random((count, length), dtype=np.float32)
    marks_BT = np.zeros_like(values_BT)
    half = length // 2
    rows = np.arange(count)
    marks_BT[rows, rng.integers(0, half, count)] = 1
    marks_BT[rows, rng.integers(half, length, count)] = 1
    targets_B1 = (values_BT * marks_BT).sum(1, keepdims=True)
    return np.stack([values_BT, marks_BT], -1), targets_B1


def first_symbol(
    count: int, length: int, symbols: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Ids B x T: one of `symbols`, then noise from as many others; the target is the first (B).

    The id of a noise symbol is `symbols` or above.
    """
    if length < 1 or symbols < 2:
        raise ValueError(f"length is {length}, symbols {symbols}; wanted 1 and 2 or more")
    ids_BT = rng.integers(symbols, 2 * symbols, (count, length))
    targets_B = rng.integers(0, symbols, count)
    ids_BT[:, 0] = targets_B
    return ids_BT, targets_B


def gradient_reach(network: Recurrent, inputs: Any) -> Array:
    """How much the last output's sum depends on the input at each position: norms, shape (T,).

    `inputs`: B x T x C. Position T - 1 is the last; a network that forgets has a small first norm.
    """
    x = Tensor(np.array(inputs), requires_grad=True)
    outputs, _ = network(x)
    outputs[:, -1].sum().backward()
    assert x.grad is not None, "the outputs depend on the inputs"
    norms: Array = np.sqrt((x.grad.data**2).sum((0, 2)))
    return norms
