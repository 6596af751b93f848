"""Looking inside a GPT: who attends to whom.

Legend: T token, C width, H head, K key head, D head width.
"""

import torch
from torch import Tensor

from groundup.layers.attention import attend
from groundup.models.gpt import GPT
from groundup.models.gpt_block import Block


@torch.no_grad()
def attention_weights(model: GPT, tokens_T: Tensor) -> list[Tensor]:
    """For every block, H x T x T: the share of each key (last) in each query's mean.

    Attention is linear in the values, so with the unit vectors as values its result is the weights
    themselves: the formula (or a learner's in its place) is asked, not copied. Every row sums to 1.
    Raises ValueError if there is no token or more than the context.
    """
    if tokens_T.ndim != 1 or len(tokens_T) == 0:
        raise ValueError(
            f"attention weights are those of one sequence of 1 or more tokens; it was given "
            f"a tensor of the shape {tuple(tokens_T.shape)}"
        )
    T = len(tokens_T)
    x_1TC, rotation = model.embed(tokens_T.unsqueeze(0).to(model.embedding.weight.device))
    maps = []
    for block in model.blocks:
        assert isinstance(block, Block), "a GPT's blocks are Blocks"
        layer = block.attention
        q_1HTD, k_1KTD, _ = layer.project(block.attention_norm(x_1TC), rotation)
        unit_1KTT = torch.eye(T).to(q_1HTD).expand(1, k_1KTD.shape[1], T, T)
        mask_TT = layer.mask(T, T, x_1TC.device)
        maps.append(attend(q_1HTD, k_1KTD, unit_1KTT, mask_TT, True, layer.softcap)[0])
        x_1TC = block(x_1TC, rotation)
    return maps
