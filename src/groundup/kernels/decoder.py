"""A decoder-only transformer on a CPU, one step at a time: what calls `cpp/decoder.cpp`.

Weights are kept in 4 or 8 bits in the order in which the kernel reads them (`Matrix`), keys and
values in float16 in blocks of a memory that all sequences share. The plain twin of all of it is
`groundup.inference.plain_decoder`. Rows, columns: outputs and inputs of a matrix. Everything that
comes in is checked here; the kernel believes it.

Legend: T token of this step, S sequence of this step, N block of a sequence, R asked row, C width,
V vocabulary, P = half a head's width.
"""

import ctypes
import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.kernels import native

GROUP = 32
"""Weights that share a scale."""
TILE = 16
"""Rows that are computed together."""
CELL = 16
"""Positions that lie together in the memory of keys and values."""
_KEPT = 4 * 2**20  # numbers of a result whose memory is used again: 16 MiB
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Weights w = d q + m in the kernel's order; `groundup.inference.packed_weights` makes them."""

    bits: int
    """4: q from 0 to 15. 8: q from 0 to 255, and m is -128 d."""
    rows: int
    """Outputs; the arrays are filled up to whole tiles with zeros."""
    columns: int
    """Inputs; a multiple of 32."""
    quants: NDArray[np.uint8]
    """8 bits: [tile][group][8 steps][16 rows][4]. 4 bits: [4], steps 0-3 low, 4-7 high halves."""
    scales: NDArray[np.float16]
    """8 bits: d, [tile][group][1][16 rows]. 4 bits: d and m, [tile][group][2][16 rows]."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The weights of one block. What is None, the model does not have."""

    query: Matrix
    key: Matrix
    value: Matrix
    output: Matrix
    gate: Matrix
    up: Matrix
    down: Matrix
    attention_norm: Floats
    feed_forward_norm: Floats
    query_norm: Floats | None = None
    key_norm: Floats | None = None
    query_bias: Floats | None = None
    key_bias: Floats | None = None
    value_bias: Floats | None = None
    output_bias: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class Model:
    """All weights, and what the shapes alone do not say."""

    embedding: Matrix
    """V x C."""
    head: Matrix
    """V x C; of a tied model the embedding itself."""
    layers: Sequence[Layer]
    """From the first to the last."""
    norm: Floats
    """Gains before the head."""
    cosine: Floats
    """Context x P: of the angle by which pairs turn at a position."""
    sine: Floats
    """The same."""
    heads: int
    """Of queries."""
    key_heads: int
    """Of keys and values."""
    epsilon: float
    """In the norms."""

    @property
    def width(self) -> int:
        """C."""
        return self.embedding.columns

    @property
    def head_width(self) -> int:
        """Numbers a head."""
        return 2 * int(self.cosine.shape[1])

    @property
    def context(self) -> int:
        """Most positions of a sequence."""
        return len(self.cosine)


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is computed in one step; as `groundup.inference.backend.Batch`, which see."""

    tokens_T: Ints
    positions_T: Ints
    sequences_T: Ints
    blocks_SN: Ints
    wanted_R: Ints


class Decoder:
    """A model with its memory of keys and values."""

    def __init__(
        self, model: Model, *, blocks: int, block_size: int, threads: int, library: Any = None
    ) -> None:
        """`library` is what `load` gives; None: `load()` with the flags of this machine.

        Raises CompileError if there is none, ValueError for shapes the kernel does not take,
        MemoryError if the memory of keys and values does not fit.
        """
        self.model, self.blocks, self.block_size = model, blocks, block_size
        self._library = load() if library is None else library
        check_shapes(model, block_size)
        cells, layers = block_size // CELL, len(model.layers)
        shape = (blocks * cells, layers, model.key_heads, CELL * model.head_width)
        self._keys, self._values = (np.zeros(shape, np.uint16) for _ in "kv")
        cache = _Cache(_address(self._keys), _address(self._values), layers, cells)
        c_model, self._kept = _c_model(model)
        handle = self._library.decoder_open(ctypes.byref(c_model), ctypes.byref(cache), threads)
        if not handle:
            raise MemoryError(f"a decoder with {threads} threads could not be opened")
        self._handle = ctypes.c_void_p(handle)
        self._process = os.getpid()
        self._result = np.empty(0, np.float32)
        self.close = weakref.finalize(
            self, _close, self._library.decoder_close, self._handle, self._process
        )

    @property
    def lanes(self) -> str:
        """Which instructions the kernel was compiled for, for people: "AVX-512 VNNI"."""
        return lanes(self._library)

    @property
    def cache_bytes(self) -> int:
        """Of the memory of keys and values."""
        return self._keys.nbytes + self._values.nbytes

    def step(self, step: Step, *, is_hidden: bool = False) -> Floats:
        """Logits (R x V) of the asked tokens, or with `is_hidden` the last norm's output (R x C).

        Keys and values of all tokens are written into their blocks. The result lies in memory that
        the next step writes over. Raises ValueError on ids, positions, sequences, blocks or rows
        that are out of range.
        """
        if not self.close.alive or os.getpid() != self._process:
            raise RuntimeError(
                "this decoder was closed, or opened in another process; open one here"
            )
        T, R, (S, N) = len(step.tokens_T), len(step.wanted_R), step.blocks_SN.shape
        arrays = [np.ascontiguousarray(array) for array in vars(step).values()]
        batch = _Batch(*map(_address, arrays), T, N, R, is_hidden)
        if not (_is_regular(step) and self._fits(batch, S)):
            check_step(step, self.model, self.blocks, self.block_size)
        head = self.model.head
        result = self._room(R, self.model.width if is_hidden else _padded(head.rows))
        if self._library.decoder_step(self._handle, ctypes.byref(batch), _address(result)):
            raise MemoryError(f"there is no memory for a step of {T} tokens")
        return result if is_hidden else result[:, : head.rows]

    def _fits(self, batch: "_Batch", sequences: int) -> bool:
        """Whether `check_step` would let it through; it is the plain twin."""
        sizes = self.model.embedding.rows, self.model.context, sequences
        limits = _Limits(*sizes, self.blocks, self.block_size)
        return bool(self._library.decoder_fits(ctypes.byref(batch), ctypes.byref(limits)))

    def _room(self, rows: int, columns: int) -> Floats:
        """Memory for a result: one and the same unless it is large, as fresh pages take time."""
        size = rows * columns
        if size > _KEPT:
            return np.empty((rows, columns), np.float32)
        if self._result.size < size:
            self._result = np.empty(size, np.float32)
        return self._result[:size].reshape(rows, columns)


def load(flags: Sequence[str] | None = None, cache: Path | None = None) -> Any:
    """The kernel's library; `flags` and `cache` as in `native.load`. Raises CompileError."""
    library = native.load(native.SOURCES / "decoder.cpp", flags, cache)
    library.decoder_lanes.restype = ctypes.c_char_p
    library.decoder_open.restype = ctypes.c_void_p
    library.decoder_open.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32]
    library.decoder_close.restype = None
    library.decoder_close.argtypes = [ctypes.c_void_p]
    library.decoder_step.argtypes = [ctypes.c_void_p] * 3
    library.decoder_fits.argtypes = [ctypes.c_void_p] * 2
    sizes = [ctypes.sizeof(struct) for struct in (_Layer, _Model, _Batch)]
    if library.decoder_sizes() != sizes[0] + 1000 * sizes[1] + 1000000 * sizes[2]:
        raise native.CompileError("this platform lays structs out in another way than ctypes")
    return library


def lanes(library: Any) -> str:
    """Which instructions a library was compiled for, for people."""
    name: bytes = library.decoder_lanes()
    return name.decode()


def check_shapes(model: Model, block_size: int) -> None:
    """Raise ValueError if matrices do not fit each other, or the kernel's tiles."""
    C, D = model.width, model.head_width
    queries, keys = model.heads * D, model.key_heads * D
    hidden = model.layers[0].gate.rows if model.layers else GROUP
    for name, size in (("width", C), ("queries", queries), ("hidden", hidden)):
        if size % GROUP:
            raise ValueError(f"the {name} are {size} numbers; wanted a multiple of {GROUP}")
    if D % TILE or model.heads % model.key_heads:
        raise ValueError(
            f"{model.heads} heads of {D} numbers share {model.key_heads}; wanted a multiple of "
            f"{TILE} and heads that share evenly"
        )
    if block_size < CELL or block_size % CELL:
        raise ValueError(f"block_size is {block_size}; wanted a multiple of {CELL}")
    shapes = {
        ("query",): (queries, C),
        ("key", "value"): (keys, C),
        ("output",): (C, queries),
        ("gate", "up"): (hidden, C),
        ("down",): (C, hidden),
    }
    sizes = {
        ("attention_norm", "feed_forward_norm", "output_bias"): C,
        ("query_norm", "key_norm"): D,
        ("query_bias",): queries,
        ("key_bias", "value_bias"): keys,
    }
    for layer in model.layers:
        for names, (rows, columns) in shapes.items():
            for name in names:
                _check_matrix(getattr(layer, name), name, rows, columns)
        for names, size in sizes.items():
            for name in names:
                _check_vector(getattr(layer, name), name, size)
    _check_matrix(model.embedding, "embedding", model.embedding.rows, C)
    _check_matrix(model.head, "head", model.embedding.rows, C)
    _check_vector(model.norm, "norm", C)
    if model.cosine.shape != model.sine.shape:
        raise ValueError("cosine and sine have different shapes")


def _check_matrix(matrix: Matrix, name: str, rows: int, columns: int) -> None:
    tiles, groups = -(-rows // TILE), columns // GROUP
    is_small = matrix.bits == 4
    quants = (tiles, groups, 4 if is_small else 8, TILE, 4)
    scales = (tiles, groups, 2 if is_small else 1, TILE)
    if (
        matrix.bits not in (4, 8)
        or (matrix.rows, matrix.columns) != (rows, columns)
        or (matrix.quants.shape, matrix.scales.shape) != (quants, scales)
        or matrix.quants.dtype != np.uint8
        or matrix.scales.dtype != np.float16
        or not (matrix.quants.flags.c_contiguous and matrix.scales.flags.c_contiguous)
    ):
        raise ValueError(
            f"matrix {name!r} is {matrix.rows} x {matrix.columns} in {matrix.bits} bits, packed as "
            f"{matrix.quants.shape} and {matrix.scales.shape}; wanted {rows} x {columns}, packed "
            f"as {quants} and {scales}"
        )


def _check_vector(vector: Floats | None, name: str, size: int) -> None:
    if vector is not None and vector.shape != (size,):
        raise ValueError(f"vector {name!r} has the shape {vector.shape}; wanted ({size},)")


def check_step(step: Step, model: Model, blocks: int, block_size: int) -> None:
    """Raise ValueError if anything in a step is out of range, saying what."""
    for name, array in vars(step).items():
        if array.dtype != np.int32:
            raise ValueError(f"{name} is {array.dtype}; wanted int32")
    T, (S, N) = len(step.tokens_T), step.blocks_SN.shape
    if not (len(step.positions_T) == len(step.sequences_T) == T):
        raise ValueError(
            f"there are {T} tokens, {len(step.positions_T)} positions and "
            f"{len(step.sequences_T)} sequences; wanted as many of each"
        )
    _check_range("a token", step.tokens_T, model.embedding.rows)
    _check_range("a position", step.positions_T, model.context)
    _check_range("a sequence", step.sequences_T, S)
    _check_range("a wanted row", step.wanted_R, T)
    _check_range("the number of a position's block in its table", step.positions_T // block_size, N)
    if len(step.wanted_R) > 1 and (np.diff(step.wanted_R) <= 0).any():
        raise ValueError("the wanted rows do not ascend")
    steps_T, jumps_T = np.diff(step.sequences_T), np.diff(step.positions_T)
    if (steps_T < 0).any() or ((steps_T == 0) & (jumps_T != 1)).any():
        raise ValueError(
            "the tokens of a sequence do not stand together, one position after another"
        )
    last_T = np.append(steps_T != 0, True)[:T]
    sequences, ends = step.sequences_T[last_T], step.positions_T[last_T]
    table_SN = step.blocks_SN[sequences]
    wrong_SN = (table_SN < 0) | (table_SN >= blocks)
    wrong_SN &= np.arange(N) * block_size <= ends[:, None]
    if wrong_SN.any():
        row, place = np.argwhere(wrong_SN)[0]
        raise ValueError(
            f"a block of sequence {sequences[row]} is {table_SN[row, place]}; "
            f"wanted 0 to {blocks - 1}"
        )


def _is_regular(step: Step) -> bool:
    """Whether the arrays are of the type and the lengths that the kernel takes them to be."""
    lengths = {len(array) for array in (step.tokens_T, step.positions_T, step.sequences_T)}
    return len(lengths) == 1 and all(array.dtype == np.int32 for array in vars(step).values())


def _check_range(what: str, numbers: Ints, end: int) -> None:
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < end:
        wrong = numbers.min() if numbers.min() < 0 else numbers.max()
        raise ValueError(f"{what} is {wrong}; wanted 0 to {end - 1}")


def _padded(rows: int) -> int:
    return -(-rows // TILE) * TILE


def _close(close: Any, handle: ctypes.c_void_p, process: int) -> None:
    if os.getpid() == process:  # a forked process has the memory, but not the threads
        close(handle)


# The structs of cpp/*.h, field by field.


class _Matrix(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("quants", "scales")),
        *((name, ctypes.c_int32) for name in ("rows", "columns", "bits", "unused")),
    )


_MATRICES = ("query", "key", "value", "output", "gate", "up", "down")
_VECTORS = (
    *("attention_norm", "feed_forward_norm", "query_norm", "key_norm"),
    *("query_bias", "key_bias", "value_bias", "output_bias"),
)


class _Layer(ctypes.Structure):
    _fields_ = (
        *((name, _Matrix) for name in _MATRICES),
        *((name, ctypes.c_void_p) for name in _VECTORS),
    )


class _Model(ctypes.Structure):
    _fields_ = (
        *((name, _Matrix) for name in ("embedding", "head")),
        *((name, ctypes.c_void_p) for name in ("layers", "norm", "cosine", "sine")),
        *((name, ctypes.c_int32) for name in ("depth", "width", "heads", "key_heads")),
        *((name, ctypes.c_int32) for name in ("head_width", "hidden")),
        ("epsilon", ctypes.c_float),
        ("unused", ctypes.c_int32),
    )


class _Cache(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("keys", "values")),
        *((name, ctypes.c_int32) for name in ("layers", "cells_per_block")),
    )


class _Batch(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("tokens", "positions", "sequences")),
        *((name, ctypes.c_void_p) for name in ("blocks", "wanted")),
        *((name, ctypes.c_int32) for name in ("token_count", "blocks_per_sequence")),
        *((name, ctypes.c_int32) for name in ("wanted_count", "is_hidden")),
    )


class _Limits(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int32)
        for name in ("vocabulary", "context", "sequences", "blocks", "block_size")
    )


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _c_model(model: Model) -> tuple[_Model, list[Any]]:
    """The model's struct, and what must live as long as it is used."""
    kept: list[Any] = []

    def vector(array: Floats | None) -> int | None:
        if array is None:
            return None
        kept.append(np.ascontiguousarray(array, dtype=np.float32))
        return _address(kept[-1])

    layers = (_Layer * len(model.layers))(
        *(
            _Layer(
                *(_c_matrix(getattr(layer, name)) for name in _MATRICES),
                *(vector(getattr(layer, name)) for name in _VECTORS),
            )
            for layer in model.layers
        )
    )
    hidden = model.layers[0].gate.rows if model.layers else 0
    c_model = _Model(
        *(_c_matrix(model.embedding), _c_matrix(model.head), ctypes.addressof(layers)),
        *(vector(model.norm), vector(model.cosine), vector(model.sine)),
        *(len(model.layers), model.width, model.heads, model.key_heads, model.head_width, hidden),
        *(model.epsilon, 0),
    )
    return c_model, [model, layers, *kept]


def _c_matrix(matrix: Matrix) -> _Matrix:
    quants, scales = _address(matrix.quants), _address(matrix.scales)
    return _Matrix(quants, scales, _padded(matrix.rows), matrix.columns, matrix.bits, 0)
