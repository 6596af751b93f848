"""GGUF files, the format of llama.cpp: one file with a model's weights, tokenizer and settings.

The layout is a head, then `key: typed value` pairs, then a table of tensors, then their bytes:

    "GGUF" | version u32 | tensor count u64 | metadata count u64 | metadata | tensor table | data

The file is mapped, not read: a tensor's bytes are fetched when `Tensor.array` is called. Everything
in it is checked against the file's size before it is believed.

Source: the GGUF specification in ggml's documentation. Leaves out version 1, big-endian files,
models split over several files; `groundup.checkpoints.gguf_write` writes them.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from groundup.checkpoints import gguf_architectures
from groundup.checkpoints.gguf_blocks import FORMATS, Bytes, Tensor
from groundup.models.gpt import GPT
from groundup.tokenizers import gguf_vocabulary
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.gguf_metadata import Reader

_MAX_DIMENSIONS = 4


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
        if not isinstance(tokenizer, BPE):
            kind = type(tokenizer).__name__
            raise ValueError(f"its tokenizer is a {kind}; models are opened with a BPE only")
        shapes = {name: tensor.shape for name, tensor in file.tensors.items()}
        config = gguf_architectures.read_config(file.metadata, shapes)
        arrays = ((name, torch.from_numpy(t.array())) for name, t in file.tensors.items())
        weights = gguf_architectures.read_weights(file.metadata, config, arrays)
        return GPT.from_weights(config, weights).eval(), tokenizer
    except ValueError as problem:
        raise ValueError(f"{path} cannot be opened as a model: {problem}") from problem


class _Reader(Reader):
    """Reads the table of tensors that follows the metadata, too."""

    def __init__(self, data: Bytes) -> None:
        self._bytes = data
        super().__init__(data.data)  # slices of it are much cheaper than those of an array

    def file(self) -> GGUF:
        metadata = self.metadata()
        entries = [self._tensor_entry() for _ in range(self.tensor_count)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise ValueError(f"its general.alignment is {alignment!r}; wanted a positive number")
        start = -(-self.at // alignment) * alignment
        tensors: dict[str, Tensor] = {}
        for name, shape, number, offset in entries:
            if name in tensors:
                raise ValueError(f"tensor {name!r} is in it twice")
            tensors[name] = self._tensor(name, shape, number, start + offset)
        return GGUF(self.version, metadata, tensors)

    def _tensor_entry(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self.string()
        dimensions = self.number("I")
        if dimensions > _MAX_DIMENSIONS:
            raise ValueError(
                f"tensor {name!r} has {dimensions} dimensions; at most {_MAX_DIMENSIONS} are read"
            )
        shape = tuple(self.number("Q") for _ in range(dimensions))[::-1]
        return name, shape, self.number("I"), self.number("Q")

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
        if start + size > self.size:
            raise ValueError(
                f"tensor {name!r} would end at byte {start + size}, and the file has {self.size}"
            )
        return Tensor(name, shape, form, self._bytes[start : start + size])
