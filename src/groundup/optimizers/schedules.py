"""Learning-rate schedules: a multiplier of the peak rate as a pure function of the step.

Cosine: Loshchilov and Hutter, "SGDR" (2017). Warm-up, stable, decay: Hu et al., "MiniCPM" (2024);
the 1-sqrt decay: Haegele et al., "Scaling laws and compute-optimal training beyond fixed training
durations" (2024). Left out: restarts, plateau detection (it would not be a function of the step).
"""

import math
from typing import Literal

from groundup.swap import replaceable

Kind = Literal["constant", "linear", "cosine", "wsd", "wsd_sqrt"]
"""`wsd`: warm up, stay, decay linearly; `wsd_sqrt`: the same with a 1-sqrt decay."""


@replaceable
def schedule(
    step: int,
    total: int,
    *,
    warmup: int = 0,
    kind: Kind = "wsd",
    decay: float = 0.2,
    floor: float = 0.0,
) -> float:
    r"""The multiplier at `step` (0 ... total - 1) of `total` steps: from 0 to 1.

    For `warmup` steps it rises as $(step + 1)/warmup$. After that, with $x$ from 0 to 1 along what
    is left (for `wsd`: along the last `decay` share of all steps, 1 before it),

    - constant: 1
    - linear, wsd: $1 - (1 - floor)\,x$
    - cosine: $floor + (1 - floor)\,(1 + \cos \pi x)/2$
    - wsd_sqrt: $1 - (1 - floor)\sqrt{x}$

    The last step has $x$ just below 1, so that no step is taken with a rate of zero.
    """
    if step < warmup:
        return (step + 1) / warmup
    begin = warmup
    if kind in ("wsd", "wsd_sqrt"):
        begin = max(warmup, total - math.ceil(decay * total))
    x = min(1.0, max(0, step - begin + 1) / (max(1, total - begin) + 1))
    if kind == "constant":
        return 1.0
    if kind == "cosine":
        return floor + (1 - floor) * (1 + math.cos(math.pi * x)) / 2
    return 1 - (1 - floor) * (math.sqrt(x) if kind == "wsd_sqrt" else x)
