"""When things fall into the same box: hashes that collide, coupons that repeat, filters that err.

Items are thrown into `boxes` (a 64-bit hash has 2^64), each box as likely, independently. Numbers
may be far beyond float64's whole numbers; results keep their relative accuracy, also where they
are as small as 1e-18. Sources: Feller, "An introduction to probability theory" (1968), chapters 2
and 9; Bloom (1970).
"""

import math
from fractions import Fraction

from groundup.maths.combinatorics import natural
from groundup.swap import replaceable

EXACT = 4096
"""Up to so many items the product is multiplied out factor by factor."""


def _items_and_boxes(items: int, boxes: int) -> tuple[int, int]:
    boxes = natural(boxes, "boxes")
    if not 1 <= boxes <= 10**300:
        raise ValueError(f"boxes is {boxes}; wanted 1 to 10^300")
    return natural(items, "items"), boxes


@replaceable
def collision_probability(items: int, boxes: int) -> float:
    r"""The probability that some two of the items share a box: the birthday problem.

    $1 - \prod_{i<n} (1 - i/m)$; the logarithm of the product is summed, and `expm1` keeps a small
    result exact. For many items the sum is that of Stirling's series,
    $\ln\Gamma(m+1) - \ln\Gamma(m-n+1) - n \ln m$, rewritten without cancellation. Relative error
    below 1e-11. About $1 - e^{-n(n-1)/2m}$: half at $n = 1.18 \sqrt m$, so 2^32 documents under a
    64-bit hash collide with probability 0.39.
    """
    items, boxes = _items_and_boxes(items, boxes)
    if items > boxes:
        return 1.0
    if items < 2:
        return 0.0
    if items <= EXACT:
        log_none = math.fsum(math.log1p(-i / boxes) for i in range(1, items))
    else:
        log_none = _log_all_apart(items, boxes)
    return -math.expm1(log_none)


def _log_all_apart(items: int, boxes: int) -> float:
    r"""$\ln \prod_{i<n} (1 - i/m)$ for many items, by the Euler-Maclaurin formula.

    With $x = n/m$ the integral of ln(1 - i/m) from 0 to n is $-m\,((1-x)\ln(1-x) + x)$ up to sign;
    half the last term and the derivatives at the ends follow.
    """
    full = items / boxes
    if items == boxes:  # m! / m^m, by Stirling's series
        return 0.5 * math.log(2 * math.pi * boxes) - boxes + 1 / (12 * boxes)
    rest = boxes - items
    log_rest = math.log1p(-full) if full < 0.5 else math.log(rest / boxes)
    integral = -boxes * _entropy_gap(full, log_rest)
    # sum of i < n = integral - f(n)/2 + (f'(n) - f'(0))/12 - (f'''(n) - f'''(0))/720
    first = -(1 / rest - 1 / boxes) / 12
    third = (2 / rest**3 - 2 / boxes**3) / 720
    return integral - log_rest / 2 + first + third


def _entropy_gap(x: float, log_rest: float) -> float:
    """(1 - x) ln(1 - x) + x, which is x^2/2 + x^3/6 + x^4/12 + ..., without cancellation."""
    if x > 0.05:
        return (1 - x) * log_rest + x
    return math.fsum(x**k / (k * (k - 1)) for k in range(2, 15))


@replaceable
def items_until_collision(boxes: int, probability: float = 0.5) -> int:
    """The fewest items of which some two share a box with at least that probability: 23 for 365.

    Found by halving an interval, as the probability rises with the items.
    """
    _, boxes = _items_and_boxes(0, boxes)
    if not 0 < probability <= 1:
        raise ValueError(f"probability is {probability}; wanted above 0 and at most 1")
    low, high = 1, boxes + 1
    while high - low > 1:
        middle = (low + high) // 2
        if collision_probability(middle, boxes) >= probability:
            high = middle
        else:
            low = middle
    return high


@replaceable
def expected_colliding_pairs(items: int, boxes: int) -> float:
    """The mean number of pairs that share a box: n (n - 1) / 2m, by linearity."""
    items, boxes = _items_and_boxes(items, boxes)
    return float(Fraction(items * (items - 1), 2 * boxes))


@replaceable
def expected_distinct(items: int, boxes: int) -> float:
    r"""The mean number of boxes that are hit: $m (1 - (1 - 1/m)^n)$.

    So many different items are seen in n draws with replacement from m: with n = m, 63 %.
    """
    items, boxes = _items_and_boxes(items, boxes)
    if boxes == 1:
        return float(items > 0)
    return float(boxes) * -math.expm1(items * math.log1p(-1 / boxes))


@replaceable
def coupon_collector(boxes: int) -> float:
    r"""The mean number of items until every box is hit: $m H_m = m (1 + 1/2 + ... + 1/m)$.

    $H_m = \ln m + \gamma + 1/2m - 1/12m^2 + 1/120m^4 - ...$ where m is large.
    """
    _, boxes = _items_and_boxes(0, boxes)
    return boxes * harmonic(boxes)


def harmonic(n: int) -> float:
    """1 + 1/2 + ... + 1/n."""
    n = natural(n, "n")
    if n <= 1000:
        return math.fsum(1 / i for i in range(1, n + 1))
    euler = 0.5772156649015329
    return math.log(n) + euler + 1 / (2 * n) - 1 / (12 * n * n)


@replaceable
def bloom_false_positive(bits: int, hashes: int, items: int) -> float:
    r"""How often a Bloom filter says "seen" of what it has not seen: $(1 - (1 - 1/m)^{kn})^k$.

    Each of n items sets k of m bits; a stranger's k bits are all set with this probability, taking
    them as independent (Bloom 1970; Bose et al. 2008 show how little that errs).
    """
    items, bits = _items_and_boxes(items, bits)
    if natural(hashes, "hashes") == 0:
        raise ValueError("hashes is 0; wanted at least 1")
    share = expected_distinct(hashes * items, bits) / bits
    return min(1.0, share) ** hashes


@replaceable
def bloom_size(items: int, false_positive: float) -> tuple[int, int]:
    r"""(bits, hashes) of the smallest Bloom filter that errs no more often than wished.

    About $m = -n \ln p / \ln^2 2$ bits and $k = (m/n) \ln 2$ hashes, 9.6 bits an item and 7 hashes
    for 1 %; k must be whole, which costs a few bits. Found by halving an interval.
    """
    items = natural(items, "items")
    if items == 0 or not 0 < false_positive < 1:
        raise ValueError(
            f"{items} items, false positives {false_positive}; wanted at least 1, and 0 < share < 1"
        )
    low, high = 0, 2 * math.ceil(-items * math.log(false_positive) / math.log(2) ** 2) + 8
    while high - low > 1:
        middle = (low + high) // 2
        if _least_false_positive(middle, items)[0] <= false_positive:
            high = middle
        else:
            low = middle
    return high, _least_false_positive(high, items)[1]


def _least_false_positive(bits: int, items: int) -> tuple[float, int]:
    """The rate with the best number of hashes, and that number, near (m/n) ln 2."""
    near = max(1, round(bits / items * math.log(2)))
    choices = range(max(1, near - 1), near + 2)
    return min((bloom_false_positive(bits, hashes, items), hashes) for hashes in choices)
