"""Stop texts: an answer ends before the first of them, also where tokens cut it apart.

The text is read character by character, so the result does not depend on how it was cut into
pieces. What may still begin a stop text is held back, and no more than that: the longest end of the
text that a stop text begins with. This is the state of Aho and Corasick's automaton (1975); here
it is the text itself, and "does a stop text begin with it" is a binary search in the sorted stop
texts, so that 10,000 of them need no automaton built before the first token.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from os.path import commonprefix

MOST_TEXTS = 10_000
"""As many stop texts a request may have."""
MOST_CHARACTERS = 1_000_000
"""As many characters they may have together."""


class StopTexts:
    """Lets through what is certain not to belong to a stop text.

    The first stop text to be complete ends the answer; of two that end with the same character,
    the longer one. `push` what the tokens spell, then, if nothing was found, `flush`.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Raises ValueError on an empty text, and beyond `MOST_TEXTS` or `MOST_CHARACTERS`."""
        _check(texts)
        self._sorted = sorted(set(texts))
        self._backwards = sorted(text[::-1] for text in self._sorted)
        self._held = ""
        self.found: str | None = None
        """The stop text that ended the answer."""

    def push(self, text: str) -> str:
        """What is certain by now. After a stop text was found, nothing."""
        if not self._sorted:
            return text
        certain: list[str] = []
        for character in text:
            if self.found is not None:
                break
            certain.append(self._step(character))
        return "".join(certain)

    def flush(self) -> str:
        """What was held back, as nothing more comes."""
        held, self._held = self._held, ""
        return held

    def _step(self, character: str) -> str:
        seen = self._held + character
        start = 0
        while start < len(seen) and not self._begins(seen[start:]):
            start += 1
        self._held = seen[start:]
        self.found = self._complete()
        if self.found is not None:
            start = len(seen) - len(self.found)
            self._held = ""
        return seen[:start]

    def _begins(self, text: str) -> bool:
        """Whether a stop text begins so."""
        place = bisect_left(self._sorted, text)
        return place < len(self._sorted) and self._sorted[place].startswith(text)

    def _complete(self) -> str | None:
        """The longest stop text that what is held ends with."""
        rest = self._held[::-1]
        while (place := bisect_right(self._backwards, rest) - 1) >= 0:
            nearest = self._backwards[place]
            if rest.startswith(nearest):
                return nearest[::-1]
            # one that `rest` begins with stands before `nearest`, so that begins with it too
            rest = commonprefix([rest, nearest])  # noqa: RUF071, characters are meant
        return None


def _check(texts: Sequence[str]) -> None:
    if "" in texts:
        raise ValueError("a stop text is empty; it would end every answer before it begins")
    if len(texts) > MOST_TEXTS:
        raise ValueError(f"there are {len(texts)} stop texts; at most {MOST_TEXTS} can be watched")
    if (size := sum(map(len, texts))) > MOST_CHARACTERS:
        raise ValueError(
            f"the stop texts have {size} characters together; at most {MOST_CHARACTERS} are watched"
        )
