"""From a text to its features: words, runs of words, runs of characters.

A run of n neighbours is an n-gram. Words are at least two letters, digits or underscores long, so
"a" and "I" are none; case is usually dropped.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from groundup.swap import replaceable

Analyzer = Callable[[Any], list[str]]
_SPACES = re.compile(r"\s\s+")
_WORD = re.compile(r"\b\w\w+\b")


def words(text: str) -> list[str]:
    """The words of a text in order."""
    return _WORD.findall(text)


@replaceable
def word_ngrams(tokens: list[str], shortest: int, longest: int) -> list[str]:
    """All runs of `shortest` to `longest` tokens, joined by spaces; the short ones first."""
    return [
        " ".join(tokens[start : start + n])
        for n in range(shortest, min(longest, len(tokens)) + 1)
        for start in range(len(tokens) - n + 1)
    ]


@replaceable
def character_ngrams(text: str, shortest: int, longest: int) -> list[str]:
    """All runs of `shortest` to `longest` characters; runs of white space count as one space."""
    text = _SPACES.sub(" ", text)
    return [
        text[start : start + n]
        for n in range(shortest, min(longest, len(text)) + 1)
        for start in range(len(text) - n + 1)
    ]


@replaceable
def character_ngrams_of_words(text: str, shortest: int, longest: int) -> list[str]:
    """Runs of characters within words, each word with a space before and after it.

    A word shorter than n gives itself once, for the shortest such n.
    """
    found = []
    for word in _SPACES.sub(" ", text).split():
        padded = f" {word} "
        for n in range(shortest, longest + 1):
            found += [padded[i : i + n] for i in range(max(1, len(padded) - n + 1))]
            if n >= len(padded):
                break
    return found


def analyzer_of(
    analyzer: str | Analyzer,
    ngram_range: tuple[int, int],
    *,
    lowercase: bool = True,
    stop_words: Iterable[str] | None = None,
) -> Analyzer:
    """A function from a document to its features.

    `analyzer`: "word", "char", "char_wb" (characters within words) or the function itself. Stop
    words are dropped before runs of words are made. Raises ValueError for impossible runs, other
    words for the analyzer, and a stop list given by a name.
    """
    if callable(analyzer):
        return analyzer
    shortest, longest = _checked_range(ngram_range)
    if isinstance(stop_words, str):
        raise ValueError(
            f"stop_words is {stop_words!r}; give the words themselves as a list: no list fits all "
            "texts, and each must be cut into words as the documents are"
        )
    stopped = frozenset(stop_words or ())
    characters = {"char": character_ngrams, "char_wb": character_ngrams_of_words}
    if analyzer != "word" and analyzer not in characters:
        raise ValueError(
            f"analyzer is {analyzer!r}; it may be 'word', 'char', 'char_wb' or a function"
        )

    def analyze(document: Any) -> list[str]:
        text = as_text(document)
        text = text.lower() if lowercase else text
        if analyzer != "word":
            return characters[analyzer](text, shortest, longest)
        return word_ngrams([w for w in words(text) if w not in stopped], shortest, longest)

    return analyze


def _checked_range(ngram_range: tuple[int, int]) -> tuple[int, int]:
    shortest, longest = ngram_range
    if not 1 <= shortest <= longest:
        raise ValueError(
            f"Invalid value for ngram_range={ngram_range} lower boundary larger than the upper "
            "boundary, or below 1."
        )
    return shortest, longest


def as_text(document: Any) -> str:
    """A document as text; bytes are read as UTF-8. ValueError for anything else."""
    if isinstance(document, bytes):
        return document.decode("utf-8")
    if not isinstance(document, str):
        raise ValueError(
            f"{document!r} is an invalid document, expected byte or unicode string; leave missing "
            "ones out or give ''"
        )
    return document


def documents(raw_documents: Any) -> Iterator[Any]:
    """The documents one by one; ValueError for one text, which is no list of texts."""
    if isinstance(raw_documents, str | bytes) or not hasattr(raw_documents, "__iter__"):
        kind = "string" if isinstance(raw_documents, str) else type(raw_documents).__name__
        raise ValueError(
            f"Iterable over raw text documents expected, {kind} object received; put it in a list"
        )
    return iter(raw_documents)
