"""A hash of bytes in memory, and whether two stretches of memory are the same, by eight bytes."""

import numba
import numpy as np

from groundup.kernels.machine import load_word

_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
_OTHER_ODD = np.uint64(0xC2B2AE3D27D4EB4F)
_HALF = np.uint64(32)


@numba.njit(nogil=True, forceinline=True)
def hash_bytes(text, start, length):
    """A 64-bit hash of `length` bytes; up to seven more are read, and do not count."""
    value = np.uint64(length) * _OTHER_ODD
    i = 0
    while i + 8 <= length:
        value = (value ^ load_word(text, start + i)) * _ODD
        value ^= value >> np.uint64(29)
        i += 8
    if i < length:
        rest = load_word(text, start + i) & (_NONE >> np.uint64(64 - 8 * (length - i)))
        value = (value ^ rest) * _ODD
        value ^= value >> np.uint64(29)
    value *= _OTHER_ODD
    return value ^ value >> _HALF


@numba.njit(nogil=True, forceinline=True)
def same_bytes(text, start, other, other_start, length):
    """Whether `length` bytes at two places are equal; up to seven more are read."""
    i = 0
    while i + 8 <= length:
        if load_word(text, start + i) != load_word(other, other_start + i):
            return False
        i += 8
    if i == length:
        return True
    difference = load_word(text, start + i) ^ load_word(other, other_start + i)
    return difference << np.uint64(64 - 8 * (length - i)) == 0
