"""Texts on their way to vectors: read in chunks, between the answers of an engine.

    vector = mean / |mean|,   mean = (1 / n) sum of the final norm's output over the n tokens

Texts that were handed in together are a group; groups take turns, a text each, so that a thousand
texts of one client do not hold up the one of another. Of all texts one at a time stands in the
scheduler's line, where it waits, runs and is preempted as an answer is: it starves no one and is
not starved, and a step reads at most one chunk of it, in what the answers leave of the step's
tokens. It shares no blocks with answers, so what happens to it happens to nobody else.

Leaves out: several texts in one step, which would be faster for many short ones.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.inference.backend import Backend
from groundup.inference.batching import flat
from groundup.inference.request import Delta
from groundup.inference.scheduler import Chunk, QueueFull, Scheduler, SequenceState


@dataclass(eq=False)
class _Text:
    """One text: its sequence, and the sum of the hidden states of what was read of it."""

    sequence: SequenceState
    sum_C: Tensor | None = None


_Group = OrderedDict[int, _Text]


class EmbeddingLine:
    """Texts that wait for their vectors, and the one that is being read."""

    def __init__(self, scheduler: Scheduler, backend: Backend) -> None:
        self._scheduler = scheduler
        self._backend = backend
        self._groups: deque[_Group] = deque()  # whose turn comes; the last served stands last
        self._group_of: dict[int, _Group] = {}  # of each text that waits
        self._current: _Text | None = None
        self._group: _Group = OrderedDict()  # the current text's, without it

    def __bool__(self) -> bool:
        """Whether a text is under way."""
        return self._current is not None

    @property
    def waiting(self) -> int:
        """Texts that are not in the scheduler's line yet."""
        return len(self._group_of)

    def submit(self, ids: Sequence[int], prompts: Sequence[Sequence[int]]) -> None:
        """Take a group of texts, which are checked, under these ids.

        Raises QueueFull when so many groups and answers wait as there may.
        """
        waiting = len(self._scheduler.waiting) + len(self._groups)
        if waiting >= self._scheduler.config.max_queue:
            raise QueueFull(waiting)
        group: _Group = OrderedDict()
        for number, prompt in zip(ids, prompts, strict=True):
            group[number] = _Text(SequenceState(id=number, tokens=list(prompt), is_pooled=True))
            self._group_of[number] = group
        if group:
            self._groups.append(group)
        self._go_on()

    def cancel(self, text_id: int) -> None:
        """Forget a text and free its blocks at once; unknown ids are ignored."""
        if self._current is not None and self._current.sequence.id == text_id:
            self._end()
        elif (group := self._group_of.pop(text_id, None)) is not None:
            del group[text_id]
            self._groups = deque(one for one in self._groups if one)

    def read(self, chunk: Chunk) -> Delta | None:
        """Compute a chunk of the current text; its delta if that was the last.

        Raises whatever went wrong; then `fail` ends it, or the plan is undone.
        """
        text = self._current
        assert text is not None, "a chunk is planned of a text that is there"
        assert text.sequence is chunk.sequence, "it is of the text that stands in line"
        sum_C = self._backend.hidden(flat([chunk])).sum(0)
        if chunk.start > 0:  # else it begins, perhaps again, after a preemption
            assert text.sum_C is not None, "what stands before the chunk was read"
            sum_C = text.sum_C + sum_C
        is_whole = chunk.start + chunk.count == len(text.sequence.tokens)
        vector = _direction(sum_C) if is_whole else ()
        text.sum_C = sum_C
        self._scheduler.advance(chunk)
        if not is_whole:
            return None
        self._end()
        return Delta(request_id=text.sequence.id, finish_reason="stop", vector=vector)

    def fail(self, problem: Exception) -> Delta:
        """End the current text for what went wrong with it."""
        assert self._current is not None, "it is the current text that failed"
        text_id = self._current.sequence.id
        self._end()
        error = f"{type(problem).__name__}: {problem}"
        return Delta(request_id=text_id, finish_reason="error", error=error)

    def _end(self) -> None:
        """Nothing more is read of the current text; the next group's turn."""
        assert self._current is not None, "only a text that is there can end"
        self._scheduler.finish(self._current.sequence)
        self._current = None
        if self._group:
            self._groups.append(self._group)
        self._go_on()

    def _go_on(self) -> None:
        """Put the next text in line, if none is there."""
        if self._current is None and self._groups:
            self._group = self._groups.popleft()
            text_id, self._current = self._group.popitem(last=False)
            del self._group_of[text_id]
            self._scheduler.submit(self._current.sequence, has_waited=True)


def _direction(sum_C: Tensor) -> tuple[float, ...]:
    """The vector of length 1. Raises ValueError for sums that are no numbers."""
    if not bool(sum_C.isfinite().all()):
        raise ValueError("the model's hidden states are no numbers")
    return tuple(torch.nn.functional.normalize(sum_C, dim=0).tolist())
