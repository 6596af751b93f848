"""MinHash: the likeness of two sets from a short signature of each; and which pairs to compare.

The least hash of a union of two sets is as likely to belong to each of its members, so the two
sets' least hashes are equal with probability |A n B| / |A u B|. Sources: Broder, "On the
resemblance and containment of documents" (1997); Leskovec, Rajaraman and Ullman, "Mining of massive
datasets" (2020), chapter 3. Left out: b-bit signatures, weighted sets.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.combinatorics import natural
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]


def item_hash(item: str | bytes) -> int:
    """64 bits of BLAKE2b: the same in every process, unlike Python's `hash`; ValueError for
    anything but text and bytes.
    """
    if not isinstance(item, str | bytes):
        raise ValueError(f"item {item!r} is no text and no bytes; turn it into one of them first")
    data = item.encode("utf-8", "surrogatepass") if isinstance(item, str) else item
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def mixed(x: Hashes) -> Hashes:
    """64 bits stirred so that each output bit depends on each input bit, one to one.

    The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014). Multiplication wraps at 2^64.
    """
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@replaceable
def minhash_signature(items: Iterable[str | bytes], hashes: int = 128, *, seed: int = 0) -> Hashes:
    """The least value of each of `hashes` hash functions over the items (hashes,).

    Function i is a stirred exclusive or with the i-th key of `seed`. Signatures can be compared if
    their seeds are equal. Raises ValueError for an empty set, which resembles nothing.
    """
    own = np.array([item_hash(item) for item in frozenset(items)], np.uint64)
    if not len(own):
        raise ValueError("the set is empty, and an empty set has no least hash; leave it out")
    if natural(hashes, "hashes") == 0:
        raise ValueError("hashes is 0; wanted at least 1")
    keys = np.random.default_rng(seed).integers(0, 2**64, hashes, np.uint64)
    return np.array([mixed(own ^ key).min() for key in keys], np.uint64)


@replaceable
def minhash_similarity(a: ArrayLike, b: ArrayLike) -> float:
    """The share of equal places of two signatures: an unbiased estimate of the Jaccard index."""
    first, second = np.asarray(a), np.asarray(b)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(
            f"signatures have shapes {first.shape} and {second.shape}; wanted two of one length"
        )
    return float(np.mean(first == second))


@replaceable
def minhash_standard_error(similarity: ArrayLike, hashes: int) -> Floats:
    """sqrt(s (1 - s) / k): each place is a coin that shows "equal" with probability s.

    At most 1 / (2 sqrt(k)): 0.044 for 128 hashes.
    """
    s = _shares(similarity)
    return np.asarray(np.sqrt(s * (1 - s) / _at_least_one(hashes, "hashes")))


@replaceable
def candidate_probability(similarity: ArrayLike, bands: int, rows: int) -> Floats:
    r"""The probability that two sets agree in all rows of at least one band: $1 - (1 - s^r)^b$.

    An S-curve in s: low left of about $(1/b)^{1/r}$, high right of it. Small values keep their
    relative accuracy.
    """
    s = _shares(similarity)
    bands, rows = _at_least_one(bands, "bands"), _at_least_one(rows, "rows")
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(bands * np.log1p(-(s**rows))))


def half_point(bands: int, rows: int) -> float:
    r"""The similarity at which half of the pairs become candidates: $(1 - 2^{-1/b})^{1/r}$."""
    bands, rows = _at_least_one(bands, "bands"), _at_least_one(rows, "rows")
    return math.pow(-math.expm1(-math.log(2) / bands), 1 / rows)


@replaceable
def choose_bands(
    hashes: int, threshold: float, *, miss_weight: float = 0.5, quadrature: int = 64
) -> tuple[int, int]:
    """(bands, rows), bands x rows <= hashes, that tell pairs apart best at the threshold.

    Least `miss_weight` x (area of pairs above the threshold that are missed) + (1 - miss_weight) x
    (area of pairs below it that are found), areas under the S-curve by Gauss-Legendre quadrature.
    Zhu et al., "LSH Ensemble" (2016), section 5.
    """
    if not 0 < threshold < 1 or not 0 <= miss_weight <= 1:
        raise ValueError(
            f"threshold is {threshold}, miss_weight {miss_weight}; wanted shares within 0 and 1"
        )
    nodes, weights = np.polynomial.legendre.leggauss(quadrature)
    below = threshold * (nodes + 1) / 2
    above = threshold + (1 - threshold) * (nodes + 1) / 2

    def loss(shape: tuple[int, int]) -> float:
        found = candidate_probability(below, *shape) @ weights * threshold / 2
        missed = (1 - candidate_probability(above, *shape)) @ weights * (1 - threshold) / 2
        return float((1 - miss_weight) * found + miss_weight * missed)

    hashes = _at_least_one(hashes, "hashes")
    heights = range(1, hashes + 1)
    return min(((b, rows) for rows in heights for b in range(1, hashes // rows + 1)), key=loss)


def candidate_pairs(signatures: Sequence[Hashes], bands: int, rows: int) -> set[tuple[int, int]]:
    """Pairs (i, j), i < j, of signatures that agree in all rows of at least one band.

    Every band sorts the signatures into buckets, so only those that agree somewhere meet. Raises
    ValueError for signatures shorter than bands x rows.
    """
    bands, rows = _at_least_one(bands, "bands"), _at_least_one(rows, "rows")
    shortest = min(map(len, signatures), default=bands * rows)
    if shortest < bands * rows:
        raise ValueError(f"{bands} bands of {rows} rows want signatures longer than {shortest}")
    pairs: set[tuple[int, int]] = set()
    for band in range(bands):
        buckets: dict[bytes, list[int]] = {}
        for i, signature in enumerate(signatures):
            key = np.asarray(signature[band * rows : (band + 1) * rows], np.uint64).tobytes()
            buckets.setdefault(key, []).append(i)
        for members in buckets.values():
            pairs.update(combinations(members, 2))
    return pairs


def _shares(similarity: ArrayLike) -> Floats:
    s = np.asarray(similarity, np.float64)
    if not ((s >= 0) & (s <= 1)).all():
        raise ValueError("a similarity is outside 0 to 1")
    return s


def _at_least_one(number: int, name: str) -> int:
    if (whole := natural(number, name)) == 0:
        raise ValueError(f"{name} is 0; wanted at least 1")
    return whole
