"""A shuffle that needs no memory: where index i goes is computed, not looked up.

A Feistel network permutes the numbers of 2k bits; cycle walking narrows it to 0 .. size - 1. So the
order of an epoch is a pure function of (index, size, key): any process can ask for any place in
it, and resuming needs no state.

Luby and Rackoff (1988) for the network; Black and Rogaway (2002), section 3, for cycle walking. The
round function mixes as splitmix64 (Steele et al. 2014). Good enough to shuffle, not to encrypt.
"""

import numpy as np
from numpy.typing import NDArray

from groundup.swap import replaceable

_ROUNDS = 6
_MASK = (1 << 64) - 1


@replaceable
def permute(index_N: NDArray[np.int64], size: int, key: int) -> NDArray[np.int64]:  # noqa: N803
    """Where each index in 0 .. size - 1 goes: a bijection of that range that `key` chooses.

    With halves of k bits, one round maps (left, right) to (right, left xor f(right, round key)).
    A result outside the range is put in again until it lies inside; with 2k the least that fits,
    at most four times as many numbers as `size` are walked over.
    """
    half_bits = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    keys = [mix(key * 0x9E3779B97F4A7C15 + i) for i in range(_ROUNDS)]
    out = _network(index_N.astype(np.uint64), half_bits, keys)
    while (outside := out >= size).any():
        out[outside] = _network(out[outside], half_bits, keys)
    return out.astype(np.int64)


def _network(numbers: NDArray[np.uint64], half_bits: int, keys: list[int]) -> NDArray[np.uint64]:
    """The Feistel network on numbers of 2 * half_bits bits."""
    mask = np.uint64((1 << half_bits) - 1)
    left, right = numbers >> np.uint64(half_bits), numbers & mask
    for key in keys:
        left, right = right, left ^ (_mix_all(right ^ np.uint64(key)) & mask)
    return (left << np.uint64(half_bits)) | right


def _mix_all(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`mix` on an array; the products wrap at 2^64 by themselves."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def mix(x: int) -> int:
    """The finalizer of splitmix64: 64 bits in, 64 bits out, each depending on all."""
    x &= _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)
