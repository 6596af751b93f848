"""From logits to a token, step by step: greedy, the draw, temperature, and the three filters.

Legend: B sequence, V vocabulary.
"""

import math
from collections import Counter

import torch
from torch import Tensor

from groundup.inference.sampling import (
    Chance,
    Sampling,
    filtered,
    min_p_filter,
    sample,
    top_k_filter,
    top_p_filter,
)

Table = list[dict[str, object]]
WORDS = ("mat", "sofa", "floor", "bed", "roof", "moon", "verb", "of")


def _logits() -> Tensor:
    """What a model might say of the word after "the cat sat on the"."""
    return torch.tensor([[3.0, 2.5, 2.2, 1.5, 1.0, -1.0, -3.0, -4.0]], dtype=torch.float64)


def _table(**columns: Tensor) -> Table:
    """A row for each word; of each column its probabilities."""
    rows: Table = []
    for place, word in enumerate(WORDS):
        row: dict[str, object] = {"word": word}
        rows.append({**row, **{name: float(values[0, place]) for name, values in columns.items()}})
    return rows


# The problem


def distribution() -> Table:
    """Logits of eight words after "the cat sat on the", and their softmax"""
    return _table(logit=_logits(), probability=_logits().softmax(-1))


def chain() -> Table:
    """Four words that follow each other with fixed chances: written greedily, and drawn"""
    next_BV = torch.tensor(
        [[0.0, 0.4, 0.3, 0.3], [0.1, 0.0, 0.6, 0.3], [0.3, 0.5, 0.0, 0.2], [0.4, 0.3, 0.3, 0.0]]
    )
    greedy = [0]
    for _ in range(9):
        greedy.append(int(next_BV[greedy[-1]].argmax()))
    generator = torch.Generator().manual_seed(0)
    drawn = [0]
    for _ in range(9):
        drawn.append(int(torch.multinomial(next_BV[drawn[-1]], 1, generator=generator)))
    names = ("the", "cat", "sat", "and")
    return [
        {"how": "greedy", "text": " ".join(names[place] for place in greedy)},
        {"how": "drawn", "text": " ".join(names[place] for place in drawn)},
    ]


# The draw


def line() -> Table:
    """The probabilities laid end to end: where each word's stretch begins and ends"""
    ends = _logits().softmax(-1).cumsum(-1)
    begins = ends - _logits().softmax(-1)
    return _table(**{"from": begins, "to": ends})


def draw() -> Table:
    """One number of chance each, and the word on whose stretch it falls"""
    rows: Table = []
    for chance in (0.05, 0.45, 0.6, 0.95, 0.9999):
        token = sample(_logits(), Sampling(temperature=1.0), chance_B=torch.tensor([chance]))
        rows.append({"chance": chance, "word": WORDS[int(token)]})
    return rows


def flow() -> Tensor:
    """Two sequences with the same logits and different numbers of chance"""
    logits_BV = torch.tensor([[1.0, 2.0, 0.0]], dtype=torch.float64).expand(2, -1)
    chance_B = torch.tensor([0.1, 0.8], dtype=torch.float64)
    return sample(logits_BV, Sampling(temperature=1.0, top_k=2), chance_B=chance_B)


def often() -> Table:
    """4,000 draws with temperature 1: how often each word came, beside its probability"""
    chance = Chance(seed=0)
    chance_B = torch.tensor([chance.draw() for _ in range(4000)], dtype=torch.float64)
    drawn = sample(_logits().expand(4000, -1), Sampling(temperature=1.0), chance_B=chance_B)
    counts = Counter(drawn.tolist())
    shares = torch.tensor([[counts[place] / 4000 for place in range(len(WORDS))]])
    return _table(probability=_logits().softmax(-1), drawn=shares)


# Temperature


def temperatures() -> Table:
    """The same logits, divided by three temperatures"""
    columns = {f"T = {t}": (_logits() / t).softmax(-1) for t in (0.5, 1.0, 2.0)}
    return _table(**columns)


def ratio() -> float:
    """Two words with logits 2 apart, at temperature 0.5: the ratio of their probabilities"""
    p = (torch.tensor([2.0, 0.0]) / 0.5).softmax(0)
    return float(p[0] / p[1])


# The tail


def tail() -> float:
    """Each of 50,000 unlikely words has the probability 0.000002: together"""
    return 50_000 * 2e-6


def accidents() -> Table:
    """The chance that a text has at least one word of a tail that holds 10 % or 1 %"""
    rows: Table = []
    for words in (1, 10, 50, 200):
        row: dict[str, object] = {"words": words}
        rows.append({**row, "tail 10 %": 1 - 0.9**words, "tail 1 %": 1 - 0.99**words})
    return rows


def filters() -> Table:
    """What three filters leave, as probabilities"""
    kept = {
        "top-k 3": top_k_filter(_logits(), 3),
        "top-p 0.9": top_p_filter(_logits(), 0.9),
        "min-p 0.1": min_p_filter(_logits(), 0.1),
    }
    return _table(**{name: logits.softmax(-1) for name, logits in kept.items()})


def nucleus() -> Table:
    """Down from the likeliest: a word stays while what stands before it is below p = 0.9"""
    ranked = _logits().softmax(-1)[0].sort(descending=True)
    rows: Table = []
    before = 0.0
    for value, place in zip(ranked.values.tolist(), ranked.indices.tolist(), strict=True):
        stays = "yes" if before < 0.9 else "no"
        rows.append({"word": WORDS[place], "its own": value, "before it": before, "stays": stays})
        before += value
    return rows


def flow_of_nucleus() -> Tensor:
    """Three tokens, the likeliest in the middle, and p = 0.6"""
    return top_p_filter(torch.tensor([[0.3, 0.5, 0.2]]).log(), 0.6)


def sure_and_unsure() -> Table:
    """How many of 1,000 words each filter leaves: a sure model, an unsure one, a flat one"""
    rows: Table = []
    for name, spread in (("sure", 6.0), ("unsure", 2.0), ("flat", 0.2)):
        generator = torch.Generator().manual_seed(0)
        logits = spread * torch.randn(1, 1000, generator=generator, dtype=torch.float64)
        row: dict[str, object] = {"model": name}
        for label, kept in (
            ("top-k 40", top_k_filter(logits, 40)),
            ("top-p 0.9", top_p_filter(logits, 0.9)),
            ("min-p 0.1", min_p_filter(logits, 0.1)),
        ):
            row[label] = int((kept > -math.inf).sum())
        rows.append(row)
    return rows


def kept_by_tiny_p() -> float:
    """How many words top-p leaves when p is 0.01"""
    return float((top_p_filter(_logits(), 0.01) > -math.inf).sum())


# What goes wrong


def order() -> Table:
    """top-p 0.9 before and after a temperature of 2"""
    hot_then_cut = filtered(_logits(), Sampling(temperature=2.0, top_p=0.9))
    cut_then_hot = top_p_filter(_logits(), 0.9) / 2.0
    columns = {"temperature first": hot_then_cut, "top-p first": cut_then_hot}
    return _table(**{name: logits.softmax(-1) for name, logits in columns.items()})


def half_sums() -> Table:
    """100,000 equally likely words: the sum of their probabilities, added up one by one"""
    rows: Table = []
    for dtype in (torch.float16, torch.float32, torch.float64):
        p = torch.full((100_000,), 1e-5, dtype=dtype)
        total = torch.zeros((), dtype=dtype)
        if dtype == torch.float16:
            for piece in p:  # as a loop of additions would, each rounded
                total = total + piece
        else:
            total = p.cumsum(0)[-1]
        rows.append({"type": str(dtype).removeprefix("torch."), "sum": float(total)})
    return rows


def zero_for_refused() -> Table:
    """top-k 2 with what is refused set to 0 instead of minus infinity"""
    kept = top_k_filter(_logits(), 2)
    zeroed = torch.where(kept > -math.inf, kept, 0.0)
    return _table(**{"-inf": kept.softmax(-1), "0": zeroed.softmax(-1)})
