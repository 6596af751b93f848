"""The head of a GGUF file: its metadata, among them the tokenizer's vocabulary.

    "GGUF" | version u32 | tensor count u64 | metadata count u64 | key: typed value ...

The file is mapped, not read. Every count in it is checked against the file's size before it is
believed.

Source: the GGUF specification in ggml's documentation. Leaves out version 1 and big-endian files;
the tensors that follow are read by `groundup.checkpoints.gguf`.
"""

import mmap
import struct
from pathlib import Path
from typing import Any

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
_MAX_NESTING = 8


def read_metadata(path: str | Path) -> dict[str, Any]:
    """A GGUF file's metadata: numbers, texts, truth values and lists of them, by key.

    Raises ValueError, with the file's name, if the head is not whole and sound; OSError if the file
    cannot be opened.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise ValueError("it is empty")
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # Closed by the last view of it that goes.
        return Reader(memoryview(mapped)).metadata()
    except ValueError as problem:
        raise ValueError(f"{path} is not a readable GGUF file: {str(problem)[:500]}") from problem


class Reader:
    """Reads values one after the other, never beyond the end."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.at = 0
        """The byte that is read next."""
        self.size = len(data)
        """The file's size in bytes."""
        if (magic := bytes(self.take(4, "the magic number"))) != b"GGUF":
            raise ValueError(f"it starts with {magic!r}, not with b'GGUF'")
        self.version: int = self.number("I")
        """2 or 3."""
        if self.version not in (2, 3):
            raise ValueError(f"its version is {self.version}; versions 2 and 3 are read")
        # The smallest table entry has an empty name, no dimension, a format and an offset.
        self.tensor_count = self.count("tensors", least=24)
        """How many tensors the table has that follows the metadata."""

    def metadata(self) -> dict[str, Any]:
        """The metadata, which stand at the start; read them first, and once."""
        metadata: dict[str, Any] = {}
        for _ in range(self.count("metadata pairs", least=13)):
            key = self.string()
            metadata[key] = self._value(self.number("I"), key)
        return metadata

    def take(self, size: int, what: str) -> memoryview:
        """The next bytes. Raises ValueError if there are not so many."""
        if size > self.size - self.at:
            raise ValueError(
                f"it ends inside {what}: {size} bytes wanted at byte {self.at} of {self.size}"
            )
        taken = self._data[self.at : self.at + size]
        self.at += size
        return taken

    def number(self, code: str) -> Any:
        """The next number, of a kind that `struct` names."""
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}"), "a number"))[0]

    def count(self, what: str, *, least: int) -> int:
        """How many things follow. Raises ValueError if they could not fit at `least` bytes each."""
        count: int = self.number("Q")
        if count * least > self.size - self.at:
            raise ValueError(f"it says it has {count} {what}, more than its size has room for")
        return count

    def string(self) -> str:
        """The next text. Raises ValueError if it is not UTF-8."""
        size = self.count("characters in a text", least=1)
        data = bytes(self.take(size, "a text"))
        try:
            return data.decode()
        except UnicodeDecodeError as problem:
            raise ValueError(f"a text at byte {self.at - size} is not UTF-8") from problem

    def _value(self, kind: int, key: str, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY:
            raise ValueError(f"{key!r} has the unknown type {kind}")
        if depth == _MAX_NESTING:
            raise ValueError(f"{key!r} is a list inside {_MAX_NESTING} lists")
        item_kind = self.number("I")
        if item_kind in _SCALARS:
            return self._numbers(_SCALARS[item_kind], key)
        count = self.count(f"items in {key!r}", least=8)
        return [self._value(item_kind, key, depth + 1) for _ in range(count)]

    def _numbers(self, code: str, key: str) -> list[Any]:
        size = struct.calcsize(f"<{code}")
        count = self.count(f"items in {key!r}", least=size)
        return list(struct.unpack(f"<{count}{code}", self.take(count * size, repr(key))))
