r"""How much a distribution surprises: entropy, cross-entropy, divergences, mutual information.

All in nats (divide by log 2 for bits), over the last axis, with $0 \log 0 = 0$. Probabilities must
sum to 1 within 1e-6, or `normalise=True` divides them by their sum. Sources: Shannon, "A
mathematical theory of communication" (1948); Cover and Thomas, "Elements of information theory"
(2006), chapter 2. Left out: estimators of entropy for continuous samples.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.numeric_input import Floats, real, sample
from groundup.swap import replaceable


def probabilities(p: ArrayLike, name: str = "p", *, normalise: bool = False) -> Floats:
    """Distributions over the last axis, shape (..., k), checked or (on request) normalised."""
    array = real(p, name)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{name} has shape {array.shape}; wanted probabilities on the last axis")
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"{name} holds negative numbers, NaN or infinity; those are no chances")
    total = array.sum(axis=-1, keepdims=True)
    if normalise:
        if (total == 0).any():
            raise ValueError(f"{name} sums to 0 and cannot be normalised")
        result: Floats = array / total
        return result
    if (np.abs(total - 1) > 1e-6).any():
        raise ValueError(
            f"{name} sums to {total.ravel()[0]}, not to 1; pass normalise=True to divide by the sum"
        )
    return array


@replaceable
def x_log_y(x: Floats, y: Floats) -> Floats:
    """Return x log y, where 0 log 0 is 0 (the limit of x log x); -infinity for x > 0, y = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0, 0.0, x * np.log(y))


@replaceable
def entropy(p: ArrayLike, *, normalise: bool = False) -> Floats:
    r"""$H(p) = -\sum_i p_i \log p_i$, from 0 (certain) to log k (uniform); (..., k) to (...)."""
    p = probabilities(p, normalise=normalise)
    result: Floats = -x_log_y(p, p).sum(axis=-1) + 0.0
    return result


@replaceable
def cross_entropy(p: ArrayLike, q: ArrayLike, *, normalise: bool = False) -> Floats:
    r"""$H(p, q) = -\sum_i p_i \log q_i = H(p) + \mathrm{KL}(p\|q)$: coding p with q's code.

    Infinite where q excludes what p allows. Shapes (..., k) broadcast to (...).
    """
    p, q = _two(p, q, normalise)
    result: Floats = -x_log_y(p, q).sum(axis=-1) + 0.0
    return result


@replaceable
def kl_divergence(p: ArrayLike, q: ArrayLike, *, normalise: bool = False) -> Floats:
    r"""$\mathrm{KL}(p\|q) = \sum_i p_i \log(p_i/q_i) \ge 0$, and 0 for p = q alone.

    Each term is written $p\log(p/q) - p + q \ge 0$, which sums to the same and cannot come out
    negative by rounding. Not symmetric. Kullback and Leibler (1951).
    """
    p, q = _two(p, q, normalise)
    result: Floats = kl_terms(p, q).sum(axis=-1)
    return result


@replaceable
def kl_terms(p: Floats, q: Floats) -> Floats:
    r"""$p\log(p/q) - p + q$ entry by entry: never below 0, infinite where q is 0 and p is not.

    What is added, q - p, sums to 0 over a distribution. Shapes broadcast; nothing warns.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = (q - p) / p
        # log1p of a small relative difference keeps digits that log(p / q) would lose
        close = np.abs(ratio) < 0.5
        logs = np.where(close, -np.log1p(ratio), np.log(p) - np.log(q))
        terms = np.where(p == 0, q, p * logs - p + q)
    return np.maximum(terms, 0)


@replaceable
def js_divergence(p: ArrayLike, q: ArrayLike, *, normalise: bool = False) -> Floats:
    r"""$\frac12\mathrm{KL}(p\|m) + \frac12\mathrm{KL}(q\|m)$, $m = \frac{p+q}2$: at most log 2.

    Symmetric and always finite; its root is a metric. Lin, "Divergence measures based on the
    Shannon entropy" (1991).
    """
    p, q = _two(p, q, normalise)
    middle = p / 2 + q / 2
    result: Floats = (kl_terms(p, middle) + kl_terms(q, middle)).sum(axis=-1) / 2
    return result


@replaceable
def renyi_entropy(p: ArrayLike, order: float, *, normalise: bool = False) -> Floats:
    r"""$H_\alpha(p) = \frac{1}{1-\alpha} \log \sum_i p_i^\alpha$.

    Order 0 counts what is possible, 1 is Shannon's entropy, 2 the collision entropy, infinity is
    -log max p. It never grows with the order. Rényi (1961).
    """
    if not order >= 0:
        raise ValueError(f"order is {order}; wanted a number of at least 0")
    p = probabilities(p, normalise=normalise)
    value: Floats
    if order == 1:
        value = -x_log_y(p, p).sum(axis=-1)
    elif math.isinf(order):
        value = -np.log(p.max(axis=-1))
    else:
        with np.errstate(divide="ignore"):
            logs = order * np.log(p) if order > 0 else np.where(p > 0, 0.0, -np.inf)
        top = logs.max(axis=-1, keepdims=True)
        value = (np.log(np.exp(logs - top).sum(axis=-1)) + top[..., 0]) / (1 - order)
    return value + 0.0


@replaceable
def conditional_entropy(joint: ArrayLike, *, normalise: bool = False) -> float:
    r"""$H(Y|X) = H(X,Y) - H(X)$ of a joint table, shape (x values, y values): at least 0."""
    table = _joint(joint, normalise)
    rows = table.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(table > 0, table / rows, 1)
    return float(-x_log_y(table, within).sum()) + 0.0


@replaceable
def mutual_information(joint: ArrayLike, *, normalise: bool = False) -> float:
    r"""$I(X;Y) = \mathrm{KL}(p_{xy}\|p_x p_y)$ of a joint table: 0 for independence alone."""
    table = _joint(joint, normalise)
    independent = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True)
    return float(kl_terms(table, independent).sum())


@replaceable
def mutual_information_of_samples(x: ArrayLike, y: ArrayLike, *, corrected: bool = False) -> float:
    r"""Mutual information of the observed table of two discrete samples, shape (n,) each.

    The plug-in estimate is too large by about (cells - rows - columns + 1) / 2n; `corrected` takes
    that off (Miller and Madow, 1955) and stops at 0. Values may be numbers or strings.
    """
    first, second = np.asarray(x), np.asarray(y)
    if first.ndim != 1 or first.shape != second.shape or first.size == 0:
        raise ValueError(f"samples have shapes {first.shape}, {second.shape}; wanted two of (n,)")
    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    table = np.zeros((rows.size, columns.size))
    np.add.at(table, (row, column), 1.0)
    value = mutual_information(table, normalise=True)
    if not corrected:
        return value
    excess = np.count_nonzero(table) - rows.size - columns.size + 1
    return max(value - excess / (2 * first.size), 0.0)


@replaceable
def perplexity(log_probabilities: ArrayLike) -> float:
    r"""$\exp(-\frac1n \sum_i \log p_i)$: as uncertain as a fair choice among so many.

    `log_probabilities` are the model's, in nats, of what came, shape (n,). Minus infinity (what
    came had probability 0) gives infinity; a positive or missing value raises ValueError.
    """
    logs = real(log_probabilities, "log_probabilities").ravel()
    if logs.size == 0 or not (logs <= 0).all():
        raise ValueError("log_probabilities must be at least one logarithm, each of at most 0")
    with np.errstate(over="ignore"):
        return float(np.exp(-logs.mean()))


@replaceable
def bits_per_byte(total_nats: float, byte_count: int) -> float:
    """Total loss in nats / log 2 / bytes of the text: the same measure for every tokenizer."""
    if byte_count < 1:
        raise ValueError(f"the text has {byte_count} bytes; wanted at least 1")
    return total_nats / math.log(2) / byte_count


@replaceable
def miller_madow_entropy(counts: ArrayLike) -> float:
    r"""Entropy from counts (k,), with the plug-in's bias taken off: $+ (k_{seen} - 1)/2n$."""
    count = sample(counts, "counts")
    if (count < 0).any() or count.sum() == 0:
        raise ValueError("counts must not be negative, and one must be positive")
    seen = np.count_nonzero(count)
    return float(entropy(count, normalise=True)) + (seen - 1) / (2 * float(count.sum()))


def _two(p: ArrayLike, q: ArrayLike, normalise: bool) -> tuple[Floats, Floats]:
    first = probabilities(p, "p", normalise=normalise)
    second = probabilities(q, "q", normalise=normalise)
    if first.shape[-1] != second.shape[-1]:
        raise ValueError(f"p has {first.shape[-1]} outcomes and q {second.shape[-1]}")
    return first, second


def _joint(joint: ArrayLike, normalise: bool) -> Floats:
    table = real(joint, "joint")
    if table.ndim != 2:
        raise ValueError(f"joint has shape {table.shape}; wanted a table of two dimensions")
    return probabilities(table.ravel(), "joint", normalise=normalise).reshape(table.shape)
