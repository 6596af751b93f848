"""The fast twin of `layers.attention.attend`: PyTorch's fused scaled dot-product attention.

Legend: B sequence, H head, N sequence and head, T query, S key, D head width.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_LONGEST_EXPLICIT = 1024
"""Up to so many queries scores are held as a whole where that is faster."""


def attend(
    q_BHTD: Tensor,
    k_BHSD: Tensor,
    v_BHSD: Tensor,
    mask_TS: Tensor | None = None,
    causal: bool = False,
    softcap: float | None = None,
) -> Tensor:
    """As the plain twin, to rounding; scores are held as a whole only where `_explicit` runs.

    PyTorch's causal flag puts query t at position t, so it serves T = S without a mask only; one
    query alone is at the end and sees every key; all else gets a mask.
    """
    T, S = q_BHTD.shape[-2], k_BHSD.shape[-2]
    is_explicit = softcap is not None or _is_slow_when_fused(q_BHTD)
    is_flag_enough = causal and mask_TS is None and T == S and not is_explicit
    if causal and not is_flag_enough and T > 1:
        causal_TS = torch.ones(T, S, dtype=torch.bool, device=q_BHTD.device).tril(S - T)
        mask_TS = causal_TS if mask_TS is None else mask_TS & causal_TS
    groups = q_BHTD.shape[-3] // k_BHSD.shape[-3]
    if is_explicit:
        k_BHSD = k_BHSD.repeat_interleave(groups, -3)
        v_BHSD = v_BHSD.repeat_interleave(groups, -3)
        return _explicit(q_BHTD, k_BHSD, v_BHSD, mask_TS, softcap)
    return F.scaled_dot_product_attention(
        q_BHTD, k_BHSD, v_BHSD, mask_TS, is_causal=is_flag_enough, enable_gqa=groups > 1
    )


def _is_slow_when_fused(q_BHTD: Tensor) -> bool:
    """Training in bfloat16 on a CPU: the backward pass of the fused kernel loses to products there.

    `benchmarks/attention_training.py` holds them side by side.
    """
    if q_BHTD.device.type != "cpu" or not (torch.is_grad_enabled() and q_BHTD.requires_grad):
        return False
    is_cast = torch.is_autocast_enabled("cpu")
    kind = torch.get_autocast_dtype("cpu") if is_cast else q_BHTD.dtype
    return kind == torch.bfloat16 and q_BHTD.shape[-2] <= _LONGEST_EXPLICIT


def _explicit(
    q_BHTD: Tensor, k_BHSD: Tensor, v_BHSD: Tensor, mask_TS: Tensor | None, softcap: float | None
) -> Tensor:
    """Two products and a softmax; without a softcap the mask is added in the first product."""
    scale = 1 / math.sqrt(q_BHTD.shape[-1])
    if softcap is not None:
        scores_BHTS = (q_BHTD * (scale / softcap) @ k_BHSD.mT).tanh() * softcap
        if mask_TS is not None:
            scores_BHTS = scores_BHTS.masked_fill(~mask_TS, -math.inf)
        return scores_BHTS.softmax(-1) @ v_BHSD
    bias = q_BHTD.new_zeros(())
    if mask_TS is not None:
        bias = q_BHTD.new_zeros(mask_TS.shape).masked_fill(~mask_TS, -math.inf)
    heads = q_BHTD.shape[:-2]
    bias_NTS = bias.expand(*heads, q_BHTD.shape[-2], k_BHSD.shape[-2]).flatten(0, -3)
    q_NTD, k_NSD, v_NSD = (x.flatten(0, -3) for x in (q_BHTD * scale, k_BHSD, v_BHSD))
    scores_NTS = torch.baddbmm(bias_NTS, q_NTD, k_NSD.mT)
    mixed: Tensor = scores_NTS.softmax(-1) @ v_NSD
    return mixed.view(*heads, *mixed.shape[-2:])
