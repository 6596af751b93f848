"""How far a measured share, a difference of shares or a mean may be from the true one."""

import math
from statistics import NormalDist

from numpy.typing import ArrayLike

from groundup.maths.incomplete_beta import beta_quantile
from groundup.maths.location_tests import t_test
from groundup.swap import replaceable


@replaceable
def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a share: (low, high), both within [0, 1].

    With n trials, the share p = successes / n and the normal quantile z of the confidence:

        (p + z^2 / 2n  -/+  z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Wilson (1927). Unlike p -/+ z sqrt(p (1 - p) / n) it is sound for few trials and for shares near
    0 and 1. Leaves out the continuity correction. Raises ValueError for impossible counts.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(
            f"{successes} of {trials} is no share; wanted 0 <= successes <= trials >= 1"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must lie between 0 and 1, as 0.95")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = successes / trials, z * z / trials
    middle = share + spread / 2
    reach = math.sqrt(share * (1 - share) * spread + spread * spread / 4)
    # at the ends the exact bound is 0 or 1, and rounding must not step over it
    low = 0.0 if successes == 0 else (middle - reach) / (1 + spread)
    high = 1.0 if successes == trials else (middle + reach) / (1 + spread)
    return low, high


@replaceable
def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    r"""The exact interval of a share: what a binomial test does not reject, (low, high).

    Quantiles of beta distributions: $B_{\alpha/2}(s, n-s+1)$ and $B_{1-\alpha/2}(s+1, n-s)$; 0 and
    1 at the ends. Clopper and Pearson (1934). It covers at least as often as it says, so it is
    wider than Wilson's. Raises ValueError for impossible counts.
    """
    wilson(successes, trials, confidence)  # refuses what is no share
    rest = (1 - confidence) / 2
    low, high = 0.0, 1.0
    if successes > 0:
        low = float(beta_quantile(successes, trials - successes + 1, rest))
    if successes < trials:
        high = float(beta_quantile(successes + 1, trials - successes, 1 - rest, rest))
    return low, high


@replaceable
def newcombe(
    first: tuple[int, int], second: tuple[int, int], confidence: float = 0.95
) -> tuple[float, float]:
    r"""Interval of the difference of two independent shares, each (successes, trials).

    From Wilson's intervals $(l_i, u_i)$: $d - \sqrt{(p_1-l_1)^2 + (u_2-p_2)^2}$ to
    $d + \sqrt{(u_1-p_1)^2 + (p_2-l_2)^2}$. Newcombe, "Interval estimation for the difference
    between independent proportions" (1998), method 10. Raises ValueError for impossible counts.
    """
    (low1, high1), (low2, high2) = wilson(*first, confidence), wilson(*second, confidence)
    share1, share2 = first[0] / first[1], second[0] / second[1]
    below = math.hypot(share1 - low1, high2 - share2)
    above = math.hypot(high1 - share1, share2 - low2)
    return share1 - share2 - below, share1 - share2 + above


@replaceable
def mean_interval(x: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    r"""Student's interval of a mean: $\bar x \mp t_{n-1}\,s/\sqrt n$, shape (n,) with n >= 2.

    Raises ValueError for fewer values and for values that are all equal.
    """
    return t_test(x, confidence=confidence).interval
