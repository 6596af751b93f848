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

import numpy as np
from numpy.typing import NDArray

from groundup.checkpoints import gguf_encode
from groundup.checkpoints.gguf_blocks import Tensor
from groundup.kernels.decoder import GROUP, TILE, Matrix

LOSSLESS = ("Q4_0", "Q4_1", "Q8_0")
"""GGUF's formats that are packed without rounding."""


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


def unpack(matrix: Matrix) -> NDArray[np.float32]:
    """The weights again, rows x columns: the inverse of `pack`, for tests and lessons."""
    tiles, groups = matrix.quants.shape[:2]
    quants = matrix.quants
    if matrix.bits == 4:
        quants = np.concatenate([quants & 15, quants >> 4], 2)
    q = quants.transpose(0, 3, 1, 2, 4).reshape(tiles * TILE, groups, GROUP).astype(np.float32)
    scales = matrix.scales.transpose(2, 0, 3, 1).reshape(-1, tiles * TILE, groups, 1)
    d = scales[0].astype(np.float32)
    m = scales[1].astype(np.float32) if matrix.bits == 4 else np.float32(-128) * d
    weights: NDArray[np.float32] = (d * q + m).reshape(tiles * TILE, -1)[: matrix.rows]
    return weights


def nbytes(matrix: Matrix) -> int:
    """Memory of a matrix in bytes."""
    return matrix.quants.nbytes + matrix.scales.nbytes


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
