"""The number formats of GGUF tensors: blocks of a few bits a weight, back to float32.

A quantised row is cut into blocks of 32 (or 256) weights. A block keeps its weights as small
integers and one scale d (and, in some formats, an offset m) that makes numbers of them again:

    Q4_0, Q8_0   w = d * q            q from -8 to 7, from -128 to 127
    Q4_1         w = d * q + m        q from 0 to 15
    Q4_K         w = d * s * q - e * t    blocks of 256: eight groups, each with 6-bit s and t
    Q6_K         w = d * s * q        blocks of 256: sixteen groups, each with an 8-bit s

Source: the GGUF specification and the definition of the blocks in ggml (ggml-common.h). Leaves out
the formats that are not in `FORMATS`; `groundup.checkpoints.gguf_encode` is the way there.

Shapes: n blocks in all; each function takes bytes (n, block bytes) and gives (n, block weights).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Format:
    """One number format: its size and its way back to float32."""

    name: str
    """As in GGUF files' names: Q4_K."""
    weights: int
    """Weights a block."""
    bytes: int
    """Bytes a block."""
    decode: Callable[[Bytes], Floats]
    """(n, bytes) of uint8 to (n, weights) of float32."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of the file: its shape as PyTorch writes it (rows first), and its bytes."""

    name: str
    """As llama.cpp names it, `blk.0.attn_q.weight`, or as we do."""
    shape: tuple[int, ...]
    """Outermost first: the reverse of the order in the file."""
    format: Format
    """How its numbers are kept."""
    data: Bytes
    """Its bytes, row after row; of a file that was read, still in the mapped file."""

    def array(self) -> Floats:
        """Its numbers as float32."""
        blocks = self.data.reshape(-1, self.format.bytes)
        return self.format.decode(blocks).reshape(self.shape)

    def rows(self) -> Bytes:
        """Its bytes, (rows, bytes of a row); of a vector, each number is a row."""
        return self.data.reshape(self.shape[0], -1)


def _view(blocks: Bytes, kind: str) -> NDArray[Any]:
    """The same bytes as little-endian numbers, (n, bytes // size)."""
    return np.ascontiguousarray(blocks).view(np.dtype(kind))


def _f32(blocks: Bytes) -> Floats:
    return _view(blocks, "<f4").astype(np.float32)


def _f16(blocks: Bytes) -> Floats:
    return _view(blocks, "<f2").astype(np.float32)


def _bf16(blocks: Bytes) -> Floats:
    """Bfloat16 is the upper half of a float32."""
    return (_view(blocks, "<u2").astype(np.uint32) << 16).view(np.float32)


def _nibbles(packed: Bytes) -> NDArray[np.uint8]:
    """(..., k) bytes to (..., 2k): all the low halves, then all the high ones."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def _q4_0(blocks: Bytes) -> Floats:
    """2 bytes d, 16 bytes of nibbles; 8 stands for zero."""
    quants = _nibbles(blocks[:, 2:]).astype(np.int8) - np.int8(8)
    return _f16(blocks[:, :2]) * quants.astype(np.float32)


def _q4_1(blocks: Bytes) -> Floats:
    """2 bytes d, 2 bytes m, 16 bytes of nibbles."""
    quants = _nibbles(blocks[:, 4:]).astype(np.float32)
    return _f16(blocks[:, :2]) * quants + _f16(blocks[:, 2:4])


def _q8_0(blocks: Bytes) -> Floats:
    """2 bytes d, 32 signed bytes."""
    return _f16(blocks[:, :2]) * blocks[:, 2:].view(np.int8).astype(np.float32)


def _q4_k(blocks: Bytes) -> Floats:
    """2 bytes d, 2 bytes e, 12 bytes with eight 6-bit pairs (s, t), 128 bytes of nibbles.

    A run of 32 bytes holds two groups: the low halves are one, the high halves the next.
    """
    scale, offset = _f16(blocks[:, :2]), _f16(blocks[:, 2:4])
    group_scales, group_offsets = _six_bit_pairs(blocks[:, 4:16])
    quants = _nibbles(blocks[:, 16:].reshape(-1, 4, 32)).reshape(-1, 8, 32).astype(np.float32)
    weights = (scale * group_scales)[..., None] * quants - (offset * group_offsets)[..., None]
    return weights.reshape(-1, 256)


def _six_bit_pairs(packed: Bytes) -> tuple[Floats, Floats]:
    """12 bytes to eight scales and eight offsets of 6 bits, both (n, 8).

    Bytes 0-3 hold scales 0-3, bytes 4-7 offsets 0-3, in their low six bits. Bytes 8-11 hold the low
    four bits of scales 4-7 (low halves) and offsets 4-7 (high halves); the two bits that are
    missing stand at the top of bytes 0-3 and 4-7.
    """
    first, second, third = packed[:, 0:4], packed[:, 4:8], packed[:, 8:12]
    scales = np.concatenate([first & 63, (third & 15) | ((first >> 6) << 4)], axis=-1)
    offsets = np.concatenate([second & 63, (third >> 4) | ((second >> 6) << 4)], axis=-1)
    return scales.astype(np.float32), offsets.astype(np.float32)


def _q6_k(blocks: Bytes) -> Floats:
    """128 bytes of low halves, 64 bytes of upper bit pairs, 16 signed scales, 2 bytes d.

    Each half of 128 weights takes 64 low bytes (two runs of 32, low nibbles then high ones) and 32
    upper bytes (four bit pairs each, lowest first); 32 stands for zero.
    """
    low = _nibbles(blocks[:, :128].reshape(-1, 2, 64)).reshape(-1, 2, 4, 32)
    upper = blocks[:, 128:192].reshape(-1, 2, 1, 32)
    shifts = np.array([0, 2, 4, 6], dtype=np.uint8).reshape(1, 1, 4, 1)
    quants = (low | (((upper >> shifts) & 3) << 4)).astype(np.int8) - np.int8(32)
    scales = _f16(blocks[:, 208:210]) * blocks[:, 192:208].view(np.int8).astype(np.float32)
    return (scales[..., None] * quants.reshape(-1, 16, 16).astype(np.float32)).reshape(-1, 256)


FORMATS: dict[int, Format] = {
    0: Format("F32", 1, 4, _f32),
    1: Format("F16", 1, 2, _f16),
    2: Format("Q4_0", 32, 18, _q4_0),
    3: Format("Q4_1", 32, 20, _q4_1),
    8: Format("Q8_0", 32, 34, _q8_0),
    12: Format("Q4_K", 256, 144, _q4_k),
    14: Format("Q6_K", 256, 210, _q6_k),
    30: Format("BF16", 1, 2, _bf16),
}
"""The formats we read, by their number in the file."""
