"""What a tokenizer is trained on: texts, or files that hold them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from groundup.tokenizers.tokenizer import checked


def read_texts(texts_or_paths: Iterable[str | Path]) -> Iterator[str]:
    """The texts, in order; a path gives the text of its file, line ends as they are.

    Raises ValueError if a file is not UTF-8, a text has lone surrogates, or what came is a single
    text; OSError if a file cannot be read.
    """
    if isinstance(texts_or_paths, str | Path):
        raise ValueError(
            f"wanted several texts or paths, got one {type(texts_or_paths).__name__}; "
            "put it into a list"
        )
    for text in texts_or_paths:
        yield _read(text) if isinstance(text, Path) else checked(text)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError(
            f"{path} is not UTF-8: byte {problem.start} is {problem.object[problem.start]:#04x} "
            f"({problem.reason}); convert the file, or leave it out"
        ) from problem
