"""Autoregressive generation: read what is there, draw the next token, read it too.

Legend: B sequence, T position, V vocabulary.

    repeat: logits = model(tokens so far); id = sample(logits); append id

`generate` answers one prompt as a stream, `generate_batch` many prompts together; both give the
same tokens. When a sequence outgrows the model's context it goes on with the last half of it,
read afresh from position 0 (see `window_start`). Their twin for serving, many requests in paged
memory, is `engine.Engine`; a test holds it to this one.
"""

from collections.abc import Collection, Iterator, Sequence

import torch
from torch import Tensor

from groundup.inference.cache import KVCache
from groundup.inference.sampling import Chance, Sampling, only, sample
from groundup.models.gpt import GPT
from groundup.observe.progress import Progress, silent


def generate(
    model: GPT,
    prompt_ids: Sequence[int],
    *,
    max_tokens: int,
    sampling: Sampling,
    stop_ids: Collection[int] = (),
    first_ids: Sequence[int] | None = None,
    reader: "Reader | None" = None,
) -> Iterator[int]:
    """Yield up to `max_tokens` token ids that continue the prompt, each as soon as it is drawn.

    Ends before the first of `stop_ids`, which is not yielded. With `first_ids` the first token is
    one of them. `reader` may be kept from call to call: what the last prompt and this one have in
    common from the start is then not read again.
    Raises ValueError for an empty prompt, an id outside the vocabulary, a negative `max_tokens`, or
    `first_ids` that are none.
    """
    _check([prompt_ids], max_tokens, model.config.vocab_size)
    if first_ids is not None:
        _check_ids(first_ids, model.config.vocab_size)
        if not first_ids:
            raise ValueError(
                "first_ids is empty; give the tokens an answer may begin with, or None"
            )
    row = _Row(prompt_ids, max_tokens, Chance(sampling.seed))
    return _stream(reader or Reader(model), row, sampling, frozenset(stop_ids), first_ids)


def generate_batch(
    model: GPT,
    prompts: Sequence[Sequence[int]],
    *,
    max_tokens: int,
    sampling: Sampling,
    stop_ids: Collection[int] = (),
    batch_size: int = 32,
    progress: Progress = silent,
) -> list[list[int]]:
    """The continuation of every prompt, in the order of the prompts, `batch_size` at a time.

    The sequences of a batch are always of one length: a short prompt begins to be answered while
    a longer one is still being read, one token a step, so no padding and no masks are needed.
    Sequence i draws from `Chance(seed, i)`: its tokens do not depend on its neighbours (apart from
    the rounding of sums in batched products).
    """
    _check(prompts, max_tokens, model.config.vocab_size)
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
    rows = [
        _Row(prompt, max_tokens, Chance(sampling.seed, index))
        for index, prompt in enumerate(prompts)
    ]
    of_like_length = sorted(rows, key=lambda row: row.prompt_length)
    with progress("generating", total=len(rows), unit="sequences") as advance:
        for first in range(0, len(rows), batch_size):
            group = of_like_length[first : first + batch_size]
            for finished in _together(Reader(model), group, sampling, frozenset(stop_ids)):
                advance(finished)
    return [row.answer() for row in rows]


def window_start(length: int, context: int) -> int:
    """Where the model's view of a sequence of `length` tokens begins: 0 until the context is full.

    Then the view moves on by half a context at a time, so that most steps can use the cache. It
    depends on the length alone, so an answer does not depend on how the text was handed over.
    """
    if length <= context:
        return 0
    hop = (context + 1) // 2
    return -(-(length - context) // hop) * hop


class Reader:
    """Reads sequences of one common length and gives the logits of what comes next.

    What it has read already, it keeps in a key-value cache and does not read again.
    """

    def __init__(self, model: GPT) -> None:
        self._model = model
        self._cache = KVCache()
        self._read: list[list[int]] = []

    def next_logits(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """`logits_BV` after these token sequences."""
        assert len({len(row) for row in rows}) == 1, "sequences read together are of one length"
        begin = window_start(len(rows[0]), self._model.config.context)
        windows = [list(row[begin:]) for row in rows]
        known = self._shared_with(windows)
        self._cache.truncate(known)
        # noted before the model runs, so that an interrupted forward pass leaves nothing wrong
        self._read = [window[:known] for window in windows]
        device = next(self._model.parameters()).device
        tokens_BT = torch.tensor([window[known:] for window in windows], device=device)
        with torch.no_grad():
            if tokens_BT.shape[1] > 1:  # of all but the last token, the logits are not wanted
                self._model.hidden(tokens_BT[:, :-1], self._cache)
            last_BV: Tensor = self._model(tokens_BT[:, -1:], self._cache)[:, -1]
        self._read = windows
        return last_BV

    def _shared_with(self, windows: list[list[int]]) -> int:
        """How many leading tokens of all windows are in the cache, short of the last token."""
        if len(windows) != len(self._read):
            self._cache = KVCache()
            return 0
        pairs = zip(windows, self._read, strict=True)
        return min(len(windows[0]) - 1, *(_common_prefix(new, old) for new, old in pairs))

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these sequences only."""
        self._cache.keep(rows)
        self._read = [self._read[row] for row in rows]


class _Row:
    """One sequence under way."""

    def __init__(self, prompt: Sequence[int], max_tokens: int, chance: Chance) -> None:
        self.tokens = list(prompt)
        self.prompt_length = len(self.tokens)
        self.longest = self.prompt_length + max_tokens
        self.chance = chance
        self.stopped = max_tokens == 0

    def take(self, token: int, stop_ids: frozenset[int]) -> None:
        self.stopped = token in stop_ids
        if not self.stopped:
            self.tokens.append(token)
            self.stopped = len(self.tokens) == self.longest

    def answer(self) -> list[int]:
        return self.tokens[self.prompt_length :]


def _stream(
    reader: Reader,
    row: _Row,
    sampling: Sampling,
    stop_ids: frozenset[int],
    allowed: Sequence[int] | None,
) -> Iterator[int]:
    while not row.stopped:
        before = len(row.tokens)
        logits_BV = reader.next_logits([row.tokens])
        if allowed is not None:
            logits_BV = only(logits_BV, allowed)
            allowed = None
        [token] = _draw(logits_BV, [row], sampling, before)
        row.take(token, stop_ids)
        yield from row.tokens[before:]


def _together(
    reader: Reader, rows: list[_Row], sampling: Sampling, stop_ids: frozenset[int]
) -> Iterator[int]:
    """Answer the rows in step; yields how many were finished by each step."""
    length = min(row.prompt_length for row in rows)
    while rows := [row for row in rows if not row.stopped]:
        tokens = _draw(
            reader.next_logits([row.tokens[:length] for row in rows]), rows, sampling, length
        )
        for row, token in zip(rows, tokens, strict=True):
            if row.prompt_length <= length:
                row.take(token, stop_ids)
        going_on = [place for place, row in enumerate(rows) if not row.stopped]
        if going_on and len(going_on) < len(rows):
            reader.keep(going_on)
        yield len(rows) - len(going_on)
        length += 1


def _draw(logits_BV: Tensor, rows: list[_Row], sampling: Sampling, length: int) -> list[int]:
    """The next token of each row; one that still reads its prompt uses up no chance."""
    chances = [row.chance.draw() if row.prompt_length <= length else 0.0 for row in rows]
    chance_B = torch.tensor(chances, dtype=torch.float64, device=logits_BV.device)
    seen_BV = None
    if sampling.repetition_penalty != 1:
        seen_BV = torch.zeros_like(logits_BV, dtype=torch.bool)
        for place, row in enumerate(rows):
            seen_BV[place, row.tokens[:length]] = True
    ids: list[int] = sample(logits_BV, sampling, chance_B=chance_B, seen_BV=seen_BV).tolist()
    return ids


def _common_prefix(new: list[int], old: list[int]) -> int:
    if new[: len(old)] == old:  # the usual case: the old sequence and some more
        return len(old)
    pairs = zip(new, old, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(new), len(old)))


def _check(prompts: Sequence[Sequence[int]], max_tokens: int, vocab_size: int) -> None:
    if max_tokens < 0:
        raise ValueError(f"max_tokens is {max_tokens}; it must be 0 or more")
    for prompt in prompts:
        if not prompt:
            raise ValueError("a prompt is empty; give at least one token, such as <|endoftext|>")
        _check_ids(prompt, vocab_size)


def _check_ids(ids: Sequence[int], vocab_size: int) -> None:
    if wrong := [token for token in ids if not 0 <= token < vocab_size]:
        raise ValueError(
            f"token id {wrong[0]} is not in the model's vocabulary of {vocab_size}; "
            "the tokenizer must be the one the model was trained with"
        )
