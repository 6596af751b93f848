"""How much memory training needs, by formula, and whether this machine has it.

Counted: weights, gradients and optimizer state in float32; what the forward pass keeps for the
backward pass; the chunk of logits that the fused loss holds. A block keeps for each token, in
numbers of the compute precision (attention by a kernel that keeps no scores),

    6 width + 4 (heads + key_heads) head_width + hidden * (4 if gated, else 2)

Where attention keeps its scores (training in bfloat16 on a CPU: heads * context numbers a token), a
number is half as wide as is counted by default, which leaves room for them.

It is an estimate on the high side, made to refuse what cannot work before an hour is spent; see
`tests/scaling` for how far off it is. Left out: fragmentation, and what other processes take.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from groundup.models.gpt_config import GPTConfig
from groundup.scaling.flops import block_matrices

_PROCESS = 600 * 2**20
"""What Python with torch takes before any tensor, and what compiling adds."""
_LOGIT_ROWS = 1024
"""Rows of logits the fused loss holds at a time, at most."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes of each kind."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    process: int = _PROCESS

    @property
    def total(self) -> int:
        """All of them."""
        return sum(vars(self).values())


def estimate(
    config: GPTConfig, *, sequences: int, context: int, number_bytes: int = 4, muon: bool = True
) -> Memory:
    """Memory to train a model on `sequences` sequences of `context` tokens at a time.

    `sequences`: per micro-batch. `number_bytes`: of an activation (2 under bfloat16). AdamW keeps
    two numbers a weight, Muon one for the matrices inside the blocks.
    """
    count = config.parameters()
    in_blocks = config.depth * sum(rows * columns for rows, columns in block_matrices(config))
    state = 2 * count - (in_blocks if muon else 0)
    tokens = sequences * context
    attention = 4 * (config.heads + config.key_head_count) * config.head_size
    # Up (and gate), their activation and their product are all kept for the backward pass.
    feed_forward = (4 if config.activation == "swiglu" else 2) * config.hidden_width
    block = 6 * config.width + attention + feed_forward
    # One block more: while its gradients are made, they stand beside what was kept.
    kept = (config.depth + 1) * block + 5 * config.width
    logits = min(_LOGIT_ROWS, tokens) * config.vocab_size
    return Memory(
        weights=4 * count,
        gradients=4 * count,
        optimizer=4 * state,
        activations=number_bytes * tokens * kept,
        logits=4 * logits,
    )


def available(folder: Path = Path("/proc")) -> int:
    """Bytes of memory a new process could use now (Linux), else all the machine has."""
    path = folder / "meminfo"
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def require_fit(needed: Memory, there: int) -> None:
    """Raise ValueError, saying how much is needed and what to change, when it does not fit."""
    if needed.total <= there:
        return
    raise ValueError(
        f"training this model needs about {_gib(needed.total)} GiB (weights, gradients and "
        f"optimizer {_gib(needed.weights + needed.gradients + needed.optimizer)}, activations "
        f"{_gib(needed.activations)}) and {_gib(there)} GiB are free; "
        + (
            "lower the depth"
            if needed.total - needed.activations > there
            else "set a smaller micro_batch, or lower the depth"
        )
    )


def _gib(number: int) -> str:
    return f"{number / 2**30:.1f}"
