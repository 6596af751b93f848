"""Masks, step by step: the future that leaks, who stands where, windows, and padding.

Legend: B sequence, T query, S key, D width.
"""

import math

import torch
from torch import Tensor

from groundup.layers.attention import attend
from groundup.layers.masks import causal_mask, window_mask
from groundup.models.seq2seq import attention_weights

Table = list[dict[str, object]]

# The future


def leak() -> dict[str, Tensor]:
    """Four tokens; the last one is changed. How far does each token's result move?"""
    before = torch.randn(1, 1, 4, 3, generator=torch.Generator().manual_seed(0))
    after = before.clone()
    after[..., 3, :] += 1.0

    def moved(causal: bool) -> Tensor:
        a, b = (attend(x, x, x, causal=causal) for x in (before, after))
        return (a - b).abs().amax(-1)[0, 0]

    return {"without a mask": moved(False), "causal": moved(True)}


def naive() -> Tensor:
    """Three queries, the last of five positions: may query t look at key s?"""
    T, S = 3, 5
    rows = []
    for t in range(T):
        position = S - T + t
        rows.append([s <= position for s in range(S)])
    return torch.tensor(rows)


def ours() -> Tensor:
    """The library's function"""
    return causal_mask(3, 5)


def flow() -> Tensor:
    """Where the triangle begins: two new queries after three cached keys"""
    return causal_mask(2, 5)


def keys_of_one_query() -> float:
    """A new token after 99 cached ones: how many keys may it see?"""
    return float(causal_mask(1, 100).sum())


def wrong_corner() -> dict[str, Tensor]:
    """One new query, five keys: the triangle from the first key, and from the last"""
    ones = torch.ones(1, 5, dtype=torch.bool)
    return {"tril()": ones.tril(), "tril(S - T)": ones.tril(5 - 1)}


# Windows


def window() -> Tensor:
    """Six tokens, each sees itself and the two before"""
    return window_mask(6, 6, 3)


def pairs() -> Table:
    """Pairs of query and key that may meet, in thousands"""
    rows: Table = []
    for length in (1024, 4096, 16384):
        causal = length * (length + 1) // 2
        windowed = 512 * 513 // 2 + (length - 512) * 512
        rows.append({"tokens": length, "causal": causal // 1000, "window of 512": windowed // 1000})
    return rows


def reach() -> float:
    """Three layers with a window of 4: how far back does the last of 20 tokens depend on others?"""
    x = torch.randn(1, 1, 20, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y: Tensor = x
    for _ in range(3):
        y = attend(y, y, y, window_mask(20, 20, 4))
    (slope,) = torch.autograd.grad(y[0, 0, -1].sum(), x)
    touched = slope[0, 0].abs().sum(-1) > 0
    return float(19 - int(touched.nonzero()[0]))


# Padding


def sentences() -> dict[str, Tensor]:
    """Two sentences of 4 and 2 words in one table, and which places hold a word"""
    ids_BS = torch.tensor([[11, 12, 13, 14], [21, 22, 0, 0]])
    lengths_B = torch.tensor([4, 2])
    return {"ids": ids_BS, "is there": torch.arange(4) < lengths_B[:, None]}


def padding() -> dict[str, Tensor]:
    """All scores 0; the second sentence has 2 words. The shares of each query"""
    mask_BS = sentences()["is there"]
    scores_BTS = torch.zeros(2, 1, 4)
    return {
        "no mask": scores_BTS.softmax(-1),
        "padding masked": attention_weights(scores_BTS, mask_BS),
    }


def both() -> dict[str, Tensor]:
    """Causal, and the padding of a sentence of 2 words that stands at the right"""
    is_there_BS = sentences()["is there"]
    mask_B1TS = is_there_BS[:, None, None, :] & causal_mask(4, 4)
    return {"first sentence": mask_B1TS[0, 0], "second sentence": mask_B1TS[1, 0]}


def left() -> dict[str, Tensor]:
    """Padding at the left: the second sentence's words stand at places 2 and 3"""
    is_there_S = torch.tensor([False, False, True, True])
    mask_TS = is_there_S & causal_mask(4, 4)
    x = torch.eye(4)[None, None]
    return {"mask": mask_TS, "shares": attend(x, x, x, mask_TS)[0, 0]}


# What goes wrong


def signs() -> dict[str, object]:
    """The first of three tokens may see itself alone: its shares, here and in torch.nn"""
    allowed_TS = causal_mask(3, 3)
    x = torch.eye(3)[None]
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(3, 1, batch_first=True)
    with torch.no_grad():
        _, given = layer(x, x, x, attn_mask=allowed_TS)
        _, turned = layer(x, x, x, attn_mask=~allowed_TS)
    ours_TS = attend(x[:, None], x[:, None], x[:, None], allowed_TS)[0, 0]
    return {"ours, first token": ours_TS[0], "nn, first token": given[0, 0],
            "nn with ~, first token": turned[0, 0]}  # fmt: skip


def not_enough() -> Table:
    """What is added to a forbidden score of 20 beside scores of 1 and 2: its share"""
    rows: Table = []
    for added in (-10.0, -100.0, -1e4, -math.inf):
        scores = torch.tensor([1.0, 2.0, 20.0 + added])
        rows.append({"added": added, "its share": float(scores.softmax(0)[2])})
    return rows


def loss_of_padding() -> Table:
    """Losses of 4 and of 2 real tokens, and of 2 that are padding, which a model learns at once"""
    losses_BT = torch.tensor([[2.0, 2.0, 2.0, 2.0], [4.0, 4.0, 0.0, 0.0]])
    is_there_BT = sentences()["is there"]
    counted = float(losses_BT[is_there_BT].mean())
    return [
        {"mean over": "all places", "loss": float(losses_BT.mean())},
        {"mean over": "places with a word", "loss": counted},
    ]
