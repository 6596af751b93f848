"""From a folder of files to documents in Parquet, with a count for everything that was left out.

    files -> text -> filters -> exact duplicates -> size limit -> train and validation

The order of the walk, the hashes and so the whole result depend on the files' contents, their paths
and the config alone. A document's split depends on its own file's content and the seed, so adding
a file moves no other one.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundup.data import sources
from groundup.data.filters import reason_to_drop
from groundup.observe.progress import Progress, silent

SPLITS = ("train", "validation")
MANIFEST, EXCLUDED = "manifest.json", "excluded.jsonl"
_PIECE_BYTES = 65_536


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """Which files become the corpus."""

    path: Path | None = None
    """A folder or file of text; without one, the running Python's standard library."""
    suffixes: tuple[str, ...] | None = None
    """File name endings to read; by default .py, and for a given path also prose and other code."""
    validation_share: float = 0.05
    """Share of the documents that is never trained on."""
    seed: int = 0
    """Decides which documents are held out and, with max_bytes, which are taken."""
    max_bytes: int | None = None
    """Take documents in a fixed shuffled order until they hold this much; all without it."""
    max_file_bytes: int = 1_000_000
    """Larger Python files are dropped; other long files are cut at blank lines anyway."""
    keep_generated: bool = False
    """Keep files that the filters would drop as generated, tables or long lines."""

    def __post_init__(self) -> None:
        """Refuse shares and sizes that leave nothing."""
        if not 0 < self.validation_share < 1:
            raise ValueError(
                f"validation_share is {self.validation_share}; it must lie between 0 and 1, as 0.05"
            )
        for name in ("max_bytes", "max_file_bytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        for suffix in self.suffixes or ():
            if not suffix.startswith("."):
                raise ValueError(f"the suffix {suffix!r} must start with a dot, as '.{suffix}'")

    def root(self) -> Path:
        """The folder or file the text comes from. Raises ValueError when it does not exist."""
        if self.path is None:
            return sources.standard_library()
        path = self.path.expanduser()
        if not path.exists():
            raise ValueError(f"there is no corpus at {path}; give a folder of text files or a file")
        return path

    def endings(self) -> tuple[str, ...]:
        """The file name endings that are read."""
        if self.suffixes is not None:
            return self.suffixes
        return sources.PYTHON_SUFFIXES if self.path is None else sources.TEXT_SUFFIXES


@dataclass(frozen=True, kw_only=True)
class Document:
    """One text: a file, or a piece of a long one."""

    path: str
    """Path below the corpus's root, with `#2` and so on for pieces of a file."""
    text: str
    sha256: str
    """Of the file's text (all pieces of a file share it)."""

    @property
    def size(self) -> int:
        """Bytes in UTF-8."""
        return len(self.text.encode())


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A file that is not in the corpus, and why."""

    path: str
    reason: str
    bytes: int
    detail: str = ""


def write_corpus(
    config: CorpusConfig, folder: Path, *, progress: Progress = silent
) -> dict[str, Any]:
    """Write train.parquet, validation.parquet, excluded.jsonl and manifest.json; return the last.

    Raises ValueError when the path is missing, holds no file of the wanted endings, or too little
    is left to have both a train and a validation document.
    """
    root = config.root()
    kept, dropped = _read_all(config, root, progress)
    kept, beyond = _limit(kept, config)
    dropped = sorted([*dropped, *beyond], key=lambda item: item.path)
    if not kept:
        raise ValueError(f"nothing is left of the corpus at {root}: {_told(dropped)}")
    split = split_documents(kept, share=config.validation_share, seed=config.seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, documents in split.items():
        _write_parquet(documents, name, folder / f"{name}.parquet")
    lines = [json.dumps(vars(item), ensure_ascii=False) + "\n" for item in dropped]
    _replace_text(folder / EXCLUDED, "".join(lines))
    manifest = _manifest(config, root, split, dropped)
    _replace_text(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    return manifest


def read_documents(folder: Path, split: str) -> list[Document]:
    """The documents of a split that `write_corpus` wrote, in order."""
    path = folder / f"{split}.parquet"
    if not path.is_file():
        raise ValueError(f"there is no {path}; the corpus stage writes it")
    rows = pq.read_table(path, columns=["path", "text", "sha256"]).to_pylist()
    return [Document(**row) for row in rows]


def digest(config: CorpusConfig) -> str:
    """SHA-256 over the paths and bytes of all files the corpus would read: what it depends on."""
    total = hashlib.sha256()
    for path in sources.walk(root := config.root(), config.endings()):
        try:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as problem:
            content = f"unreadable ({problem.errno})"
        total.update(f"{_name(path, root)}\0{content}\n".encode())
    return total.hexdigest()


def split_documents(
    documents: Sequence[Document], *, share: float, seed: int
) -> dict[str, list[Document]]:
    """Train and validation, by a hash of each file's content and the seed.

    A file's pieces stay together. Where that leaves a split empty (one long file, a handful of
    files), the pieces are split on their own, and at the last the document with the smallest
    hash is held out. Raises ValueError for fewer than two documents.
    """
    if len(documents) < 2:
        raise ValueError(
            f"the corpus holds {len(documents)} document ({sum(d.size for d in documents)} bytes); "
            "it needs at least 2, one to train on and one to hold out"
        )
    by_file = [_fraction(document.sha256, seed) for document in documents]
    by_piece = [_fraction(document.sha256 + document.path, seed) for document in documents]
    for fractions in (by_file, by_piece):
        held_out = [fraction < share for fraction in fractions]
        if any(held_out) and not all(held_out):
            break
    else:
        held_out = [fraction == min(by_piece) for fraction in by_piece]
    pairs = list(zip(documents, held_out, strict=True))
    return {
        "train": [document for document, is_held_out in pairs if not is_held_out],
        "validation": [document for document, is_held_out in pairs if is_held_out],
    }


def _read_all(
    config: CorpusConfig, root: Path, progress: Progress
) -> tuple[list[Document], list[Dropped]]:
    """Every file as documents or as a reason to drop it."""
    paths = list(sources.walk(root, config.endings()))
    if not paths:
        wanted = " ".join(config.endings())
        raise ValueError(f"{root} holds no file that ends in one of: {wanted}")
    kept: list[Document] = []
    dropped: list[Dropped] = []
    seen: dict[str, str] = {}
    with progress("reading", total=len(paths), unit="files") as advance:
        for path in paths:
            advance(1)
            found = _read(path, _name(path, root), config, seen)
            if isinstance(found, Dropped):
                dropped.append(found)
            else:
                kept += found
    return kept, dropped


def _read(
    path: Path, name: str, config: CorpusConfig, seen: dict[str, str]
) -> list[Document] | Dropped:
    """One file's documents; `seen` maps the hash of each text so far to its first path."""
    try:
        size = path.stat().st_size
        if path.suffix.lower() == ".py" and size > config.max_file_bytes:
            return Dropped(path=name, reason="too large", bytes=size)
        text = sources.read_text(path)
    except OSError as problem:
        return Dropped(path=name, reason="unreadable", bytes=0, detail=problem.strerror or "")
    except ValueError as problem:
        detail = str(problem).replace(str(path), name)
        return Dropped(path=name, reason="not text", bytes=size, detail=detail)
    reason = reason_to_drop(text)
    if reason == "empty" or (reason and not config.keep_generated):
        return Dropped(path=name, reason=reason, bytes=size)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if sha256 in seen:
        return Dropped(path=name, reason="duplicate", bytes=size, detail=seen[sha256])
    seen[sha256] = name
    if path.suffix.lower() == ".py":
        return [Document(path=name, text=text, sha256=sha256)]
    parts = sources.pieces(text, _PIECE_BYTES)
    names = [name] if len(parts) == 1 else [f"{name}#{i}" for i in range(1, len(parts) + 1)]
    return [Document(path=n, text=t, sha256=sha256) for n, t in zip(names, parts, strict=True)]


def _limit(documents: list[Document], config: CorpusConfig) -> tuple[list[Document], list[Dropped]]:
    """The first documents, in an order shuffled by the seed, that together reach max_bytes."""
    if config.max_bytes is None:
        return documents, []
    order = sorted(documents, key=lambda d: _fraction(f"take {d.sha256}{d.path}", config.seed))
    taken, size = set(), 0
    for document in order:
        if size >= config.max_bytes:
            break
        taken.add(document.path)
        size += document.size
    beyond = [
        Dropped(path=d.path, reason="beyond max_bytes", bytes=d.size)
        for d in documents
        if d.path not in taken
    ]
    return [d for d in documents if d.path in taken], beyond


def _fraction(key: str, seed: int) -> float:
    """A number in [0, 1) that the key and the seed decide."""
    return int(hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()[:13], 16) / 16**13


def _name(path: Path, root: Path) -> str:
    """The path below the root; bytes that are no UTF-8 in a file's name become question marks."""
    name = path.name if path == root else path.relative_to(root).as_posix()
    return name.encode("utf-8", "replace").decode()


def _write_parquet(documents: Sequence[Document], split: str, path: Path) -> None:
    """Columns path, text, sha256, bytes, split; one row a document."""
    table = pa.table(
        {
            "path": pa.array([d.path for d in documents], pa.string()),
            "text": pa.array([d.text for d in documents], pa.large_string()),
            "sha256": pa.array([d.sha256 for d in documents], pa.string()),
            "bytes": pa.array([d.size for d in documents], pa.int64()),
            "split": pa.array([split] * len(documents), pa.string()),
        }
    )
    partial = path.with_name(path.name + ".partial")
    pq.write_table(table, partial, compression="zstd")
    os.replace(partial, path)


def _replace_text(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def _manifest(
    config: CorpusConfig,
    root: Path,
    split: dict[str, list[Document]],
    dropped: Sequence[Dropped],
) -> dict[str, Any]:
    is_stdlib = config.path is None
    return {
        "source": "the Python standard library" if is_stdlib else root.name,
        "licence": "PSF-2.0" if is_stdlib else ", ".join(sources.licence_files(root)) or "unknown",
        "documents": {name: len(documents) for name, documents in split.items()},
        "bytes": {name: sum(d.size for d in documents) for name, documents in split.items()},
        "dropped": _by_reason(dropped),
    }


def _by_reason(dropped: Sequence[Dropped]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for item in sorted(dropped, key=lambda item: item.reason):
        count = counts.setdefault(item.reason, {"files": 0, "bytes": 0})
        count["files"] += 1
        count["bytes"] += item.bytes
    return counts


def _told(dropped: Sequence[Dropped]) -> str:
    counts = [f"{item['files']} {reason}" for reason, item in _by_reason(dropped).items()]
    return f"all {len(dropped)} files were dropped ({', '.join(counts)})"
