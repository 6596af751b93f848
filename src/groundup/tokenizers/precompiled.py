"""SentencePiece's own normalisation: a table of replacements, packed into a trie of numbers.

`nmt_nfkc`, with which most SentencePiece models were trained, is NFKC as it once stood, and rules
for spaces and control characters, so Python's `unicodedata` would give other ids. The model's file
carries the table:

    size of the trie u32 | the trie's units u32 ... | texts, each ended by a zero byte

The trie is a double array: the child of a node over byte b is the unit at `base ^ b`, and it is one
if its lowest eight bits are b. At each place of a text the longest key is replaced.

Source: Kudo and Richardson (2018), `normalizer.cc`; the layout is that of darts-clone (Yata).
Leaves out compiling a table of one's own.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

from groundup.tokenizers.aligned import Aligned, Edit

Units = NDArray[np.uint32]
_LONGEST_KEY = 255  # bytes; those of nmt_nfkc have at most 15
_LONGEST_TEXT = 4096  # bytes; the longest of nmt_nfkc has 33
_MOST_KEYS = 1 << 21
_SMALL_GRAPHEME = 6  # bytes
_GRAPHEMES = regex.compile(r"\X")


class Rules(NamedTuple):
    """The table: which texts are replaced by which."""

    texts: dict[str, str]
    longest: dict[str, int]
    """The length in characters of the longest key that begins with a character."""
    notable: frozenset[str]
    """Characters that are a key alone, or the second character of one."""

    def starts(self, text: str) -> Iterator[int]:
        """Places where a key may begin, from left to right.

        Almost every letter begins a key, as "e\u0301", so it is the second character that tells.
        """
        if self.notable.isdisjoint(text):
            return
        last = -1
        for i, character in enumerate(text):
            if character in self.notable:
                if last < i - 1:
                    yield i - 1
                yield i
                last = i


@dataclass(frozen=True)
class Precompiled:
    """Replaces the longest key of the table at each place, from left to right.

    With `by_grapheme` it does what Hugging Face's normaliser of this name does: a character with
    its marks, of less than six bytes, is replaced as a whole by the text of the shortest key that
    it begins with, other characters one by one. Raises ValueError if the table is not sound.
    """

    charsmap: bytes = field(repr=False)
    by_grapheme: bool = False

    def __post_init__(self) -> None:
        rules_of(self.charsmap)

    @classmethod
    def from_base64(cls, text: str) -> "Precompiled":
        """The normaliser of a tokenizer.json, where the table is in base64."""
        try:
            return cls(base64.b64decode(text, validate=True), by_grapheme=True)
        except ValueError as problem:
            raise ValueError(f"its Precompiled normalizer cannot be read: {problem}") from problem

    def __call__(self, text: str) -> str:
        """The text with all keys replaced."""
        parts, end = [], 0
        for edit in self.edits(text):
            parts += [text[end : edit.start], edit.text]
            end = edit.end
        return "".join([*parts, text[end:]]) if parts else text

    def aligned(self, source: Aligned) -> Aligned:
        """The same, aligned: the new text has the span of what it replaces."""
        return source.edited(self.edits(source.text))

    def edits(self, text: str) -> Iterator[Edit]:
        """What is replaced by what, from left to right."""
        rules = rules_of(self.charsmap)
        return _by_grapheme(text, rules) if self.by_grapheme else _longest_first(text, rules)


def _longest_first(text: str, rules: Rules) -> Iterator[Edit]:
    end = 0
    for start in rules.starts(text):
        if start < end:
            continue  # a key took this character already
        for size in range(rules.longest.get(text[start], 0), 0, -1):
            key = text[start : start + size]
            if (replacement := rules.texts.get(key)) is not None:
                end = start + len(key)
                yield Edit(start, end, replacement)
                break


def _by_grapheme(text: str, rules: Rules) -> Iterator[Edit]:
    if rules.notable.isdisjoint(text):
        return
    for found in _GRAPHEMES.finditer(text):
        start, end = found.span()
        grapheme = text[start:end]
        if len(grapheme.encode(errors="replace")) < _SMALL_GRAPHEME:
            prefixes = (grapheme[:size] for size in range(1, len(grapheme) + 1))
            shortest = next((prefix for prefix in prefixes if prefix in rules.texts), None)
            if shortest is not None:
                yield Edit(start, end, rules.texts[shortest])
                continue
        for i in range(start, end):
            if text[i] in rules.texts:
                yield Edit(i, i + 1, rules.texts[text[i]])


@lru_cache(maxsize=16)
def rules_of(charsmap: bytes) -> Rules:
    """Read a table. Raises ValueError if it is cut off, too large, or holds what is not UTF-8."""
    texts = dict(_read_rules(charsmap)) if charsmap else {}
    longest: dict[str, int] = {}
    for key in texts:
        longest[key[0]] = max(len(key), longest.get(key[0], 0))
    notable = {key[:2][-1] for key in texts}
    return Rules(texts, longest, frozenset(notable))


def _read_rules(charsmap: bytes) -> Iterator[tuple[str, str]]:
    size = int.from_bytes(charsmap[:4], "little")
    if len(charsmap) < 4 or size % 4 or not 0 < size <= len(charsmap) - 4:
        raise ValueError(
            f"its table of replacements has {len(charsmap)} bytes and says that its trie has {size}"
        )
    units = np.frombuffer(charsmap, dtype="<u4", count=size // 4, offset=4)
    replacements = charsmap[4 + size :]
    known: dict[int, str] = {}
    for key, place in _keys(units):
        if place not in known:
            known[place] = _text_at(replacements, place)
        try:
            yield key.decode(), known[place]
        except UnicodeDecodeError as problem:
            raise ValueError(f"its table of replacements has the key {key!r}") from problem


def _text_at(replacements: bytes, place: int) -> str:
    end = replacements.find(0, place, place + _LONGEST_TEXT + 1)
    if place >= len(replacements) or end < 0:
        raise ValueError(f"its table of replacements has no short text at byte {place}")
    try:
        return replacements[place:end].decode()
    except UnicodeDecodeError as problem:
        raise ValueError(f"its table of replacements has no UTF-8 at byte {place}") from problem


def _keys(units: Units) -> Iterator[tuple[bytes, int]]:
    """All keys of the trie with their values, the short ones first: one level of it a time.

    Nodes may share what is below them, and in a hostile file the way may lead round in a circle:
    the length and the number of keys are bounded.
    """
    places = np.arange(len(units), dtype=np.uint32)
    labels = units & np.uint32(0x800000FF)
    # A unit is the child of the node whose base leads to it over its own label.
    children = np.flatnonzero((labels > 0) & (labels < 256))
    children = children[np.argsort(labels[children] ^ places[children], kind="stable")]
    parents_bases = labels[children] ^ places[children]
    keys, bases = [b""], _offsets(units[:1])
    found = 0
    for _ in range(_LONGEST_KEY):
        if not keys:
            return
        first = np.searchsorted(parents_bases, bases, side="left")
        counts = np.searchsorted(parents_bases, bases, side="right") - first
        found += int(counts.sum())
        if found > _MOST_KEYS:
            raise ValueError(f"its table of replacements has more than {_MOST_KEYS} nodes")
        parents = np.repeat(np.arange(len(bases)), counts)
        within = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
        nodes = children[np.repeat(first, counts) + within]
        letters = labels[nodes].tolist()
        keys = [
            keys[parent] + bytes((letter,))
            for parent, letter in zip(parents.tolist(), letters, strict=True)
        ]
        bases = places[nodes] ^ _offsets(units[nodes])
        ends = np.flatnonzero(units[nodes] >> 8 & 1)
        leaves = bases[ends]
        if (leaves >= len(units)).any():
            raise ValueError("its table of replacements has a value outside its trie")
        values = units[leaves] & 0x7FFFFFFF
        yield from zip([keys[i] for i in ends.tolist()], values.tolist(), strict=True)
    if keys:
        raise ValueError(f"its table of replacements has keys of more than {_LONGEST_KEY} bytes")


def _offsets(units: Units) -> Units:
    """How far a node's children are: 22 bits, and one that says whether to shift them by eight."""
    return np.asarray((units >> 10) << ((units & 0x200) >> 6), dtype=np.uint32)
