"""The fast twin of byte-level BPE: it encodes, and learns merges, as the plain code of `bpe` does.

A vocabulary is laid out for the kernels once, when it is first used, and shared by all threads;
each thread has a cache of pieces of its own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.compiling import compiling
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.memory import allocator
from groundup.tokenizers.piece_counts import PieceCounts
from groundup.tokenizers.split import Split, scan_of
from groundup.tokenizers.tokenizer import checked

_PADDING = 16  # bytes that kernels may look at behind a text
_TURN = 512  # merges between two steps of the bar
_ZEROS = bytes(_PADDING)
_NO_SCAN = (0, 0, False)


class Encoder:
    """Encodes ordinary text as `BPE` does; it may be used by several threads at once."""

    def __init__(self, definition: Definition) -> None:
        from groundup.kernels import bpe_encoding
        from groundup.kernels.bpe_model import SHORT_TEXT, Model, State, kernels

        tokens = [b""] * (max(definition.tokens, default=-1) + 1)
        for token, data in definition.tokens.items():
            tokens[token] = data
        scan = scan_of(definition.patterns)
        self._kernels = bpe_encoding
        self._split = None if scan else Split(definition.patterns)
        # Lists of ids share these numbers, which is faster than to make each one anew.
        self._numbers = np.array(range(len(tokens)), dtype=object)
        with compiling(*kernels()):
            self._model = Model(
                tokens,
                None if definition.by_rank else definition.merges,
                scan=scan or _NO_SCAN,
                whole_first=definition.whole_first,
            )
            self._new_state, self._short = State, SHORT_TEXT
            self._idle: list[Any] = []
            self.encode("compiled")
            self.encode_piece(b"compiled")

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        data = _utf8(text)
        if self._split is not None or len(data) > self._short:
            return self._numbers.take(self._encode_long(text, data)).tolist()  # type: ignore[no-any-return]
        state = self._take_state()
        count = self._encode_short(data, state)
        ids: list[int] = state.out[:count].tolist()
        self._idle.append(state)
        return ids

    def encode_to_array(self, text: str) -> NDArray[np.int32]:
        """The ids of a text, as an array."""
        data = _utf8(text)
        if self._split is not None or len(data) > self._short:
            return self._encode_long(text, data)
        state = self._take_state()
        count = self._encode_short(data, state)
        ids: NDArray[np.int32] = state.out[:count].copy()
        self._idle.append(state)
        return ids

    def encode_piece(self, piece: bytes) -> NDArray[np.int32]:
        """The ids of one piece, which is not cut; any bytes."""
        return self._run(piece, np.array([len(piece)] if piece else [], np.int64))

    def _take_state(self) -> Any:
        """A cache that no other thread uses now; put it back into `_idle`."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._new_state()

    def _encode_short(self, data: bytes, state: Any) -> int:
        size = len(data)
        state.view[:size] = data
        state.view[size : size + _PADDING] = _ZEROS
        return self._kernels.encode(  # type: ignore[no-any-return]
            state.text_address, size, self._model.address, state.address, state.out_address
        )

    def _encode_long(self, text: str, data: bytes) -> NDArray[np.int32]:
        if self._split is None:
            return self._run(data, None)
        ends = np.cumsum([len(piece.encode()) for piece in self._split(text)], dtype=np.int64)
        return self._run(data, ends)

    def _run(self, data: bytes, ends: NDArray[np.int64] | None) -> NDArray[np.int32]:
        size = len(data)
        text = np.empty(size + _PADDING, np.uint8)
        text[:size] = np.frombuffer(data, np.uint8)
        text[size:] = 0
        ids = np.empty(size + 4, np.int32)
        at, out, model = text.ctypes.data, ids.ctypes.data, self._model.address
        state = self._take_state()
        if ends is None:
            count = self._kernels.encode(at, size, model, state.address, out)
        else:
            count = self._kernels.encode_pieces(
                at, ends.ctypes.data, len(ends), model, state.address, out
            )
        self._idle.append(state)
        # A copy where most of the room was not needed: the ids may be kept for long.
        return ids[:count] if 2 * count > size else ids[:count].copy()


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except (UnicodeEncodeError, AttributeError):
        checked(text)  # says what is wrong with it
        raise


def learn_fast(
    counts: PieceCounts,
    *,
    byte_ids: Sequence[int],
    first_id: int,
    count: int,
    merges: Sequence[tuple[int, int, int]] = (),
    min_frequency: int = 2,
    memory: int | None = None,
    progress: Progress = silent,
) -> list[tuple[int, int, int]]:
    """What `learn_merges` gives: the `count` best merges, new ids rising from `first_id`.

    `merges`: those that are made first, in this order, and are not returned. `memory`: about how
    many bytes the arrays may take; beyond, they lie in files.
    """
    from groundup.kernels.bpe_run import Run, kernels

    ids = sorted(byte_ids)  # the kernel's byte symbols, so that smaller ids win ties there too
    symbols = np.argsort(np.argsort(byte_ids)).astype(np.int32)
    names = {token: i for i, token in enumerate(ids)}
    for _, _, merged in merges:
        names.setdefault(merged, len(names))
    table = counts.table
    with allocator(memory) as allocate, compiling(*kernels()):
        run = Run(
            table.blob,
            table.lengths,
            table.counts,
            symbols=symbols,
            merges=[(names[left], names[right]) for left, right, _ in merges],
            tokens=len(names) + count,
            min_frequency=min_frequency,
            allocate=allocate,
        )
        table.release()
        done = len(merges)
        with progress("learning merges", total=done + count, unit="merges") as advance:
            while run.learn(_TURN):
                advance(len(run.merges) - done)
                done = len(run.merges)
            advance(len(run.merges) - done)
        rows = run.merges[len(merges) :].tolist()
    old = sorted(names, key=names.__getitem__)
    ids = old + list(range(first_id, first_id + count))
    return [(ids[left], ids[right], ids[merged]) for left, right, merged in rows]
