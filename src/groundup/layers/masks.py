"""Who may look at whom: boolean masks for attention, True where a query may look at a key.

Legend: T queries, S keys. Query t stands at position S - T + t: the queries are the last T of S
positions, as when new tokens are read after cached ones.
"""

import torch
from torch import Tensor

from groundup.swap import replaceable


@replaceable
def causal_mask(T: int, S: int, device: torch.device | None = None) -> Tensor:
    r"""T x S, True where the key is not after the query: $s \le S - T + t$.

    For T = S the lower triangle. From Vaswani et al. (2017), section 3.2.3.
    """
    return torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)


@replaceable
def window_mask(T: int, S: int, window: int, device: torch.device | None = None) -> Tensor:
    r"""The causal mask cut to the last `window` keys, the query's own position being one of them.

    True where $0 \le (S - T + t) - s < window$. From Beltagy et al., "Longformer" (2020), in the
    causal form of Jiang et al., "Mistral 7B" (2023), section 2.
    """
    mask_TS = causal_mask(T, S, device)
    return mask_TS & mask_TS.new_ones(T, S).triu(S - T - window + 1)
