"""The fast twin of Unigram encoding: Viterbi as compiled code, by `groundup.kernels.unigram`.

A vocabulary is laid out for the kernel once, when it is first used, and shared by all threads; each
thread has a cache of what it has met.
"""

import itertools
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.tokenizers.compiling import compiling
from groundup.tokenizers.unigram_definition import BYTE_TOKENS, UnigramDefinition

Array = NDArray[Any]


class Encoder:
    """Finds best segmentations; it may be used by several threads at once."""

    def __init__(self, definition: UnigramDefinition) -> None:
        from groundup.kernels import unigram
        from groundup.kernels.double_array import build

        self._kernel = unigram
        self._single = definition.single_precision
        entries = {text.encode(): definition.vocabulary[text] for text in definition.pieces}
        size = max(entries.values(), default=-1) + 1
        scores, sizes = np.zeros(size), np.zeros(size, np.int32)
        for text, score in definition.pieces.items():
            scores[definition.vocabulary[text]] = score
            sizes[definition.vocabulary[text]] = len(text.encode())
        fallback = [definition.vocabulary[name] for name in BYTE_TOKENS * definition.byte_fallback]
        self._fallback = np.array(fallback, np.int32)
        self._idle: list[Array] = []
        with compiling(unigram.best_pieces):
            slots = build(entries)
            beside = unigram.neighbours(list(entries))
            self._model = (slots, beside, scores, sizes, definition.unknown_score)
            self.encode(b"compiled")

    def encode(
        self, text: bytes, bounds: Sequence[int] | Array | None = None
    ) -> tuple[Array, Array]:
        """The tokens of the stretches between the bounds, and where each ends; -1 is unknown.

        Without bounds the text is one stretch.
        """
        bounds = [0, len(text)] if bounds is None else bounds
        cache = self._idle.pop() if self._idle else self._kernel.empty_cache()
        data = np.frombuffer(text, np.uint8)
        found: tuple[Array, Array] = self._kernel.best_pieces(
            data, np.asarray(bounds, np.int64), self._model, self._fallback, self._single, cache
        )
        self._idle.append(cache)
        return found

    def encode_all(
        self,
        texts: Sequence[tuple[bytes, Sequence[int] | Array | None]],
        named: Callable[[Array], Array],
    ) -> list[Array]:
        """The tokens of many texts, each with its bounds, in one call; `named` has a last look.

        Bounds of None: the text is one stretch.
        """
        places = [0, *itertools.accumulate([len(data) for data, _ in texts])]
        bounds: Sequence[int] | Array = places
        if any(inner is not None for _, inner in texts):
            starts = zip(places, texts, strict=False)
            inner = [start + np.asarray([0] if b is None else b) for start, (_, b) in starts]
            bounds = np.concatenate([*inner, places[-1:]])
        tokens, ends = self.encode(b"".join([data for data, _ in texts]), bounds)
        tokens = named(tokens)
        cuts = [0, *np.searchsorted(ends, places[1:], side="right").tolist()]
        return [tokens[start:end] for start, end in pairwise(cuts)]
