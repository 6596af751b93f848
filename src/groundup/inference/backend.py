"""What computes a step: tokens of any sequences in, logits of the asked ones out.

A backend owns the model's weights and the memory of the keys and values. It knows nothing of
requests: a step is a flat list of tokens, each with its position and the sequence it belongs to,
and for each sequence the list of blocks in which its keys and values lie. Legend: T token of this
step, S sequence of this step, N block of a sequence, R asked row, C width, V vocabulary.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Ints = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One step. The tokens of a sequence stand together, in the order of their positions."""

    tokens_T: Ints
    """Ids."""
    positions_T: Ints
    """Where each stands in its sequence, from 0."""
    sequences_T: Ints
    """Which row of `blocks_SN` each belongs to, ascending."""
    blocks_SN: Ints
    """Block n of a sequence holds positions n * block_size and on; unused entries are -1."""
    wanted_R: Ints
    """Which tokens' logits are wanted, as places in `tokens_T`, ascending."""


class Backend(Protocol):
    """A model with paged memory for keys and values."""

    name: str
    """What it is, for people: "torch float32", "cpu int4 (AVX-512)"."""
    vocab_size: int
    """Logits a row."""
    context: int
    """Most positions of a sequence."""
    block_size: int
    """Positions a block."""
    block_count: int
    """Blocks there are, numbered from 0."""

    def step(self, batch: Batch) -> Tensor:
        """Write the tokens' keys and values into their blocks; return `logits_RV`, float32.

        Attention of a token sees the positions of its own sequence up to its own, those of this
        step included. Sequences may share full blocks, also one that another writes in this very
        step: a layer's keys and values are all written before any is read. The result is valid
        until the next step.
        """
        ...

    def hidden(self, batch: Batch) -> Tensor:
        """The same, but the final norm's output of the asked tokens (R x C), for embeddings."""
        ...

    def bytes(self) -> dict[str, int]:
        """Memory in bytes: `weights` and `cache`."""
        ...
