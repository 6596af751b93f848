"""Normalisation: one way of writing for texts that Unicode, or people, can write in several.

Each normaliser is called with a text, and has a twin `aligned`, which makes the same text and keeps
for each character where it came from. Names and options are Hugging Face's.

Source: Unicode Standard Annex #15 for the forms. Characters are classed as this Python's
`unicodedata` has them. BERT's own is in `groundup.tokenizers.bert_normalizer`, and SentencePiece's
table of replacements in `groundup.tokenizers.precompiled`.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from typing import Literal, Protocol

import regex

from groundup.tokenizers.aligned import Aligned, Edit

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""The characters with Unicode's property White_Space; `str.isspace` takes four controls more."""


class Normalizer(Protocol):
    """Changes a text before it is cut into pieces."""

    def __call__(self, text: str) -> str:
        """The text in its normal form."""
        ...

    def aligned(self, source: Aligned) -> Aligned:
        """The same of a text that knows where its characters came from."""
        ...


def normalize(normalizers: Iterable[Normalizer], text: str) -> str:
    """The text after all normalisers, in their order."""
    for normalizer in normalizers:
        text = normalizer(text)
    return text


def align(normalizers: Iterable[Normalizer], text: str) -> Aligned:
    """What `normalize` makes of the text, each character with its span in the text."""
    aligned = Aligned.of(text)
    for normalizer in normalizers:
        aligned = normalizer.aligned(aligned)
    return aligned


@dataclass(frozen=True)
class Form:
    """One of Unicode's four forms."""

    name: Literal["NFC", "NFD", "NFKC", "NFKD"]

    def __call__(self, text: str) -> str:
        """The text in that form."""
        if not text.isascii():
            text = _MANY_MARKS.sub(lambda found: _in_order(found.group()), text)
        return unicodedata.normalize(self.name, text)

    def aligned(self, source: Aligned) -> Aligned:
        """The same, aligned: stretch by stretch, and character by character where that will do."""
        if unicodedata.is_normalized(self.name, source.text):
            return source
        return source.edited(self._edits(source.text))

    def _edits(self, text: str) -> Iterator[Edit]:
        for start, end in _stretches(text):
            stretch = text[start:end]
            whole = self(stretch)
            if whole == stretch:
                continue
            each = [self(character) for character in stretch]
            if sorted("".join(each)) == sorted(whole):
                # Nothing was joined. Marks may have changed places: they are counted off in order.
                rest = iter(whole)
                counted = ["".join(islice(rest, len(some))) for some in each]
                yield from _changed(stretch, counted, start)
            else:
                yield Edit(start, end, whole)


# Python sorts a character's marks in the square of their number, unless they are in order.
_MANY_MARKS = regex.compile(r"\p{M}{32,}")


def _in_order(marks: str) -> str:
    """Marks in Unicode's canonical order, which no form can tell from the order they had."""
    runs = groupby(marks, key=lambda mark: unicodedata.combining(mark) > 0)
    return "".join(
        mark
        for moves, run in runs
        for mark in (sorted(run, key=unicodedata.combining) if moves else run)
    )


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Stretches whose normal forms, joined, are the normal form of the text."""
    start = 0
    for i, character in enumerate(text):
        if i > start and _stands_apart(character):
            yield start, i
            start = i
    if text:
        yield start, len(text)


@lru_cache(maxsize=1 << 16)
def _stands_apart(character: str) -> bool:
    """Whether no form joins the character to, or moves it before, what stands in front of it.

    Marks may do either, and so may the second and third letters of a Korean syllable. Characters
    are judged by the first one they are made of.
    """
    first = unicodedata.normalize("NFKD", character)[0]
    is_mark = unicodedata.combining(first) or unicodedata.category(first)[0] == "M"
    return not is_mark and not "\u1160" <= first <= "\u11ff"


def _changed(text: str, new: Sequence[str], shift: int = 0) -> Iterator[Edit]:
    """An edit for each character that `new` has otherwise."""
    for i, (old, replacement) in enumerate(zip(text, new, strict=True), start=shift):
        if old != replacement:
            yield Edit(i, i + 1, replacement)


@dataclass(frozen=True)
class EachCharacter:
    """A normaliser that looks at each character alone; a subclass says what becomes of it."""

    def replacement(self, character: str) -> str:
        """What stands in the character's place: itself, another, several or none."""
        return character

    def __call__(self, text: str) -> str:
        """The text with each character replaced."""
        return text.translate(_replacements(self))

    def aligned(self, source: Aligned) -> Aligned:
        """The same, aligned."""
        text = self(source.text)
        if text == source.text:
            return source
        table = _replacements(self)
        new = [table[ord(character)] for character in source.text]
        if len(text) == len(new) and "" not in new:
            return Aligned(text, source.spans)  # one for one
        return source.edited(_changed(source.text, new))


class _Replacements(dict[int, str]):
    """What becomes of each character, found out when it is first met, for `str.translate`."""

    def __init__(self, find: Callable[[str], str]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, code: int) -> str:
        self[code] = found = self._find(chr(code))
        return found


@lru_cache(maxsize=64)
def _replacements(normalizer: EachCharacter) -> _Replacements:
    return _Replacements(normalizer.replacement)


@dataclass(frozen=True)
class Lowercase(EachCharacter):
    """Each character in lower case, whatever its neighbours: a Σ at a word's end becomes σ."""

    def replacement(self, character: str) -> str:
        """The character in lower case; İ becomes two characters."""
        return character.lower()

    def __call__(self, text: str) -> str:
        """The text in lower case."""
        return super().__call__(text) if "Σ" in text else text.lower()


@dataclass(frozen=True)
class StripAccents(EachCharacter):
    """No combining marks; é is one character and keeps its accent, unless NFD went before."""

    def replacement(self, character: str) -> str:
        """Nothing for a mark."""
        return "" if unicodedata.category(character)[0] == "M" else character


@dataclass(frozen=True)
class Replace:
    """Each occurrence of a text, or of a regular expression, replaced by a text.

    Raises ValueError if the pattern is empty, or no regular expression.
    """

    pattern: str
    content: str
    is_regex: bool = False

    def __post_init__(self) -> None:
        if not self.pattern:
            raise ValueError("Replace has an empty pattern; say which text is to be replaced")
        try:
            self._compiled()
        except regex.error as problem:
            raise ValueError(
                f"Replace's pattern {self.pattern!r} is no regular expression: {problem}"
            ) from problem

    def _compiled(self) -> regex.Pattern[str]:
        return regex.compile(self.pattern if self.is_regex else regex.escape(self.pattern))

    def __call__(self, text: str) -> str:
        """The text with all of them replaced."""
        if self.is_regex:
            return str(self._compiled().sub(lambda _: self.content, text))
        return text.replace(self.pattern, self.content)

    def aligned(self, source: Aligned) -> Aligned:
        """The same, aligned: the new text has the span of what it replaces."""
        found = self._compiled().finditer(source.text)
        return source.edited(Edit(match.start(), match.end(), self.content) for match in found)


@dataclass(frozen=True)
class Prepend:
    """A text put in front, unless there is nothing to put it in front of."""

    prepend: str

    def __call__(self, text: str) -> str:
        """The text with the other in front."""
        return self.prepend + text if text else text

    def aligned(self, source: Aligned) -> Aligned:
        """The same, aligned: what is put in front stands for nothing in the source."""
        return source.edited([Edit(0, 0, self.prepend)] if source.text else [])


@dataclass(frozen=True)
class Strip:
    """No white space at the ends."""

    strip_left: bool = True
    strip_right: bool = True

    def __call__(self, text: str) -> str:
        """The text without it."""
        start, end = self._kept(text)
        return text[start:end]

    def aligned(self, source: Aligned) -> Aligned:
        """The same, aligned."""
        return source.cut(*self._kept(source.text))

    def _kept(self, text: str) -> tuple[int, int]:
        start = len(text) - len(text.lstrip(WHITE_SPACE)) if self.strip_left else 0
        end = len(text.rstrip(WHITE_SPACE)) if self.strip_right else len(text)
        return start, max(start, end)
