"""Pre-tokenization: text cut into pieces that merges never cross.

Byte-pair encoding works inside a piece only, so that a token never holds the end of one word and
the start of the next. The cut is a regular expression; these are the field's.

Source: Radford et al. (2019), section 2.2, for the idea and the first pattern. Unicode classes need
the `regex` module. Leaves out a time limit: a pattern out of a stranger's file may be slow.
"""

import itertools
from collections.abc import Iterable, Sequence

import regex

_CONTRACTIONS = r"'s|'t|'re|'ve|'m|'ll|'d"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
"""GPT-2: a word or a number takes the space before it."""
GPT4 = rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_REST}"
"""GPT-4, as Llama 3 writes it: digits in threes, line ends keep to themselves."""
QWEN2 = GPT4.replace("{1,3}", "")
"""Qwen2: as GPT-4, but each digit alone."""
DIGITS = r"\p{N}"
"""Each digit alone; SmolLM2 cuts so first, then as GPT-2."""


class Split:
    """Cuts text by one pattern after the other; each cuts the pieces the one before it left.

    A pattern's matches become pieces, and so does what lies between them: joined, the pieces are
    the text again. Raises ValueError if a pattern is no regular expression.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        self._compiled = [_compile(pattern) for pattern in patterns]

    def __call__(self, text: str) -> list[str]:
        """The pieces of the text, none of them empty."""
        pieces = [text] if text else []
        for pattern in self._compiled:
            pieces = _cut_all(pattern, pieces)
        return pieces


def _compile(pattern: str) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern)
    except regex.error as problem:
        raise ValueError(
            f"the pre-tokenization pattern {pattern!r} is no regular expression: {problem}"
        ) from problem


def _cut_all(pattern: regex.Pattern[str], pieces: Iterable[str]) -> list[str]:
    return list(itertools.chain.from_iterable(_cut(pattern, piece) for piece in pieces))


def _cut(pattern: regex.Pattern[str], text: str) -> list[str]:
    if not pattern.groups:
        found: list[str] = pattern.findall(text)
        # The usual patterns match everything; then there is nothing between the matches.
        if sum(map(len, found)) == len(text):
            return [piece for piece in found if piece]
    pieces, end = [], 0
    for match in pattern.finditer(text):
        pieces += [text[end : match.start()], match.group()]
        end = match.end()
    pieces.append(text[end:])
    return [piece for piece in pieces if piece]
