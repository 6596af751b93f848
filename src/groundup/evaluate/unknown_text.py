"""Bits for what a tokenizer calls unknown, so that bits per byte are of the whole text.

A model of words is asked for the next id, and for a word it lacks that is one id, cheap to predict
because it stands for so many words. Who reads the ids alone could not write the text down again.
So each unknown stretch is spelled out behind its id, byte by byte and with a mark at its end, by
an n-gram model of bytes that was fitted to the stretches unknown in the training text:

    bits(text) = bits(ids, by the language model) + bits(unknown stretches, by the speller)

That is a code one could decode, so it is an upper bound in the sense in which every bits per byte
is one. Leaves out what the speller could learn from the words around the stretch.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from groundup.models.ngram import NGram, bits
from groundup.tokenizers.tokenizer import Tokenizer

_END = 256
_SYMBOLS = 257


class Speller:
    """An n-gram model of bytes for the stretches of text that a tokenizer calls unknown."""

    def __init__(self, stretches: Iterable[str], *, order: int = 5) -> None:
        """Fit to stretches of the training text; without any, bytes are about equally likely."""
        spelled = [_END, *(symbol for stretch in stretches for symbol in _spelled(stretch))]
        # Every symbol once: none is impossible, and there is something to count.
        stream = np.array([*spelled, *range(_SYMBOLS)], dtype=np.int64)
        self._model = NGram.fit(stream, vocab_size=_SYMBOLS, order=order)

    def bits(self, stretches: Sequence[str]) -> float:
        """What it takes to spell these, each with its end."""
        if not stretches:
            return 0.0
        stream = [_END, *(symbol for stretch in stretches for symbol in _spelled(stretch))]
        return bits(self._model.log_probabilities(np.array(stream, dtype=np.int64)))


def unknown_stretches(tokenizer: Tokenizer, text: str, unknown: int | None) -> list[str]:
    """The stretches of the text that became the id `unknown`, in order."""
    if unknown is None:
        return []
    pairs = zip(tokenizer.encode(text), tokenizer.offsets(text), strict=True)
    return [text[start:end] for token, (start, end) in pairs if token == unknown]


def can_be_read_back(tokenizer: Tokenizer, text: str, unknown: int | None) -> bool:
    """Whether ids, with what is unknown spelled out, give back every byte of the text.

    Either decoding does, or the ids' spans cover the text without a gap and an id always stands
    for the same characters.
    """
    ids = tokenizer.encode(text)
    if unknown not in ids and tokenizer.decode_bytes(ids) == text.encode():
        return True
    means: dict[int, str] = {}
    covered = 0
    for token, (start, end) in zip(ids, tokenizer.offsets(text), strict=True):
        stretch = text[start:end]
        known = means.setdefault(token, stretch) if token != unknown else stretch
        if start != covered or known != stretch:
            return False
        covered = end
    return covered == len(text)


def _spelled(stretch: str) -> list[int]:
    return [*stretch.encode(), _END]
