"""The plain backend: a GPT's own modules, with keys and values in blocks.

Legend: T token of this step, S position in sight, C width, H head, K key head, D head width,
N block of memory, P place in a block, R asked row, V vocabulary.

All layers but attention see a step's T tokens as one row, whosever they are. Attention goes through
the sequences one after the other: it gathers the blocks of one into the S keys and values that
its tokens see, and runs what the model would run. So every architecture of `models.gpt` works, on
any device and in any type, and a learner's own `attend` runs here too.

Leaves out a kernel that reads the blocks where they lie, and CUDA graphs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.inference.backend import Batch
from groundup.models.gpt import GPT
from groundup.models.gpt_block import Block, Rotation

BLOCK_SIZE = 16
"""Positions a block: small, so that little is wasted at the end of a sequence."""
CACHE_BYTES = 256 * 2**20
"""Memory for keys and values, unless told otherwise."""


@dataclass(frozen=True)
class _Span:
    """One sequence's part of a step."""

    first: int
    """Its first token's place in the step."""
    end: int
    """One past its last."""
    seen: int
    """Positions its last token sees."""
    blocks_N: Tensor
    """The blocks they are in."""


class TorchBackend:
    """A GPT with paged memory; implements `inference.backend.Backend`."""

    def __init__(
        self,
        model: GPT,
        *,
        block_size: int = BLOCK_SIZE,
        block_count: int | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """As many blocks as `cache_bytes` hold, unless `block_count` says how many.

        Raises ValueError if that is not even one.
        """
        config, weight = model.config, model.embedding.weight
        block_bytes = 2 * config.depth * config.key_head_count * config.head_size
        block_bytes *= block_size * weight.element_size()
        self.block_count = cache_bytes // block_bytes if block_count is None else block_count
        if self.block_count < 1:
            raise ValueError(
                f"a cache of {cache_bytes} bytes holds no block of {block_size} tokens, which "
                f"takes {block_bytes} bytes; give it more"
            )
        self.block_size = block_size
        self.vocab_size = config.vocab_size
        self.context = config.context
        kind = str(weight.dtype).removeprefix("torch.")
        self.name = f"torch {kind} on {weight.device.type}"
        self._model = model
        shape = (self.block_count, config.key_head_count, block_size, config.head_size)
        self._cache = [  # zeros: what is not written yet costs no memory on most systems
            (weight.new_zeros(shape), weight.new_zeros(shape)) for _ in range(config.depth)
        ]

    def step(self, batch: Batch) -> Tensor:
        """`logits_RV`, float32, of the asked tokens."""
        with torch.no_grad():
            logits_RV = self._asked(batch) @ self._model.head_weight.T
            cap = self._model.config.softcap
            logits_RV = logits_RV if cap is None else (logits_RV / cap).tanh() * cap
            return logits_RV.float()

    def hidden(self, batch: Batch) -> Tensor:
        """The final norm's output of the asked tokens, R x C, float32."""
        with torch.no_grad():
            return self._asked(batch).float()

    def bytes(self) -> dict[str, int]:
        """Memory in bytes: the model's parameters, and the blocks."""
        return {
            "weights": sum(weight.nbytes for weight in self._model.parameters()),
            "cache": sum(part.nbytes for pair in self._cache for part in pair),
        }

    def _asked(self, batch: Batch) -> Tensor:
        """Run the blocks and the final norm; R x C of the asked tokens."""
        model = self._model
        device = model.embedding.weight.device
        tokens_T = torch.as_tensor(batch.tokens_T, device=device).long()
        positions_T = torch.as_tensor(batch.positions_T, device=device).long()
        rows_T = torch.as_tensor(batch.sequences_T, device=device).long()
        blocks_SN = torch.as_tensor(batch.blocks_SN, device=device).long()
        slots = (
            blocks_SN[rows_T, positions_T // self.block_size],
            positions_T % self.block_size,
        )
        spans = self._spans(batch, blocks_SN)
        x_1TC = model.embedding(tokens_T)[None]
        rotation: Rotation | None = None
        if model.position is None:
            rotation = model.cos[positions_T], model.sin[positions_T]
        else:
            x_1TC = x_1TC + model.position.weight[positions_T]
        for block, (k_NKPD, v_NKPD) in zip(model.blocks, self._cache, strict=True):
            assert isinstance(block, Block), "a GPT's blocks are Blocks"
            x_1TC = self._through(block, x_1TC, rotation, (k_NKPD, v_NKPD), slots, spans)
        wanted_R = torch.as_tensor(batch.wanted_R, device=device).long()
        asked_RC: Tensor = model.norm(x_1TC[0, wanted_R])
        return asked_RC

    def _spans(self, batch: Batch, blocks_SN: Tensor) -> list[_Span]:
        spans, first = [], 0
        for row, count in enumerate(_counts(batch)):
            end = first + count
            seen = int(batch.positions_T[end - 1]) + 1
            blocks_N = blocks_SN[row, : -(-seen // self.block_size)]
            spans.append(_Span(first, end, seen, blocks_N))
            first = end
        return spans

    def _through(
        self,
        block: Block,
        x_1TC: Tensor,
        rotation: Rotation | None,
        memory: tuple[Tensor, Tensor],
        slots: tuple[Tensor, Tensor],
        spans: list[_Span],
    ) -> Tensor:
        """As `Block.forward`, with attention over paged memory."""
        attention = block.attention
        q_1HTD, *new = attention.project(block.attention_norm(x_1TC), rotation)
        for kept_NKPD, new_1KTD in zip(memory, new, strict=True):
            kept_NKPD[slots[0], :, slots[1]] = new_1KTD[0].transpose(0, 1)
        mixed = []
        for span in spans:
            k_1KSD, v_1KSD = (_gathered(part_NKPD, span) for part_NKPD in memory)
            mixed.append(attention.mix(q_1HTD[:, :, span.first : span.end], k_1KSD, v_1KSD))
        x_1TC = x_1TC + attention.output(torch.cat(mixed, 1))
        result: Tensor = x_1TC + block.feed_forward(block.feed_forward_norm(x_1TC))
        return result


def _gathered(part_NKPD: Tensor, span: _Span) -> Tensor:
    """Of one sequence, all positions in sight in order: 1 x K x S x D."""
    chosen_NKPD = part_NKPD[span.blocks_N]
    return chosen_NKPD.transpose(0, 1).flatten(1, 2)[None, :, : span.seen]


def _counts(batch: Batch) -> list[int]:
    """How many tokens of the step each sequence has."""
    counts = [0] * len(batch.blocks_SN)
    for row in batch.sequences_T.tolist():
        counts[row] += 1
    return counts
