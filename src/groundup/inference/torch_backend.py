"""The plain backend: a GPT's own modules, with keys and values in blocks.

Legend: T token of this step, S position in sight, C width, H head, K key head, D head width,
N block of memory, P place in a block, E = H D heads side by side, B sequences that attend together,
R asked row, V vocabulary.

All layers but attention see a step's T tokens as one row, whosever they are. For attention the
blocks of a sequence are gathered into the S keys and values that its tokens see, and what the model
would run is run: for each sequence by itself, and for all that have one token together, the shorter
ones padded. So every architecture of `models.gpt` works, on any device and in any type, and a
learner's own `attend` runs here too.

On CUDA a step in which each sequence has one token is replayed as a graph (see `decode_graphs`).
Which rows are computed together rounds sums differently, with a graph as without.

Leaves out a kernel that reads the blocks where they lie.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from groundup.inference.backend import Batch
from groundup.inference.decode_graphs import Blocks, Capture, CudaCapture, DecodeGraphs
from groundup.models.gpt import GPT
from groundup.models.gpt_block import Block, Rotation

BLOCK_SIZE = 16
"""Positions a block: small, so that little is wasted at the end of a sequence."""
CACHE_BYTES = 256 * 2**20
"""Memory for keys and values, unless told otherwise."""


@dataclass(frozen=True)
class _Group:
    """Sequences that attend together: one of any number of tokens, or many of one token each."""

    places: Tensor | slice
    """Their tokens' places in the step."""
    blocks_BN: Tensor
    """The blocks they read."""
    seen: int
    """Positions that are read: of the longest, as far as its last token sees."""
    masks: dict[int | None, Tensor] | None = None
    """Of many: by a layer's window, which positions each one's token sees, B x 1 x 1 x S."""


class TorchBackend:
    """A GPT with paged memory; implements `inference.backend.Backend`."""

    def __init__(
        self,
        model: GPT,
        *,
        block_size: int = BLOCK_SIZE,
        block_count: int | None = None,
        cache_bytes: int = CACHE_BYTES,
        graphs: bool | None = None,
        capture: Capture | None = None,
    ) -> None:
        """As many blocks as `cache_bytes` hold, unless `block_count` says how many.

        `graphs`: whether decoding is replayed as graphs (None: on CUDA), which takes a block more;
        `capture` records them in another way than CUDA's. Raises ValueError if there is not even
        one block, or no CUDA to record on.
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
        self.name = self._plain_name = f"torch {kind} on {weight.device.type}"
        self._model = model
        self._windows = {config.window_of(layer) for layer in range(config.depth)}
        is_graphed = weight.device.type == "cuda" if graphs is None else graphs
        self._graphs = self._recorder(capture) if is_graphed else None
        self.name += " with graphs" if is_graphed else ""
        count = self.block_count + is_graphed
        shape = (count, config.key_head_count, block_size, config.head_size)
        self._cache = [  # zeros: what is not written yet costs no memory on most systems
            (weight.new_zeros(shape), weight.new_zeros(shape)) for _ in range(config.depth)
        ]

    def _recorder(self, capture: Capture | None) -> DecodeGraphs:
        config, device = self._model.config, self._model.embedding.weight.device
        blocks = Blocks(
            size=self.block_size,
            longest=-(-config.context // self.block_size),
            scratch=self.block_count,
            most=config.depth * self.block_count,  # what a layer reads: no more than the memory
        )
        return DecodeGraphs(
            capture or CudaCapture(device),
            blocks=blocks,
            vocab_size=config.vocab_size,
            device=device,
        )

    def step(self, batch: Batch) -> Tensor:
        """`logits_RV`, float32, of the asked tokens."""
        with torch.no_grad():
            if self._graphs is not None:
                logits_RV = self._graphs.logits(batch, self._decode)
                if logits_RV is not None:
                    return logits_RV
                if self._graphs.failure:
                    self.name = f"{self._plain_name} without new graphs ({self._graphs.failure})"
            return self._logits(self._asked(batch))

    def hidden(self, batch: Batch) -> Tensor:
        """The final norm's output of the asked tokens, R x C, float32."""
        with torch.no_grad():
            return self._asked(batch).float()

    def bytes(self) -> dict[str, int]:
        """Memory in bytes: the model's parameters, and the blocks (not what graphs work in)."""
        return {
            "weights": sum(weight.nbytes for weight in self._model.parameters()),
            "cache": sum(part.nbytes for pair in self._cache for part in pair),
        }

    def _logits(self, hidden_RC: Tensor) -> Tensor:
        logits_RV = hidden_RC @ self._model.head_weight.T
        cap = self._model.config.softcap
        logits_RV = logits_RV if cap is None else (logits_RV / cap).tanh() * cap
        return logits_RV.float()

    def _decode(self, packed: Tensor) -> Tensor:
        """`logits_BV` of one token of each of B sequences, packed as in `decode_graphs`.

        Everything is computed from the tensor on its device, and no shape depends on what it holds,
        so that a graph of this is right for whatever is written there.
        """
        tokens_B, positions_B, blocks_BN = packed[:, 0], packed[:, 1], packed[:, 2:]
        own_B1 = blocks_BN.gather(1, positions_B[:, None] // self.block_size)
        slots = own_B1[:, 0], positions_B % self.block_size
        seen = blocks_BN.shape[1] * self.block_size
        group = _Group(slice(None), blocks_BN, seen, self._masks(positions_B, seen))
        return self._logits(self._hidden(tokens_B, positions_B, slots, [group]))

    def _asked(self, batch: Batch) -> Tensor:
        """The final norm's output of the asked tokens, R x C."""
        device = self._model.embedding.weight.device
        tokens_T = torch.as_tensor(batch.tokens_T, device=device).long()
        positions_T = torch.as_tensor(batch.positions_T, device=device).long()
        rows_T = torch.as_tensor(batch.sequences_T, device=device).long()
        blocks_SN = torch.as_tensor(batch.blocks_SN, device=device).long()
        slots = (
            blocks_SN[rows_T, positions_T // self.block_size],
            positions_T % self.block_size,
        )
        groups = self._groups(batch, blocks_SN)
        wanted_R = torch.as_tensor(batch.wanted_R, device=device).long()
        return self._hidden(tokens_T, positions_T, slots, groups, wanted_R)

    def _hidden(
        self,
        tokens_T: Tensor,
        positions_T: Tensor,
        slots: tuple[Tensor, Tensor],
        groups: list[_Group],
        wanted_R: Tensor | None = None,
    ) -> Tensor:
        """Run the blocks and the final norm; R x C of the wanted tokens, or of all."""
        model = self._model
        x_1TC = model.embedding(tokens_T)[None]
        rotation: Rotation | None = None
        if model.position is None:
            rotation = model.cos[positions_T], model.sin[positions_T]
        else:
            x_1TC = x_1TC + model.position.weight[positions_T]
        for block, (k_NKPD, v_NKPD) in zip(model.blocks, self._cache, strict=True):
            assert isinstance(block, Block), "a GPT's blocks are Blocks"
            x_1TC = self._through(block, x_1TC, rotation, (k_NKPD, v_NKPD), slots, groups)
        x_RC = x_1TC[0] if wanted_R is None else x_1TC[0, wanted_R]
        normed_RC: Tensor = model.norm(x_RC)
        return normed_RC

    def _masks(self, position_B: Tensor, seen: int) -> dict[int | None, Tensor]:
        return {window: _own(position_B, seen, window) for window in self._windows}

    def _groups(self, batch: Batch, blocks_SN: Tensor) -> list[_Group]:
        """Sequences of one token each together (decoding), all others by themselves."""
        counts = np.bincount(batch.sequences_T, minlength=len(batch.blocks_SN))
        ends = np.cumsum(counts)
        seen_S = batch.positions_T[ends - 1] + 1
        single = np.flatnonzero(counts == 1)
        alone = np.flatnonzero(counts > 1) if len(single) > 1 else np.arange(len(counts))
        groups = []
        for row in alone:
            blocks_1N = blocks_SN[row : row + 1, : -(-int(seen_S[row]) // self.block_size)]
            places = slice(int(ends[row] - counts[row]), int(ends[row]))
            groups.append(_Group(places, blocks_1N, int(seen_S[row])))
        if len(single) > 1:
            seen = int(seen_S[single].max())
            rows_B = torch.as_tensor(single, device=blocks_SN.device)
            blocks_BN = blocks_SN[rows_B, : -(-seen // self.block_size)].clamp(min=0)
            places_B = torch.as_tensor(ends[single] - 1, device=blocks_SN.device)
            position_B = torch.as_tensor(seen_S[single] - 1, device=blocks_SN.device)
            groups.append(_Group(places_B, blocks_BN, seen, self._masks(position_B, seen)))
        return groups

    def _through(
        self,
        block: Block,
        x_1TC: Tensor,
        rotation: Rotation | None,
        memory: tuple[Tensor, Tensor],
        slots: tuple[Tensor, Tensor],
        groups: list[_Group],
    ) -> Tensor:
        """As `Block.forward`, with attention over paged memory."""
        attention = block.attention
        q_1HTD, *new = attention.project(block.attention_norm(x_1TC), rotation)
        for kept_NKPD, new_1KTD in zip(memory, new, strict=True):
            kept_NKPD[slots[0], :, slots[1]] = new_1KTD[0].transpose(0, 1)
        mixed_TE = x_1TC.new_empty(x_1TC.shape[1], attention.output.in_features)
        for group in groups:
            k_BKSD, v_BKSD = (_gathered(part_NKPD, group) for part_NKPD in memory)
            q_HTD = q_1HTD[0, :, group.places]
            if group.masks is None:
                mixed_TE[group.places] = attention.mix(q_HTD[None], k_BKSD, v_BKSD)[0]
            else:
                q_BH1D = q_HTD.transpose(0, 1)[:, :, None]
                mask_B11S = group.masks[attention.window]
                mixed_TE[group.places] = attention.mix(q_BH1D, k_BKSD, v_BKSD, mask_B11S)[:, 0]
        x_1TC = x_1TC + attention.output(mixed_TE)[None]
        result: Tensor = x_1TC + block.feed_forward(block.feed_forward_norm(x_1TC))
        return result


def _gathered(part_NKPD: Tensor, group: _Group) -> Tensor:
    """Of each sequence, all positions that are read, in order: B x K x S x D."""
    chosen_BNKPD = part_NKPD[group.blocks_BN]
    return chosen_BNKPD.transpose(1, 2).flatten(2, 3)[:, :, : group.seen]


def _own(position_B: Tensor, seen: int, window: int | None) -> Tensor:
    """B x 1 x 1 x S, True where a position is one's own and not behind one's token."""
    behind_BS = position_B[:, None] - torch.arange(seen, device=position_B.device)
    mask_BS = behind_BS >= 0
    if window is not None:
        mask_BS &= behind_BS < window
    return mask_BS[:, None, None]
