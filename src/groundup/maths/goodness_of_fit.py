r"""Does a sample come from this distribution? Chi-square and Kolmogorov-Smirnov.

Sources: Pearson (1900); Kolmogorov (1933); Smirnov (1939); D'Agostino and Stephens,
"Goodness-of-fit techniques" (1986). Left out: distributions whose parameters were fitted to the
same sample, for which the Kolmogorov-Smirnov p-value is too large (for chi-square, say how many
with `fitted`).
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.incomplete_gamma import gamma_upper
from groundup.maths.kolmogorov import (
    kolmogorov_exact_survival,
    kolmogorov_survival,
    smirnov_survival,
    two_sample_survival,
)
from groundup.maths.numeric_input import Floats, check_alternative, sample
from groundup.maths.significance import Significance
from groundup.swap import replaceable


@replaceable
def chi_square_test(
    observed: ArrayLike, expected: ArrayLike | None = None, *, fitted: int = 0
) -> Significance:
    r"""$\chi^2 = \sum (O - E)^2/E$ with k - 1 - fitted degrees of freedom.

    `expected` (default: all equal) must have the observed sum within 1e-8. The effect is Cohen's
    $w = \sqrt{\chi^2/n}$. The approximation wants every expected count to be about 5 or more.
    """
    seen = sample(observed, "observed", least=2)
    wanted = np.full(seen.size, seen.mean()) if expected is None else sample(expected, "expected")
    if wanted.size != seen.size:
        raise ValueError(f"{seen.size} observed and {wanted.size} expected counts; wanted as many")
    if (seen < 0).any() or (wanted <= 0).any():
        raise ValueError("observed counts must not be negative, expected ones must be above 0")
    if abs(wanted.sum() - seen.sum()) > 1e-8 * seen.sum():
        raise ValueError(f"observed sums to {seen.sum()}, expected to {wanted.sum()}")
    freedom = seen.size - 1 - fitted
    if freedom < 1:
        raise ValueError(f"{seen.size} cells leave no degrees of freedom after {fitted} fitted")
    statistic = float(((seen - wanted) ** 2 / wanted).sum())
    return Significance(
        statistic=statistic,
        p_value=float(gamma_upper(freedom / 2, statistic / 2)),
        effect=math.sqrt(statistic / seen.sum()),
        freedom=freedom,
    )


@replaceable
def kolmogorov_smirnov(
    x: ArrayLike,
    cdf: Callable[[Floats], Floats],
    *,
    alternative: str = "two-sided",
    method: Literal["exact", "asymptotic"] = "exact",
) -> Significance:
    r"""One sample against a continuous distribution function.

    Two-sided $D = \max(D^+, D^-)$; "greater" asks whether the sample's distribution function lies
    above (its values are smaller), $D^+ = \max(i/n - F(x_i))$; "less" the reverse.
    """
    check_alternative(alternative)
    ordered = np.sort(sample(x, "x"))
    n, f = ordered.size, np.asarray(cdf(ordered), dtype=np.float64)
    if f.shape != ordered.shape or not ((f >= 0) & (f <= 1)).all():
        raise ValueError("cdf must return one probability for each value")
    above = float((np.arange(1, n + 1) / n - f).max())
    below = float((f - np.arange(n) / n).max())
    d = {"two-sided": max(above, below), "greater": above, "less": below}[alternative]
    if alternative != "two-sided":
        exact = smirnov_survival(n, d) if method == "exact" else math.exp(-2 * n * max(d, 0) ** 2)
        p_value = exact
    elif method == "exact":
        p_value = kolmogorov_exact_survival(n, d)
    else:
        p_value = float(kolmogorov_survival(math.sqrt(n) * d))
    return Significance(statistic=d, p_value=p_value, alternative=alternative, effect=d)


@replaceable
def two_sample_kolmogorov_smirnov(
    x: ArrayLike,
    y: ArrayLike,
    *,
    alternative: str = "two-sided",
    method: Literal["auto", "exact", "asymptotic"] = "auto",
) -> Significance:
    """The greatest distance between two empirical distribution functions.

    "greater": x's function lies above y's, x has the smaller values. Exact (for samples without
    ties; with ties the p-value is too large) up to n m = 10^6 under "auto".
    """
    check_alternative(alternative)
    first, second = np.sort(sample(x, "x")), np.sort(sample(y, "y"))
    n, m = first.size, second.size
    points = np.concatenate([first, second])
    gap = (
        np.searchsorted(first, points, side="right") / n
        - np.searchsorted(second, points, side="right") / m
    )
    above, below = float(max(gap.max(), 0)), float(max(-gap.min(), 0))
    d = {"two-sided": max(above, below), "greater": above, "less": below}[alternative]
    if method == "exact" or (method == "auto" and n * m <= 10**6):
        p_value = two_sample_survival(n, m, d, one_sided=alternative != "two-sided")
    else:
        scaled = math.sqrt(n * m / (n + m)) * d
        one_sided = math.exp(-2 * scaled**2)
        p_value = float(kolmogorov_survival(scaled)) if alternative == "two-sided" else one_sided
    return Significance(statistic=d, p_value=p_value, alternative=alternative, effect=d)
