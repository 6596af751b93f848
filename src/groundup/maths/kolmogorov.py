r"""How far an empirical distribution function strays: the distributions of Kolmogorov and Smirnov.

$D_n = \sup_x|F_n(x) - F(x)|$. Exact for a sample of n: Marsaglia, Tsang and Wang, "Evaluating
Kolmogorov's distribution" (2003); one-sided: Birnbaum and Tingey (1951); two samples: counting
lattice paths; limit: Kolmogorov (1933).
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.gamma_functions import log_binomial
from groundup.maths.numeric_input import Floats, real, whole
from groundup.swap import replaceable


@replaceable
def kolmogorov_survival(x: ArrayLike) -> Floats:
    r"""The limit of $P(\sqrt n D_n > x)$: $2\sum_{k\ge1} (-1)^{k-1} e^{-2k^2x^2}$, elementwise.

    Below x = 1 the theta function's other side is summed, as that series then converges fast:
    $1 - \frac{\sqrt{2\pi}}{x}\sum_k e^{-(2k-1)^2\pi^2/8x^2}$. Relative error about 1e-15.
    """
    x = np.maximum(real(x, "x"), 0)
    k = np.arange(1, 8.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        far = 2 * ((-1) ** (k - 1) * np.exp(-2 * (k * x[..., None]) ** 2)).sum(axis=-1)
        small = np.exp(-(((2 * k - 1) * math.pi / x[..., None]) ** 2) / 8).sum(axis=-1)
        near = 1 - np.where(x > 0, math.sqrt(2 * math.pi) / x * small, 0)
    return np.where(np.isnan(x), np.nan, np.where(x < 1, near, far))[()]


@replaceable
def smirnov_survival(n: int, d: float) -> float:
    r"""$P(D_n^+ \ge d)$, one-sided and exact, for $D_n^+ = \sup(F_n - F)$.

    $d \sum_{j=0}^{\lfloor n(1-d) \rfloor} \binom nj (d + j/n)^{j-1} (1 - d - j/n)^{n-j}$, all terms
    positive (Birnbaum and Tingey, 1951).
    """
    n = whole(n, "n", low=1)
    if d <= 0:
        return 1.0
    if d >= 1:
        return 0.0
    j = np.arange(math.floor(n * (1 - d)) + 1.0)
    rest = 1 - d - j / n
    j, rest = j[rest > 0], rest[rest > 0]
    terms = log_binomial(n, j) + (j - 1) * np.log(d + j / n) + (n - j) * np.log(rest)
    return min(1.0, d * float(np.exp(terms).sum()))


@replaceable
def kolmogorov_exact_survival(n: int, d: float) -> float:
    """P(D_n >= d) for a sample of n, two-sided.

    Where n d^2 >= 5 both sides cannot be passed at once but with probability 1e-13 of the answer,
    so twice the one-sided probability is it (Simard and L'Ecuyer, 2011); below, the matrix power of
    Marsaglia, Tsang and Wang. Beyond n = 2000 and below n d^2 = 5 the limit, corrected for n as in
    Vrbik, "Small-sample corrections to Kolmogorov-Smirnov test statistic" (2018): absolute error
    about 0.02 / n.
    """
    n = whole(n, "n", low=1)
    if d <= 0.5 / n:
        return 1.0
    if d >= 0.5 or n * d * d >= 5:
        return min(1.0, 2 * smirnov_survival(n, d))
    if n > 2000:
        z = math.sqrt(n) * d
        return float(kolmogorov_survival(z + 1 / (6 * math.sqrt(n)) + (z - 1) / (4 * n)))
    return max(0.0, 1 - _matrix_cdf(n, d))


def _matrix_cdf(n: int, d: float) -> float:
    """n!/n^n times the middle element of H^n, of which one row is enough.

    Powers of 10 are kept apart from the row.
    """
    k = math.floor(n * d) + 1
    size, h = 2 * k - 1, k - n * d
    line, column = np.indices((size, size))
    matrix = (line - column + 1 >= 0).astype(np.float64)
    power = h ** np.arange(1.0, size + 1)
    matrix[:, 0] -= power
    matrix[-1, :] -= power[::-1]
    matrix[-1, 0] += max(2 * h - 1, 0.0) ** size
    factorials = np.cumprod(np.concatenate([[1.0], np.arange(1.0, size + 1)]))
    below = np.maximum(line - column + 1, 0)
    matrix = np.where(line - column + 1 > 0, matrix / factorials[below], matrix)
    row, exponent = np.eye(size)[k - 1], 0
    for i in range(1, n + 1):
        row = row @ matrix * (i / n)
        if row.max() < 1e-140:
            row, exponent = row * 1e140, exponent - 140
    return float(row[k - 1]) * 10.0**exponent


@replaceable
def two_sample_survival(n: int, m: int, d: float, *, one_sided: bool = False) -> float:
    """P(D >= d) for two samples of n and m values without ties, exact.

    Merging the samples is a path of n steps right and m up, all equally likely; D >= d where the
    path leaves a band about the diagonal. The chance of having left it is carried from diagonal to
    diagonal: only products and sums of positive numbers, so that small p-values keep their digits.
    """
    n, m = whole(n, "n", low=1), whole(m, "m", low=1)
    common = math.lcm(n, m)
    threshold = math.ceil(d * common - 1e-6)  # d is a multiple of 1 / lcm
    left = np.zeros(1)
    for step in range(1, n + m + 1):
        right = np.arange(max(0, step - m), min(n, step) + 1)
        old = np.arange(max(0, step - 1 - m), min(n, step - 1) + 1)
        padded = np.zeros(n + 2)
        padded[old + 1] = left
        up = step - right
        left = right / step * padded[right] + up / step * padded[right + 1]
        gap = right * (common // n) - up * (common // m)
        outside = gap >= threshold if one_sided else np.abs(gap) >= threshold
        left = np.where(outside, 1.0, left)
    return float(min(1.0, left[-1]))
