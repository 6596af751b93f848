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
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Self

from groundup.kernels.bpe import merge_all
from groundup.observe.progress import Advance, Progress, silent
from groundup.swap import is_replaced, replaceable
from groundup.tokenizers import tokenizer_json
from groundup.tokenizers.byte_alphabet import BYTE_ORDER
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.split import GPT4, Split
from groundup.tokenizers.tokenizer import Tokenizer, checked

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""End of a document, start and end of a chat message; they get the first ids."""
_LONG = 64  # ids; from here on the heap is faster than looking at all pairs before each merge
_CACHED_PIECES = 1 << 18


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
    advance: Advance = lambda: None,
) -> list[tuple[int, int, int]]:
    """The `count` best merges as `(left, right, merged)`, merged ids rising from `first_id`.

    `pieces`: how often each piece occurs; `byte_ids[b]`: the id of byte b. Among equally frequent
    pairs the one with the smallest ids wins, as in Hugging Face's trainer. Fewer merges come back
    when no pair occurs `min_frequency` times any more.

    Each piece is held once, with its frequency; a merge recounts only the pieces that hold the
    pair.
    """
    words = [[byte_ids[byte] for byte in piece.encode()] for piece in pieces]
    frequencies = list(pieces.values())
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    holders: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for i, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += frequencies[i]
            holders[pair].add(i)
    heap = [(-frequency, pair) for pair, frequency in counts.items()]
    heapq.heapify(heap)
    merges: list[tuple[int, int, int]] = []
    while len(merges) < count and (best := _pop_best(heap, counts, min_frequency)):
        new_id = first_id + len(merges)
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

    def __init__(self, definition: Definition) -> None:
        super().__init__(definition)
        self.definition = definition
        self._split = Split(definition.patterns)
        self._bytes = dict(definition.tokens)
        named = {**definition.special_tokens, **definition.added_tokens}
        self._bytes |= {token: text.encode() for text, token in named.items()}
        self._ids = {token_bytes: token for token, token_bytes in definition.tokens.items()}
        self._byte_ids = [self._ids.get(bytes([byte])) for byte in range(256)]
        self._ranks = {
            (left, right): (rank, merged)
            for rank, (left, right, merged) in enumerate(definition.merges)
        }
        self._in_order = _is_in_order(definition.merges)
        self._vocab_size = max(self._bytes, default=-1) + 1
        self._cache: dict[str, list[int]] = {}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        *,
        vocab_size: int = 8192,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
        pattern: str = GPT4,
        min_frequency: int = 2,
        progress: Progress = silent,
    ) -> "BPE":
        """Learn a vocabulary: special tokens first (ids 0, 1, ...), then bytes, then merges.

        The result depends on the texts' contents alone, not on their order. It may have fewer than
        `vocab_size` tokens when no pair occurs `min_frequency` times any more. Raises ValueError
        if `vocab_size` has no room for the bytes and the special tokens.
        """
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
        pieces = _count_pieces(texts, Split((pattern,)), progress)
        byte_ids = [len(special_tokens) + BYTE_ORDER.index(byte) for byte in range(256)]
        with progress("learning merges", total=vocab_size - smallest, unit="merges") as advance:
            merges = learn_merges(
                pieces,
                byte_ids=byte_ids,
                first_id=smallest,
                count=vocab_size - smallest,
                min_frequency=min_frequency,
                advance=advance,
            )
        tokens = {token: bytes([byte]) for byte, token in enumerate(byte_ids)}
        for left, right, merged in merges:
            tokens[merged] = tokens[left] + tokens[right]
        return cls(
            Definition(
                tokens=tokens,
                merges=merges,
                patterns=(pattern,),
                special_tokens={text: token for token, text in enumerate(special_tokens)},
                end_token=special_tokens[0] if special_tokens else None,
            )
        )

    def _encode_text(self, text: str, *, first: bool) -> list[int]:
        for normalize in self.definition.normalizers:
            text = normalize(text)
        # A learner's merge must really run: it never meets what ours has left in the cache.
        cache: dict[str, list[int]] = {} if is_replaced(merge) else self._cache
        ids: list[int] = []
        for piece in self._split(text):
            known = cache.get(piece)
            if known is None:
                known = self._encode_piece(piece.encode())
                if len(cache) >= _CACHED_PIECES:
                    cache.clear()
                if len(piece) <= _LONG:
                    cache[piece] = known
            ids += known
        return ids

    def _encode_piece(self, piece: bytes) -> list[int]:
        if self.definition.whole_first and piece in self._ids:
            return [self._ids[piece]]
        ids = [token for byte in piece if (token := self._byte_ids[byte]) is not None]
        if not is_replaced(merge) and (len(ids) > _LONG or not self._in_order):
            return merge_all(ids, self._ranks)
        never = (len(self._ranks), -1)
        while len(ids) > 1:
            pair = min(pairwise(ids), key=lambda pair: self._ranks.get(pair, never))
            if pair not in self._ranks:
                break
            ids = merge(ids, pair, self._ranks[pair][1])
        return ids

    def _spans(self, text: str, *, first: bool) -> list[tuple[int, int]]:
        ends = list(itertools.accumulate([len(c.encode()) for c in text]))
        spans, end = [], 0
        for token in self._encode_text(text, first=first):
            start, end = end, end + len(self.token_bytes(token))
            spans.append((bisect_right(ends, start), bisect_left(ends, end) + 1))
        return spans

    def token_bytes(self, token: int) -> bytes:
        """The bytes one id stands for. Raises ValueError if there is no such id."""
        try:
            return self._bytes[token]
        except KeyError:
            raise ValueError(
                f"there is no token {token}; this vocabulary's ids run to {self.vocab_size - 1}"
            ) from None

    def with_chat(self, template: str, *, end_token: str) -> "BPE":
        """The same tokenizer with a chat template and the special token that ends a turn."""
        return BPE(replace(self.definition, chat_template=template, end_token=end_token))

    @property
    def vocab_size(self) -> int:
        """The highest id plus one: how many rows an embedding needs at least."""
        return self._vocab_size

    @property
    def merges(self) -> list[tuple[bytes, bytes]]:
        """The merges as bytes, in the order they are tried."""
        tokens = self.definition.tokens
        return [(tokens[left], tokens[right]) for left, right, _ in self.definition.merges]

    def to_json(self) -> dict[str, Any]:
        """The contents of tokenizer.json."""
        return tokenizer_json.to_json(self.definition)

    @classmethod
    def from_json(cls, data: dict[str, Any], config: dict[str, Any]) -> Self:
        """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
        return cls(tokenizer_json.from_json(data, config))


def _count_pieces(texts: Iterable[str], split: Split, progress: Progress) -> Counter[str]:
    pieces = Counter[str]()
    with progress("counting pieces", unit="characters") as advance:
        for text in texts:
            pieces.update(split(checked(text)))
            advance(len(text))
    return pieces


def _is_in_order(merges: Sequence[tuple[int, int, int]]) -> bool:
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
