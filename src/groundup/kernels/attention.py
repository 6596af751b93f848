"""The fast twin of `layers.attention.attend`: PyTorch's fused scaled dot-product attention.

Legend: B sequence, H head, T query, S key, D head width.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def attend(
    q_BHTD: Tensor,
    k_BHSD: Tensor,
    v_BHSD: Tensor,
    mask_TS: Tensor | None = None,
    causal: bool = False,
    softcap: float | None = None,
) -> Tensor:
    """As the plain twin, to rounding; scores are never held as a whole, except with a softcap.

    PyTorch's causal flag puts query t at position t, so it serves T = S without a mask only; one
    query alone is at the end and sees every key; all else gets a mask. No fused kernel knows a
    softcap: then the scores are computed here, as in the plain twin but with one mask.
    """
    T, S = q_BHTD.shape[-2], k_BHSD.shape[-2]
    is_flag_enough = causal and mask_TS is None and T == S and softcap is None
    if causal and not is_flag_enough and T > 1:
        causal_TS = torch.ones(T, S, dtype=torch.bool, device=q_BHTD.device).tril(S - T)
        mask_TS = causal_TS if mask_TS is None else mask_TS & causal_TS
    groups = q_BHTD.shape[-3] // k_BHSD.shape[-3]
    if softcap is not None:
        k_BHSD = k_BHSD.repeat_interleave(groups, -3)
        v_BHSD = v_BHSD.repeat_interleave(groups, -3)
        scale = 1 / (softcap * math.sqrt(q_BHTD.shape[-1]))
        scores_BHTS = (q_BHTD @ k_BHSD.transpose(-2, -1) * scale).tanh() * softcap
        if mask_TS is not None:
            scores_BHTS = scores_BHTS.masked_fill(~mask_TS, -math.inf)
        return scores_BHTS.softmax(-1) @ v_BHSD
    return F.scaled_dot_product_attention(
        q_BHTD, k_BHSD, v_BHSD, mask_TS, is_causal=is_flag_enough, enable_gqa=groups > 1
    )
