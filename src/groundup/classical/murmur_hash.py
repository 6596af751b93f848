"""MurmurHash3 (32 bits): a fast hash that spreads keys evenly, for tables and for feature hashing.

Four bytes at a time are multiplied, rotated and mixed in. It is no hash for secrets: keys that
collide are easy to find. Source: Austin Appleby, "MurmurHash3" (2011), `MurmurHash3_x86_32`, whose
constants these are.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundup.swap import is_replaced, replaceable

_C1, _C2, _FULL = 0xCC9E2D51, 0x1B873593, 0xFFFFFFFF


@replaceable
def murmur_hash(key: bytes, seed: int = 0) -> int:
    """The hash of a key as a signed number, -2^31 to 2^31 - 1.

    For each block k of four bytes (the first is the lowest): k = rotate(k c1, 15) c2, then
    h = rotate(h xor k, 13) 5 + 0xE6546B64, all modulo 2^32. The one to three bytes left are mixed
    in without the last step; then comes the length, then the final mixing.
    """
    h = seed & _FULL
    for start in range(0, len(key) - 3, 4):
        h ^= _scrambled(int.from_bytes(key[start : start + 4], "little"))
        h = (_rotated(h, 13) * 5 + 0xE6546B64) & _FULL
    h ^= _scrambled(int.from_bytes(key[len(key) - len(key) % 4 :], "little"))
    h ^= len(key)
    h = ((h ^ h >> 16) * 0x85EBCA6B) & _FULL
    h = ((h ^ h >> 13) * 0xC2B2AE35) & _FULL
    h ^= h >> 16
    return h - (1 << 32) if h >> 31 else h


def _scrambled(block: int) -> int:
    return _rotated(block * _C1 & _FULL, 15) * _C2 & _FULL


def _rotated(x: int, bits: int) -> int:
    return (x << bits | x >> 32 - bits) & _FULL


def murmur_hashes(keys: Sequence[bytes], seed: int = 0) -> NDArray[np.int32]:
    """`murmur_hash` of many keys at once: those of as many blocks are hashed side by side."""
    if is_replaced(murmur_hash):
        return np.array([murmur_hash(key, seed) for key in keys], np.int32)
    hashes = np.empty(len(keys), np.int32)
    lengths = np.array([len(key) for key in keys], np.int64)
    for blocks in np.unique(lengths // 4):
        rows = np.flatnonzero(lengths // 4 == blocks).tolist()
        width = 4 * int(blocks) + 4  # the last word holds what is left over, if only zeros
        joined = b"".join(keys[row].ljust(width, b"\0") for row in rows)
        words = np.frombuffer(joined, "<u4").reshape(len(rows), -1).astype(np.uint32)
        hashes[rows] = _side_by_side(words, lengths[rows].astype(np.uint32), seed)
    return hashes


def _side_by_side(
    words: NDArray[np.uint32], lengths: NDArray[np.uint32], seed: int
) -> NDArray[np.int32]:
    words = _turned(words * np.uint32(_C1), 15) * np.uint32(_C2)
    h = np.full(len(words), seed & _FULL, np.uint32)
    for block in words.T[:-1]:
        h = _turned(h ^ block, 13) * np.uint32(5) + np.uint32(0xE6546B64)
    h ^= words[:, -1] ^ lengths
    h = (h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    h = (h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return (h ^ h >> np.uint32(16)).view(np.int32)


def _turned(x: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    return x << np.uint32(bits) | x >> np.uint32(32 - bits)
