"""Write GGUF files: a model that llama.cpp, and everything that is built on it, opens.

    "GGUF" | version u32 | tensor count u64 | metadata count u64 | metadata | tensor table | data

Each tensor's bytes begin at a multiple of 32, counted from where the data begin. The file appears
under its name only when it is whole and on the disk.

Source: the GGUF specification in ggml's documentation. Leaves out version 2, other alignments and
models split over several files.
"""

import os
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from groundup.checkpoints import gguf_describe
from groundup.checkpoints.gguf_blocks import FORMATS, Tensor
from groundup.checkpoints.store import flush_folder
from groundup.models.gpt_config import GPTConfig
from groundup.observe.progress import Progress, silent
from groundup.tokenizers import gguf_vocabulary_write
from groundup.tokenizers.bpe import BPE

ALIGNMENT = 32
_VERSION = 3
_U32, _I32, _F32, _BOOL, _STRING, _ARRAY, _U64, _I64 = 4, 5, 6, 7, 8, 9, 10, 11
_CODES = {_U32: "I", _I32: "i", _F32: "f", _BOOL: "?", _U64: "Q", _I64: "q"}
_NUMBERS = {form.name: number for number, form in FORMATS.items()}
_FILE_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "BF16": 32}
_QUANTIZATION_VERSION = 2


def save(
    path: str | Path,
    config: GPTConfig,
    tensors: Mapping[str, Tensor],
    tokenizer: BPE,
    *,
    name: str = "",
    progress: Progress = silent,
) -> str:
    """Write a model and its tokenizer; `tensors` are those of `GPT.state_dict`, by our names.

    Returns what must be said about the file: that llama.cpp cuts texts in another way, or does not
    open it; empty if nothing must be said. Raises ValueError, before anything is written, if no
    GGUF architecture holds the model; OSError if the disk refuses, and then nothing is left of it.
    """
    vocabulary = gguf_vocabulary_write.to_metadata(tokenizer, config.vocab_size)
    arranged = gguf_describe.tensors_of(config, tensors)
    matrices = [tensor for tensor in arranged if len(tensor.shape) > 1]
    sizes = {form: sum(t.data.size for t in matrices if t.format.name == form) for form in _NUMBERS}
    general: dict[str, Any] = {
        "general.type": "model",
        "general.file_type": _FILE_TYPES.get(max(sizes, key=lambda form: sizes[form]), 0),
        "general.quantization_version": _QUANTIZATION_VERSION,
    }
    if name:
        general["general.name"] = name
    metadata = gguf_describe.metadata_of(config) | general | vocabulary.metadata
    write(path, metadata, arranged, progress=progress)
    return vocabulary.note


def write(
    path: str | Path,
    metadata: Mapping[str, Any],
    tensors: Sequence[Tensor],
    *,
    progress: Progress = silent,
) -> None:
    """Write a GGUF file; what stands at `path` is replaced when the new file is whole.

    Raises ValueError for metadata that GGUF has no type for and for names that are there twice;
    OSError, in one sentence, if there is no room or the disk refuses: then nothing is left of it.
    """
    path = Path(path)
    head = _head(metadata, tensors)
    size = len(head) + sum(_aligned(tensor.data.size) for tensor in tensors)
    with _whole(path, size) as file, progress("writing", total=size, unit="bytes") as advance:
        file.write(head)
        advance(len(head))
        for tensor in tensors:
            file.write(np.ascontiguousarray(tensor.data).data)
            file.write(bytes(_aligned(tensor.data.size) - tensor.data.size))
            advance(tensor.data.size)


@contextmanager
def _whole(path: Path, size: int) -> Iterator[BinaryIO]:
    """A file beside, which gets its name when the block ends well, and is deleted otherwise."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(path.parent).free) < size:
            raise OSError(f"the file needs {size:,} bytes, and there are {free:,} free")
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        flush_folder(path.parent)
    except OSError as problem:
        raise OSError(
            f"{path} could not be written ({problem.strerror or problem}); nothing is left of it"
        ) from problem
    finally:
        with suppress(OSError):
            partial.unlink()


def _head(metadata: Mapping[str, Any], tensors: Sequence[Tensor]) -> bytes:
    """All that stands before the data, filled up to where they begin."""
    parts = [b"GGUF", struct.pack("<IQQ", _VERSION, len(tensors), len(metadata))]
    for key, value in metadata.items():
        parts += [_text(key), _value(key, value)]
    offset, names = 0, set()
    for tensor in tensors:
        if tensor.name in names:
            raise ValueError(f"two tensors have the name {tensor.name!r}")
        names.add(tensor.name)
        shape = tensor.shape[::-1]
        parts += [_text(tensor.name), struct.pack(f"<I{len(shape)}Q", len(shape), *shape)]
        parts.append(struct.pack("<IQ", _NUMBERS[tensor.format.name], offset))
        offset += _aligned(tensor.data.size)
    head = b"".join(parts)
    return head.ljust(_aligned(len(head)), b"\0")


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(key: str, value: object) -> bytes:
    """The type and the value: whole numbers are u32 where they fit, fractions are f32."""
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _text(value)
    if isinstance(value, list):
        return struct.pack("<I", _ARRAY) + _list(key, value)
    kind = _kind(key, value)
    return struct.pack(f"<I{_CODES[kind]}", kind, value)


def _kind(key: str, value: object) -> int:
    match value:
        case bool():
            return _BOOL
        case int() if 0 <= value < 1 << 32:
            return _U32
        case int() if -(1 << 63) <= value < 1 << 64:
            return _I64 if value < 1 << 63 else _U64
        case float():
            return _F32
    raise ValueError(
        f"the metadata {key!r} is {str(value)[:50]!r}; wanted a number, a text or a list of them"
    )


def _list(key: str, items: list[Any]) -> bytes:
    """Items all of one type; an empty list is one of texts."""
    if all(isinstance(item, str) for item in items):
        return struct.pack("<IQ", _STRING, len(items)) + b"".join(map(_text, items))
    kinds = {type(item) for item in items}
    kind = {bool: _BOOL, int: _I32, float: _F32}.get(next(iter(kinds)))
    if len(kinds) > 1 or kind is None:
        raise ValueError(f"the metadata {key!r} is a list of {sorted(k.__name__ for k in kinds)}")
    try:
        packed = struct.pack(f"<{len(items)}{_CODES[kind]}", *items)
    except struct.error as problem:
        raise ValueError(f"a number in the metadata {key!r} does not fit: {problem}") from problem
    return struct.pack("<IQ", kind, len(items)) + packed
