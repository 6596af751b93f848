"""Text to measure a model on, wherever it comes from, as a shard that scoring reads.

A run's validation documents are held out from its training. A model that others trained may have
seen any text; files of the standard library are then only a fixed text that everybody has.
"""

import sysconfig
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from groundup.data.corpus import read_documents
from groundup.data.shards import END_OF_TEXT, Shard
from groundup.tokenizers.tokenizer import Tokenizer

_MODULES = ("textwrap.py", "heapq.py", "csv.py", "fractions.py", "shlex.py", "sched.py", "cmd.py")


def of_run(folder: Path, max_bytes: int) -> list[str]:
    """A run's validation documents, in the order of their hashes, until they hold `max_bytes`.

    Raises ValueError if the run has no corpus.
    """
    documents = read_documents(folder / "corpus", "validation")
    ordered = sorted(documents, key=lambda document: (document.sha256, document.path))
    return cut([document.text for document in ordered], max_bytes)


def of_standard_library(max_bytes: int) -> list[str]:
    """Some modules of this Python. Raises ValueError if it came without its sources."""
    folder = Path(sysconfig.get_path("stdlib"))
    files = [folder / name for name in _MODULES if (folder / name).is_file()]
    if not files:
        raise ValueError(f"{folder} holds no sources of the standard library; name a text file")
    return cut([file.read_text(encoding="utf-8") for file in files], max_bytes)


def cut(texts: Sequence[str], max_bytes: int) -> list[str]:
    """The first texts, the last of them cut, so that they hold at most `max_bytes` in UTF-8."""
    kept, room = [], max_bytes
    for text in texts:
        if room <= 0:
            break
        data = text.encode()[:room]
        kept.append(data.decode(errors="ignore"))  # a character that was cut in two is left out
        room -= len(data)
    return [text for text in kept if text]


def as_shard(texts: Sequence[str], tokenizer: Tokenizer) -> Shard:
    """Texts as documents of token ids, each followed by the token that ends one.

    That is `<|endoftext|>`, or what the tokenizer names. Raises ValueError if it has neither, or
    the texts are empty.
    """
    special = tokenizer.special_tokens
    end = special.get(END_OF_TEXT, special.get(tokenizer.frame.end_token or ""))
    if end is None:
        raise ValueError(
            f"the tokenizer has neither {END_OF_TEXT} nor a named end token to begin a text after"
        )
    size = sum(len(text.encode()) for text in texts)
    if not size:
        raise ValueError("the text to measure on is empty")
    parts = [np.array([*tokenizer.encode(text), end], dtype=np.uint32) for text in texts]
    starts = np.cumsum([0, *map(len, parts)])
    return Shard(np.concatenate(parts), starts, size, end)
