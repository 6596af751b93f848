"""Tokens that are found in a text by their names, before any model sees it.

Source: the behaviour of Hugging Face's AddedToken. Of names that begin at one place the longest is
taken.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import regex

from groundup.tokenizers.normalize import WHITE_SPACE

_WORD = regex.compile(r"\w")
_SPACES = regex.compile(r"\s*")


@dataclass(frozen=True)
class Matching:
    """How a token's name is looked for in a text."""

    lstrip: bool = False
    """White space before the name belongs to the token."""
    rstrip: bool = False
    """White space behind the name belongs to the token."""
    single_word: bool = False
    """The name counts only if no letter, digit or underscore stands beside it."""
    normalized: bool = False
    """The name, itself normalised, is looked for in the normalised text."""


AS_WRITTEN = Matching()


class Part(NamedTuple):
    """A stretch of a text: a token that stands in it by name, or ordinary text."""

    start: int
    end: int
    token: int | None
    """The id, where the stretch is one token's name."""


def find(text: str, names: Mapping[str, int], matching: Mapping[str, Matching]) -> Iterator[Part]:
    """The text's stretches, none of them empty, from left to right; joined, they are the text."""
    end = 0
    for found in any_of(frozenset(names)).finditer(text) if names else ():
        how = matching.get(found.group(), AS_WRITTEN)
        if how.single_word and _is_inside_a_word(text, *found.span()):
            continue
        start, stop = found.span()
        if stop <= end:
            continue  # the token before this one took it with its rstrip
        if how.lstrip:
            start = end + len(text[end:start].rstrip(WHITE_SPACE))
        if how.rstrip:
            stop = _SPACES.match(text, stop).end()
        start = max(start, end)
        if end < start:
            yield Part(end, start, None)
        yield Part(start, stop, names[found.group()])
        end = stop
    if end < len(text):
        yield Part(end, len(text), None)


def _is_inside_a_word(text: str, start: int, end: int) -> bool:
    before, behind = text[max(start - 1, 0) : start], text[end : end + 1]
    return bool(_WORD.match(before) or _WORD.match(behind))


@lru_cache(maxsize=64)
def any_of(names: frozenset[str]) -> re.Pattern[str]:
    """A pattern that finds any of the names, the longest where several begin."""
    return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
