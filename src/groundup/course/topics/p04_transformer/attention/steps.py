"""Attention, step by step: from a dictionary to the library's function, and what goes wrong.

Legend: B sequence, H head, T query, S key, D head width.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.layers.attention import attend

Array = NDArray[np.float64]

# The problem


def lookup() -> dict[str, Array]:
    """A dictionary that answers with a mixture"""
    keys = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    values = np.array([[10.0], [20.0], [30.0]])
    query = np.array([2.0, 1.0])
    scores = keys @ query  # how well does each key match?
    shares = np.exp(scores) / np.exp(scores).sum()  # positive, and together 1
    return {"scores": scores, "shares": shares, "answer": shares @ values}


# From loops to the library's function


def example() -> dict[str, Array]:
    """Two queries; three keys, each with its value; four numbers each"""
    chance = np.random.default_rng(0)
    shapes = {"q": (2, 4), "k": (3, 4), "v": (3, 4)}
    return {name: chance.normal(size=shape) for name, shape in shapes.items()}


def naive() -> Array:
    """As the words say it: one query at a time, one key at a time"""
    q_TD, k_SD, v_SD = example().values()
    T, D = q_TD.shape
    mixed_TD = np.zeros((T, D))
    for t in range(T):
        scores = [sum(q_TD[t, d] * k_D[d] for d in range(D)) / math.sqrt(D) for k_D in k_SD]
        total = sum(math.exp(score) for score in scores)
        for score, v_D in zip(scores, v_SD, strict=True):
            mixed_TD[t] += math.exp(score) / total * v_D
    return mixed_TD


def product() -> dict[str, object]:
    """All queries and all keys at once: two matrix products and a softmax"""
    q_TD, k_SD, v_SD = example().values()
    scores_TS = q_TD @ k_SD.T / math.sqrt(q_TD.shape[1])
    scores_TS -= scores_TS.max(axis=1, keepdims=True)
    weights_TS = np.exp(scores_TS) / np.exp(scores_TS).sum(axis=1, keepdims=True)
    mixed_TD = weights_TS @ v_SD
    return {
        "weights": weights_TS,
        "mixed": mixed_TD,
        "largest difference to the loops": np.abs(mixed_TD - naive()).max(),
    }


def ours() -> dict[str, object]:
    """The library's function, which does the same for every head of every sequence"""
    q, k, v = (torch.from_numpy(x)[None, None] for x in example().values())  # B = 1, H = 1
    mixed_BHTD = attend(q, k, v)
    difference = np.abs(mixed_BHTD[0, 0].numpy() - naive()).max()
    return {"mixed": mixed_BHTD, "largest difference to the loops": difference}


def flow() -> torch.Tensor:
    """The function at work, line by line: three tokens, each may look at itself and back"""
    x_BHTD = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])[None, None]
    return attend(x_BHTD, x_BHTD, torch.eye(3)[None, None], causal=True)


def order() -> str:
    """Shuffle the keys together with their values, and compare"""
    q, k, v = (torch.from_numpy(x)[None, None] for x in example().values())
    shuffled = [2, 0, 1]
    before, after = attend(q, k, v), attend(q, k[:, :, shuffled], v[:, :, shuffled])
    return "It is the same" if torch.allclose(before, after) else "It is another one"


# Why the root


def spread_at_64() -> float:
    """The spread of 10,000 dot products at width 64"""
    chance = np.random.default_rng(0)
    q, k = chance.normal(size=(2, 10_000, 64))
    return float((q * k).sum(axis=1).std())


def root() -> list[dict[str, float]]:
    """Random queries with 16 random keys each, of growing width, measured"""

    def largest_share(scores: Array) -> float:
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return float((shares / shares.sum(axis=1, keepdims=True)).max(axis=1).mean())

    chance = np.random.default_rng(0)
    rows = []
    for width in (1, 4, 16, 64, 256):
        q, k = chance.normal(size=(500, 1, width)), chance.normal(size=(500, 16, width))
        scores = (q * k).sum(axis=2)
        row = {"width": width, "root of width": math.sqrt(width)}
        row["spread of scores"] = float(scores.std())
        row["largest share"] = largest_share(scores)
        row["divided by the root"] = largest_share(scores / math.sqrt(width))
        rows.append(row)
    return rows


def gradient() -> dict[str, float]:
    """A gradient of random numbers comes back to the shares: how much of it reaches the scores?"""
    chance = np.random.default_rng(0)
    sizes = {}
    for name, scale in (("plain", 1.0), ("divided by the root", 1 / 16)):
        q, k = chance.normal(size=(200, 1, 256)), chance.normal(size=(200, 16, 256))
        scores = torch.from_numpy(scale * (q * k).sum(axis=2)).requires_grad_()
        shares = scores.softmax(-1)
        from_above = torch.from_numpy(chance.normal(size=(200, 16)))
        (slope,) = torch.autograd.grad(shares, scores, from_above)
        sizes[name] = float(slope.norm(dim=1).median())
    return sizes


# What may not be looked at


def forbid() -> dict[str, Array]:
    """Scores 2, 1 and 5; the third key may not be looked at"""
    scores = np.array([2.0, 1.0, 5.0])
    allowed = np.array([True, True, False])

    def softmax(x: Array) -> Array:
        return np.exp(x) / np.exp(x).sum()

    return {
        "its score is 0": softmax(np.where(allowed, scores, 0.0)),
        "its share is set to 0 afterwards": softmax(scores) * allowed,
        "its score is minus infinity": softmax(np.where(allowed, scores, -np.inf)),
    }


def share_of_zero() -> float:
    """The share of a key whose score was set to 0 beside scores 2 and 1"""
    shares = forbid()["its score is 0"]
    return float(shares[2])


def cap_after_mask() -> dict[str, Array]:
    """A cap of 5, before and after the mask"""
    scores = torch.tensor([2.0, 1.0, 5.0])
    forbidden = torch.tensor([False, False, True])
    before = (5 * (scores / 5).tanh()).masked_fill(forbidden, -math.inf)
    after = 5 * (scores.masked_fill(forbidden, -math.inf) / 5).tanh()
    return {"before": before.softmax(-1).numpy(), "after": after.softmax(-1).numpy()}


# What goes wrong


def nothing_to_see() -> dict[str, torch.Tensor]:
    """The first of two queries may look at nothing, and the next layer reads its answer"""
    x_BHTD = torch.tensor([[1.0, 0.0], [0.0, 1.0]])[None, None]
    mask_TS = torch.tensor([[False, False], [True, True]])
    first = attend(x_BHTD, x_BHTD, x_BHTD, mask_TS)
    only_second_TS = torch.tensor([[False, True], [False, True]])
    second = attend(x_BHTD, x_BHTD, first, only_second_TS)
    return {"after one layer": first, "after two": second}


def half() -> dict[str, torch.Tensor]:
    """Two equal keys, 64 numbers of size 40, in 16 bits"""
    q = torch.full((1, 1, 1, 64), 40.0, dtype=torch.float16)
    k = torch.full((1, 1, 2, 64), 40.0, dtype=torch.float16)
    v = torch.tensor([[1.0], [3.0]], dtype=torch.float16)[None, None]
    root = math.sqrt(64)
    return {
        "largest float16": torch.tensor(torch.finfo(torch.float16).max),
        "q k^T": q @ k.mT,
        "divided after the product": (q @ k.mT / root).softmax(-1) @ v,
        "q divided before it": (q / root @ k.mT).softmax(-1) @ v,
        "bfloat16": attend(q.bfloat16(), k.bfloat16(), v.bfloat16()),
    }


def silent() -> dict[str, torch.Tensor]:
    """Two sequences of two tokens; of the second sequence, the last token is padding"""
    x_BHTD = torch.eye(2).expand(2, 1, 2, 2)
    is_real_BS = torch.tensor([[True, True], [True, False]])
    is_real_B11S = is_real_BS[:, None, None, :]
    return {
        "mask B x S, read as T x S": attend(x_BHTD, x_BHTD, x_BHTD, is_real_BS),
        "mask B x 1 x 1 x S": attend(x_BHTD, x_BHTD, x_BHTD, is_real_B11S),
    }


def memory() -> list[dict[str, float]]:
    """The scores of one layer: 32 heads, one sequence, two bytes a number"""
    lengths = (1024, 4096, 16384, 65536)
    return [{"tokens": n, "GiB of scores": 32 * n * n * 2 / 2**30} for n in lengths]
