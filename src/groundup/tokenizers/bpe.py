"""Byte-level byte-pair encoding: learn which neighbours to join, then text to ids and back.

Training starts from the 256 bytes and, again and again, gives the most frequent pair of neighbours
a token of its own. Encoding replays the merges in the order they were learnt, so any text has ids
and no text needs an "unknown" token.

Source: Gage (1994); Sennrich, Haddow and Birch (2016), algorithm 1; on bytes, Radford et
al. (2019).
Leaves out dropout of merges, byte fallback and pieces of fixed length.
"""

import heapq
import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from groundup.observe.progress import Advance, Progress, silent, unwatched
from groundup.swap import is_replaced, replaceable
from groundup.tokenizers import bpe_json
from groundup.tokenizers.byte_alphabet import BYTE_ORDER
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.fast_bpe import Encoder, learn_fast
from groundup.tokenizers.merging import Dice, merge_in_order, merge_plainly
from groundup.tokenizers.piece_counts import PieceCounts, count_pieces
from groundup.tokenizers.split import Split
from groundup.tokenizers.tokenizer import Names, Tokenizer, checked

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""End of a document, start and end of a chat message; they get the first ids."""
_LONG = 64  # ids; from here on a heap is faster than looking at all pairs before each merge


@replaceable
def merge(ids: list[int], pair: tuple[int, int], new_id: int) -> list[int]:
    """A new list in which every occurrence of `pair` in `ids`, from the left, became `new_id`.

    `merge([1, 1, 1, 2], (1, 1), 9) == [9, 1, 2]`. Training and encoding both run on this.
    """
    merged = []
    i = 0
    while i < len(ids):
        if ids[i] == pair[0] and i + 1 < len(ids) and ids[i + 1] == pair[1]:
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def learn_merges(
    pieces: Mapping[str, int],
    *,
    byte_ids: Sequence[int],
    first_id: int,
    count: int,
    min_frequency: int = 2,
    advance: Advance = unwatched,
) -> list[tuple[int, int, int]]:
    """The best merges as `(left, right, merged)`, until `count` tokens are made.

    `pieces`: how often each piece occurs; `byte_ids[b]`: the id of byte b. New ids rise from
    `first_id`. Among equally frequent pairs the one with the smallest ids wins, and a merge whose
    bytes are a token already makes that token again, both as in Hugging Face's trainer. Fewer
    merges come back when no pair occurs `min_frequency` times any more.
    """
    return continue_merges(
        [[byte_ids[byte] for byte in piece.encode()] for piece in pieces],
        list(pieces.values()),
        tokens={token: bytes([byte]) for byte, token in enumerate(byte_ids)},
        first_id=first_id,
        count=count,
        min_frequency=min_frequency,
        advance=advance,
    )


@replaceable
def continue_merges(
    pieces: Iterable[Sequence[int]],
    frequencies: Sequence[int],
    *,
    tokens: Mapping[int, bytes],
    first_id: int,
    count: int,
    min_frequency: int = 2,
    advance: Advance = unwatched,
) -> list[tuple[int, int, int]]:
    """As `learn_merges`, from pieces that are ids of `tokens` already; each occurs so many times.

    With the ids that earlier merges gave, learning goes on where it ended. Each piece is held once,
    with its frequency; a merge recounts only the pieces that hold the pair.
    """
    words = [list(piece) for piece in pieces]
    spelling, ids = dict(tokens), {data: token for token, data in tokens.items()}
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    holders: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for i, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += frequencies[i]
            holders[pair].add(i)
    heap = [(-frequency, pair) for pair, frequency in counts.items()]
    heapq.heapify(heap)
    merges: list[tuple[int, int, int]] = []
    made = 0
    while made < count and (best := _pop_best(heap, counts, min_frequency)):
        data = spelling[best[0]] + spelling[best[1]]
        new_id = ids.setdefault(data, first_id + made)
        made += new_id == first_id + made
        spelling[new_id] = data
        merges.append((*best, new_id))
        fresh: set[tuple[int, int]] = set()
        for i in holders.pop(best):
            before, words[i] = words[i], merge(words[i], best, new_id)
            for gone in pairwise(before):
                counts[gone] -= frequencies[i]
            for here in pairwise(words[i]):
                counts[here] += frequencies[i]
                if new_id in here:
                    holders[here].add(i)
                    fresh.add(here)
        for pair in fresh:
            heapq.heappush(heap, (-counts[pair], pair))
        advance()
    return merges


def _pop_best(
    heap: list[tuple[int, tuple[int, int]]],
    counts: Mapping[tuple[int, int], int],
    min_frequency: int,
) -> tuple[int, int] | None:
    """The most frequent pair, or None; `heap` may name counts that have sunk since."""
    while heap:
        claimed, pair = heapq.heappop(heap)
        if counts[pair] < min_frequency:
            continue
        if counts[pair] == -claimed:
            return pair
        heapq.heappush(heap, (-counts[pair], pair))
    return None


class BPE(Tokenizer):
    """A byte-level BPE tokenizer; make one with `BPE.train` or `BPE.load`.

    Every text without lone surrogates has ids, and `decode` of them is the text again (in NFC, if
    the definition says so). A byte the vocabulary has no token for is left out, as Hugging Face
    does; ours have all 256. It adds no token of its own at the start or the end of a text.
    """

    def __init__(self, definition: Definition, *, fast: bool = True) -> None:
        """`fast`: whether the compiled twin encodes, or the plain code of this file."""
        super().__init__(definition)
        self.definition = definition
        self.fast = fast
        self._split = Split(definition.patterns)
        self._ids = {token_bytes: token for token, token_bytes in definition.tokens.items()}
        self._byte_ids = [self._ids.get(bytes([byte])) for byte in range(256)]
        self._ranks = {
            (left, right): (rank, merged)
            for rank, (left, right, merged) in enumerate(definition.merges)
        }
        self._in_order = not definition.by_rank and is_in_order(definition.merges)
        self._twin: Encoder | None = None
        # Nothing is looked for in a text, and nothing changes it, before it is cut.
        self._is_bare = not (definition.added_tokens or definition.normalizers)

    @classmethod
    def train(
        cls,
        texts_or_paths: Iterable[str | Path],
        *,
        vocab_size: int = 8192,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
        pattern: str = "llama3",
        min_frequency: int = 2,
        memory: int | None = None,
        threads: int = 1,
        progress: Progress = silent,
    ) -> "BPE":
        """Learn a vocabulary: special tokens first (ids 0, 1, ...), then bytes, then merges.

        Paths are read as UTF-8. `pattern`: a name of `split.PATTERNS`, or a regular expression.
        `memory`: about how many bytes the process may use, whatever the size of the texts;
        `threads`: how many count at a time.

        The result depends on the texts' contents alone, not on their order, the memory or the
        threads. It may have fewer than `vocab_size` tokens when no pair occurs `min_frequency`
        times any more. Raises ValueError if `vocab_size` has no room for the bytes and the special
        tokens, on an unknown pattern, and on text that is not UTF-8.
        """
        _check_size(vocab_size, special_tokens)
        counts = count_pieces(
            texts_or_paths, pattern, memory=memory, threads=threads, progress=progress
        )
        return cls.from_counts(
            counts,
            vocab_size=vocab_size,
            special_tokens=special_tokens,
            min_frequency=min_frequency,
            memory=memory,
            progress=progress,
        )

    @classmethod
    def from_counts(
        cls,
        counts: PieceCounts,
        *,
        vocab_size: int = 8192,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
        min_frequency: int = 2,
        memory: int | None = None,
        progress: Progress = silent,
    ) -> "BPE":
        """As `train`, from pieces that are counted already (`piece_counts.count_pieces`)."""
        _check_size(vocab_size, special_tokens)
        smallest = len(special_tokens) + 256
        byte_ids = [len(special_tokens) + BYTE_ORDER.index(byte) for byte in range(256)]
        count = vocab_size - smallest
        if is_replaced(merge) or is_replaced(continue_merges):  # a learner's function must run
            pieces = {piece.decode(): times for piece, times in counts.items()}
            with progress("learning merges", total=count, unit="merges") as advance:
                merges = learn_merges(
                    pieces,
                    byte_ids=byte_ids,
                    min_frequency=min_frequency,
                    advance=advance,
                    first_id=smallest,
                    count=count,
                )
        else:
            merges = learn_fast(
                counts,
                byte_ids=byte_ids,
                min_frequency=min_frequency,
                memory=memory,
                progress=progress,
                first_id=smallest,
                count=count,
            )
        tokens = {token: bytes([byte]) for byte, token in enumerate(byte_ids)}
        for left, right, merged in merges:
            tokens[merged] = tokens[left] + tokens[right]
        return cls(
            Definition(
                tokens=tokens,
                merges=merges,
                patterns=counts.patterns,
                special_tokens={text: token for token, text in enumerate(special_tokens)},
                end_token=special_tokens[0] if special_tokens else None,
            )
        )

    def encode(
        self,
        text: str,
        *,
        allowed_special: Names = frozenset(),
        disallowed_special: Names = frozenset(),
        add_special_tokens: bool = False,
        errors: Literal["strict", "replace"] = "strict",
    ) -> list[int]:
        """As every tokenizer's `encode`; what has nothing special about it takes a short way."""
        is_plain = not (allowed_special or disallowed_special or add_special_tokens)
        if is_plain and self._is_bare and errors == "strict" and (twin := self._fast_twin()):
            return twin.encode(text)
        return super().encode(
            text,
            allowed_special=allowed_special,
            disallowed_special=disallowed_special,
            add_special_tokens=add_special_tokens,
            errors=errors,
        )

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of ids; special tokens are their names. Raises ValueError as `token_bytes`."""
        ids = list(ids)
        try:
            return b"".join(map(self._bytes.__getitem__, ids))
        except (KeyError, TypeError):
            return super().decode_bytes(ids)  # says which id it is

    def encode_batch(
        self,
        texts: Iterable[str],
        *,
        threads: int = 1,
        allowed_special: Names = frozenset(),
        add_special_tokens: bool = False,
    ) -> list[NDArray[np.int32]]:
        """The ids of many texts, each an array; `threads` texts at a time."""
        twin = self._fast_twin()
        if twin is None or allowed_special or add_special_tokens or not self._is_bare:
            return super().encode_batch(
                texts,
                threads=threads,
                allowed_special=allowed_special,
                add_special_tokens=add_special_tokens,
            )
        return twin.encode_batch(list(texts), threads)

    def encode_bytes(self, data: bytes) -> list[int]:
        """The ids of bytes that need not be UTF-8; `decode_bytes` of them is the bytes again.

        Where UTF-8 ends, the last piece goes on to the end of the bytes (with the white space
        before it, if it is white space): what tiktoken does with a text that is cut off.
        """
        valid = _valid_utf8(data)
        text = data[:valid].decode()
        if valid == len(data):
            return self.encode_ordinary(text)
        pieces = self._split(text)
        last = [pieces.pop()] if pieces else []
        while pieces and last[0].isspace() and pieces[-1].isspace():
            last.insert(0, pieces.pop())
        ids = [token for piece in pieces for token in self._encode_piece(piece.encode())]
        return ids + self._encode_piece("".join(last).encode() + data[valid:])

    def encode_with_dropout(self, text: str, dropout: float, rng: Dice) -> list[int]:
        """The ids when each merge is passed over with probability `dropout`: another each time.

        Source: Provilkov et al. (2020). Dropout 0 is `encode`, dropout 1 leaves single bytes.
        """
        for change in self.definition.normalizers:
            text = change(checked(text))
        ids: list[int] = []
        for piece in self._split(checked(text)):
            row = [token for byte in piece.encode() if (token := self._byte_ids[byte]) is not None]
            ids += merge_in_order(row, self._find, dropout=dropout, rng=rng)
        return ids

    @cached_property
    def _find(self) -> Callable[[int, int], tuple[int, int] | None]:
        return lookup(self.definition)

    def _fast_twin(self) -> Encoder | None:
        """What encodes in place of the plain code; None while a learner's function must run."""
        if not self.fast or is_replaced(merge) or is_replaced(merge_plainly):
            return None
        if self._twin is None:
            self._twin = Encoder(self.definition)
        return self._twin

    def _encode_text(self, text: str, *, first: bool) -> list[int]:
        if twin := self._fast_twin():
            return twin.encode(text)
        return [token for piece in self._split(text) for token in self._merge_piece(piece.encode())]

    def _encode_piece(self, piece: bytes) -> list[int]:
        if twin := self._fast_twin():
            return twin.encode_piece(piece)
        return self._merge_piece(piece)

    def _merge_piece(self, piece: bytes) -> list[int]:
        if self.definition.whole_first and piece in self._ids:
            return [self._ids[piece]]
        ids = [token for byte in piece if (token := self._byte_ids[byte]) is not None]
        if is_replaced(merge_plainly):
            return merge_plainly(ids, self._find)
        if not self._in_order or (len(ids) > _LONG and not is_replaced(merge)):
            return merge_in_order(ids, self._find)
        never = (len(self._ranks), -1)
        while len(ids) > 1:
            pair = min(pairwise(ids), key=lambda pair: self._ranks.get(pair, never))
            if pair not in self._ranks:
                break
            ids = merge(ids, pair, self._ranks[pair][1])
        return ids

    def __getstate__(self) -> dict[str, Any]:
        kept = self.__dict__ | {"_twin": None}  # another process makes its own
        kept.pop("_find", None)
        return kept

    def _spans(self, text: str, *, first: bool) -> list[tuple[int, int]]:
        ends = list(itertools.accumulate([len(c.encode()) for c in text]))
        spans, end = [], 0
        for token in self._encode_text(text, first=first):
            start, end = end, end + len(self.token_bytes(token))
            spans.append((bisect_right(ends, start), bisect_left(ends, end) + 1))
        return spans

    def _bytes_of_ids(self) -> dict[int, bytes]:
        named = self.definition.special_tokens | self.definition.added_tokens
        return self.definition.tokens | {token: text.encode() for text, token in named.items()}

    def with_chat(self, template: str, *, end_token: str) -> "BPE":
        """The same tokenizer with a chat template and the special token that ends a turn."""
        return BPE(replace(self.definition, chat_template=template, end_token=end_token))

    @property
    def merges(self) -> list[tuple[bytes, bytes]]:
        """The merges as bytes, in the order they are tried."""
        tokens = self.definition.tokens
        return [(tokens[left], tokens[right]) for left, right, _ in self.definition.merges]

    def to_json(self) -> dict[str, Any]:
        """The contents of tokenizer.json."""
        return bpe_json.to_json(self.definition)

    @classmethod
    def from_json(cls, data: dict[str, Any], config: dict[str, Any]) -> Self:
        """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
        return cls(bpe_json.from_json(data, config))


def lookup(definition: Definition) -> Callable[[int, int], tuple[int, int] | None]:
    """The rank of a pair of ids and the id they merge to, or None if they never merge."""
    if definition.by_rank:
        tokens = definition.tokens
        ids = {data: token for token, data in tokens.items()}

        def by_bytes(left: int, right: int) -> tuple[int, int] | None:
            merged = ids.get(tokens[left] + tokens[right])
            return None if merged is None else (merged, merged)

        return by_bytes
    ranks = {
        (left, right): (rank, merged)
        for rank, (left, right, merged) in enumerate(definition.merges)
    }
    return lambda left, right: ranks.get((left, right))


def _check_size(vocab_size: int, special_tokens: Sequence[str]) -> None:
    smallest = len(special_tokens) + 256
    if vocab_size < smallest:
        raise ValueError(
            f"vocab_size is {vocab_size}; {len(special_tokens)} special tokens and 256 bytes "
            f"need at least {smallest}"
        )
    if len(set(special_tokens)) < len(special_tokens) or "" in special_tokens:
        raise ValueError(
            f"special tokens must be different, non-empty texts; got {list(special_tokens)}"
        )


def _valid_utf8(data: bytes) -> int:
    """How many of the first bytes are UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        return problem.start
    return len(data)


def is_in_order(merges: Sequence[tuple[int, int, int]]) -> bool:
    """Whether no merge uses a token that a later merge still makes.

    Then all occurrences of a pair can be merged at once; trained vocabularies are so, tables that
    were rebuilt from a vocabulary alone may not be.
    """
    used: set[int] = set()
    for left, right, merged in merges:
        used |= {left, right}
        if merged in used:
            return False
    return True
