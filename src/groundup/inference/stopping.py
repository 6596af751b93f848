"""Stop texts: an answer ends before the first of them, also where tokens cut it apart.

Text that may be the beginning of a stop text is held back until it is certain.
"""

from collections.abc import Sequence


class StopTexts:
    """Lets through what is certain not to belong to a stop text."""

    def __init__(self, texts: Sequence[str]) -> None:
        if "" in texts:
            raise ValueError("a stop text is empty; it would end every answer before it begins")
        self._texts = tuple(texts)
        self._held = ""
        self.found: str | None = None
        """The stop text that ended the answer."""

    def push(self, text: str) -> str:
        """What is certain by now. After a stop text was found, nothing."""
        if self.found is not None or not self._texts:
            return text if self.found is None else ""
        held = self._held + text
        hits = [(held.find(stop), stop) for stop in self._texts if stop in held]
        if hits:
            place, self.found = min(hits, key=lambda hit: (hit[0], -len(hit[1])))
            self._held = ""
            return held[:place]
        kept = max(_overlap(held, stop) for stop in self._texts)
        self._held = held[len(held) - kept :]
        return held[: len(held) - kept]

    def flush(self) -> str:
        """What was held back, as nothing more comes."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text begin the stop text."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0
