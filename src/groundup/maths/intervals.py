"""How far a measured share may be from the true one."""

import math
from statistics import NormalDist

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
