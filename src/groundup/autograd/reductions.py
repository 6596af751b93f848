"""Differentiation rules of sums, maxima and what is built on them.

`dim` is a tuple of dimensions here, `keepdim` leaves them with size 1; the methods of `Tensor` turn
torch's other ways to say it into these.
"""

import math
from typing import Any

import numpy as np

from groundup.autograd.rule import Array, Rule, kept_shape

Dims = tuple[int, ...]


def total(x: Array, dim: Dims, keepdim: bool) -> Array:
    """The sum over `dim`; of booleans, a count."""
    return np.sum(x, axis=dim, keepdims=keepdim, dtype=_sum_type(x))


def cumsum(x: Array, dim: int) -> Array:
    """Sums of all up to each place along `dim`."""
    return np.cumsum(x, axis=dim, dtype=_sum_type(x))


def _sum_type(x: Array) -> Any:
    """Integers and booleans are summed as int64, as in torch; others in their own type."""
    return np.int64 if x.dtype.kind in "iub" else None


def mean(x: Array, dim: Dims, keepdim: bool) -> Array:
    """The mean over `dim`."""
    return np.mean(x, axis=dim, keepdims=keepdim)


def amax(x: Array, dim: Dims, keepdim: bool) -> Array:
    """The largest over `dim`; ties share the gradient evenly."""
    return np.max(x, axis=dim, keepdims=keepdim)


def logsumexp(x: Array, dim: Dims, keepdim: bool) -> Array:
    r"""$\ln \sum e^x$: the maximum is taken out first, so that nothing overflows."""
    if x.size == 0:
        return np.full(np.sum(x, axis=dim, keepdims=keepdim).shape, -np.inf, x.dtype)
    largest = np.max(x, axis=dim, keepdims=True)
    safe = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(divide="ignore"):
        result = np.log(np.sum(np.exp(x - safe), axis=dim, keepdims=True)) + safe
    return result if keepdim else np.squeeze(result, axis=dim)


def softmax(x: Array, dim: int) -> Array:
    r"""$e^{x_i} / \sum_j e^{x_j}$ along `dim`; a row of $-\infty$ alone is NaN, as in torch."""
    if x.size == 0:
        return x.copy()
    with np.errstate(invalid="ignore"):
        result = x - np.max(x, axis=dim, keepdims=True)
    np.exp(result, out=result)
    result /= np.sum(result, axis=dim, keepdims=True)
    return result


def log_softmax(x: Array, dim: int) -> Array:
    r"""$x_i - \ln \sum_j e^{x_j}$ along `dim`."""
    if x.size == 0:
        return x.copy()
    centred = x - np.max(x, axis=dim, keepdims=True)
    centred -= np.log(np.sum(np.exp(centred), axis=dim, keepdims=True))
    return centred


def _spread(xp: Any, g: Any, x: Any, dim: Dims) -> Any:
    """G, of a reduction over `dim`, repeated along what was reduced."""
    return xp.expand(xp.reshape(g, shape=kept_shape(x.shape, dim)), shape=x.shape)


def _keep(xp: Any, value: Any, x: Any, dim: Dims) -> Any:
    return xp.reshape(value, shape=kept_shape(x.shape, dim))


def _count(x: Any, dim: Dims) -> int:
    return math.prod(x.shape[axis] for axis in dim)


def _mean_vjp(xp: Any, g: Any, y: Any, x: Any, dim: Dims, keepdim: bool) -> Any:
    return _spread(xp, g * (1 / max(_count(x, dim), 1)), x, dim)


def _extreme_vjp(xp: Any, g: Any, y: Any, x: Any, dim: Dims, keepdim: bool) -> Any:
    is_it = xp.to(x == _keep(xp, y, x, dim), dtype=g.dtype)
    share = is_it / xp.sum(is_it, dim=dim, keepdim=True)
    return _keep(xp, g, x, dim) * share


def _logsumexp_vjp(xp: Any, g: Any, y: Any, x: Any, dim: Dims, keepdim: bool) -> Any:
    top = _keep(xp, y, x, dim)
    is_infinite = (top == -math.inf) | (top == math.inf)  # a NaN is not, and passes
    weights = xp.exp(xp.where(is_infinite, -math.inf, x - xp.where(is_infinite, 0.0, top)))
    return _keep(xp, g, x, dim) * weights


def _softmax_vjp(xp: Any, g: Any, y: Any, x: Any, dim: int) -> Any:
    weighted = g * y
    return weighted - y * xp.sum(weighted, dim=(dim,), keepdim=True)


def _log_softmax_vjp(xp: Any, g: Any, y: Any, x: Any, dim: int) -> Any:
    return g - xp.exp(y) * xp.sum(g, dim=(dim,), keepdim=True)


def _cumsum_vjp(xp: Any, g: Any, y: Any, x: Any, dim: int) -> Any:
    return xp.flip(xp.cumsum(xp.flip(g, dims=(dim,)), dim=dim), dims=(dim,))


REDUCTIONS = {
    "sum": Rule(total, (lambda xp, g, y, x, dim, keepdim: _spread(xp, g, x, dim),)),
    "mean": Rule(mean, (_mean_vjp,)),
    "amax": Rule(amax, (_extreme_vjp,)),
    "amin": Rule(lambda x, dim, keepdim: np.min(x, axis=dim, keepdims=keepdim), (_extreme_vjp,)),
    "logsumexp": Rule(logsumexp, (_logsumexp_vjp,)),
    "softmax": Rule(softmax, (_softmax_vjp,)),
    "log_softmax": Rule(log_softmax, (_log_softmax_vjp,)),
    "cumsum": Rule(cumsum, (_cumsum_vjp,)),
}
