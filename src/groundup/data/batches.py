"""Batches for next-token training, in an order that is a function of the step.

Legend: B batch, T position, N tokens of the split, W windows.

The split is a row of W windows of T tokens. Sample g of the run (step * B + place in the batch) is
window `permute(g mod W)` of epoch g div W. So a batch depends on (seed, step) alone: a resumed run
sees what the uninterrupted one sees, at any number of processes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundup.data.permutation import mix, permute
from groundup.data.shards import Shard, open_shard


def refuse_empty(batch_size: int, context: int) -> None:
    """Raise ValueError when a batch would hold nothing."""
    if batch_size < 1 or context < 1:
        raise ValueError(f"batch_size {batch_size} and context {context} must be at least 1")


def samples_of(step: int, batch_size: int, rank: int = 0, world: int = 1) -> NDArray[np.int64]:
    """The numbers of the samples that process `rank` of `world` reads in a step.

    Raises ValueError when the processes cannot share a batch evenly.
    """
    if batch_size % world or not 0 <= rank < world:
        raise ValueError(
            f"a batch of {batch_size} rows has no part {rank} of {world}; the number of "
            "processes must divide it"
        )
    share = batch_size // world
    first = step * batch_size + rank * share
    return np.arange(first, first + share, dtype=np.int64)


class Batches:
    """Inputs and targets of every step: `inputs_BT, targets_BT = batches.at(step)`, both int64.

    `source`: an open shard, or the path of a split (`runs/stdlib/shards/train`). Windows follow one
    another without regard to where documents end. In the first epoch they start at multiples of T;
    each later epoch shifts them all by a random number below T (`shift=False`: none does), so that
    no token always stands at the same place; a window that would run over the end is moved back to
    it. Each epoch is a new order of all W windows. Raises ValueError when the split holds less than
    one batch.
    """

    def __init__(
        self,
        source: Shard | Path,
        batch_size: int,
        context: int,
        seed: int = 0,
        *,
        shift: bool = True,
    ) -> None:
        refuse_empty(batch_size, context)
        shard = open_shard(source) if isinstance(source, Path) else source
        self.batch_size = batch_size
        self.context = context
        self.windows = max(0, len(shard.tokens) - 1) // context
        """How many windows there are: the samples of one epoch."""
        if self.windows < batch_size:
            name = f"{source} holds" if isinstance(source, Path) else "the split holds"
            raise ValueError(
                f"{name} {len(shard.tokens)} tokens, and one batch of {batch_size} sequences of "
                f"{context} needs {batch_size * context + 1}; give more text, or choose a smaller "
                "batch_size or context"
            )
        self._tokens: NDArray[Any] = shard.tokens
        self._seed = seed
        self._shift = shift

    def at(self, step: int, rank: int = 0, world: int = 1) -> tuple[Tensor, Tensor]:
        """The batch of a step; of `world` processes, number `rank` gets its slice of the rows.

        targets[b, t] is the token after inputs[b, t].
        """
        starts = self.starts(samples_of(step, self.batch_size, rank, world))
        places = starts[:, None] + np.arange(self.context + 1)
        tokens = torch.from_numpy(self._tokens[places].astype(np.int64))
        return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def starts(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """At which token the window of each of the run's samples starts."""
        epochs, places = np.divmod(samples, self.windows)
        out = np.empty_like(samples)
        for epoch in np.unique(epochs).tolist():
            chosen = epochs == epoch
            key = mix(mix(self._seed) + epoch)
            shift = mix(key) % self.context if self._shift and epoch else 0
            out[chosen] = permute(places[chosen], self.windows, key) * self.context + shift
        last = len(self._tokens) - 1 - self.context
        return np.minimum(out, last)
