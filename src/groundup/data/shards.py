"""Documents as token ids on disk: flat files that are mapped into memory, never read whole.

A split `train` is
- `train.bin`: the ids of all documents one after another, each document followed by the id of
  `<|endoftext|>`; little-endian uint16, or uint32 when the vocabulary needs it;
- `train.index.npy`: int64, where each document starts, and at the end the number of tokens;
and `manifest.json` says which tokenizer made them, the counts and the SHA-256 of each file.

Files are written under another name and renamed when complete, the manifest last: a folder with a
manifest is whole.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from groundup.data.corpus import MANIFEST, SPLITS, Document, read_documents
from groundup.observe.progress import Progress, silent

END_OF_TEXT = "<|endoftext|>"
_BATCH = 64  # documents that are tokenized before the bar moves


class Tokenizer(Protocol):
    """What this room needs of a tokenizer."""

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        ...

    @property
    def special_tokens(self) -> dict[str, int]:
        """Ids of the special tokens, by name."""
        ...

    def encode_batch(self, texts: Sequence[str], /, *, threads: int) -> Sequence[NDArray[Any]]:
        """Texts to ids; special tokens written in a text are plain text."""
        ...

    def token_bytes(self, token: int, /) -> bytes:
        """The bytes an id stands for."""
        ...


@dataclass(frozen=True, kw_only=True)
class ShardsConfig:
    """How documents become shards."""

    threads: int = 1
    """Texts that are tokenized at a time; the result is the same at any number."""

    def __post_init__(self) -> None:
        """Refuse a number of threads that cannot be."""
        if self.threads < 1:
            raise ValueError(f"threads is {self.threads}; it must be at least 1")


@dataclass(frozen=True)
class Shard:
    """One split, mapped into memory."""

    tokens: NDArray[Any]
    """All token ids, N of them (uint16 or uint32)."""
    starts: NDArray[np.int64]
    """Where each document starts; one more at the end, N."""
    bytes: int
    """UTF-8 bytes of all the documents."""
    end_of_text: int
    """The id that follows each document."""

    def documents(self) -> Iterator[NDArray[Any]]:
        """The token ids of each document, without the `<|endoftext|>` behind it."""
        for begin, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            yield self.tokens[begin : end - 1]


def write_shards(
    corpus: Path,
    tokenizer: Tokenizer,
    folder: Path,
    config: ShardsConfig | None = None,
    *,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Tokenize both splits of a corpus folder into `folder`; return the manifest.

    Raises ValueError when the tokenizer has no `<|endoftext|>` or the corpus is not there.
    """
    config = config or ShardsConfig()
    if END_OF_TEXT not in tokenizer.special_tokens:
        raise ValueError(f"the tokenizer has no {END_OF_TEXT}, which must follow each document")
    splits = {split: read_documents(corpus, split) for split in SPLITS}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    total = sum(document.size for documents in splits.values() for document in documents)
    with progress("tokenizing", total=total, unit="bytes") as advance:
        facts = {
            split: _write_split(documents, tokenizer, folder / split, config, advance)
            for split, documents in splits.items()
        }
    manifest = {
        "tokenizer": tokenizer_fingerprint(tokenizer),
        "vocab_size": tokenizer.vocab_size,
        "dtype": _dtype(tokenizer).name,
        "end_of_text": tokenizer.special_tokens[END_OF_TEXT],
        "splits": facts,
    }
    _write_whole(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    return manifest


def open_shard(path: Path) -> Shard:
    """Map a split into memory: `open_shard(folder / "train")`.

    Raises ValueError when the folder has no manifest (it was not finished), no such split, or a
    file is shorter than the manifest says.
    """
    folder, split = path.parent, path.name
    if not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} holds no finished shards (no {MANIFEST}); run the shards stage")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if split not in manifest["splits"]:
        raise ValueError(
            f"{folder} has no split {split!r}; it has: {', '.join(manifest['splits'])}"
        )
    facts, dtype = manifest["splits"][split], np.dtype(manifest["dtype"]).newbyteorder("<")
    wanted = facts["tokens"] * dtype.itemsize
    binary = _binary(path)
    size = binary.stat().st_size if binary.is_file() else 0
    if size != wanted:
        raise ValueError(
            f"{binary} has {size} bytes and its manifest says {wanted}; run the shards stage again"
        )
    return Shard(
        np.memmap(binary, dtype=dtype, mode="r"),
        np.load(_index(path), allow_pickle=False),
        facts["bytes"],
        manifest["end_of_text"],
    )


def tokenizer_fingerprint(tokenizer: Tokenizer) -> str:
    """SHA-256 over the bytes of every id and the special tokens' names.

    Leaves out how text is cut before merging; two tokenizers that differ only there look equal.
    """
    total = hashlib.sha256(json.dumps(sorted(tokenizer.special_tokens.items())).encode())
    for token in range(tokenizer.vocab_size):
        content = tokenizer.token_bytes(token)
        total.update(len(content).to_bytes(4, "little") + content)
    return total.hexdigest()


def _write_split(
    documents: Sequence[Document],
    tokenizer: Tokenizer,
    path: Path,
    config: ShardsConfig,
    advance: Callable[..., None],
) -> dict[str, Any]:
    end = tokenizer.special_tokens[END_OF_TEXT]
    dtype = _dtype(tokenizer)
    starts = [0]
    total = hashlib.sha256()
    partial = _binary(path).with_suffix(".partial")
    with partial.open("wb") as file:
        for first in range(0, len(documents), _BATCH):
            batch = documents[first : first + _BATCH]
            texts = [document.text for document in batch]
            ids_of_texts = tokenizer.encode_batch(texts, threads=config.threads)
            for document, ids in zip(batch, ids_of_texts, strict=True):
                content = np.append(ids, end).astype(dtype).tobytes()
                file.write(content)
                total.update(content)
                starts.append(starts[-1] + len(ids) + 1)
                advance(document.size)
    os.replace(partial, _binary(path))
    partial = _index(path).with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, np.array(starts, dtype=np.int64), allow_pickle=False)
    os.replace(partial, _index(path))
    return {
        "documents": len(documents),
        "tokens": starts[-1],
        "bytes": sum(document.size for document in documents),
        "sha256": total.hexdigest(),
    }


def _dtype(tokenizer: Tokenizer) -> np.dtype[Any]:
    return np.dtype("<u2" if tokenizer.vocab_size <= 2**16 else "<u4")


def _binary(path: Path) -> Path:
    return path.with_name(f"{path.name}.bin")


def _index(path: Path) -> Path:
    return path.with_name(f"{path.name}.index.npy")


def _write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
