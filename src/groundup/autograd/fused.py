"""Layers' operations as single rules: what small operations would compute in many passes.

Each agrees with its `plain` twin, a composition of the table's small operations.
Legend: N predictions, V classes, C features, `...` any leading dimensions.
"""

import math
from typing import Any

import numpy as np

from groundup.autograd.rule import Array, FusedRule


def cross_entropy(logits_NV: Array, targets_N: Array, ignore: int) -> tuple[Array, Any]:
    r"""$-\frac1n \sum_i \ln \mathrm{softmax}(z_i)_{t_i}$ over the n targets not `ignore`."""
    counts_N = targets_N != ignore
    rows = np.flatnonzero(counts_N)
    targets = targets_N[rows]
    shifted_NV = logits_NV - np.max(logits_NV, axis=1, keepdims=True)
    picked = shifted_NV[rows, targets]
    np.exp(shifted_NV, out=shifted_NV)
    sums_N1 = np.sum(shifted_NV, axis=1, keepdims=True)
    total = np.sum(np.log(sums_N1[rows, 0]) - picked)
    with np.errstate(invalid="ignore"):  # of no target, the mean of nothing is NaN
        loss = np.divide(total, len(rows), dtype=logits_NV.dtype)
    return loss, (rows, targets, shifted_NV, sums_N1)


def cross_entropy_backward(
    g: Array, y: Array, kept: Any, logits_NV: Array, targets_N: Array, *, ignore: int, wanted: Any
) -> tuple[Any, ...]:
    r"""$(\mathrm{softmax}(z_i) - \mathrm{onehot}(t_i)) / n$ for the rows that count, else 0."""
    rows, targets, exponents_NV, sums_N1 = kept
    if len(rows) == 0:
        return np.zeros_like(logits_NV), None
    scale = g / len(rows)
    result_NV = exponents_NV * (scale / sums_N1)
    result_NV[rows, targets] -= scale
    if len(rows) < len(targets_N):
        result_NV[targets_N == ignore] = 0
    return result_NV, None


def plain_cross_entropy(xp: Any, logits_NV: Any, targets_N: Any, ignore: int) -> Any:
    """The same in small operations."""
    rows = np.flatnonzero(targets_N != ignore)
    logarithms = logits_NV[rows].log_softmax(-1)
    return -logarithms.gather(-1, targets_N[rows][:, None]).sum() / len(rows)


def layer_norm(
    x: Array, weight: Array | None, bias: Array | None, eps: float, dims: int
) -> tuple[Array, Any]:
    r"""$(x - \mathrm{mean}) / \sqrt{\mathrm{var} + \epsilon} \cdot w + b$ over the last `dims`."""
    axes = tuple(range(-dims, 0))
    normed = x - np.mean(x, axis=axes, keepdims=True)
    scale = 1 / np.sqrt(np.mean(normed * normed, axis=axes, keepdims=True) + eps)
    normed *= scale
    result = normed if weight is None else normed * weight
    if bias is not None:
        result = result + bias
    return (result.copy() if result is normed else result), (normed, scale)


def layer_norm_backward(
    g: Array, y: Array, kept: Any, x: Array, *gains: Any, dims: int, **_: Any
) -> tuple[Any, ...]:
    r"""$s\,(h - \overline{h} - n\,\overline{h n})$ with $h = g w$, n the normed x, s the scale."""
    weight, bias = gains
    normed, scale = kept
    axes = tuple(range(-dims, 0))
    leading = tuple(range(g.ndim - dims))
    of_weight = None if weight is None else np.sum(g * normed, axis=leading)
    of_bias = None if bias is None else np.sum(g, axis=leading)
    h = g if weight is None else g * weight
    of_x = normed * -np.mean(h * normed, axis=axes, keepdims=True)
    of_x += h
    of_x -= np.mean(h, axis=axes, keepdims=True)
    of_x *= scale
    return of_x, of_weight, of_bias


def plain_layer_norm(xp: Any, x: Any, weight: Any, bias: Any, eps: float, dims: int) -> Any:
    """The same in small operations."""
    axes = tuple(range(-dims, 0))
    centred = x - x.mean(axes, keepdim=True)
    result = centred * (centred.square().mean(axes, keepdim=True) + eps).rsqrt()
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


def attention(q: Array, k: Array, v: Array, mask: Array | None, scale: float) -> tuple[Array, Any]:
    r"""$\mathrm{softmax}(q k^T \cdot scale)\, v$; `mask` True where a query may look at a key."""
    weights = q @ np.swapaxes(k, -1, -2)
    weights *= scale
    if mask is not None:
        weights = np.where(mask, weights, np.asarray(-math.inf, weights.dtype))
    with np.errstate(invalid="ignore"):  # a query that may look at nothing is NaN
        weights -= np.max(weights, axis=-1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= np.sum(weights, axis=-1, keepdims=True)
    return weights @ v, weights


def attention_backward(
    g: Array, y: Array, weights: Any, *inputs: Any, scale: float, wanted: Any
) -> tuple[Any, ...]:
    r"""With the weights P: $P^T g$ for v; $P (g v^T - \sum P\, g v^T)$ on to q and k."""
    q, k, v, _ = inputs
    of_v = np.swapaxes(weights, -1, -2) @ g
    of_scores = g @ np.swapaxes(v, -1, -2)
    of_scores -= np.sum(g * y, axis=-1, keepdims=True)
    of_scores *= weights
    of_scores *= scale
    return of_scores @ k, np.swapaxes(of_scores, -1, -2) @ q, of_v, None


def plain_attention(xp: Any, q: Any, k: Any, v: Any, mask: Any, scale: float) -> Any:
    """The same in small operations."""
    scores = q @ k.transpose(-2, -1) * scale
    if mask is not None:
        scores = scores.masked_fill(~np.asarray(mask), -math.inf)
    return scores.softmax(-1) @ v


FUSED = {
    "cross_entropy": FusedRule(cross_entropy, cross_entropy_backward, plain_cross_entropy),
    "layer_norm": FusedRule(layer_norm, layer_norm_backward, plain_layer_norm),
    "attention": FusedRule(attention, attention_backward, plain_attention),
}
