"""Pre-tokenization: text cut into pieces that merges never cross.

Byte-pair encoding works inside a piece only, so that a token never holds the end of one word and
the start of the next. The cut is a regular expression; these are the field's.

Source: Radford et al. (2019), section 2.2, for the idea and the first pattern. Unicode classes need
the `regex` module.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import regex

_CONTRACTIONS = r"'s|'t|'re|'ve|'m|'ll|'d"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_HEAD = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_TAIL = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_FIRST = r"[^\r\n\p{L}\p{N}]?"

GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
"""GPT-2: a word or a number takes the space before it."""
GPT4 = rf"(?i:{_CONTRACTIONS})|{_FIRST}\p{{L}}+|\p{{N}}{{1,3}}|{_REST}"
"""GPT-4, as Llama 3 writes it: digits in threes, line ends keep to themselves."""
QWEN2 = GPT4.replace("{1,3}", "")
"""Qwen2: as GPT-4, but each digit alone."""
O200K = (
    rf"{_FIRST}{_HEAD}*{_TAIL}+(?i:{_CONTRACTIONS})?|{_FIRST}{_HEAD}+{_TAIL}*(?i:{_CONTRACTIONS})?"
    r"|\p{N}{1,3}|" + _REST.replace(r"[\r\n]*", r"[\r\n/]*")
)
"""GPT-4o: capitals end a word where small letters begin the next, marks belong to words."""
CL100K_WHOLE_END = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
"""GPT-4 as tiktoken writes it now: white space at the end of a text is one piece, line ends in it
or not. It is what `.tiktoken` files of cl100k are read with."""
DIGITS = r"\p{N}"
"""Each digit alone; SmolLM2 cuts so first, then as GPT-2."""

_PATIENCE, _SLOWEST = 5.0, 50_000  # seconds, and characters a second: what a pattern may take

PATTERNS: dict[str, tuple[str, ...]] = {
    "gpt2": (GPT2,),
    "cl100k": (GPT4,),
    "llama3": (GPT4,),
    "o200k": (O200K,),
    "qwen2": (QWEN2,),
    "smollm2": (DIGITS, GPT2),
}
"""The field's pre-tokenizations by name."""


class Scan(NamedTuple):
    """How `groundup.kernels.scan` cuts as some patterns do; its `next_piece` tells the fields."""

    family: int
    digits: int
    whole_end: bool


_GPT2, _CL100K, _O200K = range(3)
_SCANS = {
    (GPT2,): Scan(_GPT2, 0, False),
    (DIGITS, GPT2): Scan(_GPT2, 1, False),
    (GPT4,): Scan(_CL100K, 3, False),
    (QWEN2,): Scan(_CL100K, 1, False),
    (CL100K_WHOLE_END,): Scan(_CL100K, 3, True),
    (O200K,): Scan(_O200K, 3, False),
}


def scan_of(patterns: Sequence[str]) -> Scan | None:
    """The scan that cuts as these patterns do; None if there is none, and `Split` must do it."""
    return _SCANS.get(tuple(patterns))


def patterns_named(name: str) -> tuple[str, ...]:
    """The patterns of a name, or the regular expression itself.

    Raises ValueError for a single word that is no name, and for what is no regular expression.
    """
    if name in PATTERNS:
        return PATTERNS[name]
    if re.fullmatch(r"[\w.-]*", name):
        raise ValueError(
            f"there is no pattern {name!r}; wanted one of {', '.join(PATTERNS)}, "
            "or a regular expression"
        )
    _compile(name)
    return (name,)


class Split:
    """Cuts text by one pattern after the other; each cuts the pieces the one before it left.

    A pattern's matches become pieces, and so does what lies between them: joined, the pieces are
    the text again. Raises ValueError if a pattern is no regular expression, and, of one that has no
    name here, if it takes as long as only a pattern does that tries every way to match.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        self._compiled = [_compile(pattern) for pattern in patterns]
        self._is_known = scan_of(patterns) is not None

    def __call__(self, text: str) -> list[str]:
        """The pieces of the text, none of them empty."""
        timeout = None if self._is_known else _PATIENCE + len(text) / _SLOWEST
        pieces = [text] if text else []
        for pattern in self._compiled:
            pieces = _cut_all(pattern, pieces, timeout)
        return pieces


def _compile(pattern: str) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern)
    except regex.error as problem:
        raise ValueError(
            f"the pre-tokenization pattern {pattern!r} is no regular expression: {problem}"
        ) from problem


def _cut_all(
    pattern: regex.Pattern[str], pieces: Iterable[str], timeout: float | None
) -> list[str]:
    try:
        return list(chain.from_iterable(_cut(pattern, piece, timeout) for piece in pieces))
    except TimeoutError as problem:
        raise ValueError(
            f"the pre-tokenization pattern {pattern.pattern!r} was not done after {timeout:.0f} s; "
            "it tries too many ways to match this text, so do not use it"
        ) from problem


def _cut(pattern: regex.Pattern[str], text: str, timeout: float | None) -> list[str]:
    if not pattern.groups:
        found: list[str] = pattern.findall(text, timeout=timeout)
        # The usual patterns match everything; then there is nothing between the matches.
        if sum(map(len, found)) == len(text):
            return [piece for piece in found if piece]
    pieces, end = [], 0
    for match in pattern.finditer(text, timeout=timeout):
        pieces += [text[end : match.start()], match.group()]
        end = match.end()
    pieces.append(text[end:])
    return [piece for piece in pieces if piece]
