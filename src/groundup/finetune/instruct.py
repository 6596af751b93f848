"""Conversations as batches for supervised fine-tuning: only what the assistant said is learnt.

Legend: B batch, T position, R rows.

The loss of a conversation is the usual next-token loss with the targets outside the assistant's
turns left out (-100): Ouyang et al. (2022), section 3.5, for the method. The loop is `train.loop`.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundup.data.batches import refuse_empty, samples_of
from groundup.data.permutation import mix, permute
from groundup.data.shards import END_OF_TEXT
from groundup.observe.progress import Progress, silent
from groundup.tokenizers.chat_template import ChatTemplate, ChatTokenizer, Message

IGNORED = -100
"""The target of a token that nothing is to be learnt from."""
_OPEN_ROWS = 64


class InstructBatches:
    """Inputs and targets of every step, as `data.batches.Batches` gives them.

    Each row of T + 1 tokens holds as many whole conversations as fit (first fit, in an order the
    seed shuffles); the rest of it is padding on the right. A token sees the conversations that
    stand before its own in the row: attention is not cut between them, which costs little because
    each begins with its own control tokens. A conversation longer than a row loses its end; one
    whose prompt alone fills a row is left out and counted in `dropped`.

    The rows are made once; each epoch is a new order of them. Raises ValueError when no
    conversation has an answer within the context.
    """

    def __init__(
        self,
        conversations: Iterable[Sequence[Message]],
        tokenizer: ChatTokenizer,
        template: ChatTemplate,
        context: int,
        batch_size: int,
        seed: int = 0,
        *,
        progress: Progress = silent,
    ) -> None:
        refuse_empty(batch_size, context)
        talks = list(conversations)
        encoded = []
        with progress("tokenizing", total=len(talks), unit="conversations") as advance:
            for talk in talks:
                ids, is_said = template.encode(talk, tokenizer)
                encoded.append((ids[: context + 1], is_said[: context + 1]))
                advance(1)
        useful = [(ids, is_said) for ids, is_said in encoded if any(is_said[1:])]
        if not useful:
            raise ValueError(
                f"none of the {len(talks)} conversations has an answer within {context} tokens; "
                "give other conversations or a longer context"
            )
        self.batch_size = batch_size
        self.context = context
        self.conversations = len(useful)
        """How many conversations are learnt from."""
        self.dropped = len(talks) - len(useful)
        """How many have no answer within the context."""
        self._seed = seed
        random.Random(seed).shuffle(useful)
        padding = tokenizer.special_tokens.get(END_OF_TEXT, 0)
        self._inputs, self._targets = _rows(
            pack([len(ids) for ids, _ in useful], context + 1), useful, context, padding
        )

    @property
    def rows(self) -> int:
        """How many rows there are: the samples of one epoch."""
        return len(self._inputs)

    @property
    def answer_tokens(self) -> int:
        """How many tokens of one epoch are learnt."""
        return int((self._targets != IGNORED).sum())

    def at(self, step: int, rank: int = 0, world: int = 1) -> tuple[Tensor, Tensor]:
        """The batch of a step: inputs_BT and targets_BT, int64; slice `rank` of `world` of it."""
        samples = samples_of(step, self.batch_size, rank, world)
        epochs, places = np.divmod(samples, self.rows)
        for epoch in np.unique(epochs).tolist():
            chosen = epochs == epoch
            key = mix(mix(self._seed) + epoch)
            places[chosen] = permute(places[chosen], self.rows, key)
        return torch.from_numpy(self._inputs[places]), torch.from_numpy(self._targets[places])


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Which items share a row of `room` places: each goes into the first row that has room.

    Only the newest rows are looked at, so that the time is linear in the number of items.
    """
    rows: list[list[int]] = []
    left: list[int] = []
    for item, length in enumerate(lengths):
        assert length <= room, "an item is cut to the row before it is packed"
        recent = range(max(0, len(rows) - _OPEN_ROWS), len(rows))
        row = next((row for row in recent if left[row] >= length), len(rows))
        if row == len(rows):
            rows.append([])
            left.append(room)
        rows[row].append(item)
        left[row] -= length
    return rows


def _rows(
    packed: list[list[int]],
    encoded: Sequence[tuple[list[int], list[bool]]],
    context: int,
    padding: int,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inputs and targets, each of shape (R, T)."""
    tokens = np.full((len(packed), context + 1), padding, dtype=np.int64)
    is_learnt = np.zeros((len(packed), context + 1), dtype=bool)
    for row, items in enumerate(packed):
        ids = [token for item in items for token in encoded[item][0]]
        tokens[row, : len(ids)] = ids
        is_learnt[row, : len(ids)] = [said for item in items for said in encoded[item][1]]
    targets = np.where(is_learnt[:, 1:], tokens[:, 1:], IGNORED)
    return tokens[:, :-1].copy(), targets
