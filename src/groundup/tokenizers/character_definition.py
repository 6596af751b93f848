"""What a character BPE is, as plain data, and its merges as one table of pairs.

Two readings of the same idea are in use. Hugging Face's lists merges, pairs of tokens in the order
they are tried. SentencePiece's lists none: any two neighbours whose joined text is a piece merge,
the piece with the highest score first. Both become one table here, from a pair of symbols to a rank
and the symbol it makes.

Source: Sennrich, Haddow and Birch (2016); Kudo and Richardson (2018), `bpe_model.cc`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from groundup.tokenizers.definition import Frame

Pairs: TypeAlias = dict[tuple[int, int], tuple[int, int]]
"""`(left, right)` to `(rank, merged)`, all of them numbers of symbols."""
LONGEST_PIECE = 512
"""Characters; a scored piece's splits are all looked at, which takes the square of its length."""

LARGEST_ID = 1 << 30
"""Ids are below it, so that there is room for the numbers of characters that are no tokens."""


@dataclass(frozen=True, kw_only=True)
class CharacterDefinition(Frame):
    """A character BPE: its tokens, how they merge, and what is done with unknown characters.

    Raises ValueError if a merge or the unknown token names what is not in the vocabulary, an id is
    out of range, or a scored piece is longer than LONGEST_PIECE.
    """

    vocabulary: dict[str, int]
    """Ordinary tokens, text to id; with byte fallback `<0x00>` to `<0xFF>` are among them."""
    merges: list[tuple[int, int, int]] | None = None
    """`(left, right, merged)` ids, most important first; None: the scores say what merges."""
    scores: dict[int, float] | None = None
    """Each piece's score by id. Only pieces that have one are ever made by merging."""
    unknown: str | None = None
    """The token for characters the vocabulary lacks; without one they are left out."""
    unknown_surface: str | None = None
    """What the unknown token is decoded to, as SentencePiece's " ⁇ "; None: its own text."""
    fuse_unknown: bool = False
    """Whether unknown characters beside each other are one token."""
    byte_fallback: bool = False
    """Whether a character the vocabulary lacks becomes the tokens of its UTF-8 bytes."""
    continuing_prefix: str = ""
    """What tokens inside a word begin with, as "##"; it is no part of the text."""
    end_suffix: str = ""
    """What the last token of a word ends with, as "</w>"; decoded to a space."""
    whole_first: bool = False
    """Whether a piece that is a token is taken whole, before any merge."""
    words: bool = False
    """Whether a word, with the space in front, is one token or unknown, and nothing merges; as
    SentencePiece's type `word`."""
    dropout: float = 0.0
    """The probability of passing a merge over that `with_dropout` uses unless told otherwise."""
    kept: tuple[str, ...] = ()
    """Tokens found in the normalised text before any merge, as SentencePiece's user-defined ones;
    of those that begin at one place the longest."""
    space: str = "▁"
    """What a space is in tokens; "" if spaces are spaces."""
    drops_first_space: bool = True
    """Whether decoding leaves out a space in front, which normalisation put there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ids = set(self.vocabulary.values())
        if ids and not 0 <= min(ids) <= max(ids) < LARGEST_ID:
            raise ValueError(f"ids go from {min(ids)} to {max(ids)}; wanted 0 to {LARGEST_ID - 1}")
        for rank, merge in enumerate(self.merges or ()):
            if missing := [token for token in merge if token not in ids]:
                raise ValueError(
                    f"merge {rank} {merge} needs token {missing[0]}, which the vocabulary lacks"
                )
        if self.merges is not None and self.scores is not None:
            raise ValueError("a character BPE has merges or scores, not both")
        named = (("unknown token", [self.unknown]), ("kept token", self.kept))
        for what, names in named:
            for name in names:
                if name is not None and name not in self.vocabulary:
                    raise ValueError(f"the {what} {name!r} is not in the vocabulary")
        if self.unknown is None and self.unknown_surface is not None:
            raise ValueError("there is a surface for an unknown token, but no unknown token")
        try:
            "".join(self.vocabulary).encode()
        except UnicodeEncodeError as problem:
            raise ValueError("a token holds a lone surrogate, half of a character") from problem
        longest = max(map(len, self._scored()), default=0)
        if longest > LONGEST_PIECE:
            raise ValueError(f"a piece has {longest} characters; at most {LONGEST_PIECE} are read")

    def _scored(self) -> list[str]:
        scores = self.scores or {}
        return [text for text, token in self.vocabulary.items() if token in scores]

    def table(self) -> "Table":
        """The table of pairs that this definition's reading means."""
        if self.scores is None:
            symbols = dict(self.vocabulary)
            pairs: Pairs = {}
            for rank, (left, right, merged) in enumerate(self.merges or ()):
                pairs.setdefault((left, right), (rank, merged))
            return Table(symbols, pairs)
        scored = {text: self.scores[self.vocabulary[text]] for text in self._scored()}
        symbols = {text: self.vocabulary[text] for text in scored}
        free = max(self.vocabulary.values(), default=-1) + 1
        return Table(symbols, _all_splits(scored, symbols, free))


class Table(NamedTuple):
    """The symbols that characters are, and become, and what merges."""

    symbols: dict[str, int]
    """Text to number: a token's id, or a number above all ids for a character that is no token."""
    pairs: Pairs


def _all_splits(scores: Mapping[str, float], symbols: dict[str, int], free: int) -> Pairs:
    """Every way to make a scored piece of two symbols; equal scores have equal ranks.

    Characters that are no piece themselves but stand in one are added to `symbols`, with numbers
    from `free` on.
    """
    for character in _characters(text for text in scores if len(text) > 1):
        if character not in symbols:
            symbols[character] = free
            free += 1
    order = {score: rank for rank, score in enumerate(sorted(set(scores.values()), reverse=True))}
    pairs: Pairs = {}
    for text, score in scores.items():
        made = order[score], symbols[text]
        for cut in range(1, len(text)):
            left, right = symbols.get(text[:cut]), symbols.get(text[cut:])
            if left is not None and right is not None:
                pairs[left, right] = made
    return pairs


def _characters(texts: Iterable[str]) -> list[str]:
    """The different characters of the texts, in order of first sight."""
    return list(dict.fromkeys(character for text in texts for character in text))
