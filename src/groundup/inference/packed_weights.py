"""Weights in 4 or 8 bits, in the order in which the CPU kernel reads them.

A row is cut into groups of 32 weights w = d q + m. Sixteen rows make a tile; in it, the kernel
wants the first group's first four weights of all sixteen rows, then the next four, and so on: one
load of 64 bytes is then what one instruction multiplies. GGUF's Q4_0, Q4_1 and Q8_0 are such groups
already and only change places, so nothing is lost:

    Q4_1   w = d q + m              as it is
    Q4_0   w = d (q - 8)            m = -8 d
    Q8_0   w = d q, q signed        q + 128, and m = -128 d, which the kernel knows

Other formats are turned to float32 and rounded anew, to `Q8_0` unless asked otherwise.

Shapes: rows and columns are a matrix's outputs and inputs.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from groundup.checkpoints import gguf_encode
from groundup.checkpoints.gguf_blocks import Floats, Tensor
from groundup.kernels.decoder import GROUP, TILE, Matrix

LOSSLESS = ("Q4_0", "Q4_1", "Q8_0")
"""GGUF's formats that are packed without rounding."""
_LINE = 64  # bytes that come from memory together


def pack(tensor: Tensor, other: str = "Q8_0") -> Matrix:
    """A tensor of a GGUF file (rows x columns) in the kernel's order.

    `other` is the format, one of `LOSSLESS`, that a tensor in any other becomes first. Raises
    ValueError for rows that are no multiple of 32, and for weights beyond float16's range.
    """
    rows, columns = tensor.shape
    if columns % GROUP:
        raise ValueError(
            f"tensor {tensor.name!r} has rows of {columns} weights; wanted a multiple of {GROUP}"
        )
    form, blocks = tensor.format.name, tensor.data.reshape(-1, tensor.format.bytes)
    if form not in LOSSLESS:
        form, blocks = other, gguf_encode.encode(tensor.array(), other)
    groups = gguf_encode.unpack(blocks, form)
    quants = groups.quants.reshape(rows, columns // GROUP, GROUP)
    scales = groups.scales.reshape(rows, 1, columns // GROUP)
    if form == "Q8_0":
        return _arranged(8, quants.view(np.uint8) ^ np.uint8(128), scales)
    if form == "Q4_0":
        quants, offsets = quants + np.int8(8), np.float32(-8) * scales
    else:
        offsets = groups.offsets.reshape(scales.shape)
    return _arranged(4, quants.view(np.uint8), np.concatenate([scales, offsets], 1))


def unpack_groups(matrix: Matrix) -> tuple[Floats, Floats, Floats]:
    """Whole numbers q (rows x groups x 32), scales d and offsets m (rows x groups): w = d q + m."""
    tiles, groups = matrix.quants.shape[:2]
    quants = matrix.quants
    if matrix.bits == 4:
        quants = np.concatenate([quants & 15, quants >> 4], 2)
    q = quants.transpose(0, 3, 1, 2, 4).reshape(tiles * TILE, groups, GROUP).astype(np.float32)
    scales = matrix.scales.astype(np.float32).transpose(2, 0, 3, 1).reshape(-1, len(q), groups)
    d, m = scales if matrix.bits == 4 else (scales[0], np.float32(-128) * scales[0])
    return q[: matrix.rows], d[: matrix.rows], m[: matrix.rows]


def unpack(matrix: Matrix) -> Floats:
    """The weights again, rows x columns: the inverse of `pack`."""
    q, d, m = unpack_groups(matrix)
    return (d[..., None] * q + m[..., None]).reshape(matrix.rows, matrix.columns)


def side_by_side(matrices: Sequence[Matrix]) -> list[Matrix]:
    """The same matrices, copied into one piece of memory, in their order.

    A step reads nearly all weights once. Of one large piece the system keeps large pages, and
    finding out where each of thousands of small ones lies would take a tenth of a step.
    """
    sizes = [_aligned(m.quants.nbytes) + _aligned(m.scales.nbytes) for m in matrices]
    memory = np.empty(sum(sizes) + _LINE, np.uint8)
    first = -memory.ctypes.data % _LINE
    copies = []
    for matrix, size in zip(matrices, sizes, strict=True):
        middle = first + _aligned(matrix.quants.nbytes)
        quants = memory[first : first + matrix.quants.nbytes].reshape(matrix.quants.shape)
        halves = memory[middle : middle + matrix.scales.nbytes].view(np.float16)
        scales = halves.reshape(matrix.scales.shape)
        quants[...], scales[...] = matrix.quants, matrix.scales
        copies.append(replace(matrix, quants=quants, scales=scales))
        first += size
    return copies


def nbytes(matrix: Matrix) -> int:
    """Memory of a matrix in bytes."""
    return matrix.quants.nbytes + matrix.scales.nbytes


def _aligned(size: int) -> int:
    return -(-size // _LINE) * _LINE


def _arranged(bits: int, quants: NDArray[np.uint8], scales: NDArray[np.float32]) -> Matrix:
    """The matrix of quants (rows x groups x 32) and scales (rows x 1 or 2 x groups)."""
    rows, groups = quants.shape[:2]
    tiles = -(-rows // TILE)
    if missing := tiles * TILE - rows:
        quants = np.pad(quants, ((0, missing), (0, 0), (0, 0)))
        scales = np.pad(scales, ((0, missing), (0, 0), (0, 0)))
    if bits == 4:
        quants = quants[..., :16] | (quants[..., 16:] << np.uint8(4))
    steps = quants.shape[-1] // 4
    with np.errstate(over="ignore"):
        halves = scales.reshape(tiles, TILE, -1, groups).astype(np.float16)
    if not np.isfinite(halves).all():
        raise ValueError("a scale is beyond float16's range, in which the kernel keeps it")
    return Matrix(
        bits=bits,
        rows=rows,
        columns=groups * GROUP,
        quants=np.ascontiguousarray(
            quants.reshape(tiles, TILE, groups, steps, 4).transpose(0, 2, 3, 1, 4)
        ),
        scales=np.ascontiguousarray(halves.transpose(0, 3, 2, 1)),
    )
