r"""Many tests at once: p-values adjusted so that a chosen error rate holds for all together.

Reject where the adjusted value is at most alpha. Bonferroni, Holm and Hochberg bound the chance of
any false rejection; Benjamini-Hochberg and -Yekutieli the expected share of false ones among the
rejected. Sources: Holm (1979); Hochberg (1988); Benjamini and Hochberg (1995); Benjamini and
Yekutieli (2001). All take shape (m,) and return it, in the given order.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.numeric_input import Floats, sample
from groundup.swap import replaceable


def _p_values(p: ArrayLike) -> Floats:
    values = sample(p, "p")
    if ((values < 0) | (values > 1)).any():
        raise ValueError("p holds values outside [0, 1]; wanted p-values")
    return values


@replaceable
def bonferroni(p: ArrayLike) -> Floats:
    """Multiply by m, at most 1: holds whatever the dependence."""
    values = _p_values(p)
    return np.minimum(values * values.size, 1)


@replaceable
def holm(p: ArrayLike) -> Floats:
    """Step down: the i-th smallest times m - i + 1, never falling. Never worse than Bonferroni."""
    values = _p_values(p)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(values.size, 0, -1)
    return _unsorted(np.maximum.accumulate(steps), order)


@replaceable
def hochberg(p: ArrayLike) -> Floats:
    """Step up with Holm's factors, from the largest on; needs Simes's inequality (independence)."""
    values = _p_values(p)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(values.size, 0, -1)
    return _unsorted(np.minimum.accumulate(steps[::-1])[::-1], order)


@replaceable
def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Step up: the i-th smallest times m / i, from the largest on: false discovery rate."""
    values = _p_values(p)
    order = np.argsort(values, kind="stable")
    steps = values[order] * (values.size / np.arange(1, values.size + 1))
    return _unsorted(np.minimum.accumulate(steps[::-1])[::-1], order)


@replaceable
def benjamini_yekutieli(p: ArrayLike) -> Floats:
    """Benjamini-Hochberg times 1 + 1/2 + ... + 1/m: holds whatever the dependence."""
    values = _p_values(p)
    order = np.argsort(values, kind="stable")
    harmonic = (1 / np.arange(1, values.size + 1)).sum()
    steps = values[order] * (values.size * harmonic / np.arange(1, values.size + 1))
    return _unsorted(np.minimum.accumulate(steps[::-1])[::-1], order)


@replaceable
def fisher_combined(p: ArrayLike) -> float:
    r"""One p-value from independent ones: $-2\sum\log p_i \sim \chi^2_{2m}$ (Fisher, 1932).

    By its closed form $P(\mathrm{Poisson}(s) < m)$ with $s = -\sum\log p_i$, all terms positive.
    """
    values = _p_values(p)
    if (values == 0).any():
        return 0.0
    s = -float(np.log(values).sum())
    terms = np.cumprod(np.concatenate([[1.0], s / np.arange(1, values.size)]))
    return float(min(1.0, np.exp(np.log(terms.sum()) - s)))


def _unsorted(adjusted: Floats, order: np.ndarray) -> Floats:
    result = np.empty_like(adjusted)
    result[order] = np.minimum(adjusted, 1)
    return result
