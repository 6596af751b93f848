"""Byte-pair encoding of characters, with bytes for those that are unknown: Llama 2's kind.

As byte-level BPE, but the symbols that merge are characters, and a space is one of them ("▁"). A
character the vocabulary lacks becomes its UTF-8 bytes, if these have tokens, or the unknown token.

Source: Sennrich, Haddow and Birch (2016); Kudo and Richardson (2018) for the marked space and byte
fallback; Provilkov, Emelianenko and Voita (2020) for dropout. Leaves out pieces of type "unused":
SentencePiece merges through them and takes them apart again, here they are not made.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from groundup.observe.progress import Progress, silent
from groundup.tokenizers import character_bpe_json
from groundup.tokenizers.character_bpe_training import (
    DEFAULTS,
    CharacterTraining,
    merges_definition,
    scored_definition,
)
from groundup.tokenizers.character_definition import CharacterDefinition, Table
from groundup.tokenizers.compiling import compiling
from groundup.tokenizers.merging import Dice, check_dropout, merge_in_order
from groundup.tokenizers.normalize import Normalizer
from groundup.tokenizers.pieces import PieceTokenizer, Segment, count_pieces
from groundup.tokenizers.pre_tokenize import Cut, Metaspace, PreTokenizer, pre_tokenize
from groundup.tokenizers.sentencepiece_normalizer import SPACE, SentencePieceNormalizer
from groundup.tokenizers.words import check_special_tokens

if TYPE_CHECKING:
    from groundup.kernels.merging import PairTable

SPECIAL_TOKENS = ("<unk>", "<s>", "</s>")
"""The unknown token, and what begins and ends a text; they get the first ids."""
WHOLE_TEXTS = SentencePieceNormalizer(remove_extra_whitespaces=False)
"""Keeps all of a text: no table of replacements, and all spaces."""
_WORDS = Cut(SPACE, "merged_with_next", is_regex=False)
_LONG = 64  # symbols; from here on the compiled twin is faster
_CACHED_PIECES = 1 << 17
_NO_SYMBOL = (1 << 31) - 1  # of a character that is no token and stands in none


class Row(NamedTuple):
    """The ids of a piece, and where in it the characters of each begin and end."""

    tokens: list[int]
    starts: list[int]
    ends: list[int]

    def extend(self, other: "Row", shift: int = 0) -> None:
        """Put another row behind this one, its places counted from `shift`."""
        self.tokens.extend(other.tokens)
        self.starts.extend([shift + start for start in other.starts])
        self.ends.extend([shift + end for end in other.ends])


class CharacterBPE(PieceTokenizer):
    """A character BPE tokenizer; make one with `train`, `load`, or from a file of SentencePiece's.

    `decode` of a text's ids is the normalised text, if every character is in the vocabulary or has
    bytes to fall back on.
    """

    def __init__(self, definition: CharacterDefinition) -> None:
        super().__init__(definition)
        self.definition = definition
        self.drops_first_space = definition.drops_first_space
        self._table: Table = definition.table()
        self._texts = {token: text for text, token in definition.vocabulary.items()}
        names = definition.special_tokens | definition.added_tokens
        self._names = {token: name for name, token in names.items()}
        self._byte_symbols = _byte_tokens(definition)
        self._unknown = definition.vocabulary.get(definition.unknown or "")
        if self._unknown is not None and definition.unknown_surface is not None:
            self.keeps_first_space_of = (self._unknown,)
        self._free = max(self._texts, default=-1) + 1  # numbers from here on are no tokens
        self._kept = re.compile("|".join(map(re.escape, _longest_first(definition.kept))))
        self._dropout = 0.0
        self._rng: Dice | None = None
        self._cache: dict[str, Row] = {}

    @classmethod
    def train(
        cls,
        texts: Iterable[str | Path],
        *,
        vocab_size: int = 8000,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
        character_coverage: float = 0.9995,
        byte_fallback: bool = True,
        normalizer: SentencePieceNormalizer = WHOLE_TEXTS,
        options: CharacterTraining = DEFAULTS,
        progress: Progress = silent,
    ) -> Self:
        """Learn a vocabulary as SentencePiece does; the first special token is the unknown one.

        `character_coverage`: the share of all characters that must be pieces; the rarest others
        are left to the bytes, or unknown. The result does not depend on the texts' order. Raises
        ValueError if `vocab_size` has no room for what must be in, or the texts hold nothing.
        """
        if not 0 < character_coverage <= 1:
            raise ValueError(f"character_coverage is {character_coverage}; wanted 0 < it <= 1")
        check_special_tokens(special_tokens, vocab_size)
        if not special_tokens:
            raise ValueError("the first special token is the unknown one; name it")
        counts = count_pieces(texts, (normalizer,), (_WORDS,), progress)
        with progress("learning pieces", total=vocab_size, unit="pieces") as advance:
            learnt = scored_definition(
                counts,
                vocab_size=vocab_size,
                special_tokens=special_tokens,
                character_coverage=character_coverage,
                byte_fallback=byte_fallback,
                options=options,
                advance=advance,
            )
        unknown = special_tokens[0]
        names = {name: i for i, name in enumerate(special_tokens)}
        learnt["vocabulary"] |= {unknown: names.pop(unknown)}
        return cls(
            CharacterDefinition(
                **learnt,
                **_named(names),
                normalizers=(normalizer,),
                unknown=unknown,
                unknown_surface=" ⁇ ",
                fuse_unknown=True,
            )
        )

    @classmethod
    def train_merges(
        cls,
        texts: Iterable[str | Path],
        *,
        vocab_size: int = 8000,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
        min_frequency: int = 0,
        normalizers: Sequence[Normalizer] = (),
        pre_tokenizers: Sequence[PreTokenizer] = (Metaspace(),),
        progress: Progress = silent,
    ) -> Self:
        """Learn a list of merges as Hugging Face's BPE does; the first special token is unknown.

        Raises ValueError if `vocab_size` has no room for the special tokens and the characters.
        """
        check_special_tokens(special_tokens, vocab_size)
        counts = count_pieces(texts, normalizers, pre_tokenizers, progress)
        with progress("learning merges", total=vocab_size, unit="merges") as advance:
            learnt = merges_definition(
                counts,
                vocab_size=vocab_size,
                special_tokens=special_tokens,
                min_frequency=min_frequency,
                advance=advance,
            )
        names = {name: i for i, name in enumerate(special_tokens)}
        unknown = special_tokens[0] if special_tokens else None
        learnt["vocabulary"] |= {unknown: 0} if unknown is not None else {}
        marks = [step for step in pre_tokenizers if isinstance(step, Metaspace)]
        return cls(
            CharacterDefinition(
                **learnt,
                **_named(names),
                normalizers=tuple(normalizers),
                pre_tokenizers=tuple(pre_tokenizers),
                unknown=unknown,
                space=marks[0].replacement if marks else "",
                drops_first_space=bool(marks) and marks[0].prepend_scheme != "never",
            )
        )

    def with_dropout(self, rng: Dice, dropout: float | None = None) -> "CharacterBPE":
        """The same tokenizer, but each merge is passed over with this probability.

        Every call of `encode` draws from `rng`, so the same text is cut in other ways each time. A
        merge that was passed over in a word is tried again after the word's next one; where no
        pre-tokenizer cuts words, it is not, as in SentencePiece.
        Raises ValueError if dropout is no probability.
        """
        other = CharacterBPE(self.definition)
        other._dropout = self.definition.dropout if dropout is None else dropout
        other._rng = rng
        check_dropout(other._dropout, rng)
        return other

    # Text to ids

    def encode_piece(self, piece: str) -> list[Segment]:
        """The ids of one piece, in order, each with the characters it stands for."""
        return list(map(Segment, *self._row(piece)))

    def _encode_text(self, text: str, *, first: bool) -> list[int]:
        if not self.frame.pre_tokenizers:
            return list(self._row(text).tokens)
        pieces = pre_tokenize(self.frame.pre_tokenizers, text, first=first)
        if len(text) > _LONG and self._merges_all_alike:
            return self._merged_fast(pieces).tokens
        return [token for piece in pieces for token in self._row(piece).tokens]

    @property
    def _merges_all_alike(self) -> bool:
        """Whether a piece is nothing but characters that merge."""
        definition = self.definition
        special = definition.whole_first or definition.words or definition.kept
        return not special and self._rng is None

    def _row(self, piece: str) -> Row:
        if len(piece) > _LONG or self._rng is not None:
            return self._encoded(piece)
        known = self._cache.get(piece)
        if known is None:
            if len(self._cache) >= _CACHED_PIECES:
                self._cache.clear()
            known = self._cache[piece] = self._encoded(piece)
        return known

    def _encoded(self, piece: str) -> Row:
        whole = self._table.symbols.get(piece) if self.definition.whole_first else None
        if whole is not None:
            return Row([whole], [0], [len(piece)])
        if self.definition.words:
            return self._whole_words(piece)
        if not self.definition.kept:
            return self._merged(piece)
        row = Row([], [], [])
        for start, end, is_kept in self._stretches(piece):
            stretch = piece[start:end]
            kept = (
                Row([self.definition.vocabulary[stretch]], [0], [end - start]) if is_kept else None
            )
            inner = kept or self._merged(stretch)
            row.extend(inner, start)
        return row

    def _whole_words(self, piece: str) -> Row:
        segments: list[Segment] = []
        for found in re.finditer(f"{SPACE}?[^{SPACE}]+|{SPACE}", piece):
            token = self._table.symbols.get(found.group())
            if token is None:
                segments += self._fallback(found.group(), *found.span())
            else:
                segments.append(Segment(token, *found.span()))
        return self._fused(_row_of(segments))

    def _stretches(self, piece: str) -> Iterator[tuple[int, int, bool]]:
        """Stretches that no merge crosses, and whether each is a kept token."""
        end = 0
        for found in self._kept.finditer(piece):
            if end < found.start():
                yield end, found.start(), False
            yield *found.span(), True
            end = found.end()
        if end < len(piece):
            yield end, len(piece), False

    def _merged(self, stretch: str) -> Row:
        if len(stretch) > _LONG and self._rng is None:
            return self._merged_fast([stretch])
        symbols = self._symbols(stretch)
        merged = merge_in_order(
            symbols,
            self._lookup,
            dropout=self._dropout,
            rng=self._rng,
            again=bool(self.frame.pre_tokenizers),
        )
        return self._finished(_row_of(merged), stretch)

    def _symbols(self, stretch: str) -> list[Segment]:
        """What merging begins with: a symbol for each character, with its place.

        Where merges are listed, a character that has none becomes its bytes, or unknown, at once.
        """
        symbols = self._table.symbols
        if self.definition.scores is not None:
            numbers = [symbols.get(character, _NO_SYMBOL) for character in stretch]
            return [Segment(number, i, i + 1) for i, number in enumerate(numbers)]
        row: list[Segment] = []
        for i, character in enumerate(stretch):
            text = self.definition.continuing_prefix + character if i else character
            if i == len(stretch) - 1:
                text += self.definition.end_suffix
            number = symbols.get(text)
            if number is None:
                row += self._fallback(text, i, i + 1)
            else:
                row.append(Segment(number, i, i + 1))
        return list(map(Segment, *self._fused(_row_of(row))))

    def _lookup(self, left: Segment, right: Segment) -> tuple[int, Segment] | None:
        found = self._table.pairs.get((left.token, right.token))
        return (found[0], Segment(found[1], left.start, right.end)) if found else None

    def _merged_fast(self, pieces: Sequence[str]) -> Row:
        """What `_merged` gives, by the compiled twin, of pieces that no merge crosses."""
        from groundup.kernels.merging import merge_words

        text = "".join(pieces)
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        symbols = self._symbol_of_code[codes]
        starts, ends = np.arange(len(codes)), np.arange(1, len(codes) + 1)
        sizes = [len(piece) for piece in pieces]
        if self.definition.scores is None and (self._has_affixes or _NO_SYMBOL in symbols):
            rows = [_row_of(self._symbols(piece)) for piece in pieces]
            sizes = [len(row.tokens) for row in rows]
            joined = Row([], [], [])
            for row, start in zip(rows, accumulate(map(len, pieces), initial=0), strict=False):
                joined.extend(row, start)
            symbols = np.array(joined.tokens, dtype=np.int32)
            starts, ends = np.array(joined.starts, np.int64), np.array(joined.ends, np.int64)
        bounds = np.cumsum([0, *sizes])
        if len(pieces) == 1 and self._cuts_at_spaces and len(symbols) == len(codes):
            is_space = codes == ord(self.definition.space)
            inside = np.flatnonzero(is_space[1:] & ~is_space[:-1]) + 1
            bounds = np.concatenate([[0], inside, [len(codes)]])
        if not len(symbols):  # all is unknown, and nothing stands for what is
            return Row([], [], [])
        table = self._pair_table
        places = merge_words(table.address, table.shift, symbols, bounds)
        last = np.append(places[1:], len(symbols)) - 1
        merged = Row(symbols[places].tolist(), starts[places].tolist(), ends[last].tolist())
        return self._finished(merged, text)

    @cached_property
    def _symbol_of_code(self) -> NDArray[np.int32]:
        """The symbol of each character by its code point."""
        numbers = np.full(0x110000, _NO_SYMBOL, dtype=np.int32)
        definition = self.definition
        is_plain = (
            not self._byte_symbols and not definition.fuse_unknown and definition.scores is None
        )
        if is_plain and self._unknown is not None:
            numbers.fill(self._unknown)
        for text, number in self._table.symbols.items():
            if len(text) == 1:
                numbers[ord(text)] = number
        return numbers

    @cached_property
    def _pair_table(self) -> "PairTable":
        from groundup.kernels.merging import PairTable, kernels, merge_words

        pairs = self._table.pairs
        rows = np.array([(*pair, merged) for pair, (_, merged) in pairs.items()], np.int64)
        ranks = np.array([rank for rank, _ in pairs.values()], np.int64)
        with compiling(*kernels()):
            table = PairTable(rows.reshape(-1, 3), ranks)
            merge_words(table.address, table.shift, np.zeros(0, np.int32), np.zeros(1, np.int64))
        return table

    @property
    def _has_affixes(self) -> bool:
        return bool(self.definition.continuing_prefix or self.definition.end_suffix)

    @cached_property
    def _cuts_at_spaces(self) -> bool:
        """Whether no token that is made by merging has a space inside.

        Then no merge crosses the place before a space, and words can be merged one by one.
        """
        space = re.escape(self.definition.space)
        if len(self.definition.space) != 1 or self._has_affixes:
            return False
        inside = re.compile(f"[^{space}]{space}")
        made = {merged for _, merged in self._table.pairs.values()}
        return not any(inside.search(self._texts[token]) for token in made)

    def _finished(self, row: Row, stretch: str) -> Row:
        """Where scores say what merges: what is no token yet becomes bytes, or unknown."""
        if self.definition.scores is None or max(row.tokens, default=0) < self._free:
            return row
        done = Row([], [], [])
        known: dict[str, list[int]] = {}
        for token, start, end in zip(*row, strict=True):
            if token < self._free:
                done.tokens.append(token)
                done.starts.append(start)
                done.ends.append(end)
                continue
            text = stretch[start:end]
            if text not in known:
                known[text] = [segment.token for segment in self._fallback(text, 0, 1)]
            done.tokens.extend(known[text])
            done.starts.extend([start] * len(known[text]))
            done.ends.extend([end] * len(known[text]))
        return self._fused(done)

    def _fallback(self, text: str, start: int, end: int) -> list[Segment]:
        """The tokens of the text's bytes, or the unknown one, or nothing."""
        if self._byte_symbols:
            tokens = [self._byte_symbols.get(byte) for byte in text.encode()]
            if all(token is not None for token in tokens):
                return [Segment(token, start, end) for token in tokens if token is not None]
        return [] if self._unknown is None else [Segment(self._unknown, start, end)]

    def _fused(self, row: Row) -> Row:
        """Unknown tokens beside each other as one, if the definition says so."""
        if not self.definition.fuse_unknown or self._unknown not in row.tokens:
            return row
        fused = Row([], [], [])
        for token, start, end in zip(*row, strict=True):
            if fused.tokens and token == fused.tokens[-1] == self._unknown:
                fused.ends[-1] = end
            else:
                fused.tokens.append(token)
                fused.starts.append(start)
                fused.ends.append(end)
        return fused

    # Ids to text

    def _bytes_of_ids(self) -> dict[int, bytes]:
        definition = self.definition
        data = {token: self._plain_text(text).encode() for token, text in self._texts.items()}
        data |= {token: bytes([byte]) for byte, token in self._byte_symbols.items()}
        if self._unknown is not None and definition.unknown_surface is not None:
            data[self._unknown] = definition.unknown_surface.encode()
        return data | {token: name.encode() for token, name in self._names.items()}

    def _plain_text(self, text: str) -> str:
        definition = self.definition
        text = text.removeprefix(definition.continuing_prefix)
        if definition.end_suffix and text.endswith(definition.end_suffix):
            text = text.removesuffix(definition.end_suffix) + " "
        return text.replace(definition.space, " ") if definition.space else text

    # Files

    def to_json(self) -> dict[str, Any]:
        """The contents of tokenizer.json."""
        return character_bpe_json.to_json(self.definition, self._table)

    @classmethod
    def from_json(cls, data: dict[str, Any], config: dict[str, Any]) -> Self:
        """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
        return cls(character_bpe_json.from_json(data, config))


def _named(names: dict[str, int]) -> dict[str, Any]:
    """The special tokens, and which of them begin and end a text: the usual ones, or the last."""
    return {
        "special_tokens": names,
        "start_token": "<s>" if "<s>" in names else None,
        "end_token": "</s>" if "</s>" in names else max(names, key=names.__getitem__, default=None),
    }


def _byte_tokens(definition: CharacterDefinition) -> dict[int, int]:
    """The id of each byte's token, of those that there are."""
    if not definition.byte_fallback:
        return {}
    ids = [definition.vocabulary.get(f"<0x{byte:02X}>") for byte in range(256)]
    return {byte: token for byte, token in enumerate(ids) if token is not None}


def _longest_first(texts: Iterable[str]) -> list[str]:
    return sorted(texts, key=len, reverse=True)


def _row_of(segments: Iterable[Segment]) -> Row:
    row = Row([], [], [])
    for token, start, end in segments:
        row.tokens.append(token)
        row.starts.append(start)
        row.ends.append(end)
    return row
