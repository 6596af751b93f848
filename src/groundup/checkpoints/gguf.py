"""GGUF files, the format of llama.cpp: one file with a model's weights, tokenizer and settings.

The layout is a head, then `key: typed value` pairs, then a table of tensors, then their bytes:

    "GGUF" | version u32 | tensor count u64 | metadata count u64 | metadata | tensor table | data

The file is mapped, not read: a tensor's bytes are fetched when `Tensor.array` is called. Everything
in it is checked against the file's size before it is believed.

Source: the GGUF specification in ggml's documentation. Leaves out version 1, big-endian files,
models split over several files, and writing.
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from groundup.checkpoints import gguf_architectures
from groundup.checkpoints.gguf_blocks import FORMATS, Bytes, Floats, Format
from groundup.models.gpt import GPT
from groundup.tokenizers import gguf_vocabulary
from groundup.tokenizers.bpe import BPE

_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9
_MAX_DIMENSIONS = 4
_MAX_NESTING = 8


@dataclass(frozen=True)
class Tensor:
    """One tensor of the file: its shape as PyTorch writes it (rows first), and its bytes."""

    name: str
    """As llama.cpp names it: `blk.0.attn_q.weight`."""
    shape: tuple[int, ...]
    """Outermost first: the reverse of the order in the file."""
    format: Format
    """How its numbers are kept."""
    data: Bytes
    """Its bytes, still in the mapped file."""

    def array(self) -> Floats:
        """Its numbers as float32."""
        blocks = self.data.reshape(-1, self.format.bytes)
        return self.format.decode(blocks).reshape(self.shape)


@dataclass(frozen=True)
class GGUF:
    """What a GGUF file holds."""

    version: int
    """2 or 3."""
    metadata: dict[str, Any]
    """Numbers, texts, truth values and lists of them, by key: `llama.block_count`."""
    tensors: dict[str, Tensor]
    """The tensors by name."""


def read(path: str | Path) -> GGUF:
    """Read the head of a GGUF file and map its tensors.

    Raises ValueError, with the file's name, if it is not a whole and sound GGUF file of version 2
    or 3 in formats we know; OSError if it cannot be opened.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise ValueError("it is empty")
        return _Reader(np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))).file()
    except ValueError as problem:
        raise ValueError(f"{path} is not a readable GGUF file: {problem}") from problem


def load(path: str | Path) -> tuple[GPT, BPE]:
    """The model (float32, on the CPU) and the tokenizer of a GGUF file.

    Raises ValueError, with the file's name, if the file is not sound or describes a model or a
    tokenizer that we do not build; OSError if it cannot be opened.
    """
    file = read(path)
    try:
        tokenizer = gguf_vocabulary.from_metadata(file.metadata)
        shapes = {name: tensor.shape for name, tensor in file.tensors.items()}
        config = gguf_architectures.read_config(file.metadata, shapes)
        arrays = ((name, torch.from_numpy(t.array())) for name, t in file.tensors.items())
        weights = gguf_architectures.read_weights(file.metadata, config, arrays)
        return GPT.from_weights(config, weights).eval(), tokenizer
    except ValueError as problem:
        raise ValueError(f"{path} cannot be opened as a model: {problem}") from problem


class _Reader:
    """Reads values one after the other, never beyond the end."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._head = data.data  # slices of it are much cheaper than those of an array
        self._at = 0

    def file(self) -> GGUF:
        if (magic := bytes(self._take(4, "the magic number"))) != b"GGUF":
            raise ValueError(f"it starts with {magic!r}, not with b'GGUF'")
        version = self._number("I")
        if version not in (2, 3):
            raise ValueError(f"its version is {version}; versions 2 and 3 are read")
        # The smallest table entry has an empty name, no dimension, a format and an offset.
        tensor_count = self._count("tensors", least=24)
        metadata_count = self._count("metadata pairs", least=13)
        metadata: dict[str, Any] = {}
        for _ in range(metadata_count):
            key = self._string()
            metadata[key] = self._value(self._number("I"), key)
        entries = [self._tensor_entry() for _ in range(tensor_count)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise ValueError(f"its general.alignment is {alignment!r}; wanted a positive number")
        start = -(-self._at // alignment) * alignment
        tensors: dict[str, Tensor] = {}
        for name, shape, number, offset in entries:
            if name in tensors:
                raise ValueError(f"tensor {name!r} is in it twice")
            tensors[name] = self._tensor(name, shape, number, start + offset)
        return GGUF(version, metadata, tensors)

    def _take(self, size: int, what: str) -> memoryview:
        if size > len(self._data) - self._at:
            raise ValueError(
                f"it ends inside {what}: {size} bytes wanted at byte {self._at} "
                f"of {len(self._data)}"
            )
        taken = self._head[self._at : self._at + size]
        self._at += size
        return taken

    def _number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self._take(struct.calcsize(f"<{code}"), "a number"))[0]

    def _count(self, what: str, *, least: int) -> int:
        """How many things follow, refused if they could not fit at `least` bytes each."""
        count: int = self._number("Q")
        if count * least > len(self._data) - self._at:
            raise ValueError(f"it says it has {count} {what}, more than its size has room for")
        return count

    def _string(self) -> str:
        size = self._count("characters in a text", least=1)
        data = bytes(self._take(size, "a text"))
        try:
            return data.decode()
        except UnicodeDecodeError as problem:
            raise ValueError(f"a text at byte {self._at - size} is not UTF-8") from problem

    def _value(self, kind: int, key: str, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self._number(_SCALARS[kind])
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            raise ValueError(f"{key!r} has the unknown type {kind}")
        if depth == _MAX_NESTING:
            raise ValueError(f"{key!r} is a list inside {_MAX_NESTING} lists")
        item_kind = self._number("I")
        if item_kind in _SCALARS:
            return self._numbers(_SCALARS[item_kind], key)
        count = self._count(f"items in {key!r}", least=8)
        return [self._value(item_kind, key, depth + 1) for _ in range(count)]

    def _numbers(self, code: str, key: str) -> list[Any]:
        size = struct.calcsize(f"<{code}")
        count = self._count(f"items in {key!r}", least=size)
        return list(struct.unpack(f"<{count}{code}", self._take(count * size, repr(key))))

    def _tensor_entry(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self._string()
        dimensions = self._number("I")
        if dimensions > _MAX_DIMENSIONS:
            raise ValueError(
                f"tensor {name!r} has {dimensions} dimensions; at most {_MAX_DIMENSIONS} are read"
            )
        shape = tuple(self._number("Q") for _ in range(dimensions))[::-1]
        return name, shape, self._number("I"), self._number("Q")

    def _tensor(self, name: str, shape: tuple[int, ...], number: int, start: int) -> Tensor:
        if number not in FORMATS:
            raise ValueError(
                f"tensor {name!r} is in format {number}, which is not built; "
                f"there are: {', '.join(form.name for form in FORMATS.values())}"
            )
        form = FORMATS[number]
        row = shape[-1] if shape else 1
        if row % form.weights:
            raise ValueError(
                f"tensor {name!r} has rows of {row} numbers; {form.name} wants a multiple of "
                f"{form.weights}"
            )
        size = math.prod(shape) // form.weights * form.bytes
        if start + size > len(self._data):
            raise ValueError(
                f"tensor {name!r} would end at byte {start + size}, "
                f"and the file has {len(self._data)}"
            )
        return Tensor(name, shape, form, self._data[start : start + size])
