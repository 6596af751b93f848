r"""Tables of counts: chi-square for independence, Fisher's exact test, McNemar's for pairs.

Sources: Agresti, "Categorical data analysis" (2013), sections 3.2, 3.5, 11.1; Fisher (1935);
McNemar, "Note on the sampling error of the difference between correlated proportions" (1947).
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.error_function import normal_quantile
from groundup.maths.finite_distributions import Hypergeometric
from groundup.maths.incomplete_beta import log_incomplete_beta
from groundup.maths.incomplete_gamma import gamma_upper
from groundup.maths.numeric_input import Floats, check_alternative, proportion, real, whole
from groundup.maths.significance import Significance, p_value_of
from groundup.swap import replaceable


def _table(counts: ArrayLike) -> Floats:
    table = real(counts, "table")
    if table.ndim != 2 or min(table.shape) < 2:
        raise ValueError(f"table has shape {table.shape}; wanted at least two rows and columns")
    if not np.isfinite(table).all() or (table < 0).any() or (table != np.floor(table)).any():
        raise ValueError("table must hold counts: whole numbers of at least 0")
    return table


@replaceable
def expected_counts(table: ArrayLike) -> Floats:
    """Row sum times column sum over the total, shape of the table: what independence expects."""
    counts = _table(table)
    rows, columns = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    if (rows == 0).any() or (columns == 0).any():
        raise ValueError("a row or a column holds nothing but zeros; leave it out")
    expected: Floats = rows * columns / counts.sum()
    return expected


@replaceable
def chi_square_independence(table: ArrayLike, *, yates: bool = True) -> Significance:
    r"""$\chi^2 = \sum (O - E)^2/E$ with (rows - 1)(columns - 1) degrees of freedom.

    With one degree of freedom Yates's correction takes 1/2 (but no more than there is) off each
    |O - E|. The effect is Cramér's $V = \sqrt{\chi^2/(n \min(r-1, c-1))}$, without the correction.
    """
    counts, expected = _table(table), expected_counts(table)
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    gap = np.abs(counts - expected)
    corrected = np.maximum(gap - 0.5, 0) if yates and freedom == 1 else gap
    statistic = float((corrected**2 / expected).sum())
    plain = float((gap**2 / expected).sum())
    return Significance(
        statistic=statistic,
        p_value=float(gamma_upper(freedom / 2, statistic / 2)),
        effect=math.sqrt(plain / (counts.sum() * (min(counts.shape) - 1))),
        freedom=freedom,
    )


@replaceable
def fisher_exact(
    table: ArrayLike, *, alternative: str = "two-sided", confidence: float = 0.95
) -> Significance:
    r"""A table of 2 x 2 given its margins: the first cell is hypergeometric under independence.

    Two-sided: the sum over all tables that are no more probable than this one. The estimate is the
    sample odds ratio ad / bc, its interval Woolf's on the log scale with 1/2 added to each cell;
    the effect is the log odds ratio. "greater" means an odds ratio above 1.
    """
    check_alternative(alternative)
    counts = _table(table)
    if counts.shape != (2, 2):
        raise ValueError(f"table has shape {counts.shape}; Fisher's test wants (2, 2)")
    (a, b), (c, d) = counts.tolist()
    null = Hypergeometric(whole(a + b, "row"), whole(c + d, "row"), whole(a + c, "column"))
    low, high = (int(end) for end in null._support())
    chances = null.pmf(np.arange(low, high + 1))
    seen = int(a) - low
    # equal probabilities may differ in the last digits
    extreme = chances[chances <= chances[seen] * (1 + 1e-7)]
    two_sided = min(1.0, float(extreme.sum()))
    lower, upper = float(chances[: seen + 1].sum()), float(chances[seen:].sum())
    one_sided = min(1.0, p_value_of(lower, upper, alternative))
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = float(np.divide(a * d, b * c))
    return Significance(
        statistic=odds,
        p_value=two_sided if alternative == "two-sided" else one_sided,
        alternative=alternative,
        estimate=odds,
        interval=_woolf(counts, confidence),
        effect=_log(odds),
    )


def _log(odds: float) -> float:
    """Logarithm of 0, infinity and NaN included."""
    return -math.inf if odds == 0 else math.log(odds)


def _woolf(counts: Floats, confidence: float) -> tuple[float, float]:
    """exp(log odds ratio -/+ z sqrt(1/a + 1/b + 1/c + 1/d)), cells plus 1/2 (Haldane, 1956)."""
    z = float(normal_quantile((1 + proportion(confidence, "confidence")) / 2))
    a, b, c, d = (counts + 0.5).ravel()
    middle, reach = math.log(a * d / (b * c)), z * math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    return math.exp(middle - reach), math.exp(middle + reach)


@replaceable
def mcnemar(
    only_first: int, only_second: int, *, exact: bool = True, corrected: bool = True
) -> Significance:
    r"""Two yes-no answers to the same items: do they differ more often one way than the other?

    b = `only_first` were right by the first alone, c by the second alone; items on which both agree
    say nothing. Exact: b of b + c is binomial with p = 1/2, statistic min(b, c). Else
    $\chi^2 = (|b - c| - 1)^2/(b + c)$ (without the 1 unless `corrected`), one degree of freedom.
    The estimate is the odds ratio b / c, the effect (b - c)/(b + c).
    """
    b, c = whole(only_first, "only_first"), whole(only_second, "only_second")
    n = b + c
    odds = b / c if c else (math.inf if b else math.nan)
    effect = (b - c) / n if n else 0.0
    if exact:
        p_value = min(1.0, 2 * _half_binomial_cdf(min(b, c), n))
        return Significance(statistic=min(b, c), p_value=p_value, estimate=odds, effect=effect)
    if n == 0:
        return Significance(statistic=0.0, p_value=1.0, estimate=odds, effect=effect, freedom=1)
    gap = max(abs(b - c) - (1 if corrected else 0), 0)
    statistic = gap**2 / n
    p_value = float(gamma_upper(0.5, statistic / 2))
    return Significance(
        statistic=statistic, p_value=p_value, estimate=odds, effect=effect, freedom=1
    )


def _half_binomial_cdf(k: int, n: int) -> float:
    if k >= n:
        return 1.0
    return float(np.exp(log_incomplete_beta(n - k, k + 1, 0.5)[0]))
