"""Text that still knows where each of its characters came from, through any number of changes.

Offsets point into the text a person wrote, but tokens are cut from what normalisation made of it:
"ﬁne" became "fine", "naïve" became "naive". So beside each character stands the span of source
characters it was made from, and a change says only which stretch it replaces by what.

What stands for nothing in the source, as the space that Metaspace puts in front, has an empty span
(Hugging Face's gives it its neighbour's). What was made of several characters, as é of e and an
accent, has the span of them all (Hugging Face's has the first alone).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

Span: TypeAlias = tuple[int, int]
"""`(start, end)`: the characters `text[start:end]`."""


class Edit(NamedTuple):
    """The characters `[start, end)` of a text are replaced by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Aligned:
    """A text, and for each of its characters the span of source characters it was made from."""

    text: str
    spans: list[Span]

    @classmethod
    def of(cls, text: str) -> Self:
        """A text that nothing has changed yet: each character is its own source."""
        return cls(text, [(i, i + 1) for i in range(len(text))])

    def edited(self, edits: Iterable[Edit]) -> "Aligned":
        """The text after edits, which come from left to right and do not overlap.

        All characters of a replacement have the span of what they replace.
        """
        texts: list[str] = []
        spans: list[Span] = []
        end = 0
        for edit in edits:
            assert end <= edit.start <= edit.end, "edits go from left to right"
            texts += [self.text[end : edit.start], edit.text]
            spans += self.spans[end : edit.start]
            spans += [self.source(edit.start, edit.end)] * len(edit.text)
            end = edit.end
        if not texts:
            return self
        return Aligned("".join([*texts, self.text[end:]]), spans + self.spans[end:])

    def cut(self, start: int, end: int) -> "Aligned":
        """The characters `[start, end)` with their spans."""
        return Aligned(self.text[start:end], self.spans[start:end])

    def source(self, start: int, end: int) -> Span:
        """The span of the source that the characters `[start, end)` were made from."""
        if start < end:
            return self.spans[start][0], self.spans[end - 1][1]
        here = self.spans[start][0] if start < len(self.spans) else self._end()
        return here, here

    def _end(self) -> int:
        return self.spans[-1][1] if self.spans else 0
