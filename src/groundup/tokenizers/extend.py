"""More tokens for a byte-level BPE that is in use already: every old id stays what it was.

New data is cut with the merges there are, and learning goes on from there: the new merges come
after the old ones, so a text may get shorter, and no id changes its meaning. A model then needs
rows for the new ids; the mean of the rows of the old pieces is where to start (`mean_of_pieces`).

Source: continued BPE training as in Liu et al. (2024), "OFA", and Purason et al. (2025); the mean
of pieces is Hewitt's (2021) remedy for random rows. Leaves out taking tokens away.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.bpe import BPE, continue_merges, lookup
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.merging import merge_in_order
from groundup.tokenizers.normalize import normalize
from groundup.tokenizers.split import Split
from groundup.tokenizers.texts import read_texts
from groundup.tokenizers.tokenizer import Tokenizer

Kind = TypeVar("Kind", bound=Tokenizer)


def extend(
    bpe: BPE,
    texts_or_paths: Iterable[str | Path],
    *,
    vocab_size: int,
    min_frequency: int = 2,
    progress: Progress = silent,
) -> BPE:
    """The same tokenizer with merges learnt from more texts, up to `vocab_size` ids.

    Old ids, their merges and special tokens stay as they are; new ids follow the highest. Extending
    a vocabulary with the very texts it was trained on gives the vocabulary that training to the
    larger size would have given. There may be fewer new tokens when no pair occurs `min_frequency`
    times any more.

    A vocabulary without merges (`by_rank`, from a .tiktoken file) gets tokens that its reading
    merges wherever two neighbours make one, which may be elsewhere too than where they were learnt.

    Raises ValueError if `vocab_size` is smaller than what there is.
    """
    if vocab_size < bpe.vocab_size:
        raise ValueError(
            f"vocab_size is {vocab_size}, but there are {bpe.vocab_size} ids already; "
            "tokens can be added, not taken away"
        )
    pieces = _count_pieces(bpe, texts_or_paths, progress)
    count = vocab_size - bpe.vocab_size
    with progress("learning merges", total=count, unit="merges") as advance:
        merges = continue_merges(
            map(_cutter(bpe.definition), pieces),
            list(pieces.values()),
            tokens=bpe.definition.tokens,
            first_id=bpe.vocab_size,
            count=count,
            min_frequency=min_frequency,
            advance=advance,
        )
    tokens = dict(bpe.definition.tokens)
    for left, right, merged in merges:
        tokens[merged] = tokens[left] + tokens[right]
    known = [] if bpe.definition.by_rank else [*bpe.definition.merges, *merges]
    return BPE(replace(bpe.definition, tokens=tokens, merges=known))


def add_special_tokens(tokenizer: Kind, names: Sequence[str]) -> Kind:
    """The same tokenizer with more special tokens; their ids follow the highest, in this order.

    Raises ValueError if a name is empty, given twice, or a token already.
    """
    if isinstance(names, str):
        raise ValueError(f"wanted several names, got the text {names!r}; put it into a list")
    data, frame = tokenizer.to_json(), tokenizer.frame
    taken = {"", *_texts(data["model"]["vocab"]), *frame.special_tokens, *frame.added_tokens}
    for i, name in enumerate(names):
        if name in taken:
            raise ValueError(
                f"{name!r} cannot become a special token: it is empty, a token already, or given "
                "twice; choose another name, as '<|name|>'"
            )
        taken.add(name)
        entry = {"id": tokenizer.vocab_size + i, "content": name, "special": True}
        data["added_tokens"].append(entry)
    if isinstance(tokenizer, BPE):  # what a tokenizer.json cannot say (`by_rank`) is kept
        special = {entry["content"]: entry["id"] for entry in data["added_tokens"]}
        special = {name: i for name, i in special.items() if name not in frame.added_tokens}
        return type(tokenizer)(replace(tokenizer.definition, special_tokens=special))
    config = {
        "bos_token": frame.start_token,
        "eos_token": frame.end_token,
        "chat_template": frame.chat_template,
    }
    return type(tokenizer).from_json(data, config)


def old_pieces(old: Tokenizer, new: Tokenizer) -> list[list[int]]:
    """For each id of the new tokenizer, the old one's ids for the same bytes.

    An id that means the same in both is itself alone. A token that is no whole text (part of a
    character) and an id that is no token at all have no pieces.
    """
    return [_old_pieces(old, new, token) for token in range(new.vocab_size)]


def mean_of_pieces(
    rows: NDArray[np.floating], pieces: Sequence[Sequence[int]]
) -> NDArray[np.floating]:
    """Embedding rows for a new vocabulary: each the mean of the old rows of its pieces.

    rows: (old ids, width), with at least as many rows as ids are named; result: (len(pieces),
    width). Where there are no pieces, the row is the mean of all old rows.
    """
    if (highest := max((max(ids, default=-1) for ids in pieces), default=-1)) >= len(rows):
        raise ValueError(f"the pieces name id {highest}, but there are {len(rows)} rows")
    everything = rows.mean(axis=0)
    means = [rows[list(ids)].mean(axis=0) if ids else everything for ids in pieces]
    return np.stack(means).astype(rows.dtype)


def _texts(vocabulary: Mapping[str, int] | Sequence[Sequence[Any]]) -> Iterator[str]:
    """The texts of a model's tokens: a table of ids, or a list of texts with their scores."""
    if isinstance(vocabulary, Mapping):
        yield from vocabulary
    else:
        yield from (entry[0] for entry in vocabulary)


def _count_pieces(
    bpe: BPE, texts_or_paths: Iterable[str | Path], progress: Progress
) -> Counter[str]:
    split, pieces = Split(bpe.definition.patterns), Counter[str]()
    with progress("counting pieces", unit="characters") as advance:
        for text in read_texts(texts_or_paths):
            pieces.update(split(normalize(bpe.definition.normalizers, text)))
            advance(len(text))
    return pieces


def _cutter(definition: Definition) -> Callable[[str], list[int]]:
    """What gives the ids of a piece: whole if it is a token and such are taken whole, or merged."""
    find = lookup(definition)
    ids = {data: token for token, data in definition.tokens.items()}

    def cut(piece: str) -> list[int]:
        data = piece.encode()
        if definition.whole_first and data in ids:
            return [ids[data]]
        row = [ids[byte] for i in range(len(data)) if (byte := data[i : i + 1]) in ids]
        return merge_in_order(row, find)

    return cut


def _old_pieces(old: Tokenizer, new: Tokenizer, token: int) -> list[int]:
    data = _bytes_or_none(new, token)
    if data is None:
        return []
    if _bytes_or_none(old, token) == data:
        return [token]
    try:
        return old.encode(data.decode())
    except UnicodeDecodeError:
        return []


def _bytes_or_none(tokenizer: Tokenizer, token: int) -> bytes | None:
    try:
        return tokenizer.token_bytes(token)
    except ValueError:
        return None
