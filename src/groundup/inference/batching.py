"""From a plan of chunks to the flat arrays a backend computes.

Legend: T token of the step, S sequence of the step, N block of a sequence, R asked row.
"""

from collections.abc import Sequence

import numpy as np

from groundup.inference.backend import Batch
from groundup.inference.scheduler import Chunk


def flat(plan: Sequence[Chunk]) -> Batch:
    """The tokens of all chunks, one chunk after the other; a chunk is a sequence of the batch."""
    width = max(len(chunk.sequence.blocks) for chunk in plan)
    blocks_SN = np.full((len(plan), width), -1, np.int32)
    tokens: list[int] = []
    positions: list[int] = []
    rows: list[int] = []
    wanted: list[int] = []
    for row, chunk in enumerate(plan):
        sequence, end = chunk.sequence, chunk.start + chunk.count
        blocks_SN[row, : len(sequence.blocks)] = sequence.blocks
        tokens += sequence.tokens[chunk.start : end]
        tokens += sequence.drafts[: chunk.drafts]
        positions += range(chunk.start, end)
        rows += [row] * chunk.count
        wanted += range(len(tokens) - chunk.wanted, len(tokens))
    return Batch(
        tokens_T=np.array(tokens, np.int32),
        positions_T=np.array(positions, np.int32),
        sequences_T=np.array(rows, np.int32),
        blocks_SN=blocks_SN,
        wanted_R=np.array(wanted, np.int32),
    )
