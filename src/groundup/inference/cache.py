"""The key-value cache: what attention has computed for tokens it has read.

Legend: B sequence, H key head, T new position, S all positions so far, D head width.

Reading token t needs the keys and values of tokens 0..t in every layer; without a cache they are
computed again for each new token. This one is a pair of contiguous tensors a layer. It costs
2 * layers * H * D * bytes per number for each token of each sequence.
Leaves out paging (blocks shared between requests), quantised and window-limited storage.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_SMALLEST = 256  # positions; below this, growing would cost more than the memory it saves


class KVCache:
    """Keys and values of all layers for sequences of one common length.

    `model(tokens_BT, cache)` calls `append` in every layer and `advance` once at its end.
    Storage doubles when it is full and takes its type and device from the first keys it is given.
    """

    def __init__(self) -> None:
        self.length = 0
        """Tokens read so far: the position of the next one."""
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}

    def append(self, layer: int, k_BHTD: Tensor, v_BHTD: Tensor) -> tuple[Tensor, Tensor]:
        """Keep the new tokens' keys and values; return those of all tokens, `(k_BHSD, v_BHSD)`."""
        end = self.length + k_BHTD.shape[-2]
        stored = self._layers.get(layer)
        if stored is None or stored[0].shape[-2] < end:
            stored = (self._grown(stored, 0, k_BHTD, end), self._grown(stored, 1, v_BHTD, end))
            self._layers[layer] = stored
        for kept, new in zip(stored, (k_BHTD, v_BHTD), strict=True):
            assert kept.shape[:2] == new.shape[:2], "a cache holds the same sequences all along"
            kept[:, :, self.length : end] = new
        return stored[0][:, :, :end], stored[1][:, :, :end]

    def _grown(
        self, stored: tuple[Tensor, Tensor] | None, which: int, like_BHTD: Tensor, needed: int
    ) -> Tensor:
        B, H, _, D = like_BHTD.shape
        room = max(_SMALLEST, 1 << (needed - 1).bit_length())
        grown_BHSD = like_BHTD.new_empty(B, H, room, D)
        if stored is not None:
            grown_BHSD[:, :, : self.length] = stored[which][:, :, : self.length]
        return grown_BHSD

    def advance(self, count: int) -> None:
        """The model has read `count` more tokens in all layers."""
        self.length += count

    def truncate(self, length: int) -> None:
        """Forget all tokens from position `length` on."""
        assert 0 <= length <= self.length, "a cache can only be cut back to what it holds"
        self.length = length

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these sequences only, in this order."""
        index = torch.tensor(rows)
        for layer, (k_BHSD, v_BHSD) in self._layers.items():
            chosen = index.to(k_BHSD.device)
            self._layers[layer] = (k_BHSD[chosen], v_BHSD[chosen])

    def bytes(self) -> int:
        """Memory reserved, in bytes."""
        return sum(part.nbytes for pair in self._layers.values() for part in pair)
