"""What a tokenizer makes of a text, in numbers that can be compared between tokenizers.

A word is a run of letters, marks and digits. That is a word where spaces stand between words; in
Chinese, Japanese or Thai it is a clause, so fertility and split words compare tokenizers there, not
languages.

Source: Rust et al. (2021) for fertility and the share of split words; Zouhar et al. (2023) for
Rényi efficiency. Leaves out measures that need a trained model (bits per byte).
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import regex

from groundup.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Counts over one text, and the ratios made of them; a ratio of nothing is NaN."""

    bytes: int
    """Of the text in UTF-8."""
    characters: int
    tokens: int
    words: int
    split_words: int
    """Words that are more than one token."""
    word_tokens: int
    """Tokens that hold any part of a word, counted once for each word."""
    unknown: int
    """Tokens that stand for something the vocabulary lacks."""

    @property
    def bytes_per_token(self) -> float:
        """Compression: the more, the shorter the sequence a model sees."""
        return _ratio(self.bytes, self.tokens)

    @property
    def tokens_per_character(self) -> float:
        """1 is spelling letter by letter; 3 is byte by byte, in most scripts of Asia."""
        return _ratio(self.tokens, self.characters)

    @property
    def fertility(self) -> float:
        """Tokens per word; 1 at the least."""
        return _ratio(self.word_tokens, self.words)

    @property
    def share_of_words_split(self) -> float:
        """Words that are more than one token, of all words."""
        return _ratio(self.split_words, self.words)

    @property
    def share_unknown(self) -> float:
        """Unknown tokens, of all tokens."""
        return _ratio(self.unknown, self.tokens)


def measure(tokenizer: Tokenizer, text: str, *, unknown_id: int | None = None) -> Measures:
    """The measures of one text; `unknown_id` is the id that stands for what is unknown, if any.

    Raises ValueError on lone surrogates.
    """
    ids, spans = tokenizer.encode(text), tokenizer.offsets(text)
    spans = sorted(span for span in spans if span[0] < span[1])
    starts, ends = [start for start, _ in spans], sorted(end for _, end in spans)
    held = [
        # Tokens that begin before the word ends, less those that end before it begins.
        bisect_left(starts, word.end()) - bisect_right(ends, word.start())
        for word in regex.finditer(r"[\p{L}\p{M}\p{N}]+", text)
    ]
    return Measures(
        bytes=len(text.encode()),
        characters=len(text),
        tokens=len(ids),
        words=len(held),
        split_words=sum(count > 1 for count in held),
        word_tokens=sum(held),
        unknown=0 if unknown_id is None else ids.count(unknown_id),
    )


def measure_each(
    tokenizer: Tokenizer, texts: Mapping[str, str], *, unknown_id: int | None = None
) -> dict[str, Measures]:
    """The measures of each of several texts, by their names (languages, say)."""
    return {name: measure(tokenizer, text, unknown_id=unknown_id) for name, text in texts.items()}


def renyi_efficiency(counts: Iterable[int], *, vocab_size: int, alpha: float = 2.5) -> float:
    """How evenly a vocabulary is used: H_α(p) / log |V|, from 0 (one token) to 1 (all alike).

    H_α(p) = log(Σ pᵢ^α) / (1 - α), Shannon's entropy at α = 1; pᵢ = countᵢ / Σ counts. With
    α = 2.5 it went along with how well translation models did, better than compression (Zouhar et
    al. 2023); Cognetta et al. (2024) show vocabularies for which it does not.

    Raises ValueError if no token occurs, more occur than there are, or alpha is negative.
    """
    counts = [count for count in counts if count > 0]
    if not 0 < len(counts) <= vocab_size or vocab_size < 2:
        raise ValueError(
            f"{len(counts)} different tokens occur in a vocabulary of {vocab_size}; "
            "wanted at least one, no more than there are, and two to choose from"
        )
    if alpha < 0:
        raise ValueError(f"alpha is {alpha}; wanted 0 or more")
    total = sum(counts)
    shares = [count / total for count in counts]
    if alpha == 1:
        entropy = -sum(share * math.log(share) for share in shares)
    else:
        entropy = math.log(math.fsum(share**alpha for share in shares)) / (1 - alpha)
    return entropy / math.log(vocab_size)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
