"""Pre-tokenization: a text is cut into pieces, and no token holds parts of two of them.

Each step cuts what the one before it left. Steps are called with a text, and have a twin `aligned`
that cuts a text which knows where its characters came from. Names are Hugging Face's.

Leaves out cuts by script (UnicodeScripts) and by length; byte-level BPE has its patterns in
`groundup.tokenizers.split`. A pattern out of a stranger's file may be slow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol, TypeAlias

import regex

from groundup.tokenizers.aligned import Aligned, Edit, Span

Behavior: TypeAlias = Literal[
    "isolated", "removed", "contiguous", "merged_with_previous", "merged_with_next"
]
"""What becomes of a match: a piece of its own; nothing; one piece with the matches beside it; the
end of the piece before it; the start of the piece after it."""
PrependScheme: TypeAlias = Literal["always", "first", "never"]


class PreTokenizer(Protocol):
    """Cuts a piece of text into smaller ones, none of them empty."""

    def __call__(self, text: str, *, first: bool) -> list[str]:
        """The pieces; `first`: whether the text begins the whole text."""
        ...

    def aligned(self, source: Aligned, *, first: bool) -> list[Aligned]:
        """The same pieces of a text that knows where its characters came from."""
        ...


def pre_tokenize(steps: Iterable[PreTokenizer], text: str, *, first: bool = True) -> list[str]:
    """The pieces that all steps leave; without steps, the whole text is one piece."""
    pieces = [text] if text else []
    for step in steps:
        pieces = [
            smaller
            for i, piece in enumerate(pieces)
            for smaller in step(piece, first=first and i == 0)
        ]
    return pieces


def pre_tokenize_aligned(
    steps: Iterable[PreTokenizer], source: Aligned, *, first: bool = True
) -> list[Aligned]:
    """What `pre_tokenize` makes of the text, each piece with the source of its characters."""
    pieces = [source] if source.text else []
    for step in steps:
        pieces = [
            smaller
            for i, piece in enumerate(pieces)
            for smaller in step.aligned(piece, first=first and i == 0)
        ]
    return pieces


@dataclass(frozen=True)
class Cut:
    """Cuts a text at a pattern's matches: `Cut(" ", "merged_with_next")` gives "a", " b", " c".

    With `invert`, what lies between the matches counts as a match, and the matches as what lies
    between. Raises ValueError if the pattern is empty, or no regular expression.
    """

    pattern: str
    behavior: Behavior = "isolated"
    invert: bool = False
    is_regex: bool = True

    def __post_init__(self) -> None:
        if not self.pattern:
            raise ValueError("a pre-tokenization pattern is empty; say where to cut")
        _compiled(self)

    def __call__(self, text: str, *, first: bool = False) -> list[str]:
        """The pieces, none of them empty."""
        pattern = _compiled(self)
        if self.behavior == "removed" and self.invert and not pattern.groups:
            return [piece for piece in pattern.findall(text) if piece]
        return [text[start:end] for start, end in self.spans(text)]

    def aligned(self, source: Aligned, *, first: bool = False) -> list[Aligned]:
        """The same, aligned."""
        return [source.cut(*span) for span in self.spans(source.text)]

    def spans(self, text: str) -> list[Span]:
        """Where the pieces stand in the text."""
        pieces: list[Span] = []
        was_match = False
        for start, end, is_match in self._stretches(text):
            if pieces and self._joins(was_match, is_match):
                pieces[-1] = (pieces[-1][0], end)
            elif not (is_match and self.behavior == "removed"):
                pieces.append((start, end))
            was_match = is_match
        return pieces

    def _joins(self, was_match: bool, is_match: bool) -> bool:
        """Whether a stretch belongs to the piece before it."""
        match self.behavior:
            case "contiguous":
                return was_match == is_match
            case "merged_with_previous":
                return is_match and not was_match
            case "merged_with_next":
                return was_match and not is_match
        return False

    def _stretches(self, text: str) -> Iterable[tuple[int, int, bool]]:
        """The text's matches and what lies between them, none of them empty."""
        end = 0
        for match in _compiled(self).finditer(text):
            if end < match.start():
                yield end, match.start(), self.invert
            if match.start() < match.end():
                yield *match.span(), not self.invert
            end = match.end()
        if end < len(text):
            yield end, len(text), self.invert


@lru_cache(maxsize=256)
def _compiled(cut: Cut) -> regex.Pattern[str]:
    try:
        return regex.compile(cut.pattern if cut.is_regex else regex.escape(cut.pattern))
    except regex.error as problem:
        raise ValueError(
            f"the pre-tokenization pattern {cut.pattern!r} is no regular expression: {problem}"
        ) from problem


_PUNCTUATION = r"\p{P}$+<=>^`|~"

WHITESPACE = Cut(r"\w+|[^\w\s]+", "removed", invert=True)
"""Words, and what stands between words and spaces; white space goes."""
WHITESPACE_SPLIT = Cut(r"\s+", "removed")
"""What stands between white space."""
BERT = Cut(rf"[{_PUNCTUATION}]|[^\s{_PUNCTUATION}]+", "removed", invert=True)
"""Words, and each punctuation mark alone; white space goes."""
EACH_CHARACTER = Cut(r"[\s\S]")
"""Each character alone."""


def punctuation(behavior: Behavior = "isolated") -> Cut:
    """Cuts at Unicode's punctuation and at all other marks of ASCII, as $ and +."""
    return Cut(f"[{_PUNCTUATION}]", behavior)


def digits(*, individual: bool = False) -> Cut:
    """Numbers alone; with `individual` each digit alone."""
    return Cut(r"\p{N}" if individual else r"\p{N}+")


@dataclass(frozen=True)
class Metaspace:
    """Spaces become visible, so that a token says whether a word begins: "▁Hello", "▁you".

    One is put in front, too, of every text (`always`), of the whole text only (`first`), or of none
    (`never`), unless it begins with one already. With `split`, each begins a piece.
    Source: Kudo and Richardson (2018).
    """

    replacement: str = "▁"
    prepend_scheme: PrependScheme = "always"
    split: bool = True

    def __post_init__(self) -> None:
        if len(self.replacement) != 1:
            raise ValueError(
                f"Metaspace puts {self.replacement!r} in a space's place; wanted one character"
            )

    def __call__(self, text: str, *, first: bool) -> list[str]:
        """The pieces, none of them empty."""
        text = text.replace(" ", self.replacement)
        if self._prepends(text, first):
            text = self.replacement + text
        return [text[start:end] for start, end in self._spans(text)]

    def aligned(self, source: Aligned, *, first: bool) -> list[Aligned]:
        """The same, aligned: what is put in front stands for nothing in the source."""
        edits = [
            Edit(i, i + 1, self.replacement)
            for i, character in enumerate(source.text)
            if character == " "
        ]
        source = source.edited(edits)
        if self._prepends(source.text, first):
            source = source.edited([Edit(0, 0, self.replacement)])
        return [source.cut(*span) for span in self._spans(source.text)]

    def _prepends(self, text: str, first: bool) -> bool:
        wanted = self.prepend_scheme == "always" or (self.prepend_scheme == "first" and first)
        return wanted and not text.startswith(self.replacement)

    def _spans(self, text: str) -> Sequence[Span]:
        if not self.split:
            return [(0, len(text))]
        return Cut(self.replacement, "merged_with_next", is_regex=False).spans(text)
