"""The fast twin of byte-level BPE: it encodes, and learns merges, as the plain code of `bpe` does.

A vocabulary is laid out for the kernels once, when it is first used, and shared by all threads;
each thread has a cache of pieces of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
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
_BATCH = 1 << 19  # characters that are encoded together
_LARGEST_ROOM = 1 << 22  # bytes of text that a thread keeps room for
_FEW = 64  # ids: fewer are not worth looking up
_TURN = 512  # merges between two steps of the bar
_ZEROS = bytes(_PADDING)
_NO_SCAN = (0, 0, False)


class Encoder:
    """Encodes ordinary text as `BPE` does; it may be used by several threads at once."""

    def __init__(self, definition: Definition) -> None:
        from groundup.kernels import bpe_encoding
        from groundup.kernels.bpe_model import MOST, Model, State, kernels

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
            self._new_state, self._most = State, MOST
            self._idle: list[Any] = []
            self.encode("compiled")
            self.encode_piece(b"compiled")
            self.encode_batch(["compiled"])

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        data = _utf8(text)
        state = self._take_state(len(data))
        count = self._run(text, data, state)
        ids = self._to_list(state.out[:count])
        self._put_back(state)
        return ids

    def encode_batch(self, texts: Sequence[str], threads: int = 1) -> list[NDArray[np.int32]]:
        """The ids of each text, as an array; `threads` batches of texts at a time.

        The arrays of a batch are parts of one: whoever keeps a few of many should copy them.
        """
        batches = _batches(texts)
        if threads < 2:
            return list(chain.from_iterable(map(self._encode_together, batches)))
        with ThreadPoolExecutor(threads) as pool:
            return list(chain.from_iterable(pool.map(self._encode_together, batches)))

    def encode_piece(self, piece: bytes) -> list[int]:
        """The ids of one piece, which is not cut; any bytes."""
        state = self._take_state(len(piece))
        ends = np.array([len(piece)] if piece else [], np.int64)
        ids: list[int] = state.out[: self._run_pieces(piece, ends, state)].tolist()
        self._put_back(state)
        return ids

    def _encode_together(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        if self._split is not None:
            return [np.array(self.encode(text), np.int32) for text in texts]
        data = [_utf8(text) for text in texts]
        ends = np.cumsum([len(part) for part in data], dtype=np.int64)
        state = self._take_state(int(ends[-1]))
        start = 0
        for part in data:
            state.view[start : start + len(part)] = part
            start += len(part)
        state.view[start : start + _PADDING] = _ZEROS
        count = self._kernels.encode_texts(
            state.text_address,
            ends.ctypes.data,
            len(data),
            self._model.address,
            state.address,
            state.out_address,
        )
        together: NDArray[np.int32] = state.out[:count].copy()
        self._put_back(state)
        return [together[first:last] for first, last in pairwise([0, *ends.tolist()])]

    def _take_state(self, size: int) -> Any:
        """A cache that no other thread uses now, with room for so many bytes of text."""
        try:
            state = self._idle.pop()
        except IndexError:
            state = self._new_state()
        if size > state.room:
            state.make_room(2 * size)
        return state

    def _put_back(self, state: Any) -> None:
        if state.was_cleared and state.slots < self._most:
            state = self._new_state(4 * state.slots)
        if state.room > _LARGEST_ROOM:
            state.make_room(_LARGEST_ROOM)
        self._idle.append(state)

    def _run(self, text: str, data: bytes, state: Any) -> int:
        if self._split is not None:
            ends = np.cumsum([len(piece.encode()) for piece in self._split(text)], dtype=np.int64)
            return self._run_pieces(data, ends, state)
        _lay_down(data, state)
        return self._kernels.encode(  # type: ignore[no-any-return]
            state.text_address, len(data), self._model.address, state.address, state.out_address
        )

    def _run_pieces(self, data: bytes, ends: NDArray[np.int64], state: Any) -> int:
        _lay_down(data, state)
        return self._kernels.encode_pieces(  # type: ignore[no-any-return]
            state.text_address,
            ends.ctypes.data,
            len(ends),
            self._model.address,
            state.address,
            state.out_address,
        )

    def _to_list(self, ids: NDArray[np.int32]) -> list[int]:
        if len(ids) < _FEW:
            return ids.tolist()  # type: ignore[no-any-return]
        found: list[int] = self._numbers.take(ids, mode="clip").tolist()  # none is beyond
        return found


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts that are encoded together: about as many characters in each batch."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text) if isinstance(text, str) else 0
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _lay_down(data: bytes, state: Any) -> None:
    size = len(data)
    state.view[:size] = data
    state.view[size : size + _PADDING] = _ZEROS


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
