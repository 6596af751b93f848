r"""Differentiation rules of products of matrices: of $Y = AB$, $G B^T$ for A and $A^T G$ for B."""

import math
from typing import Any

import numpy as np

from groundup.autograd.rule import Array, Rule


def matmul(a: Array, b: Array) -> Array:
    """The product over the last dimension of a and the last but one of b, in batches.

    Rows of a batch that meet one matrix are multiplied as one tall matrix.
    """
    if b.ndim == 2 and a.ndim > 2:
        return (a.reshape(-1, a.shape[-1]) @ b).reshape(*a.shape[:-1], b.shape[-1])
    return np.matmul(a, b)


def _matmul_of_left(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return _column(xp, g) * b if a.ndim > 1 else g * b
    if a.ndim == 1:
        g = xp.reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1]))
        rows = xp.matmul(g, swap_last(xp, b))
        return xp.reshape(rows, shape=(*rows.shape[:-2], rows.shape[-1]))
    return xp.matmul(g, swap_last(xp, b))


def _matmul_of_right(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        if b.ndim == 1:
            return g * a
        return _column(xp, a) * xp.reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1]))
    if b.ndim == 1:
        return xp.sum(a * _column(xp, g), dim=tuple(range(a.ndim - 1)), keepdim=False)
    if b.ndim == 2 and a.ndim > 2:
        a = xp.reshape(a, shape=(math.prod(a.shape[:-1]), a.shape[-1]))
        g = xp.reshape(g, shape=(math.prod(g.shape[:-1]), g.shape[-1]))
    return xp.matmul(swap_last(xp, a), g)


def _column(xp: Any, x: Any) -> Any:
    return xp.reshape(x, shape=(*x.shape, 1))


def swap_last(xp: Any, x: Any) -> Any:
    """The last two dimensions swapped."""
    dims = list(range(x.ndim))
    dims[-2:] = dims[-1], dims[-2]
    return xp.permute(x, dims=tuple(dims))


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    r"""$x W^T + b$ for x of ... x inputs, W of outputs x inputs, b of outputs."""
    result = matmul(x, weight.T)
    if bias is not None:
        result += bias
    return result


def _linear_of_weight(xp: Any, g: Any, y: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    flat_g = xp.reshape(g, shape=(math.prod(g.shape[:-1]), g.shape[-1]))
    flat_x = xp.reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
    return xp.matmul(swap_last(xp, flat_g), flat_x)


def _linear_of_bias(xp: Any, g: Any, y: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    return xp.sum(g, dim=tuple(range(g.ndim - 1)), keepdim=False)


def einsum(*parts: Array, subscripts: str) -> Array:
    """Einstein's summation; `subscripts` names every input and the result, as "ij,jk->ik"."""
    return np.einsum(subscripts, *parts, optimize=len(parts) > 1)


def _einsum_vjp(i: int, xp: Any, g: Any, y: Any, *parts: Any, subscripts: str) -> Any:
    """The sum with the result's letters in place of input i's; letters only i has are repeated."""
    left, _, result = subscripts.partition("->")
    names = left.split(",")
    others = [
        (name, part) for k, (name, part) in enumerate(zip(names, parts, strict=True)) if k != i
    ]
    known = set(result).union(*(name for name, _ in others))
    present = "".join(letter for letter in names[i] if letter in known)
    spec = ",".join([result, *(name for name, _ in others)]) + "->" + present
    part = xp.einsum(g, *(part for _, part in others), subscripts=spec)
    sizes = dict(zip(names[i], parts[i].shape, strict=True))
    if present != names[i]:
        kept = tuple(sizes[letter] if letter in known else 1 for letter in names[i])
        part = xp.expand(xp.reshape(part, shape=kept), shape=parts[i].shape)
    return part


PRODUCTS = {
    "matmul": Rule(matmul, (_matmul_of_left, _matmul_of_right)),
    "linear": Rule(
        linear,
        (
            lambda xp, g, y, x, weight, bias=None: xp.matmul(g, weight),
            _linear_of_weight,
            _linear_of_bias,
        ),
    ),
    "einsum": Rule(einsum, (_einsum_vjp,), of_each=True),
}
